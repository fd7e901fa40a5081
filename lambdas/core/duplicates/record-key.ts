/** What a record is known by, taken from its line without making the row. */
import type { CompiledFormat, RecordKey } from '../reading/format.ts';
import { hashOfLine, hashOfRecordKey } from '../reading/kernel.ts';
import { Row } from '../reading/row.ts';
import { inOrder } from '../tables/table.ts';

/** Words of a hash as it is taken of a record, the low one first. */
export const FINGERPRINT_WORDS = 2;

/**
 * Of its 64 bits the upper 48 are kept. Of n records in a minute n² / 2⁴⁹ are then taken for duplicates by chance: of
 * 11 million, as there are at 16 billion a day, one in five minutes, or one in 50 million records. Where no record tells
 * a time, an hour is such a minute: one in 800,000 at that volume.
 */
const LOST_BITS = 16;
/** Of the part that is looked at first. */
export const UPPER_VALUES = 2 ** 16;

/** Upper 16 bits of a fingerprint that begins at `at`. */
export function upperOf(words: Uint32Array, at: number): number {
  return (words[at + 1] as number) >>> LOST_BITS;
}

/** Lower 32 bits. */
export function lowerOf(words: Uint32Array, at: number): number {
  return (((words[at + 1] as number) << LOST_BITS) | ((words[at] as number) >>> LOST_BITS)) >>> 0;
}

/** A row that keeps the values of identity columns and the event's time, and nothing else. */
export class RecordKeyRow extends Row {
  readonly #alternatives: readonly { readonly first: string; readonly names: readonly string[] }[];
  /** As JSON, with their keys, by column name; every identity column has an entry. */
  readonly #values: Map<string, string | undefined>;

  constructor({ columns }: CompiledFormat, alternatives: readonly RecordKey[]) {
    super(columns);
    this.#alternatives = alternatives.map((names) => ({ first: names[0] ?? '', names: inOrder(names, columns) }));
    this.#values = new Map(alternatives.flat().map((name) => [name, undefined]));
  }

  override begin(): void {
    this.eventTime = undefined;
    for (const name of this.#values.keys()) this.#values.set(name, undefined);
  }

  protected override set(name: string, json: string): void {
    if (this.#values.has(name)) this.#values.set(name, this.keyOf(name) + json);
  }

  override error(): void {}

  override extra(): void {}

  /** What tells this record from others, as it stands in its row; undefined where only the whole line does. */
  recordKey(): string | undefined {
    const known = this.#alternatives.find(({ first }) => this.#values.get(first) !== undefined);
    return known?.names.map((name) => this.#values.get(name) ?? '').join('');
  }
}

/** Fingerprint of a record's identity, or of its whole line where it has no other. */
export function fingerprintOf(recordKey: string | undefined, line: string): Uint32Array {
  return recordKey === undefined ? hashOfLine(line) : hashOfRecordKey(recordKey);
}

const UINT32_VALUES = 2 ** 32;

/**
 * Whether a fingerprint is in a sample of the given rate, (0, 1]. All records of one identity are, or
 * none is: so a sample has as large a share of duplicates as the whole. A lower rate's sample is part
 * of a higher one's.
 *
 * @param high its upper 32 bits
 */
export function isSampled(high: number, rate: number): boolean {
  return rate >= 1 || high < rate * UINT32_VALUES;
}

/** A fingerprint as people see it: 12 hexadecimal digits. */
export function fingerprintName(upper: number, lower: number): string {
  return upper.toString(16).padStart(4, '0') + lower.toString(16).padStart(8, '0');
}
