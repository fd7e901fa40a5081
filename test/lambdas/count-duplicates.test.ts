import type { Context, ScheduledEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { QUIET_MS } from '../../lambdas/core/duplicates/count.ts';
import { ENV } from '../../lambdas/core/settings.ts';
import { clientEnvironment } from '../helpers/client-options.ts';
import { contextOf } from '../helpers/events.ts';
import { capturePrinted } from '../helpers/printed.ts';
import { deliver, lineOf, MINUTE_MS, NOW, newSource, table, totals } from './edges/duplicates-inputs.ts';
import { TABLE } from './edges/duplicates-table.ts';

let handler: (event: ScheduledEvent, context: Context) => Promise<{ readonly left: number }>;
const printed = capturePrinted();

beforeAll(async () => {
  for (const [name, value] of Object.entries(clientEnvironment(table.url))) vi.stubEnv(name, value);
  vi.stubEnv(ENV.duplicatesTable, TABLE);
  ({ handler } = await import('../../lambdas/count-duplicates.ts'));
});
afterAll(() => {
  vi.unstubAllEnvs();
});

/** The schedule's event of a run at that time. */
const runAt = (time: number) => ({ time: new Date(time).toISOString() }) as ScheduledEvent;
const later = () => Date.now() + QUIET_MS + 1000;

describe('a run of the schedule', () => {
  test('a run counts the minutes that are due by its time and puts what it has counted, by source', async () => {
    const source = newSource();
    const lines = [lineOf(2, 1), lineOf(2, 1), lineOf(1, 2)];
    await deliver({ source, key: 'a', lines }, { source, key: 'b', lines: [lineOf(1, 2)] });

    expect(await handler(runAt(Date.now()), contextOf())).toEqual({ left: 2 });
    expect(printed.metrics).toEqual([]);

    expect(await handler(runAt(later()), contextOf())).toEqual({ left: 0 });
    const minute = (ago: number) => new Date(NOW - ago * MINUTE_MS).toISOString();
    const counted = (checked: number, within: number, across: number) => ({
      RecordsChecked: [checked, 'Count'],
      DuplicatesWithinObject: [within, 'Count'],
      DuplicatesAcrossObjects: [across, 'Count'],
    });
    const dimensions = { service: 'tributary', source: source.settings.name };
    expect(printed.metrics).toMatchObject([
      { dimensions, metrics: counted(2, 1, 0), rest: { minute: minute(2) } },
      { dimensions, metrics: counted(2, 0, 1), rest: { minute: minute(1) } },
    ]);
    expect(await totals(source)).toEqual({ checked: 4, withinObject: 1, acrossObjects: 1 });
    expect(await handler(runAt(later()), contextOf())).toEqual({ left: 0 });
    expect(printed.metrics).toHaveLength(2);
  });

  test('a run begins with no minute when its time is over, and leaves them to the next run', async () => {
    const source = newSource();
    await deliver({ source, key: 'a', lines: [lineOf(2, 1)] });
    expect(await handler(runAt(later()), contextOf(0))).toEqual({ left: 1 });
    expect(printed.metrics).toEqual([]);
    expect(await handler(runAt(later()), contextOf())).toEqual({ left: 0 });
    expect(await totals(source)).toEqual({ checked: 1, withinObject: 0, acrossObjects: 0 });
  });

  test('a run fails when the table does not answer as it should: what is marked is counted by the next run', async () => {
    const source = newSource();
    await deliver({ source, key: 'a', lines: [lineOf(2, 1)] });
    table.deny = true;
    await expect(handler(runAt(later()), contextOf())).rejects.toMatchObject({ name: 'AccessDeniedException' });
    table.deny = false;
    expect(await handler(runAt(later()), contextOf())).toEqual({ left: 0 });
    expect(await totals(source)).toEqual({ checked: 1, withinObject: 0, acrossObjects: 0 });
  });
});
