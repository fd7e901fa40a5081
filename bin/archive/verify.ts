/** Compares what CloudWatch has exported with the streams that had events. */
import type { Progress } from '../output/progress.ts';
import type { LogExports, LogStream } from './log-exports.ts';
import type { Part } from './parts.ts';

/** What is in the bucket, and what is not. */
export interface Verified {
  readonly streams: number;
  readonly objects: number;
  readonly bytes: number;
  /** Streams that had events in a part, and no object in its folder. */
  readonly missing: readonly { readonly stream: string; readonly part: Part }[];
}

/** Where a log group was exported to: the folder of a part is `<prefix><taskId>/`. */
export interface Place {
  readonly logGroup: string;
  readonly bucket: string;
  readonly prefixOf: (part: Part) => string;
}

/**
 * Lists the objects of each part. A stream of whose time a part has a share must have an object there, unless CloudWatch
 * says that it has no event in the part. Streams that share the name of a folder are told apart by nothing: if one of them
 * had events in a part, all of them count as missing there.
 */
export async function verify(
  exports: LogExports,
  { logGroup, bucket, prefixOf }: Place,
  parts: readonly Part[],
  progress: Progress,
): Promise<Verified> {
  const streams = await Array.fromAsync(exports.streams(logGroup));
  const shared = sharedFolders(streams);
  const missing: Verified['missing'][number][] = [];
  let objects = 0;
  let bytes = 0;
  for (const part of parts) {
    const root = `${prefixOf(part)}/${part.taskId}/`;
    const folders = new Set<string>();
    for await (const object of exports.objects(bucket, root)) {
      objects++;
      bytes += object.bytes;
      if (object.bytes > 0) folders.add(object.key.slice(root.length).split('/')[0] ?? '');
    }
    for (const stream of streams.filter((each) => overlaps(each, part))) {
      const folder = folderOf(stream.name);
      if (folders.has(folder) && !shared.has(folder)) continue;
      if (await exports.hasEvents(logGroup, stream.name, part.from, part.to))
        missing.push({ stream: stream.name, part });
    }
    progress.add();
  }
  return { streams: streams.length, objects, bytes, missing };
}

/** CloudWatch writes a stream's objects to a folder of its name, with a hyphen for each slash. */
function folderOf(stream: string): string {
  return stream.replaceAll('/', '-');
}

function sharedFolders(streams: readonly LogStream[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { name } of streams) {
    const folder = folderOf(name);
    if (seen.has(folder)) shared.add(folder);
    seen.add(folder);
  }
  return shared;
}

function overlaps({ first, last }: LogStream, { from, to }: Part): boolean {
  return first !== undefined && last !== undefined && first < to && last >= from;
}
