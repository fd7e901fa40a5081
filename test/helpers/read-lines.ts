import { type CompiledFormat, READER_FAILED } from '../../lambdas/core/reading/format.ts';
import { InputReader } from '../../lambdas/core/reading/input-reader.ts';
import { Row } from '../../lambdas/core/reading/row.ts';
import { shownTime } from '../../lambdas/core/reading/times.ts';
import { type Column, numbered, OWN } from '../../lambdas/core/tables/table.ts';
import { blocksOf } from './blocks.ts';

/** What became of one line, with a row's values by column name: as golden files hold it. */
export type Reading =
  | { readonly row: Readonly<Record<string, unknown>> }
  | { readonly filtered: string }
  | { readonly rejected: string };

/**
 * Reads lines as the loading functions do; `extra` and `errors` come as the objects their JSON text holds, times as text.
 *
 * @param path of the file the lines are from, for the error
 * @throws Error naming the file, the line and its text if the reader throws
 */
export function readLines(format: CompiledFormat, lines: readonly string[], path = 'lines'): Reading[] {
  return readings(format, path, (input) => {
    for (const block of blocksOf(lines)) input.readEvents(block);
  });
}

/** Reads the lines of an object, the last of which may have no line end. */
export function readObjectText(format: CompiledFormat, text: string): Reading[] {
  return readings(format, 'object', (input) => input.push(Buffer.from(text)));
}

function readings({ columns, reader }: CompiledFormat, path: string, feed: (input: InputReader) => void): Reading[] {
  const byKey = new Map<string, Column>([...numbered(columns), ...Object.values(OWN)].map((each) => [each.key, each]));
  const row = new Row(columns);
  const all: Reading[] = [];
  const valuesOf = (line: string) =>
    Object.entries(JSON.parse(row.json('origin', 1, line, 'never')))
      .filter(([key]) => key !== OWN.origin.key && key !== OWN.position.key)
      .map(([key, value]) => [byKey.get(key)?.name, shown(byKey.get(key), value)] as const);
  const input = new InputReader(
    { format: { columns, reader }, row },
    {
      add(line, outcome) {
        if (outcome.kind === 'rejected' && outcome.reason === READER_FAILED) {
          throw new Error(`${path}, line ${all.length + 1}: ${outcome.detail}: ${line}`);
        }
        if (outcome.kind === 'filtered') all.push({ filtered: outcome.filter });
        else if (outcome.kind === 'rejected') all.push({ rejected: outcome.reason });
        else all.push({ row: Object.fromEntries(valuesOf(line)) });
      },
    },
  );
  feed(input);
  input.end();
  return all;
}

function shown(column: Column | undefined, value: unknown): unknown {
  if (column?.type === 'timestamp') return shownTime(value);
  return column === OWN.extra || column === OWN.errors ? JSON.parse(String(value)) : value;
}
