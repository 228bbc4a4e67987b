/** The values that a pickle has made so far: its stack and its memo, bounded. */
import type { PickleInput } from "./pickle_input.ts";
import { Opaque, type PickleValue } from "./pickle_value.ts";

/**
 * The most containers and objects made, and references remembered: one byte of a pickle can make a
 * dictionary of 200. A model of 1000 layers with its optimizer has some 50,000 of either.
 */
const MOST_OBJECTS = 2 ** 20;

/** Where a container's items begin on the stack. */
export const MARK = Symbol("mark");

/** Base of the reader of pickles. @throws {RangeError} when a pickle is malformed or makes too much */
export abstract class PickleStack {
  protected readonly stack: (PickleValue | typeof MARK)[] = [];
  protected readonly memo = new Map<number, PickleValue>();
  private copied = 0;
  private made = 0;
  /** Counts copies of containers that the pickle refers to again. */
  protected readonly charge: (items: number) => void;

  constructor(protected readonly input: PickleInput) {
    const most = 4 * input.length;
    this.charge = (items) => {
      this.copied += items;
      if (this.copied > most) {
        throw new RangeError("the pickle makes more values than its length can hold");
      }
    };
  }

  /** Puts a new container or object on the stack. */
  protected make(value: PickleValue): true {
    if (++this.made > MOST_OBJECTS) {
      throw new RangeError(
        `the pickle makes over ${MOST_OBJECTS} objects: no list of tensors does`,
      );
    }
    this.stack.push(value);
    return true;
  }

  protected remember(index: number): true {
    this.memo.set(index, this.top());
    if (this.memo.size > MOST_OBJECTS) {
      throw new RangeError(
        `the pickle remembers over ${MOST_OBJECTS} values: no list of tensors does`,
      );
    }
    return true;
  }

  /** The value on top of the stack, taken off it. */
  protected pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  protected top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined || value === MARK) throw this.malformed(this.input.at);
    return value as PickleValue;
  }

  protected popToMark(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.malformed(this.input.at);
    return this.stack.splice(mark).slice(1) as PickleValue[];
  }

  protected extend(items: PickleValue[]): true {
    const list = this.top();
    if (list instanceof Opaque) return true;
    if (!Array.isArray(list)) throw this.malformed(this.input.at);
    for (const item of items) list.push(item);
    return true;
  }

  protected setItems(items: PickleValue[]): true {
    const dictionary = this.top();
    if (dictionary instanceof Opaque) return true;
    if (!(dictionary instanceof Map) || items.length % 2) throw this.malformed(this.input.at);
    for (let i = 0; i + 1 < items.length; i += 2) dictionary.set(items[i], items[i + 1]);
    return true;
  }

  protected recall(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw this.malformed(this.input.at);
    return value;
  }

  protected malformed(at: number): RangeError {
    return new RangeError(`the pickle is malformed at byte ${at}`);
  }
}
