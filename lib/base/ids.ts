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
  const wrong = id === "" ? "is empty" : /[/\\]/.test(id) || id === "." || id === ".."
    ? "is a path"
    // deno-lint-ignore no-control-regex
    : /[\u0000-\u001f\u007f]/.test(id)
    ? "holds a control character"
    : RESERVED.test(id)
    ? "is a name that Windows keeps for a device"
    : id !== id.trim()
    ? "begins or ends with a space"
    : new TextEncoder().encode(id).length > 200
    ? "is longer than 200 bytes"
    : null;
  if (wrong === null) return id.normalize("NFC");
  throw new RangeError(
    `${where}: the id ${JSON.stringify(id.slice(0, 80))} ${wrong}; expected the name of an image ` +
      "file without its extension",
  );
}
