/** The header and the directory of a TIFF or BigTIFF file as bytes. */

/** Tags of the one directory, by number: type 3 is 16 bit, 4 is 32 bit, 5 a fraction, 16 is 64 bit. */
export type Tag = [tag: number, type: 3 | 4 | 5 | 16, values: number[]];

/** Little-endian header: byte order, version 42 or 43 (BigTIFF), place of the directory. */
export function encodeHeader(directory: number, big: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(big ? 16 : 8));
  view.setUint16(0, 0x4949, true);
  view.setUint16(2, big ? 43 : 42, true);
  if (big) {
    view.setUint16(4, 8, true);
    view.setBigUint64(8, BigInt(directory), true);
  } else {
    view.setUint32(4, directory, true);
  }
  return new Uint8Array(view.buffer);
}

/** The directory at `start`, and behind it the values that do not fit into their entries. */
export function encodeDirectory(tags: Tag[], start: number, big: boolean): Uint8Array {
  // A fraction is two values of 32 bits.
  const size = { 3: 2, 4: 4, 5: 4, 16: 8 };
  const [countBytes, entryBytes, wordBytes] = big ? [8, 20, 8] : [2, 12, 4];
  let extra = countBytes + tags.length * entryBytes + wordBytes;
  const total = tags.reduce((sum, [, type, values]) => {
    const bytes = values.length * size[type];
    return sum + (bytes > wordBytes ? bytes + bytes % 2 : 0);
  }, extra);
  const view = new DataView(new ArrayBuffer(total));
  const word = (at: number, value: number) => {
    if (big) view.setBigUint64(at, BigInt(value), true);
    else view.setUint32(at, value, true);
  };
  if (big) view.setBigUint64(0, BigInt(tags.length), true);
  else view.setUint16(0, tags.length, true);
  tags.forEach(([tag, type, values], i) => {
    const at = countBytes + i * entryBytes, bytes = values.length * size[type];
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    word(at + 4, type === 5 ? values.length / 2 : values.length);
    let place = at + 4 + wordBytes;
    if (bytes > wordBytes) {
      word(place, start + extra);
      place = extra;
      extra += bytes + bytes % 2;
    }
    values.forEach((value, v) => {
      if (type === 3) view.setUint16(place + 2 * v, value, true);
      else if (type === 4 || type === 5) view.setUint32(place + 4 * v, value, true);
      else view.setBigUint64(place + 8 * v, BigInt(value), true);
    });
  });
  return new Uint8Array(view.buffer);
}
