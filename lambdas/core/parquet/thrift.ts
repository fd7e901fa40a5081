/**
 * Thrift's compact protocol, in which a Parquet file describes itself.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

/** Writes the fields of one struct; their numbers must rise. */
export interface ThriftFields {
  i16(id: number, value: number): void;
  i32(id: number, value: number): void;
  /** @param value a whole number up to 2^53 */
  i64(id: number, value: number): void;
  boolean(id: number, value: boolean): void;
  binary(id: number, value: string | Uint8Array): void;
  struct(id: number, write: (fields: ThriftFields) => void): void;
  structs<Item>(id: number, items: readonly Item[], write: (fields: ThriftFields, item: Item) => void): void;
  i32s(id: number, items: readonly number[]): void;
  strings(id: number, items: readonly string[]): void;
}

/** The bytes of a struct. */
export function thriftStruct(write: (fields: ThriftFields) => void): Buffer {
  const out = new Output();
  write(new Struct(out));
  out.byte(STOP);
  return out.bytes();
}

const STOP = 0;
const TYPE = { true: 1, false: 2, i16: 4, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;
/** From this number on a list's length, or the distance to a field's number, has no room beside its type. */
const LONG = 15;

class Output {
  #buffer = Buffer.allocUnsafe(256);
  #end = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#end++] = value;
  }

  varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  /** Numbers near zero, of both signs, are short. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  binary(value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.varint(bytes.length);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  list(type: number, length: number): void {
    this.byte((Math.min(length, LONG) << 4) | type);
    if (length >= LONG) this.varint(length);
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#end + bytes));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

class Struct implements ThriftFields {
  readonly #out: Output;
  #last = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  i16(id: number, value: number): void {
    this.#field(id, TYPE.i16);
    this.#out.zigzag(value);
  }

  i32(id: number, value: number): void {
    this.#field(id, TYPE.i32);
    this.#out.zigzag(value);
  }

  i64(id: number, value: number): void {
    this.#field(id, TYPE.i64);
    this.#out.zigzag(value);
  }

  boolean(id: number, value: boolean): void {
    this.#field(id, value ? TYPE.true : TYPE.false);
  }

  binary(id: number, value: string | Uint8Array): void {
    this.#field(id, TYPE.binary);
    this.#out.binary(value);
  }

  struct(id: number, write: (fields: ThriftFields) => void): void {
    this.#field(id, TYPE.struct);
    this.#struct(write);
  }

  structs<Item>(id: number, items: readonly Item[], write: (fields: ThriftFields, item: Item) => void): void {
    this.#field(id, TYPE.list);
    this.#out.list(TYPE.struct, items.length);
    for (const item of items) this.#struct((fields) => write(fields, item));
  }

  i32s(id: number, items: readonly number[]): void {
    this.#field(id, TYPE.list);
    this.#out.list(TYPE.i32, items.length);
    for (const item of items) this.#out.zigzag(item);
  }

  strings(id: number, items: readonly string[]): void {
    this.#field(id, TYPE.list);
    this.#out.list(TYPE.binary, items.length);
    for (const item of items) this.#out.binary(item);
  }

  #struct(write: (fields: ThriftFields) => void): void {
    write(new Struct(this.#out));
    this.#out.byte(STOP);
  }

  #field(id: number, type: number): void {
    const distance = id - this.#last;
    if (distance > 0 && distance <= LONG) this.#out.byte((distance << 4) | type);
    else {
      this.#out.byte(type);
      this.#out.zigzag(id);
    }
    this.#last = id;
  }
}
