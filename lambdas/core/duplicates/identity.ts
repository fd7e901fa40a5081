/** What a record is known by, taken from its line without making the row. */
import type { CompiledFormat, IdentityColumns } from '../format.ts';
import { hashOfIdentity, hashOfLine } from '../kernel.ts';
import { Row } from '../row.ts';
import { inOrder } from '../table.ts';

/** Bytes of a fingerprint: 64 bits. In a minute of 11 million records a chance hit comes once in 300,000 minutes. */
export const FINGERPRINT_BYTES = 8;
export const FINGERPRINT_WORDS = 2;

/** A row that keeps the values of identity columns and the event's time, and nothing else. */
export class IdentityRow extends Row {
  readonly #alternatives: readonly { readonly first: string; readonly names: readonly string[] }[];
  /** As JSON, with their keys, by column name; every identity column has an entry. */
  readonly #values: Map<string, string | undefined>;

  constructor({ columns }: CompiledFormat, alternatives: readonly IdentityColumns[]) {
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
  identity(): string | undefined {
    const known = this.#alternatives.find(({ first }) => this.#values.get(first) !== undefined);
    return known?.names.map((name) => this.#values.get(name) ?? '').join('');
  }
}

/** Fingerprint of a record's identity, or of its whole line where it has no other. */
export function fingerprintOf(identity: string | undefined, line: string): Uint32Array {
  return identity === undefined ? hashOfLine(line) : hashOfIdentity(identity);
}

const UINT32_VALUES = 2 ** 32;

/**
 * Whether a fingerprint is in a sample of the given rate, (0, 1]. All records of one identity are, or
 * none is: so a sample has as large a share of duplicates as the whole. A lower rate's sample is part
 * of a higher one's.
 *
 * @param words fingerprints, each of two words, the low one first
 * @param at where the fingerprint begins among them
 */
export function isSampled(words: Uint32Array, at: number, rate: number): boolean {
  return rate >= 1 || (words[at + 1] as number) < rate * UINT32_VALUES;
}

/** A fingerprint as people see it: 16 hexadecimal digits. */
export function fingerprintName(words: Uint32Array, at: number): string {
  return [words[at + 1], words[at]].map((word = 0) => word.toString(16).padStart(8, '0')).join('');
}
