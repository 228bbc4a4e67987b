/** The generator behind numpy's `RandomState`, for reproducing its shuffles. */

const SIZE = 624;
const SHIFT = 397;

/**
 * MT19937 (Matsumoto and Nishimura 1998), seeded as `numpy.random.RandomState(seed)` is.
 * New code draws from `lib/base/random.ts`; this one is for results that must agree with numpy's.
 */
export class MersenneTwister {
  private readonly state = new Uint32Array(SIZE);
  private index = SIZE;

  /**
   * @param seed an integer in [0, 2^32)
   * @throws {RangeError} for another value
   */
  constructor(seed: number) {
    if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
      throw new RangeError(`seed must be an integer in [0, 2^32), got ${seed}`);
    }
    const s = this.state;
    s[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      s[i] = Math.imul(1812433253, s[i - 1] ^ (s[i - 1] >>> 30)) + i;
    }
  }

  /** The next 32 bits. */
  uint32(): number {
    if (this.index === SIZE) this.refill();
    let y = this.state[this.index++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** A uniform integer in [0, max], by numpy's masked rejection (`random_interval`). */
  interval(max: number): number {
    if (max === 0) return 0;
    const mask = 2 ** (32 - Math.clz32(max)) - 1;
    let value: number;
    do value = (this.uint32() & mask) >>> 0; while (value > max);
    return value;
  }

  private refill(): void {
    const s = this.state;
    for (let i = 0; i < SIZE; i++) {
      const y = (s[i] & 0x80000000) | (s[(i + 1) % SIZE] & 0x7fffffff);
      s[i] = s[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.index = 0;
  }
}
