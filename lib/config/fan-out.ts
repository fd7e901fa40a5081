/** The key `fanOut` of a source: its allowed values, and the rule that no two tables of the stack have one name. */
import { z } from 'zod';
import type { Delivery, TableFormat } from '../../lambdas/core/settings.ts';
import { type FanOut, fanOutTable, isPlainValue, otherTable } from '../../lambdas/core/tables/fan-out.ts';
import type { Table } from '../../lambdas/core/tables/table.ts';
import { ConfigError } from './config-error.ts';
import { list, object } from './values.ts';

/** For more tables than this, neither Glue nor the commits were reckoned: docs/iceberg.md says what so many ask of them. */
const MAX_VALUES = 10_000;

const MAX_VALUE_LENGTH = 1024;
const A_VALUE = `a value of 1 to ${MAX_VALUE_LENGTH.toLocaleString('en')} characters, as the column has it`;
const A_LIST = `a list of 1 to ${MAX_VALUES.toLocaleString('en')} values of the column`;

export const FAN_OUT = object({
  by: z.string('the name of a column'),
  allow: list(
    // Half of a character has no bytes: rows cannot have it.
    z
      .string(A_VALUE)
      .min(1, A_VALUE)
      .max(MAX_VALUE_LENGTH, A_VALUE)
      .refine((value) => value.isWellFormed(), A_VALUE),
    A_LIST,
  ).refine((values) => values.length <= MAX_VALUES, A_LIST),
  other: z.string('the end of the name of a table').optional(),
});

type FanOutInput = z.output<typeof FAN_OUT>;

/**
 * Checks how the rows of a source are divided.
 *
 * @param table of the source
 * @throws ConfigError naming the param
 */
export function fanOutOf(
  fanOut: FanOutInput,
  table: Table,
  { delivery, tableFormat }: { readonly delivery: Delivery; readonly tableFormat: TableFormat },
  path: string,
): FanOut {
  if (delivery !== 'direct' || tableFormat !== 'iceberg') {
    const allowed = `only with delivery=direct and tableFormat=iceberg; the source has ${delivery} and ${tableFormat}`;
    throw ConfigError.notAllowed(path, fanOut, allowed);
  }
  const { by, allow, other } = fanOut;
  const texts = table.columns.filter(({ type }) => type === 'string').map(({ name }) => name);
  if (!texts.includes(by)) {
    throw ConfigError.notAllowed(`${path}.by`, by, `a column of text: ${texts.join(', ')}`);
  }
  const values = new Set<string>();
  for (const [index, value] of allow.entries()) {
    if (values.has(value)) throw ConfigError.notAllowed(`${path}.allow[${index}]`, value, 'each value once');
    values.add(value);
  }
  if (other !== undefined && !isPlainValue(table.name, other)) {
    const allowed = 'the end of the name of a table: up to 48 of a-z and 0-9, with single _ between them';
    throw ConfigError.notAllowed(`${path}.other`, other, allowed);
  }
  return fanOut;
}

/** A source as far as it has tables. */
interface Tables {
  readonly name: string;
  readonly fanOut?: FanOut;
}

/**
 * Refuses two tables of one name: of two sources, as of `app` for the value `web_a` and of `app_web` for `a`, or of two values
 * with the same hash. A value cannot be renamed, so the message says what can.
 */
export function refuseSharedTables(sources: readonly Tables[]): void {
  const owners = new Map(sources.map(({ name }) => [name, `the source ${name}`]));
  for (const [index, source] of sources.entries()) {
    if (!source.fanOut) continue;
    const { allow, other } = source.fanOut;
    const path = `sources[${index}].fanOut`;
    if (other !== undefined) own(otherTable(source.name, source.fanOut), other, `${path}.other`, owners);
    for (const [at, value] of allow.entries()) {
      own(fanOutTable(source.name, value), value, `${path}.allow[${at}]`, owners);
    }
  }
}

function own(table: string, value: string, param: string, owners: Map<string, string>): void {
  const owner = owners.get(table);
  if (owner !== undefined) {
    const allowed = `values whose tables have names of their own; ${table} belongs to ${owner}: name a source anew, or leave the value out`;
    throw ConfigError.notAllowed(param, value, allowed);
  }
  owners.set(table, param);
}
