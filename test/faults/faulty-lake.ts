import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { inject, onTestFinished } from 'vitest';
import { readLakeFolder } from '../../bin/input/lake-folder.ts';
import { select } from '../../bin/output/balance.ts';
import { openAthena } from '../../local/athena/athena.ts';
import type { StartedInvocation } from '../../local/lambda/lambda.ts';
import type { Drained, LocalLake } from '../../local/local-lake.ts';
import { openStack } from '../../local/open-stack.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { type FunctionChanges, LOG_GROUP, writeStack } from './assembly.ts';
import { expectBalanced, type Found } from './balance.ts';
import { type Fault, intercepting } from './call.ts';
import type { Logs } from './logs.ts';
import { report } from './report.ts';

/** How to open a lake whose services or functions fail. */
export interface FaultyLakeOptions {
  readonly changes?: FunctionChanges;
  readonly fault?: Fault;
  readonly onInvocation?: (invocation: StartedInvocation) => void;
  /** Of a lake that was closed. */
  readonly dir?: string;
}

/** The deployed stack on this machine, with faults. */
export interface FaultyLake {
  readonly dir: string;
  readonly lake: LocalLake;
  /** Puts logs, each an object of the landing bucket or a stream of the log group. */
  put(...logs: readonly Logs[]): Promise<void>;
  putBytes(key: string, bytes: Uint8Array): Promise<void>;
  drain(): Promise<Drained>;
  /** Runs a query on the lake's tables and views. */
  select(sql: string): Promise<Record<string, unknown>[]>;
  /**
   * Asserts that all of the logs are loaded and balanced, and puts a line into the suite's table.
   *
   * @param tables that have the rows of the source `alb` together. Default: its own
   */
  expectBalanced(name: string, logs: readonly Logs[], faults: number, tables?: readonly string[]): Promise<Found>;
}

const BUCKET = 'landing';

/** Opens a lake in a folder of the running test's own, which ends with the test. */
export async function openFaultyLake(options: FaultyLakeOptions = {}): Promise<FaultyLake> {
  const { dir = temporaryFolder(), changes, fault, onInvocation } = options;
  const assembly = join(dir, 'stack');
  await writeStack(assembly, changes);
  const intercepted = fault && { intercept: intercepting(fault) };
  const hooks = { ...intercepted, ...(onInvocation && { onInvocation }), durable: false };
  const lake = await openStack({ dir, assembly, hooks });
  onTestFinished(() => lake.close());
  const drains: Drained[] = [];

  const putBytes = async (key: string, bytes: Uint8Array): Promise<void> => {
    const file = join(dir, 'input');
    writeFileSync(file, bytes);
    await lake.putObject(BUCKET, key, file);
  };
  return {
    dir,
    lake,
    putBytes,
    async put(...logs) {
      for (const { table, name, lines } of logs) {
        if (table === 'alb') await putBytes(name, objectBytes(lines));
        else
          await lake.putLogEvents(
            LOG_GROUP,
            name,
            lines.map((message) => ({ timestamp: 1_772_600_000_000, message })),
          );
      }
    },
    async drain() {
      const drained = await lake.drain();
      drains.push(drained);
      return drained;
    },
    async select(sql) {
      const athena = await openAthena(readLakeFolder(dir));
      try {
        return await select(athena, sql);
      } finally {
        await athena.close();
      }
    },
    async expectBalanced(name, logs, faults, tables) {
      const found = await expectBalanced(dir, logs, tables);
      const deadLetters = drains.at(-1)?.deadLetters.length ?? 0;
      report(inject('faultsFolder'), { name, runs: logs.length, faults, deadLetters, ...found });
      return found;
    },
  };
}

/** Objects of the same lines are the same bytes. */
function objectBytes(lines: readonly string[]): Buffer {
  return gzipSync(`${lines.join('\n')}\n`, { level: 1 });
}
