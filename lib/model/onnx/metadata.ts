/** Reading the metadata of an ONNX file, which ONNX Runtime does not hand to JavaScript. */

const METADATA_FIELD = 14;
const LENGTH_DELIMITED = 2;

/**
 * The `metadata_props` of a model file; entries that cannot be read are left out (ONNX Runtime is
 * the judge of whether the file is valid).
 */
export function onnxMetadata(bytes: Uint8Array): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const { field, value } of fields(bytes)) {
    if (field !== METADATA_FIELD || !value) continue;
    const entry: Record<number, string> = {};
    for (const part of fields(value)) {
      if (part.value) entry[part.field] = new TextDecoder().decode(part.value);
    }
    if (entry[1] !== undefined) metadata[entry[1]] = entry[2] ?? "";
  }
  return metadata;
}

/** The fields of a message; `value` is null for numbers. Ends early where the message is malformed. */
function* fields(bytes: Uint8Array): Generator<{ field: number; value: Uint8Array | null }> {
  let at = 0;
  const varint = () => {
    let value = 0, scale = 1;
    for (let more = true; more && at < bytes.length; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      more = byte > 127;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8), wire = tag % 8;
    if (wire === LENGTH_DELIMITED) {
      const length = varint();
      if (at + length > bytes.length) return;
      yield { field, value: bytes.subarray(at, at + length) };
      at += length;
    } else if (wire === 0) {
      varint();
      yield { field, value: null };
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
      yield { field, value: null };
    } else return;
  }
}
