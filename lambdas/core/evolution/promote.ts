/**
 * Promotes keys of `extra` to columns, in this order:
 *
 * 1. The table in the catalog gets the column. Until somebody writes it, it is null in every row.
 * 2. The ledger's record of the source gets it, in one conditional update. From then on, each batch that begins reads the
 *    key as that column; a batch that began before ends as it began, with the key in `extra`.
 *
 * So no file has a column that the catalog lacks, no file has both, and no value is lost. If the process dies after 1, the
 * next one finds the column there. Any number of these may run at once: the catalog and the ledger each refuse a change that
 * was made for an older state, and the loser begins anew.
 */
import type { ColumnType, Table } from '../tables/table.ts';
import {
  type EvolvingSettings,
  evolvedOptions,
  evolvedTable,
  type PromotedColumn,
  type PromotedRecord,
  withDeclared,
} from './promoted.ts';
import { isName, refusalOf, type Suggestion, suggestions, type WantedColumn } from './suggest.ts';
import type { DayTally } from './tally.ts';

export interface PromotePorts {
  readonly records: PromotedRecords;
  readonly tables: CatalogTables;
  readonly now: () => Date;
}

/** The records of promoted columns. */
export interface PromotedRecords {
  read(source: string): Promise<PromotedRecord>;
  /** Puts a record in the place of the one of this version. @returns false if it is not of this version any more */
  replace(source: string, record: PromotedRecord): Promise<boolean>;
}

/** The tables of sources in a catalog: one or more of the name of the source. */
export interface CatalogTables {
  /** The columns of each of these tables. */
  types(source: string): Promise<readonly TableColumns[]>;
  /** Adds the columns that one of these tables lacks, at its end, and changes nothing else. */
  addColumns(table: Table): Promise<void>;
}

/** The types of a table's columns, by their names; undefined for a type that none of ours is. */
export type TableColumns = ReadonlyMap<string, ColumnType | undefined>;

/** A column that a source did not get, and why. */
export interface Refused {
  readonly column: WantedColumn;
  readonly reason: string;
}

export interface Promoted {
  readonly added: readonly PromotedColumn[];
  readonly refused: readonly Refused[];
}

/** What is promoted without being asked for: few at a time, and with room left for what people choose. */
export const AUTOMATIC = { perRun: 5, inAll: 40 } as const;

/** Another process may be faster, but not each time. */
const TRIES = 10;

/**
 * Adds columns to a source. Those that it has are left as they are, and put back into the catalog's table if it lacks them:
 * a deployment without them has taken them out.
 *
 * @param most as many are added, the first that the source can have
 * @throws what a service has thrown: whether the columns are there is unknown then, and the next call goes on
 */
export async function promote(
  settings: EvolvingSettings,
  wanted: readonly PromotedColumn[],
  { records, tables }: Omit<PromotePorts, 'now'>,
  most = wanted.length,
): Promise<Promoted> {
  const { name, options = {} } = settings;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { version, columns, declared: before } = await records.read(name);
    const declared = withDeclared(before, settings);
    const types = [...(await tables.types(name)), new Map(Object.entries(declared))];
    const added: PromotedColumn[] = [];
    const refused: Refused[] = [];
    for (const column of wanted) {
      if (added.length === most) break;
      const there = [...columns, ...added];
      if (there.some((each) => isSame(each, column))) continue;
      const reason = refusalOf(column, evolvedOptions(options, there)) ?? otherType(column, types);
      if (reason === undefined) added.push(column);
      else refused.push({ column, reason });
    }
    const all = [...columns, ...added];
    if (all.length > 0) await tables.addColumns(evolvedTable(settings, all));
    const isNew = added.length > 0 || Object.keys(declared).length > Object.keys(before).length;
    // If the answer is lost, the next call finds the columns in the record.
    if (!isNew || (await records.replace(name, { version, columns: all, declared }))) return { added, refused };
  }
  throw new Error(`columns of ${name}: expected to be promoted within ${TRIES} tries, others were faster`);
}

/** Promotes what comes often to text columns, and puts back what the catalog lacks. */
export async function promoteOften(
  settings: EvolvingSettings,
  counts: Pick<DayTally, 'sampled' | 'keys'>,
  ports: PromotePorts,
): Promise<Promoted> {
  const { columns } = await ports.records.read(settings.name);
  const options = evolvedOptions(settings.options ?? {}, columns);
  const at = ports.now().toISOString();
  const room = Math.max(0, Math.min(AUTOMATIC.perRun, AUTOMATIC.inAll - columns.length));
  const often = openSuggestions(suggestions(counts, options), columns);
  const wanted = often.filter(isChosen).map(({ column, key, rows, batches }): PromotedColumn => {
    const evidence = { rows, sampled: counts.sampled, batches };
    return { name: column, type: 'string', from: key, at, by: 'job', counts: evidence };
  });
  const { added, refused } = await promote(settings, wanted, ports, room);
  const others = often.flatMap(({ column, key, refused: reason }) =>
    reason === undefined ? [] : [{ column: { name: column, type: 'string' as const, from: key }, reason }],
  );
  return { added, refused: [...others, ...refused] };
}

/** Suggestions without the keys that were promoted since they were counted. */
export function openSuggestions(all: readonly Suggestion[], columns: readonly WantedColumn[]): Suggestion[] {
  const promoted = new Set(columns.map(({ from }) => from.toLowerCase()));
  return all.filter(({ key }) => !promoted.has(key.toLowerCase()));
}

/** Only a key that is a name itself: of others, people choose the name. */
function isChosen({ key, refused }: Suggestion): boolean {
  return refused === undefined && isName(key);
}

function isSame(a: WantedColumn, b: WantedColumn): boolean {
  return a.name === b.name && a.type === b.type && a.from.toLowerCase() === b.from.toLowerCase();
}

/** A column never gets another type: files that have it would be read wrongly, or not at all. */
function otherType({ name, type }: WantedColumn, tables: readonly TableColumns[]) {
  const other = tables.find((types) => types.has(name) && types.get(name) !== type);
  if (!other) return undefined;
  const had = other.get(name) ?? 'another type';
  return `expected a name that tables of the source have not had with another type: ${name} was ${had}`;
}
