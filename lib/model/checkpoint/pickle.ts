/**
 * A reader for Python pickles that builds containers, numbers and strings only. Classes and functions
 * come from an allow-list given by the caller; nothing in a file can run code.
 */

/** What a pickle may hold here; dicts become Maps, tuples and lists arrays. */
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
export type PickleCall = (args: PickleValue[]) => PickleValue;

/** What a pickle's reader lets in. */
export interface PickleRules {
  /** Allowed globals by "module name"; one that is only passed on, not called, may throw. */
  globals: ReadonlyMap<string, PickleCall>;
  /** Resolves persistent ids. */
  persistent(id: PickleValue): PickleValue;
}

const MARK = Symbol("mark");

/**
 * Reads one pickle (protocols 2 to 5).
 *
 * @throws {RangeError} naming the first thing that is not allowed, or where the pickle is malformed
 */
export function unpickle(bytes: Uint8Array, rules: PickleRules): PickleValue {
  return new Reader(bytes, rules).read();
}

class Reader {
  private readonly view: DataView;
  private readonly stack: (PickleValue | typeof MARK)[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private at = 0;

  constructor(private readonly bytes: Uint8Array, private readonly rules: PickleRules) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): PickleValue {
    for (;;) {
      const start = this.at;
      const opcode = this.take(1)[0];
      if (opcode === 0x2e) return this.pop(); // STOP
      this.step(opcode, start);
    }
  }

  private step(opcode: number, start: number): void {
    switch (String.fromCharCode(opcode)) {
      case "\x80": // PROTO
        return void this.take(1);
      case "\x95": // FRAME
        return void this.take(8);
      case "(":
        return void this.stack.push(MARK);
      case "0":
        return void this.pop();
      case "N":
        return this.push(null);
      case "\x88":
        return this.push(true);
      case "\x89":
        return this.push(false);
      case "K":
        return this.push(this.take(1)[0]);
      case "M":
        return this.push(this.unsigned(2));
      case "J": {
        const value = this.unsigned(4);
        return this.push(value | 0);
      }
      case "\x8a": // LONG1
        return this.push(this.long(this.take(1)[0]));
      case "G":
        this.take(8);
        return this.push(this.view.getFloat64(this.at - 8));
      case "X":
        return this.push(this.text(this.unsigned(4)));
      case "\x8c":
        return this.push(this.text(this.take(1)[0]));
      case "C":
        return this.push(this.take(this.take(1)[0]));
      case "B":
        return this.push(this.take(this.unsigned(4)));
      case "}":
        return this.push(new Map());
      case "]":
      case ")":
        return this.push([]);
      case "l":
      case "t":
        return this.push(this.popToMark());
      case "\x85":
      case "\x86":
      case "\x87": {
        const items: PickleValue[] = [];
        for (let i = 0x84; i < opcode; i++) items.unshift(this.pop());
        return this.push(items);
      }
      case "a": {
        const item = this.pop();
        return void this.list().push(item);
      }
      case "e": {
        const items = this.popToMark();
        const list = this.list();
        for (const item of items) list.push(item);
        return;
      }
      case "s": {
        const value = this.pop(), key = this.pop();
        return void this.dictionary().set(key, value);
      }
      case "u": {
        const items = this.popToMark();
        const dictionary = this.dictionary();
        for (let i = 0; i + 1 < items.length; i += 2) dictionary.set(items[i], items[i + 1]);
        return;
      }
      case "q":
        return void this.memo.set(this.take(1)[0], this.top());
      case "r":
        return void this.memo.set(this.unsigned(4), this.top());
      case "\x94": // MEMOIZE
        return void this.memo.set(this.memo.size, this.top());
      case "h":
        return this.push(this.recall(this.take(1)[0]));
      case "j":
        return this.push(this.recall(this.unsigned(4)));
      case "c":
        return this.push(this.global(this.line(), this.line()));
      case "\x93": { // STACK_GLOBAL
        const name = this.pop(), module = this.pop();
        return this.push(this.global(String(module), String(name)));
      }
      case "Q":
        return this.push(this.rules.persistent(this.pop()));
      case "R": {
        const args = this.pop(), call = this.pop();
        if (typeof call !== "function" || !Array.isArray(args)) throw this.malformed(start);
        return this.push((call as PickleCall)(args));
      }
      case "b": { // BUILD: attributes of an OrderedDict, such as _metadata, are not needed.
        this.pop();
        if (!(this.top() instanceof Map)) {
          throw new RangeError("the pickle sets the state of an object that is no dictionary");
        }
        return;
      }
      default:
        throw new RangeError(
          `the pickle uses opcode 0x${opcode.toString(16)} at byte ${start}, which is not allowed`,
        );
    }
  }

  private global(module: string, name: string): PickleValue {
    const call = this.rules.globals.get(`${module} ${name}`);
    if (call) return call;
    throw new RangeError(
      `it holds a ${module}.${name}; only tensors, dictionaries, lists, numbers and strings are ` +
        "read (save model.state_dict() instead of the model)",
    );
  }

  private push(value: PickleValue): void {
    this.stack.push(value);
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined || value === MARK) throw this.malformed(this.at);
    return value as PickleValue;
  }

  private popToMark(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.malformed(this.at);
    const items = this.stack.splice(mark).slice(1);
    return items as PickleValue[];
  }

  private list(): PickleValue[] {
    const list = this.top();
    if (!Array.isArray(list)) throw this.malformed(this.at);
    return list;
  }

  private dictionary(): Map<PickleValue, PickleValue> {
    const dictionary = this.top();
    if (!(dictionary instanceof Map)) throw this.malformed(this.at);
    return dictionary;
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw this.malformed(this.at);
    return value;
  }

  private take(count: number): Uint8Array {
    if (this.at + count > this.bytes.length) throw new RangeError("the pickle is cut off");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  private unsigned(size: 2 | 4): number {
    this.take(size);
    return size === 2
      ? this.view.getUint16(this.at - 2, true)
      : this.view.getUint32(this.at - 4, true);
  }

  /** A little-endian two's complement integer; beyond 2^53 it loses its last digits. */
  private long(size: number): number {
    const bytes = this.take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return Number(BigInt.asIntN(8 * size, value));
  }

  private text(length: number): string {
    return new TextDecoder().decode(this.take(length));
  }

  private line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw new RangeError("the pickle is cut off");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  private malformed(at: number): RangeError {
    return new RangeError(`the pickle is malformed at byte ${at}`);
  }
}
