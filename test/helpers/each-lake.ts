import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach } from 'vitest';
import { localAlarms } from '../../bin/alarms/local-alarms.ts';
import { audit } from '../../bin/operations/audit.ts';
import type { LakeHandle } from '../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../bin/operations/local-lake-handle.ts';
import { lakesOf, NGINX, REAL } from './operated-lake.ts';

const CONTEXT = {
  sources: [
    { name: 'web', ...NGINX, from: { bucket: 'logs', prefix: 'web/' }, streamsPerTable: 2 },
    { name: 'app', ...NGINX, from: { logGroups: ['/demo/app'] } },
  ],
};
const newLake = lakesOf(CONTEXT);

/** The running test's own lake. */
export let dir: string;
export let lake: LakeHandle;

beforeEach(async () => {
  dir = newLake();
  await open();
});
afterEach(() => lake.close());

/** Opens the running test's lake again, which must be closed. */
export async function open(): Promise<void> {
  lake = await openLocalLake({ dir, work: false, progress: () => {} });
}

/** Lines of the format. */
export function lines(count: number, from = 0): string[] {
  return Array.from(
    { length: count },
    (_, index) => `192.0.2.1 - [05/Jan/2026:10:00:00 +0000] "GET /${from + index} HTTP/1.1" 200`,
  );
}

/** Puts an object as its writer would, notification included. */
export async function put(key: string, text: readonly string[]): Promise<void> {
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: key, Body: `${text.join('\n')}\n` }));
}

/** Lays an object there of which nobody is told. */
export function lay(key: string, text: readonly string[]): void {
  const file = join(dir, 'buckets/logs', key);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text.join('\n')}\n`);
}

/** Files of the table `web`. */
export function parquetFiles(): string[] {
  return globSync(join(dir, 'buckets/lake/data/web/**/*.parquet')).sort();
}

/** The rows of a query. */
export async function rows(sql: string): Promise<Readonly<Record<string, unknown>>[]> {
  return Array.fromAsync(lake.query(sql));
}

/** @param sql what to count the rows of, after `FROM` */
export async function counted(sql: string): Promise<number> {
  const [row] = await rows(`SELECT count(*) AS found FROM ${sql}`);
  return Number(row?.found);
}

/** What the lake says of the load of an object. */
export const loadOf = (key: string) =>
  rows(`SELECT kind, lines, "rows", filtered, rejected FROM loads_once WHERE object_key = '${key}'`);

/** What an audit finds, without what depends on the time. */
export const summary = async () => {
  const { findings, recent: _, queued: __, ...counts } = await audit(lake, { fix: false }, REAL);
  return { ...counts, findings: findings.map(({ finding, what }) => `${finding} ${what}`).sort() };
};

/** The alarms that are raised. */
export function raised(): string[] {
  return localAlarms(dir, Date.now()).flatMap(({ name, state }) => (state === 'ALARM' ? [name] : []));
}
