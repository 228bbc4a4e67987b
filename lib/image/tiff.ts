/** What the directories of a TIFF file say that sharp does not tell: tiles, levels, pixel size. */

/** One image in a TIFF file. */
export interface TiffDirectory {
  height: number;
  width: number;
  /** Whether parts can be decoded without what comes before them. */
  tiled: boolean;
  /** Number in the chain of directories, libvips' `page`. */
  page: number;
  /** Number among that page's SubIFDs (levels of an OME-TIFF), or -1 for the page itself. */
  subifd: number;
  /** ImageDescription, where scanners and OME write the pixel size; null when there is none. */
  description: string | null;
}

const IMAGE_WIDTH = 256, IMAGE_LENGTH = 257, DESCRIPTION = 270, TILE_WIDTH = 322, SUB_IFDS = 330;

/** Bytes of a value of each TIFF field type. */
const TYPE_BYTES: Record<number, number> = {
  ...{ 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8 },
  ...{ 13: 4, 16: 8, 17: 8, 18: 8 },
};

/**
 * Reads the directories of a TIFF or BigTIFF file; no pixel is read.
 *
 * @returns null when the file is no TIFF
 * @throws {Error} naming the file when it cannot be opened or its directories are damaged
 */
export async function readTiffDirectories(path: string): Promise<TiffDirectory[] | null> {
  using file = await Deno.open(path);
  try {
    return await new TiffReader(file).directories();
  } catch (cause) {
    throw new Error(`cannot read the TIFF directories of ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** µm a pixel from the description that Aperio (`MPP = 0.5`) or OME (`PhysicalSizeX="0.5"`) writes. */
export function describedPixelSize(description: string | null): number | null {
  if (!description) return null;
  const aperio = /\bMPP\s*=\s*([\d.]+)/.exec(description);
  const ome = /\bPhysicalSizeX="([\d.eE+-]+)"/.exec(description);
  const unit = /\bPhysicalSizeXUnit="([^"]+)"/.exec(description)?.[1] ?? "µm";
  const micrometres = unit === "µm" || unit === "um" || unit === "&#181;m";
  const value = Number(aperio?.[1] ?? (micrometres ? ome?.[1] : undefined));
  return value > 0 ? value : null;
}

type Fields = Map<number, { type: number; count: number; at: number }>;

class TiffReader {
  private little = true;
  private big = false;

  constructor(private readonly file: Deno.FsFile) {}

  async directories(): Promise<TiffDirectory[] | null> {
    const head = await this.bytes(0, 16, true);
    if (head.byteLength < 8) return null;
    const order = head.getUint16(0);
    this.little = order === 0x4949;
    const version = head.getUint16(2, this.little);
    if ((order !== 0x4949 && order !== 0x4d4d) || (version !== 42 && version !== 43)) return null;
    this.big = version === 43;
    const found: TiffDirectory[] = [], seen = new Set<number>();
    let offset = this.big ? this.long8(head, 8) : head.getUint32(4, this.little);
    for (let page = 0; offset !== 0; page++) {
      if (seen.has(offset)) throw new RangeError(`the directory at byte ${offset} follows itself`);
      seen.add(offset);
      const { fields, next } = await this.fields(offset);
      found.push(await this.directory(fields, page, -1));
      const children = fields.has(SUB_IFDS) ? await this.numbers(fields, SUB_IFDS) : [];
      for (const [subifd, child] of children.entries()) {
        found.push(await this.directory((await this.fields(child)).fields, page, subifd));
      }
      offset = next;
    }
    return found;
  }

  private async directory(fields: Fields, page: number, subifd: number): Promise<TiffDirectory> {
    const [width] = await this.numbers(fields, IMAGE_WIDTH);
    const [height] = await this.numbers(fields, IMAGE_LENGTH);
    const text = fields.get(DESCRIPTION);
    const description = text
      ? new TextDecoder().decode(await this.bytes(text.at, text.count)).replace(/\0+$/, "")
      : null;
    return { height, width, tiled: fields.has(TILE_WIDTH), page, subifd, description };
  }

  private async fields(offset: number): Promise<{ fields: Fields; next: number }> {
    const [countBytes, entryBytes, inline] = this.big ? [8, 20, 8] : [2, 12, 4];
    const head = await this.bytes(offset, countBytes);
    const entries = this.big ? this.long8(head, 0) : head.getUint16(0, this.little);
    if (entries > 4096) throw new RangeError(`${entries} fields in the directory at ${offset}`);
    const body = await this.bytes(offset + countBytes, entries * entryBytes + inline);
    const fields: Fields = new Map();
    for (let i = 0; i < entries; i++) {
      const at = i * entryBytes, type = body.getUint16(at + 2, this.little);
      const count = this.big ? this.long8(body, at + 4) : body.getUint32(at + 4, this.little);
      const value = at + entryBytes - inline;
      const fits = (TYPE_BYTES[type] ?? 1) * count <= inline;
      const far = this.big ? this.long8(body, value) : body.getUint32(value, this.little);
      const place = fits ? offset + countBytes + value : far;
      fields.set(body.getUint16(at, this.little), { type, count, at: place });
    }
    const end = entries * entryBytes;
    const next = this.big ? this.long8(body, end) : body.getUint32(end, this.little);
    return { fields, next };
  }

  private async numbers(fields: Fields, tag: number): Promise<number[]> {
    const field = fields.get(tag);
    if (!field) throw new RangeError(`field ${tag} is missing`);
    const size = TYPE_BYTES[field.type] ?? 0;
    const view = await this.bytes(field.at, size * field.count);
    return Array.from({ length: field.count }, (_, i) => {
      if (size === 2) return view.getUint16(i * 2, this.little);
      if (size === 4) return view.getUint32(i * 4, this.little);
      if (size === 8) return this.long8(view, i * 8);
      throw new RangeError(`field ${tag} has the type ${field.type}, expected integers`);
    });
  }

  private long8(view: DataView, at: number): number {
    return Number(view.getBigUint64(at, this.little));
  }

  private async bytes(offset: number, length: number, orLess = false): Promise<DataView> {
    if (length > 2 ** 24) throw new RangeError(`a field of ${length} bytes`);
    await this.file.seek(offset, Deno.SeekMode.Start);
    const out = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const read = await this.file.read(out.subarray(filled));
      if (read === null) break;
      filled += read;
    }
    if (filled < length && !orLess) throw new RangeError(`the file ends within byte ${offset} …`);
    return new DataView(out.buffer, 0, filled);
  }
}
