/** What a record is known by, taken from its line without making the row. */
import { hash } from 'node:crypto';
import type { CompiledFormat, IdentityColumns } from '../format.ts';
import { Row, secondOf } from '../row.ts';

/** Bytes of a fingerprint: 64 bits. In a minute of 11 million records a chance hit comes once in 300,000 minutes. */
export const FINGERPRINT_BYTES = 8;

/** A row that keeps the values of identity columns and the event's time, and nothing else. */
export class IdentityRow extends Row {
  readonly #alternatives: readonly IdentityColumns[];
  /** By column name; every identity column has an entry. */
  readonly #values: Map<string, string | undefined>;

  /** @param identity columns over those of the format */
  constructor({ columns, identity: own = [] }: CompiledFormat, identity: readonly IdentityColumns[] = own) {
    super(columns);
    this.#alternatives = identity;
    this.#values = new Map(identity.flat().map((name) => [name, undefined]));
  }

  override begin(): void {
    this.eventTime = undefined;
    for (const name of this.#values.keys()) this.#values.set(name, undefined);
  }

  override text(name: string, value: string): void {
    if (this.#values.has(name)) this.#values.set(name, value);
  }

  override int(name: string, value: string): void {
    this.text(name, value);
  }

  override bigint(name: string, value: string): void {
    this.text(name, value);
  }

  override double(name: string, value: string): void {
    this.text(name, value);
  }

  override boolean(name: string, value: boolean): void {
    this.text(name, String(value));
  }

  override timestamp(name: string, value: string): void {
    this.eventTime ??= secondOf(value);
    this.text(name, value);
  }

  override error(): void {}

  override extra(): void {}

  /** The values that tell this record from others; undefined where only the whole line does. */
  identity(): string | undefined {
    for (const [index, columns] of this.#alternatives.entries()) {
      if (this.#values.get(columns[0] ?? '') === undefined) continue;
      let text = String(index);
      for (const name of columns) {
        const value = this.#values.get(name);
        // With the length before it, no two lists of values give one text.
        text += value === undefined ? '|-' : `|${value.length}:${value}`;
      }
      return text;
    }
    return undefined;
  }
}

/** Fingerprint of a record's identity, or of its whole line where it has no other. */
export function fingerprintOf(identity: string | undefined, line: string): Buffer {
  return hash('sha256', identity ?? `line|${line}`, 'buffer').subarray(0, FINGERPRINT_BYTES);
}

const UINT32_VALUES = 2 ** 32;

/**
 * Whether a fingerprint is in a sample of the given rate, (0, 1]. All records of one identity are, or
 * none is: so a sample has as large a share of duplicates as the whole. A lower rate's sample is part
 * of a higher one's.
 */
export function isSampled(fingerprint: Buffer, rate: number): boolean {
  return rate >= 1 || fingerprint.readUInt32LE(4) < rate * UINT32_VALUES;
}

/** A fingerprint as people see it: 16 hexadecimal digits. */
export function fingerprintName(fingerprint: bigint | Buffer): string {
  const number = typeof fingerprint === 'bigint' ? fingerprint : fingerprint.readBigUInt64LE();
  return number.toString(16).padStart(FINGERPRINT_BYTES * 2, '0');
}
