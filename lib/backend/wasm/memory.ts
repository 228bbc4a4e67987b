/** Getting hold of the WebAssembly memory in which TensorFlow.js keeps its tensors. */

/**
 * Runs `start`, during which a WebAssembly module that defines its own memory is instantiated, and
 * returns that memory. TensorFlow.js does not hand it out, and its exported name is minified.
 *
 * @param shared whether threads must see the memory: the module then gets a shared one
 * @throws {Error} when no module with a memory was instantiated
 */
export async function captureMemory(
  start: () => Promise<void>,
  shared: boolean,
): Promise<WebAssembly.Memory> {
  let memory: WebAssembly.Memory | undefined;
  const instantiate = WebAssembly.instantiate;
  const watch = async (source: BufferSource, imports?: WebAssembly.Imports) => {
    const bytes = ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source);
    const result = await instantiate(shared ? shareMemory(bytes) : new Uint8Array(bytes), imports);
    for (const value of Object.values(result.instance.exports)) {
      if (value instanceof WebAssembly.Memory) memory = value;
    }
    return result;
  };
  WebAssembly.instantiate = watch as typeof WebAssembly.instantiate;
  try {
    await start();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
  if (!memory) {
    throw new Error(
      "the memory of the wasm backend was not found: was it started by other means than selectBackend?",
    );
  }
  return memory;
}

const MEMORY_SECTION = 5;

/**
 * A copy of a WebAssembly module whose one memory is declared as shared.
 *
 * @throws {Error} when the module defines no memory with an upper limit, which sharing needs
 */
export function shareMemory(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(module);
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = copy[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  while (at < copy.length) {
    const section = copy[at++];
    const end = number() + at;
    if (section === MEMORY_SECTION) {
      const count = number();
      // Flags: 1 has a maximum, 2 is shared.
      if (count === 1 && (copy[at] & 1)) {
        copy[at] |= 2;
        return copy;
      }
    }
    at = end;
  }
  throw new Error("the WebAssembly module defines no memory with an upper limit");
}
