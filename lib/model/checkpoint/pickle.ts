/**
 * A reader for Python pickles that builds containers, numbers and strings only. Classes and functions
 * come from an allow-list given by the caller; nothing in a file can run code.
 */
import { PickleInput } from "./pickle_input.ts";
import { Opaque, type PickleCall, type PickleRules, type PickleValue } from "./pickle_value.ts";
import { printable } from "./printable.ts";
import { MARK, PickleStack } from "./pickle_stack.ts";

/**
 * The largest pickle read, in bytes. The pickle of a checkpoint holds names and shapes, not values:
 * that of a model of 1000 layers with its optimizer has half a megabyte.
 */
const LARGEST = 2 ** 24;

/**
 * Reads the pickle (protocols 2 to 5) that starts at byte `start`. Its work is bounded by its length:
 * copies of containers that the pickle refers to again and again are counted.
 *
 * @returns the value, and the byte behind the pickle
 * @throws {RangeError} naming the first thing that is not allowed, or where the pickle is malformed
 */
export function unpickle(
  bytes: Uint8Array,
  rules: PickleRules,
  start = 0,
): { value: PickleValue; end: number } {
  const input = new PickleInput(bytes, start, LARGEST);
  const value = new Reader(input, rules).read();
  return { value, end: input.at };
}

class Reader extends PickleStack {
  constructor(input: PickleInput, private readonly rules: PickleRules) {
    super(input);
  }

  read(): PickleValue {
    for (;;) {
      const start = this.input.at;
      const opcode = this.input.byte();
      if (opcode === 0x2e) return this.pop(); // STOP
      if (!this.literal(opcode) && !this.container(opcode) && !this.object(opcode, start)) {
        throw new RangeError(
          `the pickle uses opcode 0x${opcode.toString(16)} at byte ${start}, which is not allowed`,
        );
      }
    }
  }

  /** Numbers, strings, bytes and what steers the reader; false for other opcodes. */
  private literal(opcode: number): boolean {
    const { input, stack } = this;
    switch (opcode) {
      case 0x80: // PROTO
        return input.skip(1);
      case 0x95: // FRAME
        return input.skip(8);
      case 0x4e: // NONE
        return stack.push(null) > 0;
      case 0x88: // NEWTRUE
        return stack.push(true) > 0;
      case 0x89: // NEWFALSE
        return stack.push(false) > 0;
      case 0x4b: // BININT1
        return stack.push(input.byte()) > 0;
      case 0x4d: // BININT2
        return stack.push(input.unsigned(2)) > 0;
      case 0x4a: // BININT
        return stack.push(input.unsigned(4) | 0) > 0;
      case 0x8a: // LONG1
        return stack.push(input.long(input.byte())) > 0;
      case 0x47: // BINFLOAT
        return stack.push(input.double()) > 0;
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING (Python 2)
        return stack.push(input.text(input.unsigned(4))) > 0;
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING (Python 2)
        return stack.push(input.text(input.byte())) > 0;
      case 0x8d: // BINUNICODE8
        return stack.push(input.text(input.unsigned(8))) > 0;
      case 0x43: // SHORT_BINBYTES
        return stack.push(input.take(input.byte())) > 0;
      case 0x42: // BINBYTES
        return stack.push(input.take(input.unsigned(4))) > 0;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return stack.push(input.take(input.unsigned(8))) > 0;
      default:
        return false;
    }
  }

  /** Dicts, lists, tuples and sets; false for other opcodes. */
  private container(opcode: number): boolean {
    const { stack } = this;
    switch (opcode) {
      case 0x28: // MARK
        return stack.push(MARK) > 0;
      case 0x7d: // EMPTY_DICT
        return this.make(new Map());
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
      case 0x8f: // EMPTY_SET
        return this.make([]);
      case 0x6c: // LIST
      case 0x74: // TUPLE
      case 0x91: // FROZENSET
        return this.make(this.popToMark());
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: { // TUPLE3
        const items: PickleValue[] = [];
        for (let i = 0x84; i < opcode; i++) items.unshift(this.pop());
        return this.make(items);
      }
      case 0x61: // APPEND
        return this.extend([this.pop()]);
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        return this.extend(this.popToMark());
      case 0x73: { // SETITEM
        const value = this.pop(), key = this.pop();
        return this.setItems([key, value]);
      }
      case 0x75: // SETITEMS
        return this.setItems(this.popToMark());
      default:
        return false;
    }
  }

  /** The memo, globals and what is made of them; false for other opcodes. */
  private object(opcode: number, start: number): boolean {
    const { input, stack } = this;
    switch (opcode) {
      case 0x30: // POP
        this.pop();
        return true;
      case 0x71: // BINPUT
        return this.remember(input.byte());
      case 0x72: // LONG_BINPUT
        return this.remember(input.unsigned(4));
      case 0x94: // MEMOIZE
        return this.remember(this.memo.size);
      case 0x68: // BINGET
        return stack.push(this.recall(input.byte())) > 0;
      case 0x6a: // LONG_BINGET
        return stack.push(this.recall(input.unsigned(4))) > 0;
      case 0x63: // GLOBAL
        return stack.push(this.global(input.line(), input.line())) > 0;
      case 0x93: { // STACK_GLOBAL
        const name = this.pop(), module = this.pop();
        if (typeof name !== "string" || typeof module !== "string") throw this.malformed(start);
        return stack.push(this.global(module, name)) > 0;
      }
      case 0x51: // BINPERSID
        return this.make(this.rules.persistent(this.pop()));
      case 0x52: // REDUCE
      case 0x81: { // NEWOBJ
        const args = this.pop(), call = this.pop();
        if (call instanceof Opaque && Array.isArray(args)) return stack.push(call) > 0;
        if (typeof call !== "function" || !Array.isArray(args)) {
          throw new RangeError(`the pickle calls what is no function at byte ${start}`);
        }
        return this.make((call as PickleCall)(args, this.charge));
      }
      case 0x62: { // BUILD: attributes, such as an OrderedDict's _metadata, are not needed.
        this.pop();
        const target = this.top();
        if (target === null || typeof target !== "object" || Array.isArray(target)) {
          throw new RangeError("the pickle sets the state of a value that has none");
        }
        return true;
      }
      default:
        return false;
    }
  }

  private global(module: string, name: string): PickleValue {
    const value = this.rules.global(module, name);
    if (value !== undefined) return value;
    throw new RangeError(
      `it holds a ${
        printable(`${module}.${name}`)
      }; only tensors, dictionaries, lists, numbers, strings and what ` +
        "else PyTorch's weights_only loader takes are read (save model.state_dict() instead of the " +
        "model)",
    );
  }
}
