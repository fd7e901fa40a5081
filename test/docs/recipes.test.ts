import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExampleLake, openExampleLake } from '../../bin/docs/example-lake.ts';
import { LineBatcher } from '../../lambdas/core/loading/line-batcher.ts';
import { readConfig } from '../../lib/config/config.ts';
import { compiled } from '../helpers/compiled.ts';

const PAGE = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8');
const blocks = (kind: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text);

describe('docs/recipes.md', () => {
  let lake: ExampleLake;
  beforeAll(async () => {
    lake = await openExampleLake();
  });
  afterAll(() => lake.close());

  test.each(blocks('sql').map((sql) => [sql.split('\n')[0], sql]))(
    'has a query that answers: %s',
    async (_, sql = '') => {
      const { rows } = await lake.athena.query(sql);
      expect(rows.length).toBeGreaterThan(0);
    },
  );

  const sources = blocks('json').map((text) => JSON.parse(text) as { name: string; columns: Record<string, string> });
  test.each(sources.map((source) => [source.name, source] as const))(
    'has a source that can be configured and reads what the collector writes: %s',
    (name, source) => {
      expect(readConfig({ sources: [source] }).sources[0]?.name).toBe(name);
      const [, lines = ''] = new RegExp(`<!-- lines ${name} -->\n+\`\`\`\n([^]*?)\`\`\``).exec(PAGE) ?? [];
      const batcher = new LineBatcher({
        ...{
          source: name,
          origin: 'origin000000',
          keepRaw: 'never' as const,
          shared: new Map(),
          now: () => new Date(),
        },
        format: compiled('json', { columns: source.columns }),
      });
      batcher.push(Buffer.from(lines));
      batcher.end();
      const { counts } = batcher;
      expect(counts).toMatchObject({ lines: 2, rows: 2, rejected: 0, fieldErrors: 0, emptyRows: 0 });
    },
  );

  test('has queries and sources', () => {
    expect(blocks('sql')).toHaveLength(2);
    expect(sources).toHaveLength(2);
  });
});
