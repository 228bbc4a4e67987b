/** Probability maps back to the size of the image, by linear interpolation. */

/**
 * Resizes a map bilinearly with pixel centres at half integers and the border repeated, as OpenCV's
 * `INTER_LINEAR` and PyTorch's `interpolate(mode="bilinear", align_corners=False)`.
 *
 * @param values row-major, `height * width`
 * @returns row-major, `toHeight * toWidth`; the map itself when nothing changes
 */
export function resizeMap(
  values: Float32Array,
  height: number,
  width: number,
  toHeight: number,
  toWidth: number,
): Float32Array {
  if (height === toHeight && width === toWidth) return values;
  return new RowResizer(height, width, toHeight, toWidth).push(values);
}

/** {@link resizeMap} for maps that come band by band. */
export class RowResizer {
  private readonly left: Uint32Array;
  private readonly right: Uint32Array;
  private readonly share: Float32Array;
  /** Rows received that are still needed: `kept` begins at row `first`. */
  private kept = new Float32Array(0);
  private first = 0;
  private next = 0;

  constructor(
    private readonly height: number,
    private readonly width: number,
    private readonly toHeight: number,
    private readonly toWidth: number,
  ) {
    this.left = new Uint32Array(toWidth);
    this.right = new Uint32Array(toWidth);
    this.share = new Float32Array(toWidth);
    for (let x = 0; x < toWidth; x++) {
      [this.left[x], this.right[x], this.share[x]] = neighbours(x, width, toWidth);
    }
  }

  /** Takes the next rows and returns the resized rows that they complete. */
  push(rows: Float32Array): Float32Array {
    const { width, toWidth } = this;
    const joined = new Float32Array(this.kept.length + rows.length);
    joined.set(this.kept);
    joined.set(rows, this.kept.length);
    const end = this.first + joined.length / width;
    const begin = this.next;
    while (
      this.next < this.toHeight && neighbours(this.next, this.height, this.toHeight)[1] < end
    ) {
      this.next++;
    }
    const out = new Float32Array((this.next - begin) * toWidth);
    for (let y = begin, o = 0; y < this.next; y++) {
      const [upper, lower, below] = neighbours(y, this.height, this.toHeight);
      const a = (upper - this.first) * width, b = (lower - this.first) * width;
      for (let x = 0; x < toWidth; x++) {
        const l = this.left[x], r = this.right[x], s = this.share[x];
        const top = joined[a + l] + s * (joined[a + r] - joined[a + l]);
        const bottom = joined[b + l] + s * (joined[b + r] - joined[b + l]);
        out[o++] = top + below * (bottom - top);
      }
    }
    const needed = this.next < this.toHeight
      ? neighbours(this.next, this.height, this.toHeight)[0]
      : end;
    const keepFrom = Math.min(needed, end);
    this.kept = joined.slice((keepFrom - this.first) * width);
    this.first = keepFrom;
    return out;
  }
}

/** The two source positions of a target position and the share of the second. */
function neighbours(to: number, length: number, toLength: number): [number, number, number] {
  const at = Math.max(0, (to + 0.5) * length / toLength - 0.5);
  const lower = Math.min(Math.floor(at), length - 1);
  return [lower, Math.min(lower + 1, length - 1), at - lower];
}
