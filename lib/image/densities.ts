/** Pixels per unit across and down in PNG and JPEG, of which sharp tells the first only. */

/** Of the file, what holds the fields: in a PNG they may stand behind a colour profile. */
const HEAD_BYTES = 2 ** 20;

/** Pixels per unit across, divided by those down; 1 where the file does not say both. */
export async function densityRatio(path: string): Promise<number> {
  using file = await Deno.open(path);
  const head = new Uint8Array(HEAD_BYTES);
  let filled = 0;
  for (let read; filled < head.length && (read = await file.read(head.subarray(filled)));) {
    filled += read;
  }
  const view = new DataView(head.buffer, 0, filled);
  const densities = pngDensities(view) ?? jpegDensities(view);
  return densities && densities[0] > 0 && densities[1] > 0 ? densities[0] / densities[1] : 1;
}

/** From the chunk `pHYs`, which stands before the pixels. */
function pngDensities(view: DataView): [number, number] | null {
  if (view.byteLength < 8 || view.getUint32(0) !== 0x89504e47) return null;
  for (let at = 8; at + 16 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const type = view.getUint32(at + 4);
    if (type === 0x70485973) return [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (type === 0x49444154) return null;
  }
  return null;
}

/** From the segment JFIF, which is the first. */
function jpegDensities(view: DataView): [number, number] | null {
  if (view.byteLength < 18 || view.getUint32(0) !== 0xffd8ffe0) return null;
  return view.getUint32(6) === 0x4a464946 ? [view.getUint16(14), view.getUint16(16)] : null;
}
