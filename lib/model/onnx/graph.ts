/** An ONNX graph under construction: nodes, initializers, inputs and outputs as protobuf. */
import { Message } from "./protobuf.ts";

/** The operator set that the nodes are written for, and the file format version it came with. */
const OPSET = 13;
const IR_VERSION = 7;

const FLOAT = 1;
const INT64 = 7;

/** A node's attribute: an integer, a list of them, or a string. */
export type Attribute = number | readonly number[] | string;

/** A part of the graph and what it reads and gives. */
interface Part {
  field: 1 | 5;
  output: string;
  inputs: readonly string[];
  message: Message;
}

/**
 * Collects a graph; value names are unique, made from the name of the layer that yields them. What no
 * output needs is left out when it is written.
 */
export class OnnxGraph {
  private readonly graph = new Message();
  private readonly parts: Part[] = [];
  private readonly outputs: string[] = [];
  private readonly constants = new Map<string, string>();
  private readonly names = new Set<string>();

  constructor(name: string) {
    this.graph.string(2, name);
  }

  /** Appends a node and returns the name of its output. */
  node(
    operation: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    name = operation.toLowerCase(),
  ): string {
    const output = this.unique(name);
    const node = new Message();
    for (const input of inputs) node.string(1, input);
    node.string(2, output).string(3, output).string(4, operation);
    for (const [key, value] of Object.entries(attributes)) {
      node.message(5, attribute(key, value));
    }
    this.parts.push({ field: 1, output, inputs, message: node });
    return output;
  }

  /** A float32 initializer; `values` must not change before the graph is written. */
  weight(name: string, shape: readonly number[], values: Float32Array): string {
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const initializer = this.unique(name);
    this.initializer(initializer, FLOAT, shape, raw);
    return initializer;
  }

  /** A small constant list: int64, or float32 where `float`. */
  constant(values: readonly number[], float = false): string {
    const key = `constant_${float ? "f" : "i"}_${values.join("_").replaceAll("-", "m")}`;
    if (!this.constants.has(key)) {
      const raw = float ? Float32Array.from(values) : BigInt64Array.from(values, BigInt);
      this.initializer(key, float ? FLOAT : INT64, [values.length], new Uint8Array(raw.buffer));
      this.constants.set(key, key);
    }
    return key;
  }

  /** A single float32 number without dimensions, as Clip takes its bounds. */
  scalar(value: number): string {
    const key = `scalar_${value}`;
    if (!this.constants.has(key)) {
      this.initializer(key, FLOAT, [], new Uint8Array(Float32Array.of(value).buffer));
      this.constants.set(key, key);
    }
    return key;
  }

  /** Declares the graph's input; a string in `shape` is a dimension free at run time. */
  input(name: string, shape: readonly (number | string)[]): string {
    this.graph.message(11, valueInfo(this.unique(name), shape));
    return name;
  }

  /** Declares `value` an output called `name`. */
  output(name: string, value: string, shape: readonly (number | string)[]): void {
    const message = new Message().string(1, value).string(2, name).string(4, "Identity");
    this.parts.push({ field: 1, output: name, inputs: [value], message });
    this.outputs.push(name);
    this.graph.message(12, valueInfo(name, shape));
  }

  /** The whole model file. */
  encode(metadata: Record<string, string>): Uint8Array<ArrayBuffer> {
    const needed = new Set(this.outputs);
    // Parts stand in the order in which they can be computed: readers behind what they read.
    for (const { output, inputs } of this.parts.toReversed()) {
      if (needed.has(output)) inputs.forEach((input) => needed.add(input));
    }
    for (const { field, output, message } of this.parts) {
      if (needed.has(output)) this.graph.message(field, message);
    }
    const model = new Message().integer(1, IR_VERSION).string(2, "crypts");
    model.message(7, this.graph);
    model.message(8, new Message().string(1, "").integer(2, OPSET));
    for (const [key, value] of Object.entries(metadata)) {
      model.message(14, new Message().string(1, key).string(2, value));
    }
    return model.encode();
  }

  private initializer(name: string, type: number, shape: readonly number[], raw: Uint8Array) {
    const tensor = new Message().integers(1, shape).integer(2, type).string(8, name);
    this.parts.push({ field: 5, output: name, inputs: [], message: tensor.bytes(9, raw) });
  }

  private unique(name: string): string {
    let candidate = name;
    for (let i = 1; this.names.has(candidate); i++) candidate = `${name}_${i}`;
    this.names.add(candidate);
    return candidate;
  }
}

function attribute(name: string, value: Attribute): Message {
  const message = new Message().string(1, name);
  if (typeof value === "string") return message.string(4, value).integer(20, 3);
  if (typeof value === "number") return message.integer(3, value).integer(20, 2);
  // `ints` is not packed in proto2: one field for each.
  for (const v of value) message.integer(8, v);
  return message.integer(20, 7);
}

function valueInfo(name: string, shape: readonly (number | string)[]): Message {
  const dimensions = new Message();
  for (const size of shape) {
    const one = new Message();
    if (typeof size === "string") one.string(2, size);
    else one.integer(1, size);
    dimensions.message(1, one);
  }
  const tensor = new Message().integer(1, FLOAT).message(2, dimensions);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}
