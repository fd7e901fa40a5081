import { describe, expect, test } from 'vitest';
import { AUTOMATIC, promote, promoteOften } from '../../../../lambdas/core/evolution/promote.ts';
import { evolvedOptions, evolvedSource, type PromotedColumn } from '../../../../lambdas/core/evolution/promoted.ts';
import { json } from '../../../../lambdas/core/formats/json.ts';
import { WorldPromotions } from '../../../helpers/world-promotions.ts';

const SETTINGS = {
  ...{ name: 'app', format: 'json', lane: 'objects' as const, bucket: 'logs', delivery: 'direct' as const },
  options: { columns: { time: 'timestamp', level: 'string' } },
};
const NOW = '2026-11-22T12:00:00.000Z';
const chosen = (name: string, type: PromotedColumn['type'] = 'string', from = name): PromotedColumn => ({
  ...{ name, type, from, at: NOW, by: 'user' },
});
const key = (name: string, rows = 500) => ({
  ...{ key: name, rows, batches: 5, example: 'x', first: NOW, last: NOW },
});

function catalog() {
  const world = new WorldPromotions();
  const ports = { ...world.ports(async (_, effect) => effect()), now: () => new Date(NOW) };
  const names = () => world.record.columns.map(({ name }) => name);
  const often = (keys: readonly ReturnType<typeof key>[]) => promoteOften(SETTINGS, { sampled: 1000, keys }, ports);
  return { world, ports, names, often };
}

describe('what comes often', () => {
  test('becomes a text column of its name, with what was counted, and stays one when it is counted no more', async () => {
    const { world, names, often } = catalog();
    await often([key('Tenant'), key('seldom', 5)]);
    expect(world.record.columns).toEqual([
      { ...chosen('tenant', 'string', 'Tenant'), by: 'job', counts: { rows: 500, sampled: 1000, batches: 5 } },
    ]);
    expect((await often([key('Tenant'), key('TENANT')])).added).toEqual([]);
    await often([]);
    expect(names()).toEqual(['tenant']);
  });

  test('is promoted a few at a time, and leaves room for what people choose', async () => {
    const { names, often } = catalog();
    const keys = Array.from({ length: 60 }, (_, index) => key(`k${index}`, 900 - index));
    const runs: number[] = [];
    for (let run = 0; run < 12; run++) runs.push((await often(keys)).added.length);
    expect(runs).toEqual([...Array.from({ length: 8 }, () => AUTOMATIC.perRun), 0, 0, 0, 0]);
    expect(names()).toEqual(keys.slice(0, AUTOMATIC.inAll).map((each) => each.key));
  });

  test('takes no place of others where a table has its name with another type', async () => {
    const { world, names, often } = catalog();
    for (let index = 0; index < AUTOMATIC.perRun; index++) world.columns.set(`old${index}`, 'int');
    await often([...world.columns.keys()].map((name) => key(name, 900)).concat(key('tenant')));
    expect(names()).toEqual(['tenant']);
  });

  test('is no column of text if it was declared as another one before: files have its name as that', async () => {
    const { world, ports } = catalog();
    const keys = [key('status'), key('tenant')];
    const declaring = { ...SETTINGS, options: { columns: { ...SETTINGS.options.columns, status: 'int' } } };
    await promoteOften(declaring, { sampled: 1000, keys: [] }, ports);
    world.columns.clear();
    const { added, refused } = await promoteOften(SETTINGS, { sampled: 1000, keys }, ports);
    expect(added.map(({ name }) => name)).toEqual(['tenant']);
    expect(refused.map(({ reason }) => reason)).toEqual([
      'expected a name that tables of the source have not had with another type: status was int',
    ]);
    expect((await promote(SETTINGS, [chosen('status', 'int')], ports)).added).toHaveLength(1);
  });

  test('is no column if it clashes, whatever the case, or if its key is no name', async () => {
    const { names, often } = catalog();
    const { refused } = await often([key('LEVEL'), key('message'), key('user-id'), key('a.b'), key('dt'), key('ok')]);
    expect(names()).toEqual(['ok']);
    expect(refused.map(({ column }) => column.name)).toEqual(['level', 'message', 'dt']);
  });
});

describe('a column', () => {
  test('never gets another type, also if only the catalog has it', async () => {
    const { world, ports, names } = catalog();
    await promote(SETTINGS, [chosen('count', 'bigint')], ports);
    world.columns.set('left', 'int');
    const { refused } = await promote(SETTINGS, [chosen('count', 'string'), chosen('left'), chosen('right')], ports);
    expect(refused.map(({ column, reason }) => [column.name, reason])).toEqual([
      ['count', 'expected a name that no column has'],
      ['left', 'expected a name that tables of the source have not had with another type: left was int'],
    ]);
    expect(names()).toEqual(['count', 'right']);
  });

  test('that a deployment has taken out of the table is put back, without a new one to promote', async () => {
    const { world, often, ports } = catalog();
    await promote(SETTINGS, [chosen('tenant'), chosen('n', 'double')], ports);
    world.columns.clear();
    await often([]);
    expect([world.columns.get('tenant'), world.columns.get('n')]).toEqual(['string', 'double']);
  });

  test('that others promote at the same moment is there once', async () => {
    const { ports, names } = catalog();
    await Promise.all([1, 2, 3, 4].map(() => promote(SETTINGS, [chosen('tenant'), chosen('order')], ports)));
    expect(names()).toEqual(['tenant', 'order']);
  });
});

test('the configuration goes before promoted columns: what it declares, and what would clash with it', () => {
  const options = { columns: { tenant: 'int', user: { type: 'string', from: 'who.name' } }, promoted: { a: 'double' } };
  const columns = [chosen('tenant'), chosen('who'), chosen('a'), chosen('b'), chosen('B2', 'int', 'b.c')];
  expect(evolvedOptions(options, columns)).toEqual({
    ...options,
    promoted: { a: 'double', b: { type: 'string', from: 'b' } },
  });
  const source = { settings: { ...SETTINGS, options }, format: json.compile(options) };
  expect(Object.keys(evolvedSource(source, columns).format.columns)).toEqual(['tenant', 'user', 'a', 'b']);
  expect(evolvedSource(source, [])).toBe(source);
});
