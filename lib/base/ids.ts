/** Ids of images become names of files: what they may hold. */

/** Names that Windows keeps for devices, with any extension. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * The id, in Unicode's composed form (NFC), when a file of that name lies in the folder where it is
 * put, on every system.
 *
 * @param where names the source in the error: a table and row, or a folder
 * @throws {RangeError} naming `where` and the id that is empty, a path, or no name of a file
 * @example
 * checkId("S1.2", "train.csv, row 3"); // "S1.2"
 */
export function checkId(id: string, where: string): string {
  const wrong = id === ""
    ? "it is empty"
    : /[/\\]/.test(id) || id === "." || id === ".."
    ? "it is a path"
    : id.startsWith(".")
    ? "it begins with a dot, so that nobody sees the file"
    // deno-lint-ignore no-control-regex
    : /[\u0000-\u001f\u007f]/.test(id)
    ? "it holds a control character"
    : /[:*?"<>|]/.test(id)
    ? 'it holds one of : * ? " < > |'
    : RESERVED.test(id)
    ? "it is a name that Windows keeps for a device"
    : id !== id.trim()
    ? "it begins or ends with a blank"
    : new TextEncoder().encode(id).length > 200
    ? "it is longer than 200 bytes"
    : null;
  if (wrong === null) return id.normalize("NFC");
  throw new RangeError(
    `${where}: the id ${
      JSON.stringify(id.slice(0, 80))
    } cannot name files: ${wrong}; expected the ` +
      "name of an image file without its extension",
  );
}
