/** Reaching `../shared` from tests, and the closed-form generator its references are made with. */

const ROOT = new URL("../../../shared/", import.meta.url);

/** The path of a file in `../shared`. */
export function sharedPath(name: string): string {
  return decodeURIComponent(new URL(name, ROOT).pathname);
}

/** Whether `../shared` is there; tests that need it are ignored otherwise, and say so. */
export const hasShared = (() => {
  try {
    Deno.statSync(sharedPath("README.md"));
    return true;
  } catch {
    console.warn("../shared is absent: the tests that use it are skipped");
    return false;
  }
})();

/** A test that needs `../shared`; skipped, and named so, where that is absent. */
export function sharedTest(name: string, run: () => void | Promise<void>): void {
  Deno.test({
    name: hasShared ? name : `${name} (skipped: ../shared is absent)`,
    ignore: !hasShared,
    fn: run,
  });
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** CRC-32 (zlib) of the UTF-8 name: the seed of {@link unit}. */
export function crc32(name: string): number {
  let c = 0xffffffff;
  for (const byte of new TextEncoder().encode(name)) c = CRC[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** `u(name, i)` of ../shared/README.md, in [0, 1). */
export function unit(seed: number, i: number): number {
  let z = (seed + Math.imul(i + 1, 0x9e3779b9)) >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return ((z ^ (z >>> 15)) >>> 0) / 4294967296;
}

/** `length` values of `uni(name, low, high)`, rounded to float32. */
export function uniform(name: string, length: number, low: number, high: number) {
  const seed = crc32(name);
  return Float32Array.from({ length }, (_, i) => low + (high - low) * unit(seed, i));
}
