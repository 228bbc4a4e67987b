/** The resolution of a TIFF that knows none: libvips writes 10 pixels per cm, whatever it is told. */

const X_RESOLUTION = 282, Y_RESOLUTION = 283, RESOLUTION_UNIT = 296, NO_UNIT = 1;

/** Pixels per unit, by field type: a fraction. */
const FRACTION = 5;

/**
 * Sets every directory in the chain of a TIFF or BigTIFF file to a resolution of 1 without a unit, in
 * its place: nothing else in the file moves.
 *
 * @throws {RangeError} naming the file when it is no TIFF
 * @throws {Error} when it cannot be read or written
 */
export async function clearResolution(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const head = await readAt(file, 0, 16), order = head.getUint16(0);
  const little = order === 0x4949, version = head.getUint16(2, little), big = version === 43;
  if (!(little || order === 0x4d4d) || !(big || version === 42)) {
    throw new RangeError(`${path} is no TIFF`);
  }
  const word = (view: DataView, at: number) =>
    big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const [countBytes, entryBytes, wordBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const seen = new Set<number>();
  for (let at = word(head, big ? 8 : 4); at !== 0 && !seen.has(at);) {
    seen.add(at);
    const start = await readAt(file, at, countBytes);
    const count = big ? Number(start.getBigUint64(0, little)) : start.getUint16(0, little);
    const size = count * entryBytes,
      entries = await readAt(file, at + countBytes, size + wordBytes);
    for (let entry = 0; entry < size; entry += entryBytes) {
      const tag = entries.getUint16(entry, little), type = entries.getUint16(entry + 2, little);
      const value = entry + 4 + wordBytes, place = at + countBytes + value;
      if (tag === RESOLUTION_UNIT) await writeAt(file, place, [NO_UNIT], 2, little);
      if ((tag === X_RESOLUTION || tag === Y_RESOLUTION) && type === FRACTION) {
        // Its 8 bytes fit into the entry of a BigTIFF only.
        await writeAt(file, big ? place : entries.getUint32(value, little), [1, 1], 4, little);
      }
    }
    at = word(entries, size);
  }
}

async function readAt(file: Deno.FsFile, at: number, length: number): Promise<DataView> {
  const bytes = new Uint8Array(length);
  await file.seek(at, Deno.SeekMode.Start);
  for (let done = 0; done < length;) {
    const read = await file.read(bytes.subarray(done));
    if (read === null) {
      throw new Error(`a TIFF ends at ${at + done}, expected ${length} bytes at ${at}`);
    }
    done += read;
  }
  return new DataView(bytes.buffer);
}

async function writeAt(
  file: Deno.FsFile,
  at: number,
  values: readonly number[],
  width: 2 | 4,
  little: boolean,
): Promise<void> {
  const view = new DataView(new ArrayBuffer(values.length * width));
  values.forEach((value, i) =>
    width === 2 ? view.setUint16(2 * i, value, little) : view.setUint32(4 * i, value, little)
  );
  const bytes = new Uint8Array(view.buffer);
  await file.seek(at, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}
