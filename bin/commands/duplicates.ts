import { createReadStream } from 'node:fs';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type Command, Option } from 'commander';
import { compiledSources } from '../../lambdas/core/loading/sources.ts';
import type { RecordSettings } from '../../lambdas/core/settings.ts';
import { passedOverText, readInputs } from '../input/input-files.ts';
import { configuredSources } from '../input/local-context.ts';
import { type CheckedDuplicate, type CheckedFile, checkDuplicates, placesOf } from '../operations/check-duplicates.ts';
import {
  type AuditReport,
  auditDuplicates,
  type DuplicatesReport,
  duplicatesReport,
  reportJson,
} from '../operations/duplicates.ts';
import type { LakeHandle } from '../operations/lake-handle.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { auditText, checkedText, linesText, reportText } from '../output/duplicates-text.ts';
import { complain, print, printJson, stages } from '../output/output.ts';
import { openLakeHandle, sinceOption, stackOption } from './operation.ts';
import { contextOption, jsonOption, lakeOption, type Pairs } from './options.ts';

interface DuplicatesOptions {
  readonly lake: string;
  readonly stack?: string;
  readonly source?: string;
  readonly since?: Date;
  readonly lines?: true;
  readonly audit?: true;
  readonly check?: readonly string[];
  readonly context: Pairs;
  readonly json?: true;
}

/** `lake duplicates` */
export function addDuplicates(program: Command): void {
  program
    .command('duplicates')
    .description(
      'shows how many records arrived more than once, and where; with --check, counts duplicates in files or objects',
    )
    .addOption(
      new Option(
        '--source <name>',
        'only this source; with --check, the source that the files belong to (default with --check: alb)',
      ),
    )
    .addOption(sinceOption('only events'))
    .addOption(new Option('--lines', 'also show the duplicated lines, by reading their objects again'))
    .addOption(
      new Option(
        '--audit',
        'also count duplicates exactly, by SQL over the tables; of all days, unless --since is given',
      ),
    )
    .addOption(
      new Option(
        '--check <file...>',
        'instead, count duplicates in these files, folders and s3://bucket/key objects',
      ).conflicts(['since', 'lines', 'audit']),
    )
    .addOption(lakeOption())
    .addOption(stackOption())
    .addOption(contextOption())
    .addOption(jsonOption())
    .action((options: DuplicatesOptions) => (options.check ? check(options.check, options) : report(options)));
}

async function report(options: DuplicatesOptions): Promise<void> {
  const stage = stages();
  const lake = await openLakeHandle(options, false, stage);
  let found: DuplicatesReport;
  const lines: CheckedDuplicate[] = [];
  let audit: AuditReport[] = [];
  let problems: readonly string[] = [];
  try {
    problems = await lake.settle();
    found = await duplicatesReport(lake, options);
    if (options.audit) audit = await auditDuplicates(lake, found, options.since);
    if (options.lines) lines.push(...(await linesOf(found, lake)));
  } finally {
    await lake.close();
  }
  const { audit: audited, lines: shown } = options;
  if (options.json) printJson({ ...reportJson(found), ...(audited && { audit }), ...(shown && { lines }) });
  else
    print(
      [reportText(found), ...(audited ? [auditText(audit)] : []), ...(shown ? [linesText(lines)] : [])].join('\n\n'),
    );
  for (const problem of problems) complain(problem);
  if (problems.length > 0) process.exitCode = 1;
}

/** The sample's lines, read from their objects. Log events have no object: only the table contains them. */
async function linesOf({ sample }: DuplicatesReport, { s3, duplicates }: LakeHandle): Promise<CheckedDuplicate[]> {
  const lines: CheckedDuplicate[] = [];
  const sources = compiledSources(duplicates?.sources ?? []);
  for (const { source: name, fingerprint, places } of sample) {
    const source = sources.find(({ settings }) => settings.name === name);
    const files = places.filter(({ what }) => what.startsWith(S3_URL)).map(({ what }) => objectFile(what, s3));
    if (source) lines.push(...(await placesOf([fingerprint], source, files)));
  }
  return lines.filter(({ places }) => places.length > 0);
}

const DEFAULT_SOURCE = 'alb';
const S3_URL = 's3://';

async function check(paths: readonly string[], options: DuplicatesOptions): Promise<void> {
  const stage = stages();
  const name = options.source ?? DEFAULT_SOURCE;
  const urls = [...new Set(paths)].filter((path) => path.startsWith(S3_URL));
  const named = [...new Set(paths)].filter((path) => !path.startsWith(S3_URL));
  const { files, problems, passedOver } = await readInputs(named);
  for (const line of passedOverText(passedOver)) stage(line);
  for (const url of urls) placeOf(url);
  if (files.length === 0 && urls.length === 0) throw new CommandError(`nothing to check: ${problems.join('; ')}`);
  // Only objects are read through a lake or a stack; files need neither.
  const lake = urls.length > 0 ? await openLakeHandle(options, false, stage) : undefined;
  try {
    const sources = compiledSources<RecordSettings>(lake?.duplicates?.sources ?? configuredSources(options.context));
    const source = sources.find(({ settings }) => settings.name === name);
    if (!source) {
      const known = sources.map(({ settings }) => settings.name).join(', ');
      throw new UsageError(`no source ${name}: give one of ${known} with --source`);
    }
    const checked = await checkDuplicates(source, [
      ...files.map(({ path }) => ({ name: path, open: async () => createReadStream(path) })),
      ...(lake ? urls.map((url) => objectFile(url, lake.s3)) : []),
    ]);
    if (options.json) printJson({ source: name, ...checked, problems });
    else print(checkedText(checked));
  } finally {
    await lake?.close();
  }
  for (const problem of problems) complain(problem);
  if (problems.length > 0) process.exitCode = 1;
}

function placeOf(url: string): { Bucket: string; Key: string } {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(url) ?? [];
  if (!Bucket || !Key) throw new UsageError(`${url}: expected s3://bucket/key`);
  return { Bucket, Key };
}

function objectFile(url: string, s3: S3Client): CheckedFile {
  const { Bucket, Key } = placeOf(url);
  return {
    name: url,
    open: async () => {
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        if (Body) return Body as AsyncIterable<Uint8Array>;
        throw new Error('expected a body, got none');
      } catch (error) {
        throw new CommandError(`${url}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    },
  };
}
