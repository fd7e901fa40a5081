import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino/index.js';
import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
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

const saved = [
  ...resources(templateOf({ sources: SOURCES, timeZone: 'Asia/Seoul' }), 'AWS::Athena::NamedQuery').values(),
].map(({ Properties: { Name, QueryString } }) => [String(Name), readable(QueryString)] as const);

const parser = new TrinoSQL();

describe('what the workgroup has saved', () => {
  test.each(saved)('%s is SQL of Trino, of which Athena is made', (_, sql) => {
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

  test.each([
    ['half a query', 'SELECT count(*) FROM "alb" WHERE'],
    ['a statement of DuckDB', 'FROM alb SELECT elb'],
    ['an operator of DuckDB', "SELECT 1 FROM alb WHERE dt ~~ '2026-%'"],
  ])('and %s would be found', (_, sql) => {
    expect(parser.validate(sql)).not.toEqual([]);
  });
});
