/** Hands files to a lake the way its source receives records: as objects, or as log events. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { EventsPlace, ObjectsPlace, SourceSettings } from '../../lambdas/core/settings.ts';
import { isMissing } from '../../local/files.ts';
import type { Drained, LocalLake } from '../../local/local-lake.ts';
import { CommandError } from '../output/command-error.ts';
import { showProgress } from '../output/progress.ts';
import { quantity } from '../output/render.ts';
import type { InputFile } from './input-files.ts';
import { keyBeside, landingKey } from './landing-key.ts';
import { eventBatches, logStreamOf } from './log-events.ts';

/** A file handed to the lake, with the name that identifies it in the table `loads`. */
export interface Handed {
  readonly path: string;
  readonly objectKey?: string;
  readonly logStream?: string;
}

/** A file that is not loaded, and why. */
export interface LeftOut {
  readonly file: InputFile;
  readonly reason: string;
}

/** Separates the files that the source's function would skip because of their names. */
export function sortOut(source: SourceSettings, files: readonly InputFile[]): { taken: InputFile[]; left: LeftOut[] } {
  const taken: InputFile[] = [];
  const left: LeftOut[] = [];
  for (const file of files) {
    // It has no line that could be a log event, and whoever read it has complained of it.
    if (source.lane === 'events' && file.unreadable?.reason === 'unreadable_content') continue;
    const reason = source.lane === 'objects' ? objection(source, basename(file.path)) : undefined;
    if (reason === undefined) taken.push(file);
    else left.push({ file, reason });
  }
  return { taken, left };
}

function objection(source: SourceSettings, baseName: string): string | undefined {
  const { name, format } = source;
  const { suffix = '' } = source.lane === 'objects' ? source : {};
  if (!baseName.endsWith(suffix)) return `source ${name} loads only objects whose names end in ${suffix}`;
  if (FORMATS.get(format)?.accepts?.(baseName) === false) return `its name is not one of a log of format ${format}`;
  return undefined;
}

/** Hands the files to the lake, in their order. @returns those with something to load */
export async function loadFiles(
  lake: LocalLake,
  source: SourceSettings,
  files: readonly InputFile[],
  note: (text: string) => void,
): Promise<Handed[]> {
  const handed: Handed[] = [];
  const progress = showProgress('files handed to the lake', files.length);
  for (const file of files) {
    const put =
      source.lane === 'objects' ? await putFile(lake, source, file) : await putEvents(lake, source, file, note);
    if (put) handed.push(put);
    progress.add();
  }
  progress.end();
  return handed;
}

async function putFile(lake: LocalLake, { bucket, prefix = '' }: ObjectsPlace, file: InputFile): Promise<Handed> {
  const below = (key: string) => (key.startsWith(prefix) ? key : `${prefix}${key}`);
  const own = below(landingKey(file.path));
  const there = join(lake.dir, 'buckets', bucket, own);
  // Overwriting another file's object would lose its lines that are not loaded yet.
  const objectKey = (await holdsAnother(there, file)) ? below(keyBeside(landingKey(file.path), file.sha256)) : own;
  await lake.putObject(bucket, objectKey, file.path);
  return { path: file.path, objectKey };
}

async function holdsAnother(path: string, { bytes, sha256 }: InputFile): Promise<boolean> {
  try {
    if ((await stat(path)).size !== bytes) return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') !== sha256;
}

/**
 * Puts the file's events into the source's first log group: a source reads all of its log groups alike.
 *
 * @returns undefined for a file without an event, such as one that is broken before its first line ends
 */
async function putEvents(
  lake: LocalLake,
  source: SourceSettings & EventsPlace,
  file: InputFile,
  note: (text: string) => void,
): Promise<Handed | undefined> {
  const [logGroup = ''] = source.logGroups;
  const logStream = logStreamOf(file);
  const format = FORMATS.get(source.format)?.compile(source.options ?? {});
  if (!format) throw new CommandError(`source ${source.name}: no format ${source.format} in this version`);
  let events = 0;
  for await (const batch of eventBatches(file, format, note)) {
    await lake.putLogEvents(logGroup, logStream, batch);
    events += batch.length;
  }
  return events > 0 ? { path: file.path, logStream } : undefined;
}

/** A line for each error in the lake's queues, functions and streams. */
export function troubles(drained: Drained, dir: string): string[] {
  const { deadLetters, failedEvents, conversionFailures, damaged, denied } = drained;
  return [
    ...damaged.map(
      ({ file, what }) =>
        `${join(dir, file)}: a damaged file, set aside; it stood for ${what}; \`lake audit\` says what is missing`,
    ),
    ...denied.map(
      ({ who, action, resource, times }) =>
        `${who}: not allowed, ${quantity(times, 'time')}: ${action} on ${resource}: no policy of the stack allows it`,
    ),
    ...deadLetters.map(({ queue, error }) => `queue ${queue}: a message was given up on: ${error}; see ${dir}/logs`),
    ...failedEvents.map(
      ({ functionName, error }) => `function ${functionName}: events were given up on: ${error}; see ${dir}/logs`,
    ),
    ...conversionFailures.map(
      ({ stream, records, error }) =>
        `stream ${stream}: ${quantity(records, 'record')} could not be converted: ${error}; ` +
        "see errors/ in the lake's bucket",
    ),
  ];
}
