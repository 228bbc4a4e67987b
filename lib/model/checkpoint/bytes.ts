/** The bytes of a weight file. */

/**
 * Reads a regular file whole.
 *
 * @throws {Error} naming the path when it is absent, a folder or a pipe, or cannot be read
 */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let kind: Deno.FileInfo;
  try {
    kind = await Deno.stat(path);
    // A pipe would be waited for without end.
    if (kind.isFile) return await Deno.readFile(path);
  } catch (cause) {
    throw new Error(`cannot read the weights ${path}: ${(cause as Error).message}`, { cause });
  }
  throw new Error(
    `cannot read the weights ${path}: it is ${kind.isDirectory ? "a folder" : "no regular file"}`,
  );
}
