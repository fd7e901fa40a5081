import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addPlan } from '../../../bin/commands/plan.ts';
import type { Plan } from '../../../bin/plan/plan.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const LAKE = fileURLToPath(new URL('../../../bin/lake.ts', import.meta.url));
const PRICES = new URL('../../../bin/plan/prices.json', import.meta.url);
const SOURCES = `sources=${JSON.stringify([
  { name: 'web', format: 'alb' },
  { name: 'gateway', format: 'kong', from: { logGroups: ['/ecs/kong'] } },
])}`;

const lakePlan = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LAKE, 'plan', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

/** Why the command does not take its words. */
function refusal(...args: readonly string[]): string {
  const lake = new Command('lake').exitOverride().configureOutput({ writeErr: () => {} });
  addPlan(lake);
  try {
    lake.parse(['node', 'lake', 'plan', ...args]);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('was taken');
}

function planned(...args: readonly string[]): Plan {
  const { status, stdout, stderr } = lakePlan(...args, '--json');
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Plan;
}

// Each command is a process of its own.
describe('lake plan', { timeout: 60_000 }, () => {
  test('prints a screen, or the same as JSON by stable names', () => {
    const { status, stdout } = lakePlan('--lines-per-day', '1e9');
    expect(status).toBe(0);
    for (const text of ['1,000,000,000 lines', 'freshness', 'us-east-1, us-west-2, eu-west-1', 'usual way']) {
      expect(stdout).toContain(text);
    }
    const plan = planned('--lines-per-day', '1_000,000_000');
    expect(Object.keys(plan)).toEqual([
      'peakFactor',
      'rates',
      'prices',
      'assumed',
      'config',
      'sources',
      'requestsPerDay',
      'alarms',
      'monthly',
      'warnings',
    ]);
    expect(Object.keys(plan.sources[0] ?? {})).toEqual([
      ...['name', 'format', 'ratesOf', 'lane', 'delivery', 'retentionDays', 'linesPerDay', 'bytesPerLine'],
      'rawBytesPerDay',
      ...['linesPerObject', 'objectsPerDay', 'lambda', 'firehose', 'files', 'freshness', 'dynamoDb', 'duplicates'],
    ]);
    expect(plan.sources).toMatchObject([{ name: 'alb', linesPerDay: 1e9 }]);
  });

  test('spreads a number over the sources that have none of their own', () => {
    const lines = (...numbers: string[]) =>
      planned('-c', SOURCES, ...numbers.flatMap((number) => ['--lines-per-day', number])).sources.map(
        ({ name, linesPerDay }) => [name, linesPerDay],
      );
    expect(lines('1000')).toEqual([
      ['web', 500],
      ['gateway', 500],
    ]);
    expect(lines('1000', 'web=3000')).toEqual([
      ['web', 3000],
      ['gateway', 1000],
    ]);
    expect(lines('web=3000')).toEqual([['web', 3000]]);
    expect(planned('-c', SOURCES, '--lines-per-day', 'web=3000').warnings).toContain(
      'gateway: not in this plan, because --lines-per-day gives no lines for it',
    );
  });

  test('takes the params of a deploy, and what is known of the lines', () => {
    const [source] = planned(
      ...['--lines-per-day', '1e9', '-c', 'streamsPerTable=4', '-c', 'duplicates.enabled=false'],
      ...['--bytes-per-line', '300', '--lines-per-object', '2000', '--peak', '3'],
    ).sources;
    expect(source).toMatchObject({ bytesPerLine: 300, linesPerObject: 2000, objectsPerDay: 500_000 });
    expect(source?.firehose.streams).toBe(4);
    expect(source?.dynamoDb.duplicateWritesPerDay).toBe(0);
    expect(source!.lambda.peak / source!.lambda.average).toBeCloseTo(3, 9);
  });

  test('takes prices of another file', () => {
    const file = join(temporaryFolder(), 'prices.json');
    const prices = JSON.parse(readFileSync(PRICES, 'utf8'));
    writeFileSync(
      file,
      JSON.stringify({ ...prices, region: 'eu-west-1', s3PerGBMonth: { ...prices.s3PerGBMonth, tiers: [{ usd: 0 }] } }),
    );
    const plan = planned('--lines-per-day', '1e9', '--prices', file);
    expect(plan.prices.region).toBe('eu-west-1');
    expect(plan.monthly.parquet.loading.s3Storage).toBe(0);
  });

  test.each([
    ['0', "'0' is invalid. expected a number from 1 to 16,000,000,000,000"],
    ['-5', "'-5' is invalid. expected a number from 1"],
    ['1e99', "'1e99' is invalid. expected a number from 1"],
    ['many', "'many' is invalid. expected a number from 1"],
    ['', "'' is invalid. expected a number from 1"],
    ['1,5', "'1,5' is invalid. expected a number from 1"],
    ['web=', "'web=' is invalid. expected a number from 1"],
    ['=5', "'=5' is invalid. expected name=n or n"],
  ])('refuses %j lines, naming the option', (lines, message) => {
    expect(refusal('--lines-per-day', lines)).toContain(`option '--lines-per-day <n>' argument ${message}`);
  });

  test.each([
    [['--bytes-per-line', '0'], "'--bytes-per-line <n>'"],
    [['--lines-per-object', '2e9'], "'--lines-per-object <n>'"],
    [['--peak', '0.5'], "'--peak <factor>'"],
    [['-c', 'streamsPerTable=51'], 'streamsPerTable: got "51", allowed: a whole number from 1 to 50'],
    [['--bytes-per-line', 'shop=5'], '--bytes-per-line: no source shop: give one of alb'],
    [['--prices', 'nowhere.json'], '--prices: '],
    [
      ['--lines-per-day', 'alb=5'],
      '--lines-per-day: got 1000000000 for the other sources, but each source has its own number: alb',
    ],
  ])('refuses %j, naming the option', (args, message) => {
    expect(refusal('--lines-per-day', '1e9', ...args)).toContain(message);
  });

  test('ends with exit code 2 for a number that is none, and for a param that cannot be', () => {
    expect(lakePlan('--lines-per-day', '0')).toMatchObject({ status: 2, stdout: '' });
    expect(lakePlan()).toMatchObject({ status: 2, stderr: expect.stringContaining('--lines-per-day') });
    const { status, stdout, stderr } = lakePlan('--lines-per-day', '1e9', '-c', 'streamsPerTable=0');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^lake: streamsPerTable: got "0", allowed: a whole number from 1 to 50\n$/);
  });
});
