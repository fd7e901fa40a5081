import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import { duplicatesReport } from '../../bin/operations/duplicates.ts';
import { auditQuery } from '../../lambdas/core/duplicates/audit.ts';
import { HANDING_ON_METRIC } from '../../lambdas/core/duplicates/metrics.ts';
import { compiledSources } from '../../lambdas/core/loading/sources.ts';
import { ENV, type TrackerSettings, trackerSettings } from '../../lambdas/core/settings.ts';
import { sourceTable } from '../../lambdas/core/tables/table.ts';
import { synthesize } from '../../lib/synth.ts';
import { openAthena } from '../../local/athena/athena.ts';
import { toJson } from '../../local/athena/query-result.ts';
import type { LocalLake } from '../../local/local-lake.ts';
import { type LakeHooks, openStack } from '../../local/open-stack.ts';
import { Random } from '../../local/sample/random.ts';
import { isObject } from '../../local/template/intrinsics.ts';
import { everydayAlbLines } from '../helpers/alb.ts';
import { clientOptions } from '../helpers/client-options.ts';
import { sharedFolder } from '../helpers/folder.ts';
import { loseAnswer } from '../helpers/lost-answer.ts';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';

const LOG_GROUP = '/test/app';
/** An invocation of the check makes about so many requests, and dies at one of them. */
const REQUESTS = 5;

const dir = sharedFolder();
const assembly = join(dir, 'assembly');

beforeAll(() => {
  const sources = [
    { name: 'alb', format: 'alb' },
    { name: 'app', format: 'json', preset: 'server-logs', from: { logGroups: [LOG_GROUP] } },
  ];
  synthesize({ context: { sources }, outdir: assembly, checked: false });
});

interface Opened {
  readonly lake: LocalLake;
  readonly folder: string;
}

async function opened(name: string, hooks: LakeHooks, run: (opened: Opened) => Promise<void>): Promise<void> {
  const folder = join(dir, name);
  const lake = await openStack({ dir: folder, assembly, hooks });
  try {
    await run({ lake, folder });
  } finally {
    await lake.close();
  }
}

/** Objects of everyday lines, with what is planted among them; and what an account of every line finds. */
function plantedObjects(seed: string) {
  const random = new Random(seed);
  const from = Math.floor(Date.now() / 300_000) * 300_000 - 600_000;
  const objects = Array.from({ length: 8 }, (_, index) =>
    // Odd ones among them: rejected lines are records as well.
    everydayAlbLines(`${seed}/${index}`, 200, { from, oddEvery: 40 }),
  );
  for (const lines of objects) {
    for (let count = random.int(0, 12); count > 0; count--) lines.push(random.pick(lines));
    for (let count = random.int(0, 12); count > 0; count--) lines.push(random.pick(random.pick(objects)));
  }
  objects.push([...(objects[0] ?? [])], [...(objects[0] ?? [])]);
  return objects;
}

function oracle(objects: readonly (readonly string[])[]) {
  const distinct = objects.map((lines) => new Set(lines));
  const checked = objects.flat().length;
  const perObject = distinct.reduce((sum, { size }) => sum + size, 0);
  const all = new Set(objects.flat()).size;
  return { checked, withinObject: checked - perObject, acrossObjects: perObject - all };
}

async function deliver({ lake, folder }: Opened, objects: readonly (readonly string[])[], indexes: readonly number[]) {
  for (const index of indexes) {
    const file = join(folder, `object-${index}`);
    writeFileSync(file, gzipSync(Buffer.from(`${objects[index]?.join('\n')}\n`, 'latin1')));
    await lake.putObject('landing', `AWSLogs/object-${index}.log.gz`, file);
  }
}

function trackerOf({ lake }: Opened): TrackerSettings {
  const environments = lake.resources.map(({ properties: { Environment } }) =>
    isObject(Environment) && isObject(Environment.Variables) ? Environment.Variables : {},
  );
  const [first, ...others] = environments
    .filter((variables) => variables[ENV.trackedSources] !== undefined)
    .map((variables) => Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)])))
    .map(trackerSettings);
  if (!first) throw new Error('expected a function that checks for duplicates, got none');
  return { ...first, sources: [first, ...others].flatMap(({ sources }) => sources) };
}

async function foundBy(stack: Opened) {
  const dynamodb = new DynamoDBClient(clientOptions(stack.lake.endpoints.get('DYNAMODB') ?? ''));
  const report = await duplicatesReport({ dynamodb, duplicates: trackerOf(stack) }, {});
  dynamodb.destroy();
  return report;
}

const countsOf = ({
  checked,
  withinObject,
  acrossObjects,
}: Record<'checked' | 'withinObject' | 'acrossObjects', number>) => ({
  checked,
  withinObject,
  acrossObjects,
});

describe('the stack on this machine', () => {
  test('finds exactly what was planted, in objects and in log events, whatever is delivered again; so does the audit by SQL', async () => {
    const objects = plantedObjects('calm');
    const events = Array.from({ length: 60 }, (_, index) => ({
      timestamp: Date.now() - 60_000 + index,
      message: JSON.stringify({ timestamp: new Date().toISOString(), request_id: `r${index % 50}`, level: 'INFO' }),
    }));
    const minute = new Date(Date.now() - 120_000).toISOString();
    const alike = events.map((event, index) => ({
      ...event,
      message: JSON.stringify({ timestamp: minute, request_id: `r${index % 50}`, level: index % 2 ? 'INFO' : 'WARN' }),
    }));
    await opened('calm', {}, async (stack) => {
      const all = [...objects.keys()];
      await deliver(stack, objects, [...all, 3, 3, 0]);
      await stack.lake.putLogEvents(LOG_GROUP, 'web-1', alike);
      await stack.lake.putLogEvents(LOG_GROUP, 'web-2', alike.slice(0, 5));
      await stack.lake.putLogEvents(LOG_GROUP, 'web-1', alike);
      expect(await stack.lake.drain()).toEqual(NOTHING_FAILED);

      const { sources, sample } = await foundBy(stack);
      const [alb, app] = sources;
      expect(alb).toMatchObject({ ...oracle(objects), redelivered: 3, outsideWindow: 0 });
      expect(alb?.withinObject).toBeGreaterThan(5);
      expect(app).toMatchObject({ checked: 65, withinObject: 10, acrossObjects: 5, redelivered: 1 });
      expect(sample.flatMap(({ places }) => places).every(({ what }) => what !== '')).toBe(true);

      const athena = await openAthena({
        dir: stack.folder,
        tables: stack.lake.resources.filter(({ type }) => type === 'AWS::Glue::Table'),
        microseconds: true,
      });
      for (const source of compiledSources(trackerOf(stack).sources)) {
        const { name, lane } = source.settings;
        const columns = sourceTable(name, '', source.format.columns, lane).columns.map((column) => column.name);
        const [lakeDatabase, recordKeys] = ['tributary', source.format.recordKeys ?? []];
        const tables = [{ database: lakeDatabase, name }] as const;
        const sql = auditQuery({ source: name, lakeDatabase, tables, columns, recordKeys }, "'2026-01-01'");
        const [row] = toJson(await athena.query(sql));
        const report = sources.find((each) => each.source === name);
        expect(report && countsOf(report)).toEqual({
          checked: Number(row?.checked),
          withinObject: Number(row?.within_object),
          acrossObjects: Number(row?.across_objects),
        });
      }
      await athena.close();
    });
  });

  test('loads log events that cannot be handed on to the check, and counts them', async () => {
    const hooks: LakeHooks = {
      intercept: (service, _request, response) => {
        if (service !== 'LAMBDA') return false;
        response.writeHead(503).end();
        return true;
      },
    };
    await opened('apart', hooks, async (stack) => {
      const message = JSON.stringify({ timestamp: new Date().toISOString(), request_id: 'r1' });
      await stack.lake.putLogEvents(LOG_GROUP, 'web-1', [{ timestamp: Date.now(), message }]);
      expect(await stack.lake.drain()).toEqual(NOTHING_FAILED);
      const athena = await openAthena({
        dir: stack.folder,
        tables: stack.lake.resources.filter(({ type }) => type === 'AWS::Glue::Table'),
      });
      expect(toJson(await athena.query('SELECT count(*) AS rows FROM app'))).toEqual([{ rows: 1 }]);
      await athena.close();
      const log = readFileSync(join(stack.folder, 'logs', 'load-log-events.log'), 'utf8');
      expect(log).toContain(`"${HANDING_ON_METRIC}":1`);
      expect((await foundBy(stack)).sources.map(({ checked }) => checked)).toEqual([0, 0]);
    });
  });

  test('takes the objects of a batch that did not survive one by one, and deletes each message that is done', async () => {
    let killed = false;
    let deleted = 0;
    const hooks: LakeHooks = {
      onInvocation: ({ functionName, payload, pid }) => {
        if (killed || !functionName.startsWith('duplicates') || !payload.includes('"messageId"')) return;
        killed = true;
        kill(pid);
      },
      intercept: (_, request) => {
        if (request.headers['x-amz-target'] === 'AmazonSQS.DeleteMessage') deleted++;
        return false;
      },
    };
    const objects = plantedObjects('batch').slice(0, 6);
    await opened('batch', hooks, async (stack) => {
      await deliver(stack, objects, [...objects.keys()]);
      expect(await stack.lake.drain()).toEqual(NOTHING_FAILED);
      const [alb] = (await foundBy(stack)).sources;
      expect(alb).toMatchObject({ ...oracle(objects), redelivered: 0 });
      expect([killed, deleted]).toEqual([true, objects.length]);
    });
  });

  test.each(['one', 'two', 'three'])(
    'finds the same when its processes are killed and its answers lost, seed %s',
    async (seed) => {
      const random = new Random(seed);
      const objects = plantedObjects(seed);
      const killed = new Map<string, number>();
      /** Requests, of any process, until a process is killed. */
      const requestsLeft = new Map<number, number>();
      let lost = 0;
      const hooks: LakeHooks = {
        onInvocation: ({ functionName, payload, pid }) => {
          requestsLeft.delete(pid);
          // A message that is received five times is given up, and a count after five runs without progress.
          const messages = payload.match(/"messageId":"[^"]+"/g) ?? ['count'];
          const before = Math.max(...messages.map((message) => killed.get(message) ?? 0));
          if (!functionName.startsWith('duplicates') || before === 3 || !random.chance(0.8)) return;
          for (const message of messages) killed.set(message, (killed.get(message) ?? 0) + 1);
          requestsLeft.set(pid, random.int(1, REQUESTS));
        },
        intercept: (service, _request, response) => {
          for (const [pid, requests] of requestsLeft) {
            requestsLeft.set(pid, requests - 1);
            if (requests === 1) kill(pid);
          }
          if (service !== 'DYNAMODB' || lost >= 30 || !random.chance(0.1)) return false;
          lost++;
          loseAnswer(response);
          return false;
        },
      };
      await opened(seed, hooks, async (stack) => {
        const twice = [...objects.keys(), ...objects.keys()].sort(() => random.fraction() - 0.5);
        for (let at = 0; at < twice.length; at += 4) {
          await deliver(stack, objects, twice.slice(at, at + 4));
          expect((await stack.lake.drain()).deadLetters).toEqual([]);
        }
        const [alb] = (await foundBy(stack)).sources;
        expect(alb && countsOf(alb)).toEqual(oracle(objects));
        // Of the invocations that were to be killed, those that were still running then.
        const kills = killedInvocations(stack);
        expect(kills).toBeGreaterThan(5);
        expect(lost).toBeGreaterThan(3);
      });
    },
  );
});

/** How many invocations of the check have ended with their process, as Lambda has logged. */
function killedInvocations({ folder }: Opened): number {
  const logs = readdirSync(join(folder, 'logs')).filter((name) => name.startsWith('duplicates'));
  return logs
    .map((name) => readFileSync(join(folder, 'logs', name), 'utf8'))
    .flatMap((log) => log.match(/ Runtime\.ExitError: .* signal: SIGKILL$/gm) ?? []).length;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It had ended by then.
  }
}
