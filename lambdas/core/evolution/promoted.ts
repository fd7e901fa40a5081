/** Columns that were keys of `extra` first: what the ledger has of them, and what a source's format makes of them. */
import { json } from '../formats/json.ts';
import type { FoundSource } from '../loading/sources.ts';
import type { FormatOptions } from '../reading/format.ts';
import { type Delivery, type InputPlace, isExported, type ReadingSettings } from '../settings.ts';
import { type ColumnType, sourceTable, type Table } from '../tables/table.ts';
import { refusalOf, type WantedColumn, withPromoted } from './suggest.ts';

/** A promoted column: the record of all of them is the history of a source's columns. */
export interface PromotedColumn extends WantedColumn {
  /** ISO 8601 in UTC. */
  readonly at: string;
  readonly by: 'job' | 'user';
  /** How often its key had come: rows of the samples, those that were looked at, and batches. Absent if nobody counted. */
  readonly counts?: { readonly rows: number; readonly sampled: number; readonly batches: number };
}

/** The ledger's record of a source. Columns are only ever added to it, at its end. */
export interface PromotedRecord {
  /** 0: there is no record. */
  readonly version: number;
  readonly columns: readonly PromotedColumn[];
  /**
   * The types of columns that the configuration has, or has had, by their names. A column that is declared no more is in the
   * table no more, and files of before still have it.
   */
  readonly declared: Readonly<Record<string, ColumnType>>;
}

export const NO_RECORD: PromotedRecord = { version: 0, columns: [], declared: {} };

/** What of a source its promoted columns depend on. */
export type EvolvingSettings = ReadingSettings & InputPlace & { readonly delivery?: Delivery };

/** Whether a source can have promoted columns: Firehose's streams know the columns of their deployment alone. */
export function canPromote({ format, delivery }: Pick<EvolvingSettings, 'format' | 'delivery'>): boolean {
  return format === json.name && delivery === 'direct';
}

/**
 * The options of a source with its promoted columns. What the configuration has meanwhile declared in its own way, or what
 * would clash with it, stays as it is configured.
 */
export function evolvedOptions(options: FormatOptions, columns: readonly WantedColumn[]): FormatOptions {
  // A column that fits alone may not fit beside another one, so each is added to those before it.
  return columns.reduce(
    (all, column) => (refusalOf(column, all) === undefined ? withPromoted(all, [column]) : all),
    options,
  );
}

/** What a record has of declared columns, with those of the configuration. The first type of a name stays. */
export function withDeclared(declared: PromotedRecord['declared'], { options = {} }: EvolvingSettings) {
  const { columns } = json.compile(options);
  const now = Object.entries(columns).map(([name, { type }]) => [name, type] as const);
  return { ...Object.fromEntries(now), ...declared };
}

/** A source whose format has promoted columns as if they were configured. */
export function evolvedSource<Settings extends EvolvingSettings, Source extends FoundSource<Settings>>(
  source: Source,
  columns: readonly WantedColumn[],
): Source {
  const { settings } = source;
  if (columns.length === 0) return source;
  const options = evolvedOptions(settings.options ?? {}, columns);
  return { ...source, settings: { ...settings, options }, format: json.compile(options) };
}

/** The table of a source with promoted columns. */
export function evolvedTable(settings: EvolvingSettings, columns: readonly WantedColumn[]): Table {
  const { columns: specs } = json.compile(evolvedOptions(settings.options ?? {}, columns));
  return sourceTable(settings.name, json.description, specs, settings.lane, isExported(settings));
}
