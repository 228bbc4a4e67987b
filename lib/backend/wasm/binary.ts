/** Which of the two binaries of the kernels this engine can run. */

/** `CRYPTS_WASM_KERNELS` names one of them; otherwise the engine decides. */
const VARIABLE = "CRYPTS_WASM_KERNELS";

/** The kernels' file names by what they need of the engine. */
const FILES = { relaxed: "kernels_relaxed.wasm", plain: "kernels.wasm" } as const;

/** "relaxed": multiply and add in one instruction; "plain": WebAssembly SIMD as of 2021. */
export type KernelKind = keyof typeof FILES;

/**
 * A module with one function `(v128, v128, v128) -> v128` whose body is `f32x4.relaxed_madd`: an engine
 * without that instruction refuses it.
 */
// deno-fmt-ignore
const PROBE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,             // magic, version 1
  0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b, // type
  0x03, 0x02, 0x01, 0x00,                                     // function
  0x0a, 0x0d, 0x01, 0x0b, 0x00,                               // code, no locals
  0x20, 0x00, 0x20, 0x01, 0x20, 0x02,                         // local.get 0, 1, 2
  0xfd, 0x85, 0x02, 0x0b,                                     // f32x4.relaxed_madd, end
]);

/** Whether this engine has WebAssembly's relaxed SIMD. */
export function relaxedSimd(): boolean {
  return WebAssembly.validate(PROBE);
}

/**
 * The kind of kernels to load.
 *
 * @param wanted "relaxed" or "plain"; default: CRYPTS_WASM_KERNELS, or the faster that runs here
 * @throws {RangeError} when it is neither, or the engine cannot run it
 */
export function kernelKind(wanted: string | undefined = Deno.env.get(VARIABLE)): KernelKind {
  if (wanted === undefined) return relaxedSimd() ? "relaxed" : "plain";
  if (wanted !== "relaxed" && wanted !== "plain") {
    throw new RangeError(`${VARIABLE} must be "relaxed" or "plain", got "${wanted}"`);
  }
  if (wanted === "relaxed" && !relaxedSimd()) {
    throw new RangeError(
      `${VARIABLE} is "relaxed", but this engine has no relaxed SIMD: use "plain"`,
    );
  }
  return wanted;
}

/** Where the binary of `kind` lies. */
export function kernelFile(kind: KernelKind): URL {
  return new URL(`./kernels/${FILES[kind]}`, import.meta.url);
}
