/** Text files of other programs: UTF-8, or named as what they are. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const decompress = promisify(gunzip);

/** The longest text that is read, packed or not: a JavaScript string holds little more. */
const MOST_BYTES = 2 ** 29 - 1;

/** Text packs to a tenth; what packs to less than a hundredth is no text but a trap for memory. */
const MOST_EXPANSION = 100, HARMLESS_BYTES = 2 ** 26;

/**
 * Decodes a text file of UTF-8 with or without byte order mark, gzipped or not.
 *
 * @param what names the file in errors, e.g. `table a.csv`
 * @throws {RangeError} naming `what` and the encoding when it is UTF-16 or no UTF-8, the line of the
 *   first byte that is none, a text over 512 MiB, or one that unpacks to over a hundred times its size
 */
export async function decodeText(data: Uint8Array, what: string): Promise<string> {
  if (data[0] !== 0x1f || data[1] !== 0x8b) return decodeUtf8(data, what);
  let unpacked: Uint8Array;
  try {
    const most = Math.max(HARMLESS_BYTES, data.length * MOST_EXPANSION);
    unpacked = await decompress(data, { maxOutputLength: Math.min(most, MOST_BYTES) });
  } catch (cause) {
    throw new RangeError(`${what} cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
  return decodeUtf8(unpacked, what);
}

/** {@link decodeText} for what is not gzipped. */
export function decodeUtf8(data: Uint8Array, what: string): string {
  const refuse = (found: string): never => {
    throw new RangeError(`${what} is ${found}, expected UTF-8: save it as UTF-8 text`);
  };
  if (data.length > MOST_BYTES) refuse(`${data.length} bytes long, more than 512 MiB`);
  if (data[0] === 0xff && data[1] === 0xfe || data[0] === 0xfe && data[1] === 0xff) {
    return refuse("UTF-16");
  }
  if (data.subarray(0, 4).includes(0)) {
    return refuse("UTF-16 or binary");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    // Byte for byte, a line feed is one in UTF-8 and in the 8-bit encodings alike.
    const line = firstBadLine(data);
    throw new RangeError(
      `${what}: line ${line} is no UTF-8 (Latin-1 or Windows-1252?): save it as UTF-8 text`,
    );
  }
}

function firstBadLine(data: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let from = 0; from < data.length; line++) {
    const feed = data.indexOf(10, from), to = feed < 0 ? data.length : feed + 1;
    try {
      decoder.decode(data.subarray(from, to));
    } catch {
      return line;
    }
    from = to;
  }
  return line;
}
