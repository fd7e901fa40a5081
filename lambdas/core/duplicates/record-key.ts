/** Record keys (the columns that identify a record), taken from a line without making its row. */
import type { CompiledFormat, RecordKey } from '../reading/format.ts';
import { hashOfLine, hashOfRecordKey } from '../reading/kernel.ts';
import { Row } from '../reading/row.ts';
import { inOrder } from '../tables/table.ts';

/** Words in the 64-bit hash of a record, the low word first. */
export const FINGERPRINT_WORDS = 2;

/**
 * Of the 64 bits of a hash, the upper 48 are kept. Of n records in a minute, n² / 2⁴⁹ are then taken for duplicates by
 * chance: with 11 million, the load at 16 billion records a day, that is one every five minutes, or one in 50 million
 * records. If no record has a time, a whole hour counts as one minute: one in 800,000 records at that volume.
 */
const DROPPED_BITS = 16;
/** Number of values of a fingerprint's upper 16 bits, by which fingerprints are split. */
export const UPPER_VALUES = 2 ** 16;

/** Upper 16 bits of the fingerprint that begins at `at`. */
export function upperOf(words: Uint32Array, at: number): number {
  return (words[at + 1] as number) >>> DROPPED_BITS;
}

/** Lower 32 bits of the fingerprint that begins at `at`. */
export function lowerOf(words: Uint32Array, at: number): number {
  return (((words[at + 1] as number) << DROPPED_BITS) | ((words[at] as number) >>> DROPPED_BITS)) >>> 0;
}

/** A row that keeps only the values of the record key's columns and the event's time. */
export class RecordKeyRow extends Row {
  readonly #alternatives: readonly { readonly first: string; readonly names: readonly string[] }[];
  /** Values as JSON with their keys, by column name. Every column of a record key has an entry. */
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

  /** The record key as written in the record's row, or undefined if only the whole line identifies the record. */
  recordKey(): string | undefined {
    const applicable = this.#alternatives.find(({ first }) => this.#values.get(first) !== undefined);
    return applicable?.names.map((name) => this.#values.get(name) ?? '').join('');
  }
}

/** Fingerprint of a record key, or of the whole line if the record has no key. */
export function fingerprintOf(recordKey: string | undefined, line: string): Uint32Array {
  return recordKey === undefined ? hashOfLine(line) : hashOfRecordKey(recordKey);
}

const UINT32_VALUES = 2 ** 32;

/**
 * True if a fingerprint is in the sample of the given rate, (0, 1]. Either all records with the same key are in the
 * sample or none is, so the sample has the same share of duplicates as all records. The sample of a lower rate is part
 * of the sample of a higher one.
 *
 * @param high the upper 32 bits of the hash
 */
export function isSampled(high: number, rate: number): boolean {
  return rate >= 1 || high < rate * UINT32_VALUES;
}

/** A fingerprint as shown to people: 12 hexadecimal digits. */
export function fingerprintName(upper: number, lower: number): string {
  return upper.toString(16).padStart(4, '0') + lower.toString(16).padStart(8, '0');
}
