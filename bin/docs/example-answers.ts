/** The parts of docs/queries.md that are derived from the code: the saved queries with answers of the example lake. */

import { savedQueries } from '../../lambdas/core/queries/saved-queries.ts';
import { rangeOf, type SavedQuery } from '../../lambdas/core/queries/saved-query.ts';
import { ATHENA_FUNCTIONS } from '../../local/athena/functions.ts';
import type { QueryResult } from '../../local/athena/query-result.ts';
import { DATABASE, EXAMPLE_TABLES, openExampleLake } from './example-lake.ts';
import { markdownTable } from './markdown.ts';

/** The hour whose rows the example lake has. */
export const EXAMPLE_HOUR = rangeOf(new Date('2026-11-28T10:00:00Z'), new Date('2026-11-28T11:00:00Z'));

export function exampleQueries(): SavedQuery[] {
  return savedQueries({ database: DATABASE, tables: EXAMPLE_TABLES.map(({ table }) => table) });
}

/** Texts of docs/queries.md by the name of their place. */
export async function exampleAnswers(): Promise<ReadonlyMap<string, string>> {
  const lake = await openExampleLake();
  try {
    const sections: string[] = [];
    for (const query of firstOfEachKind()) {
      const answer = await lake.athena.query(query.sql(EXAMPLE_HOUR));
      sections.push(`#### ${query.name}`, '', query.description, '', ...answerTable(answer), '');
    }
    const [example] = exampleQueries().filter(({ name }) => name === 'alb-errors-by-target');
    return new Map([
      ['saved-queries', sections.join('\n').trimEnd()],
      ['functions', ATHENA_FUNCTIONS.map((name) => `\`${name}\``).join(', ')],
      ['saved-query', ['```sql', example?.sql(EXAMPLE_HOUR), '```'].join('\n')],
    ]);
  } finally {
    await lake.close();
  }
}

/** The questions about the lake, and each question about a source once, of the first source that can answer it. */
function firstOfEachKind(): SavedQuery[] {
  const kinds = new Set<string>();
  return exampleQueries().filter(({ name, source }) => {
    const kind = source === undefined ? name : name.slice(source.length);
    if (kinds.has(kind)) return false;
    kinds.add(kind);
    return true;
  });
}

function answerTable({ columns, rows }: QueryResult): string[] {
  const cell = (value: unknown) => String(value ?? '').replace(/\.000000$/, '');
  return markdownTable(
    columns.map(({ name }) => name),
    rows.map((row) => row.map(cell)),
  );
}
