/** Masks as runs of crypt pixels a row, so that memory follows the crypts and not the slide. */

/** The runs of a mask, row after row. */
export interface RunMask {
  height: number;
  width: number;
  /** Runs of row `y` are `rowStart[y]` to `rowStart[y + 1]`, exclusive. */
  rowStart: Uint32Array;
  /** First column of each run. */
  start: Uint32Array;
  /** Column behind each run. */
  end: Uint32Array;
  /** Mean probability of each run's pixels; null where no probabilities were given. */
  probability: Float32Array | null;
}

/** Collects the runs of a mask that comes from top to bottom, any number of rows at a time. */
export class RunCollector {
  private start = new Uint32Array(1024);
  private end = new Uint32Array(1024);
  private mean = new Float32Array(1024);
  private count = 0;
  private withProbability = true;
  private readonly rowStart: number[] = [0];

  /** @param width of the mask in pixels */
  constructor(private readonly width: number) {}

  /**
   * Takes the next rows.
   *
   * @param mask every non-zero pixel is crypt, whole rows
   * @param probability one value a pixel, as long as the mask
   * @throws {RangeError} when the lengths do not fit
   */
  push(mask: Uint8Array, probability: Float32Array | null = null): void {
    const { width } = this;
    if (mask.length % width !== 0 || (probability && probability.length !== mask.length)) {
      throw new RangeError(
        `rows of ${width} pixels need a multiple of that, got ${mask.length} mask values and ` +
          `${probability?.length ?? "no"} probabilities`,
      );
    }
    if (!probability) this.withProbability = false;
    // Background is skipped four pixels at a time.
    const words = mask.byteOffset % 4 === 0
      ? new Uint32Array(mask.buffer, mask.byteOffset, mask.length >> 2)
      : null;
    for (let row = 0; row < mask.length; row += width) {
      const stop = row + width;
      for (let i = row; i < stop;) {
        if (mask[i] === 0) {
          i++;
          if (words && i % 4 === 0) {
            let word = i >> 2;
            while (i + 4 <= stop && words[word] === 0) [i, word] = [i + 4, word + 1];
          }
          continue;
        }
        const first = i;
        let sum = 0;
        while (i < stop && mask[i] !== 0) {
          if (probability) sum += probability[i];
          i++;
        }
        if (this.count === this.start.length) this.grow();
        this.start[this.count] = first - row;
        this.end[this.count] = i - row;
        this.mean[this.count++] = sum / (i - first);
      }
      this.rowStart.push(this.count);
    }
  }

  /** The runs of all rows so far. */
  finish(): RunMask {
    return {
      height: this.rowStart.length - 1,
      width: this.width,
      rowStart: Uint32Array.from(this.rowStart),
      start: this.start.slice(0, this.count),
      end: this.end.slice(0, this.count),
      probability: this.withProbability ? this.mean.slice(0, this.count) : null,
    };
  }

  private grow(): void {
    const size = this.count * 2;
    const larger = <T extends Uint32Array | Float32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.start = larger(this.start, new Uint32Array(size));
    this.end = larger(this.end, new Uint32Array(size));
    this.mean = larger(this.mean, new Float32Array(size));
  }
}

/**
 * Numbers the connected components of a mask (8-connected, as MATLAB's `bwlabel` and
 * `skimage.measure.label`) from 0 in the order of their first pixel.
 *
 * @returns the component of each run, and how many there are
 */
export function labelRuns(runs: RunMask): { labels: Uint32Array; count: number } {
  const { height, rowStart, start, end } = runs;
  const parent = Uint32Array.from(start, (_, i) => i);
  const root = (i: number) => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (let y = 1; y < height; y++) {
    let above = rowStart[y - 1];
    for (let i = rowStart[y]; i < rowStart[y + 1];) {
      if (above === rowStart[y]) break;
      // Half-open runs that meet in a corner touch: `<=`.
      if (start[i] <= end[above] && start[above] <= end[i]) {
        const a = root(above), b = root(i);
        // The smaller root wins, so that a root is the component's first run.
        if (a < b) parent[b] = a;
        else parent[a] = b;
      }
      if (end[above] < end[i]) above++;
      else i++;
    }
  }
  const labels = new Uint32Array(start.length);
  let count = 0;
  for (let i = 0; i < labels.length; i++) {
    const r = root(i);
    labels[i] = r === i ? count++ : labels[r];
  }
  return { labels, count };
}
