/** What a pickle's reader builds, and what it lets in. */
import { printable } from "./printable.ts";

/** What a pickle may hold here; dicts become Maps, tuples, lists and sets arrays. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | object;

/** What an allowed global does when it is called. */
export type PickleCall = (args: PickleValue[], charge: (items: number) => void) => PickleValue;

/** A value that is let in and not needed: a device, a number type, a numpy scalar, … */
export class Opaque {
  /**
   * @param what said in errors, e.g. "a quantized tensor"
   * @param isTensor whether it could be meant as a weight
   */
  constructor(readonly what: string, readonly isTensor = false) {}
}

/** A value in a sentence: what it is, where it is no number or text. */
export function said(value: PickleValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value instanceof Opaque) return value.what;
  if (typeof value === "string") return `"${printable(value)}"`;
  if (typeof value === "function") return "a function";
  if (value === null || typeof value !== "object") return String(value);
  return Array.isArray(value) ? "a list" : value instanceof Map ? "a dictionary" : "an object";
}

/** What a pickle's reader lets in. */
export interface PickleRules {
  /** What "module name" stands for: a {@link PickleCall}, or a value that can only be passed on. */
  global(module: string, name: string): PickleValue | undefined;
  /** Resolves persistent ids. */
  persistent(id: PickleValue): PickleValue;
}
