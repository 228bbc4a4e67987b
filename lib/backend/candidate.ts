/** The interface by which `lib/backend/select.ts` tries one TensorFlow.js backend after another. */

/** One way to run tensors; a sibling file each: native.ts, webgpu.ts, wasm.ts, cpu.ts. */
export interface BackendCandidate {
  /** "tfjs-node-gpu" | "tfjs-node" | "webgpu" | "wasm" | "cpu". */
  readonly name: string;
  /**
   * Registers and activates the backend with every kernel that training needs.
   * @returns one line that says on which device it runs
   * @throws {Error} whose message says why it cannot be used here and what would change that
   */
  activate(): Promise<string>;
}
