/** As much of an ONNX file as the tests look at: operators, and the shapes of inputs and outputs. */

/** What {@link readOnnx} finds. */
export interface OnnxContents {
  /** Operator names, in the order of the nodes. */
  operators: string[];
  /** Dimensions by name; texts are free at run time. */
  inputs: Record<string, (number | string)[]>;
  outputs: Record<string, (number | string)[]>;
}

type Field = { field: number; value: Uint8Array | number };

/** The bytes of a model file's graph: nodes and weights, without the file's metadata. */
export function graphBytes(bytes: Uint8Array): Uint8Array {
  return messages(bytes, 7)[0];
}

/** Reads the graph of a model file (field numbers: onnx.proto3). */
export function readOnnx(bytes: Uint8Array): OnnxContents {
  const graph = graphBytes(bytes);
  return {
    operators: messages(graph, 1).map((node) => text(messages(node, 4)[0])),
    inputs: Object.fromEntries(messages(graph, 11).map(valueInfo)),
    outputs: Object.fromEntries(messages(graph, 12).map(valueInfo)),
  };
}

function valueInfo(message: Uint8Array): [string, (number | string)[]] {
  const tensor = messages(messages(message, 2)[0], 1)[0];
  const shape = messages(messages(tensor, 2)[0], 1).map((dimension) => {
    const [{ field, value }] = fields(dimension);
    return field === 1 ? value as number : text(value as Uint8Array);
  });
  return [text(messages(message, 1)[0]), shape];
}

function messages(bytes: Uint8Array, wanted: number): Uint8Array[] {
  return fields(bytes).flatMap(({ field, value }) =>
    field === wanted && typeof value !== "number" ? [value] : []
  );
}

function fields(bytes: Uint8Array): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint(), field = tag >> 3;
    if ((tag & 7) === 0) found.push({ field, value: varint() });
    else if ((tag & 7) === 2) {
      const length = varint();
      found.push({ field, value: bytes.subarray(at, at += length) });
    } else at += (tag & 7) === 1 ? 8 : 4;
  }
  return found;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
