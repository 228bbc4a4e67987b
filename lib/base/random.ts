/** Seeded random numbers: the only source of chance in the project. */

/** A deterministic stream of random numbers; pass it on explicitly, never share it by import. */
export interface Random {
  /** The next float in [0, 1). */
  next(): number;
  /** A float in [low, high). */
  uniform(low: number, high: number): number;
  /** An integer in [0, bound). */
  int(bound: number): number;
  /** A draw from the normal distribution (Box-Muller). */
  normal(mean?: number, deviation?: number): number;
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** An independent stream for `label`; the same label gives the same stream whatever was drawn before. */
  fork(label: string | number): Random;
  /** The state, to be handed to {@link restoreRandom}. */
  save(): RandomState;
}

/** What {@link Random.save} returns: plain JSON. */
export interface RandomState {
  seed: number;
  words: [number, number, number, number];
}

/**
 * A generator seeded with `seed` (xoshiro128**, Blackman and Vigna 2018, seeded by splitmix32).
 *
 * @param seed an integer; its low 32 bits count
 * @throws {RangeError} when `seed` is no integer
 * @example
 * ```ts
 * const random = createRandom(7);
 * random.next() === createRandom(7).next(); // true
 * ```
 */
export function createRandom(seed: number): Random {
  if (!Number.isInteger(seed)) throw new RangeError(`seed must be an integer, got ${seed}`);
  let s = seed >>> 0;
  const word = () => {
    s = (s + 0x9e3779b9) >>> 0;
    return mix(s);
  };
  return new Xoshiro(seed >>> 0, [word(), word(), word(), word()]);
}

/** The generator whose {@link Random.save} gave `state`; it goes on with the same numbers. */
export function restoreRandom(state: RandomState): Random {
  return new Xoshiro(state.seed, [...state.words]);
}

function mix(z: number): number {
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

class Xoshiro implements Random {
  constructor(private readonly seed: number, private words: [number, number, number, number]) {}

  private nextWord(): number {
    const w = this.words;
    const x = Math.imul(w[1], 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = w[1] << 9;
    w[2] ^= w[0];
    w[3] ^= w[1];
    w[1] ^= w[2];
    w[0] ^= w[3];
    w[2] ^= t;
    w[3] = (w[3] << 11) | (w[3] >>> 21);
    return result;
  }

  next(): number {
    return this.nextWord() / 4294967296;
  }

  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  int(bound: number): number {
    if (!(Number.isInteger(bound) && bound > 0)) {
      throw new RangeError(`bound must be a positive integer, got ${bound}`);
    }
    return Math.floor(this.next() * bound);
  }

  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next());
  }

  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }

  fork(label: string | number): Random {
    let h = this.seed;
    for (const c of String(label)) h = mix((h + c.codePointAt(0)! + 0x9e3779b9) >>> 0);
    return createRandom(h);
  }

  save(): RandomState {
    return { seed: this.seed, words: [...this.words] };
  }
}
