/**
 * The JSON keys that columns of the lake and of its formats have had: test/golden/keys.txt, a line each, `table.column
 * type key`. Lines are only ever added, at the end. `log_format` stands for the columns that formats of log_format
 * strings share, `named` for columns that users declare.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { SHARED_COLUMNS } from '../../lambdas/core/reading/log-columns.ts';
import { LOG_FORMAT_OPTION } from '../../lambdas/core/reading/log-format.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import {
  bigint,
  type Column,
  double,
  int,
  keyedByName,
  numbered,
  OWN,
  text,
  timestamp,
} from '../../lambdas/core/tables/table.ts';
import { GOLDEN } from './golden.ts';

const FILE = join(GOLDEN, 'keys.txt');

/** What a line says: `column` with its table, `as` its type and key. */
export interface KeyLine {
  readonly column: string;
  readonly as: string;
}

/** Any columns: what is frozen is how a name and a type become a key. */
const NAMED = keyedByName({ time: timestamp(''), message: text(''), n: int(''), n_2: bigint(''), x: double('') });

/** Options of the formats whose columns are those of `log_format` or `named`. */
const KEYED_ELSEWHERE = [LOG_FORMAT_OPTION, 'columns'];

export function frozenKeys(): KeyLine[] {
  return readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [column = '', type = '', key = ''] = line.split(' ');
      return { column, as: `${type} ${key}` };
    });
}

export function keysOfToday(): KeyLine[] {
  const tables: [string, readonly Column[]][] = [
    ['own', Object.values(OWN)],
    ...[loadsTable, rejectedTable].map(({ name, columns }): [string, readonly Column[]] => [name, columns]),
    ['log_format', numbered(SHARED_COLUMNS)],
    ['named', numbered(NAMED)],
    ...[...FORMATS.values()]
      .filter(({ options }) => !KEYED_ELSEWHERE.some((option) => option in options))
      .map(({ name, compile }): [string, readonly Column[]] => [name, numbered(compile({}).columns)]),
  ];
  return tables.flatMap(([table, columns]) =>
    columns.map(({ name, type, key }) => ({ column: `${table}.${name}`, as: `${type} ${key}` })),
  );
}

/** Adds the columns of today that have no line yet, at the end of the file. Returns the lines added. */
export function appendNewKeys(): string[] {
  const frozen = new Set(frozenKeys().map(({ column }) => column));
  const lines = keysOfToday()
    .filter(({ column }) => !frozen.has(column))
    .map(({ column, as }) => `${column} ${as}`);
  if (lines.length > 0) appendFileSync(FILE, `${lines.join('\n')}\n`);
  return lines;
}
