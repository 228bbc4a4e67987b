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
  /** The first ImageDescription, where scanners and OME write the pixel size; null without one. */
  description: string | null;
  /** The program that wrote the file; null where it does not say. */
  software: string | null;
  /** TIFF's numbers: compression 1 is none, 7 JPEG; photometric 0 is MinIsWhite, 3 palette. */
  compression: number;
  photometric: number;
  /** Where in the file the two bytes of `photometric` lie; null when the field is absent. */
  photometricAt: number | null;
  samples: number;
  /** Whether each channel lies for itself. */
  planar: boolean;
  /** Pixels per unit across; null where absent or not positive. */
  xResolution: number | null;
  /** The same down. */
  yResolution: number | null;
  /** 1 is none, 2 inch (where the file is silent), 3 centimetre. */
  resolutionUnit: number;
  /** Whether numbers in the file are little-endian. */
  little: boolean;
}

const IMAGE_WIDTH = 256, IMAGE_LENGTH = 257, COMPRESSION = 259, PHOTOMETRIC = 262;
const DESCRIPTION = 270, STRIP_OFFSETS = 273, SAMPLES = 277, STRIP_COUNTS = 279;
const X_RESOLUTION = 282, Y_RESOLUTION = 283, PLANAR = 284, RESOLUTION_UNIT = 296, SOFTWARE = 305;
const TILE_WIDTH = 322, TILE_OFFSETS = 324, TILE_COUNTS = 325, SUB_IFDS = 330;

/** More directories and levels than any slide has: a file that claims them is broken or hostile. */
const MOST_DIRECTORIES = 65536, MOST_LEVELS = 64;
/** Strips or tiles whose places are checked when a file is opened. */
const MOST_CHECKED = 2 ** 20;
/** Of a description, what holds the pixel size even of an OME-TIFF of thousands of planes. */
const DESCRIPTION_BYTES = 2 ** 20;

/** Bytes of a value of each TIFF field type. */
const TYPE_BYTES: Record<number, number> = {
  ...{ 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8 },
  ...{ 13: 4, 16: 8, 17: 8, 18: 8 },
};

/**
 * Reads the directories of a TIFF or BigTIFF file; no pixel is read.
 *
 * @returns null when the file is no TIFF
 * @throws {Error} naming the file when it cannot be opened, its directories are damaged, or its pixels
 *   would lie behind its end
 */
export async function readTiffDirectories(path: string): Promise<TiffDirectory[] | null> {
  using file = await Deno.open(path);
  try {
    return await new TiffReader(file, (await file.stat()).size).read();
  } catch (cause) {
    throw new Error(`cannot read image ${path}: ${(cause as Error).message}`, { cause });
  }
}

type Fields = Map<number, { type: number; count: number; at: number }>;

class TiffReader {
  private little = true;
  private big = false;

  constructor(private readonly file: Deno.FsFile, private readonly size: number) {}

  async read(): Promise<TiffDirectory[] | null> {
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
      if (page === MOST_DIRECTORIES) throw new RangeError(`more than ${page} directories`);
      if (seen.has(offset)) throw new RangeError(`the directory at byte ${offset} follows itself`);
      seen.add(offset);
      const { fields, next } = await this.fields(offset);
      found.push(await this.directory(fields, page, -1));
      const children = fields.has(SUB_IFDS) ? await this.numbers(fields, SUB_IFDS) : [];
      if (children.length > MOST_LEVELS) throw new RangeError(`${children.length} levels`);
      for (const [subifd, child] of children.entries()) {
        found.push(await this.directory((await this.fields(child)).fields, page, subifd));
      }
      offset = next;
    }
    if (found.length === 0) throw new RangeError("it has no directory");
    return found;
  }

  private async directory(fields: Fields, page: number, subifd: number): Promise<TiffDirectory> {
    const [width] = await this.numbers(fields, IMAGE_WIDTH);
    const [height] = await this.numbers(fields, IMAGE_LENGTH);
    const first = async (tag: number, otherwise: number) =>
      fields.has(tag) ? (await this.numbers(fields, tag))[0] ?? otherwise : otherwise;
    await this.checkEnd(fields);
    return {
      height,
      width,
      tiled: fields.has(TILE_WIDTH),
      page,
      subifd,
      description: await this.text(fields, DESCRIPTION),
      software: await this.text(fields, SOFTWARE),
      compression: await first(COMPRESSION, 1),
      photometric: await first(PHOTOMETRIC, 1),
      photometricAt: fields.get(PHOTOMETRIC)?.at ?? null,
      samples: await first(SAMPLES, 1),
      planar: await first(PLANAR, 1) === 2,
      xResolution: await this.rational(fields, X_RESOLUTION),
      yResolution: await this.rational(fields, Y_RESOLUTION),
      resolutionUnit: await first(RESOLUTION_UNIT, 2),
      little: this.little,
    };
  }

  /** @throws {RangeError} when strips or tiles would lie behind the end of the file */
  private async checkEnd(fields: Fields): Promise<void> {
    for (const [at, length] of [[STRIP_OFFSETS, STRIP_COUNTS], [TILE_OFFSETS, TILE_COUNTS]]) {
      // Of millions of tiles, those that lie behind the end are found when they are decoded.
      if (!fields.has(length) || (fields.get(at)?.count ?? Infinity) > MOST_CHECKED) continue;
      const offsets = await this.numbers(fields, at), counts = await this.numbers(fields, length);
      for (let i = 0; i < offsets.length; i++) {
        const end = offsets[i] + (counts[i] ?? 0);
        if (end <= this.size) continue;
        throw new RangeError(
          `it is cut off: pixels lie up to byte ${end}, the file ends at byte ${this.size}`,
        );
      }
    }
  }

  private async text(fields: Fields, tag: number): Promise<string | null> {
    const field = fields.get(tag);
    if (!field || TYPE_BYTES[field.type] !== 1) return null;
    const view = await this.bytes(field.at, Math.min(field.count, DESCRIPTION_BYTES));
    return new TextDecoder().decode(view).replace(/\0[^]*$/, "");
  }

  private async rational(fields: Fields, tag: number): Promise<number | null> {
    const field = fields.get(tag);
    if (field?.type !== 5 || field.count < 1) return null;
    const view = await this.bytes(field.at, 8);
    const value = view.getUint32(0, this.little) / view.getUint32(4, this.little);
    return value > 0 && Number.isFinite(value) ? value : null;
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
      const tag = body.getUint16(at, this.little);
      // Some writers repeat a field, e.g. ImageDescription: the first one is the image's own.
      if (!fields.has(tag)) fields.set(tag, { type, count, at: place });
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
    if (filled < length && !orLess) {
      throw new RangeError(`it is cut off before byte ${offset + length}`);
    }
    return new DataView(out.buffer, 0, filled);
  }
}
