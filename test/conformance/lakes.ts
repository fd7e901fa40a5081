/** Lakes on this machine whose tables the checks read. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, lake, progress } from './check.ts';

/** The lane that loads a lake. */
export type Delivery = 'firehose' | 'direct';

/** Trino lists each day for which there may be rows. */
const FEW_DAYS = 'retentionDays=30';

/** The folders of the lakes, which are made once. */
const made = new Map<string, string>();

function lakeOnce(name: string, make: (dir: string) => void): string {
  const dir = made.get(name) ?? newLake(name);
  if (!made.has(name)) {
    progress(`loading ${name}`);
    make(dir);
  }
  made.set(name, dir);
  return dir;
}

/** A new place for a lake: its folder is not there. */
export function newLake(name: string): string {
  const dir = join(FOLDER, name);
  rmSync(dir, { recursive: true, force: true });
  return dir;
}

/** The demo's lake. That of the direct lane has the days of another time zone, and so views with local times. */
export function demoLake(delivery: Delivery): string {
  const timeZone = delivery === 'direct' ? 'Asia/Seoul' : 'UTC';
  const params = [`delivery=${delivery}`, `timeZone=${timeZone}`, FEW_DAYS];
  return lakeOnce(`demo-lake-${delivery}`, (dir) =>
    lake('demo', '--lake', dir, ...params.flatMap((each) => ['-c', each])),
  );
}

/** The demo's lake with Iceberg tables. */
export function icebergDemoLake(): string {
  const params = ['delivery=direct', 'tableFormat=iceberg'];
  return lakeOnce('demo-lake-iceberg', (folder) =>
    lake('demo', '--lake', folder, ...params.flatMap((each) => ['-c', each])),
  );
}

/**
 * A lake whose sources were changed while it was loaded: one was first of Hive's format, then got a column of a key, and then
 * a wider one; the rows of another one are divided.
 */
export function changedIcebergLake(): string {
  return lakeOnce('changed-lake-iceberg', (folder) => {
    const columns = { time: 'timestamp', status: 'int', text: 'string' };
    const load = (name: string, source: Readonly<Record<string, unknown>>, records: readonly object[]) => {
      const file = join(FOLDER, `changed-lake-${name}.json`);
      writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      const from = { bucket: 'logs', prefix: `${source.name}/` };
      const sources = [{ tableFormat: 'iceberg', format: 'json', columns, from, ...source }];
      const params = ['delivery=direct', FEW_DAYS, 'timeZone=Asia/Seoul', `sources=${JSON.stringify(sources)}`];
      lake('run', file, '--source', `${source.name}`, '--lake', folder, ...params.flatMap((each) => ['-c', each]));
    };
    load('hive', { name: 'web', tableFormat: 'parquet' }, changingRecords(0));
    load('iceberg', { name: 'web' }, changingRecords(1));
    lake('schema', 'add', 'web', 'tenant', 'string', '--lake', folder);
    load('promoted', { name: 'web' }, changingRecords(2));
    const wider = { ...columns, status: 'bigint' };
    load('wider', { name: 'web', columns: wider }, [...changingRecords(3), { status: 2 ** 40, tenant: 'acme' }]);
    const fanOut = { by: 'tenant', allow: ['acme', 'Acme/EU'], other: 'rest' };
    load('divided', { name: 'app', columns: { ...columns, tenant: 'string' }, fanOut }, changingRecords(4));
  });
}

/** Lines of the last days, of several tenants and with values that engines may read otherwise. */
function changingRecords(round: number): object[] {
  const tenants = ['acme', 'Acme/EU', 'é 日本', undefined];
  return Array.from({ length: 200 }, (_, index) => ({
    time: new Date(Date.now() - (index % 3) * DAY_MS - index).toISOString().replace('Z', '456Z'),
    status: 200 + round * 100 + (index % 7),
    text: ['', 'a "quoted" \\ text', '😀'.repeat(20), `row ${round} ${index}`][index % 4],
    tenant: tenants[index % tenants.length],
  }));
}

const DAY_MS = 86_400_000;

/** A folder with the stack's bucket and nothing in it. */
export function emptyLake(): string {
  return lakeOnce('empty-lake', (dir) => mkdirSync(join(dir, 'buckets', 'lake'), { recursive: true }));
}

/** A lake with a table whose files are of two schemas: the older ones lack columns. It has odd values of every type. */
export function lakeOfTwoGenerations(delivery: Delivery): string {
  const name = `two-generations-${delivery}`;
  return lakeOnce(name, (dir) => {
    const columns = { n: 'bigint', at: 'timestamp', text: 'string' };
    for (const [generation, own] of [columns, { ...columns, small: 'int', ratio: 'double', ok: 'boolean' }].entries()) {
      const file = join(FOLDER, `${name}-${generation}.json`);
      writeFileSync(file, ODD_RECORDS.map((record) => `${record}\n`).join(''));
      const sources = [{ name: 'app', format: 'json', columns: own, from: { bucket: 'logs' } }];
      const params = [`delivery=${delivery}`, FEW_DAYS, `sources=${JSON.stringify(sources)}`];
      lake('run', file, '--source', 'app', '--lake', dir, ...params.flatMap((each) => ['-c', each]));
    }
  });
}

/** Lines of JSON with the smallest and largest values of every type, and times that lie between milliseconds. */
const ODD_RECORDS: readonly string[] = [
  '{}',
  '{"n":1099511627776,"at":"2026-01-05T10:00:00.123456Z","text":"é 日本 😀 \\" \\\\ \\n","small":1,"ratio":0.1,"ok":true}',
  '{"n":9223372036854775807,"at":"9999-12-31T23:59:59.999999Z","text":"","small":2147483647,"ratio":1.7976931348623157e308}',
  '{"n":-9223372036854775808,"at":"1969-12-31T23:59:59.999500Z","small":-2147483648,"ratio":5e-324,"ok":false}',
  '{"n":0,"at":"1969-12-31T23:59:59.999499Z","text":"NULL","small":0,"ratio":-0.0}',
  '{"at":"2026-02-29T00:00:00.0005Z","ratio":1e-7,"text":"\\u0000\\u001f\\ud800"}',
  '{"at":"2026-03-01T00:00:00.000500Z","ratio":123456789012345680}',
  `{"text":"${'long '.repeat(20_000)}"}`,
];
