import type { CompiledFormat } from '../../lambdas/core/format.ts';
import { Row } from '../../lambdas/core/row.ts';
import { numbered, OWN } from '../../lambdas/core/table.ts';

/** What became of one line, with a row's values by column name: as golden files hold it. */
export type Reading =
  | { readonly row: Readonly<Record<string, unknown>> }
  | { readonly filtered: string }
  | { readonly rejected: string };

/** Reads lines as a loader does; `extra` and `errors` come as the objects their JSON text holds. */
export function readLines({ columns, reader }: CompiledFormat, lines: readonly string[]): Reading[] {
  const names = new Map([...numbered(columns), ...Object.values(OWN)].map(({ key, name }) => [key, name]));
  const row = new Row(columns);
  return lines.map((line) => {
    row.begin();
    const outcome = reader.read(line, row);
    if (outcome.kind === 'filtered') return { filtered: outcome.filter };
    if (outcome.kind === 'rejected') return { rejected: outcome.reason };
    const values = Object.entries(JSON.parse(row.json('origin', 1, line, 'never')))
      .filter(([key]) => key !== OWN.origin.key && key !== OWN.position.key)
      .map(([key, value]) => [names.get(key), hasJson(key) ? JSON.parse(String(value)) : value] as const);
    return { row: Object.fromEntries(values) };
  });
}

function hasJson(key: string): boolean {
  return key === OWN.extra.key || key === OWN.errors.key;
}
