/**
 * Run-length encodings of masks, as in the data set's CSV files and on Kaggle (HuBMAP):
 * `start length` pairs, 1-based, column-major (top to bottom, then left to right); `0 0` is empty.
 */

/** The encoding of a mask without crypt. */
export const EMPTY_RLE = "0 0";

/**
 * Decodes an encoding to a mask.
 *
 * Runs must ascend and not overlap, as Kaggle asks; `0 0`, or nothing at all, is the empty mask.
 *
 * @returns 0/1, row-major, `height * width` long
 * @throws {RangeError} naming the pair that is malformed, out of order or beyond the mask, or an odd
 *   number of values
 */
export function decodeRle(rle: string, height: number, width: number): Uint8Array {
  checkSides(height, width);
  const mask = new Uint8Array(height * width);
  const values = parseIntegers(rle);
  if (values.length === 0 || (values.length === 2 && values[0] === 0 && values[1] === 0)) {
    return mask;
  }
  checkRuns(values, height, width);

  // Writing columns of a row-major mask jumps from cache line to cache line. Instead each row is
  // copied from the row above, and only the pixels where a run begins or ends are switched.
  const switches = switchesByRow(values, height, width);
  let next = 0;
  for (let row = 0; row < height; row++) {
    const start = row * width;
    if (row > 0) mask.copyWithin(start, start - width, start);
    for (; next < switches.ends[row]; next++) mask[start + switches.columns[next]] ^= 1;
  }
  return mask;
}

/**
 * Encodes a mask; every non-zero pixel is crypt. The result is canonical: ascending maximal runs.
 *
 * @param mask row-major, `height * width` long
 * @throws {RangeError} when the mask's length does not fit
 */
export function encodeRle(mask: Uint8Array, height: number, width: number): string {
  checkSides(height, width);
  if (mask.length !== height * width) {
    throw new RangeError(
      `a mask of ${height} x ${width} needs ${height * width} pixels, got ${mask.length}`,
    );
  }
  const edges = columnMajorEdges(mask, height, width);
  if (edges.length === 0) return EMPTY_RLE;
  const parts: string[] = [];
  for (let i = 0; i < edges.length; i += 2) {
    parts.push(`${edges[i] + 1} ${edges[i + 1] - edges[i]}`);
  }
  return parts.join(" ");
}

/** Whether an encoding stands for "nothing annotated". */
export function isEmptyRle(rle: string): boolean {
  return /^\s*(0\s+0)?\s*$/.test(rle);
}

/** Space-separated non-negative integers, without an array of substrings in between. */
function parseIntegers(text: string): Float64Array {
  let values = new Float64Array(Math.max(16, text.length >> 2));
  let count = 0, value = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 32;
    if (code >= 48 && code <= 57) {
      value = (value < 0 ? 0 : value * 10) + code - 48;
    } else if (code === 32 || (code >= 9 && code <= 13)) {
      if (value < 0) continue;
      if (count === values.length) {
        const grown = new Float64Array(count * 2);
        grown.set(values);
        values = grown;
      }
      values[count++] = value;
      value = -1;
    } else {
      const word = /^\S*/.exec(text.slice(i, i + 20))![0];
      throw new RangeError(
        `run-length encoding: pair ${count >> 1} holds "${word}", expected ` +
          "non-negative integers separated by spaces",
      );
    }
  }
  if (count % 2 !== 0) {
    throw new RangeError(
      `run-length encoding: ${count} values, expected start-length pairs; pair ${count >> 1} ` +
        `is only "${values[count - 1]}"`,
    );
  }
  return values.subarray(0, count);
}

function checkRuns(values: Float64Array, height: number, width: number): void {
  let end = 0;
  for (let i = 0; i < values.length; i += 2) {
    const start = values[i], length = values[i + 1];
    const wrong = start < 1
      ? "starts before the first pixel, which is 1"
      : length < 1
      ? "has no pixel"
      : start + length - 1 > height * width
      ? `ends beyond the ${height * width} pixels of ${height} x ${width} (height x width)`
      : start <= end
      ? `starts before the end of the pair before it, ${end}`
      : null;
    if (wrong) {
      throw new RangeError(`run-length encoding: pair ${i >> 1} "${start} ${length}" ${wrong}`);
    }
    end = start + length - 1;
  }
}

/** The columns to switch in each row, sorted by row (a counting sort); `ends` is where a row's end. */
function switchesByRow(values: Float64Array, height: number, width: number) {
  // Two switches a run, and two more wherever a run goes on in the next column.
  const most = values.length + 2 * width;
  const rows = new Uint32Array(most),
    unsorted = new Uint32Array(most),
    ends = new Uint32Array(height);
  let count = 0;
  for (let i = 0; i < values.length; i += 2) {
    let position = values[i] - 1;
    const end = position + values[i + 1];
    while (position < end) {
      const column = Math.floor(position / height), row = position - column * height;
      const stop = Math.min(height, row + end - position);
      rows[count] = row;
      unsorted[count++] = column;
      ends[row]++;
      if (stop < height) {
        rows[count] = stop;
        unsorted[count++] = column;
        ends[stop]++;
      }
      position += stop - row;
    }
  }
  let before = 0;
  for (let row = 0; row < height; row++) {
    const here = ends[row];
    ends[row] = before;
    before += here;
  }
  // Filling moves each row's cursor from its beginning to its end.
  const columns = new Uint32Array(count);
  for (let i = 0; i < count; i++) columns[ends[rows[i]]++] = unsorted[i];
  return { columns, ends };
}

/** Column-major positions at which runs begin and (exclusive) end, alternately. */
function columnMajorEdges(mask: Uint8Array, height: number, width: number): Float64Array {
  // Rows are read in order and compared with the row above, so that memory is read once, forwards.
  const rows: number[][] = Array.from({ length: width }, () => []);
  let total = 0;
  const mark = (row: number, column: number) => {
    rows[column].push(row);
    total++;
  };
  const bottom = (height - 1) * width;
  for (let x = 0; x < width; x++) {
    // The pixel before the top of a column is the bottom of the column to its left.
    const before = x > 0 && mask[bottom + x - 1] !== 0;
    if ((mask[x] !== 0) !== before) mark(0, x);
  }
  const words = width % 4 === 0 && mask.byteOffset % 4 === 0
    ? new Uint32Array(mask.buffer, mask.byteOffset, mask.length >> 2)
    : null;
  const quarter = width >> 2;
  for (let y = 1; y < height; y++) {
    const here = y * width, above = here - width;
    if (words) {
      for (let q = 0, i = y * quarter; q < quarter; q++, i++) {
        if (words[i] === words[i - quarter]) continue;
        for (let x = q * 4; x < q * 4 + 4; x++) {
          if ((mask[here + x] !== 0) !== (mask[above + x] !== 0)) mark(y, x);
        }
      }
    } else {
      for (let x = 0; x < width; x++) {
        if ((mask[here + x] !== 0) !== (mask[above + x] !== 0)) mark(y, x);
      }
    }
  }
  const open = mask[mask.length - 1] !== 0;
  const edges = new Float64Array(total + (open ? 1 : 0));
  let i = 0;
  for (let x = 0; x < width; x++) for (const y of rows[x]) edges[i++] = x * height + y;
  if (open) edges[i] = height * width;
  return edges;
}

function checkSides(height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new RangeError(`mask sides must be positive integers, got ${height} x ${width}`);
  }
}
