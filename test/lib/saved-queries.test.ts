import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino/index.js';
import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { Context } from '../../lib/config/config.ts';
import { readable, resources, templateOf } from '../helpers/template.ts';

/** A source of every format, on either lane. */
const SOURCES = [...FORMATS.values()].flatMap(({ name, exampleOptions = {} }) =>
  [{}, { logGroups: [`/ecs/${name}`] }].map((from, index) => ({
    name: `${name.replace('-', '_')}_${index}`,
    format: name,
    ...exampleOptions,
    from: index === 0 ? { bucket: 'my-logs', prefix: `${name}/` } : from,
  })),
);

function savedIn(context: Context): (readonly [name: string, sql: string])[] {
  return [...resources(templateOf({ timeZone: 'Asia/Seoul', ...context }), 'AWS::Athena::NamedQuery').values()].map(
    ({ Properties: { Name, QueryString } }) => [String(Name), readable(QueryString)] as const,
  );
}

const saved = savedIn({ sources: SOURCES });

/** One of each lane with an Iceberg table, and one without. */
const ICEBERG = savedIn({
  sources: [
    ...[0, 1].map((lane) => ({ ...SOURCES[lane], name: `ice_${lane}`, delivery: 'direct', tableFormat: 'iceberg' })),
    { name: 'plain', format: 'alb', from: { bucket: 'other-logs' } },
  ],
});

const parser = new TrinoSQL();

describe('what the workgroup has saved', () => {
  test.each([...saved, ...ICEBERG])('%s is SQL of Trino, of which Athena is made', (_, sql) => {
    expect(parser.validate(sql)).toEqual([]);
  });

  test('are queries of every format, views and exact counts of duplicates', () => {
    const names = saved.map(([name]) => name);
    for (const { name } of SOURCES) expect(names.filter((query) => query.includes(name)).length).toBeGreaterThan(3);
    expect(names).toEqual(
      expect.arrayContaining([
        'freshness',
        'make the view alb_0_once',
        'make the view alb_0_local_time',
        'duplicates of kong_1, exactly',
      ]),
    );
  });

  test('are views with local times only if the days are those of another zone than UTC', () => {
    const names = saved.map(([name]) => name).filter((name) => name.endsWith('_local_time'));
    expect(names).toHaveLength(SOURCES.length);
    const queries = [...resources(templateOf({}), 'AWS::Athena::NamedQuery').values()];
    expect(queries.filter(({ Properties: { Name } }) => String(Name).includes('local_time'))).toEqual([]);
  });

  test('reads rows where they are written, and in views and exact counts those of both tables of a source', () => {
    const [own, iceberg] = ['"<CatalogDatabase>".', '"<CatalogIcebergDatabase>".'];
    const tablesIn = (sql: string) => [...new Set(sql.match(/"<\w+>"\."\w+"/g))].sort();
    for (const [name, sql] of ICEBERG) {
      const [source] = /ice_\d|plain/.exec(name) ?? [];
      if (source === undefined) continue;
      const [table, other] =
        source === 'plain' ? [`${own}"plain"`, []] : [`${iceberg}"${source}"`, [`${own}"${source}"`]];
      const isOfBoth = /^make the view|^duplicates/.test(name);
      const expected = isOfBoth ? [...other, table] : [table];
      const view = /VIEW (\S+)/.exec(sql)?.[1];
      const lakes = [`${own}"loads"`, `${own}"rejected_lines"`, ...(view ? [view] : [])];
      expect(
        tablesIn(sql).filter((each) => !lakes.includes(each)),
        name,
      ).toEqual(expected.sort());
      expect(view?.startsWith(own) ?? true, name).toBe(true);
    }
    const views = ICEBERG.map(([name]) => name).filter((name) => name.endsWith('_all'));
    expect(views).toEqual(['make the view ice_0_all', 'make the view ice_1_all']);
  });

  test('ask of a divided source the table of its first value, and make no view that would lack the others', () => {
    const fanOut = { by: 'elb', allow: ['app/one', 'two'] };
    const names = new Map(
      savedIn({
        sources: [{ ...SOURCES[0], name: 'parts', delivery: 'direct', tableFormat: 'iceberg', fanOut }],
      }).filter(([name]) => name.includes('parts')),
    );
    expect([...names.keys()].filter((name) => !name.startsWith('parts-'))).toEqual([]);
    const sql = names.get('parts-top-urls') ?? '';
    expect(sql).toContain('FROM "<CatalogIcebergDatabase>"."parts_app_one_h');
    expect(sql).toMatch(/\n-- These are the rows in parts_app_one_h\w{8}, the table of one value of elb: /);
    for (const each of names.values()) expect(parser.validate(each)).toEqual([]);
  });

  test.each([
    ['half a query', 'SELECT count(*) FROM "alb" WHERE'],
    ['a statement of DuckDB', 'FROM alb SELECT elb'],
    ['an operator of DuckDB', "SELECT 1 FROM alb WHERE dt ~~ '2026-%'"],
  ])('and %s would be found', (_, sql) => {
    expect(parser.validate(sql)).not.toEqual([]);
  });
});
