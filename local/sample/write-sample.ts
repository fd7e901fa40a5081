import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { albLines, LOAD_BALANCERS, type LoadBalancer } from './alb.ts';
import { appEvents } from './app.ts';
import { carried, marked, repeated } from './duplicates.ts';
import { kongLines } from './kong.ts';
import { Random } from './random.ts';
import { count, emptyTally, noDuplicates, type PlantedDuplicates, type SampleLine, type Tally } from './sample-line.ts';

export interface SampleOptions {
  /** The same seed, end and lines give the same files. */
  readonly seed: string;
  /** When the traffic ends; it begins half an hour before. */
  readonly end: Date;
  /** Lines per source. */
  readonly lines: { readonly alb: number; readonly kong: number; readonly app: number };
  /** Adds duplicates of every kind, which are not counted in `lines`. @default false */
  readonly duplicates?: boolean;
}

/** The files written for one source, and the expected outcome of their lines. */
export interface SampleSource {
  readonly source: keyof SampleOptions['lines'];
  /** A file that is listed twice is to be delivered twice. */
  readonly files: readonly string[];
  readonly planted: Tally;
  readonly duplicates: PlantedDuplicates;
}

/** ELB writes one file per node every five minutes. */
const INTERVAL_MS = 300_000;
const INTERVALS = 6;

/**
 * Writes half an hour of traffic below `dir`: `alb/` has objects under the names that ELB gives them, `kong/` and
 * `app/` have CloudWatch export files, one for each log stream.
 */
export async function writeSample(
  dir: string,
  { seed, end, lines, duplicates = false }: SampleOptions,
): Promise<SampleSource[]> {
  const to = Math.floor(end.getTime() / INTERVAL_MS) * INTERVAL_MS;
  const from = to - INTERVALS * INTERVAL_MS;
  return [
    await writeSource(dir, 'alb', albFiles(seed, lines.alb, from, duplicates)),
    await writeSource(
      dir,
      'kong',
      streams(['gateway-1.log', 'gateway-2.log'], lines.kong, duplicates, (node, share) =>
        kongLines(seed, share, { node, from, to }),
      ),
    ),
    await writeSource(
      dir,
      'app',
      streams(['web-1.log', 'web-2.log'], lines.app, duplicates, (instance, share) =>
        appEvents(seed, share, { instance, from, to }),
      ),
    ),
  ];
}

/**
 * The name that ELB gives the file of one node and interval.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-file-format
 *
 * @param end end of the interval, milliseconds since the epoch
 */
export function objectName(
  { account, region, name, id }: LoadBalancer,
  node: string,
  end: number,
  unique: string,
): string {
  const minute = `${new Date(end).toISOString().slice(0, 16).replace(/[-:]/g, '')}Z`;
  return `${account}_elasticloadbalancing_${region}_app.${name}.${id}_${minute}_${node}_${unique}.log.gz`;
}

interface SampleFile {
  readonly name: string;
  readonly lines: Iterable<SampleLine>;
  /** The line as written to the file, as a byte string. */
  readonly bytes: (line: SampleLine) => string;
  readonly twice?: boolean;
}

function* albFiles(seed: string, lines: number, start: number, duplicates: boolean): Generator<SampleFile> {
  const nodes = LOAD_BALANCERS.flatMap((loadBalancer) => loadBalancer.nodes.map((node) => ({ loadBalancer, node })));
  const shares = split(lines, nodes.length * INTERVALS);
  for (let interval = 0; interval < INTERVALS; interval++) {
    const from = start + interval * INTERVAL_MS;
    const to = from + INTERVAL_MS;
    const linesOf = (index: number) => {
      const of = nodes[index];
      const share = shares[interval * nodes.length + index] ?? 0;
      return of ? albLines(seed, share, { ...of, from, to }) : [];
    };
    for (const [index, { loadBalancer, node }] of nodes.entries()) {
      const unique = new Random(`${seed}/${node}/${from}`).hex8();
      yield {
        name: objectName(loadBalancer, node, to, unique),
        lines: duplicates ? chain(repeated(linesOf(index)), carried(linesOf(index - 1))) : linesOf(index),
        bytes: ({ text }) => text,
      };
    }
  }
  if (duplicates) yield* albDuplicates(seed, start);
}

/** Lines of each file that is added for its duplicates alone. */
const EXTRA_LINES = 250;
const LATE_BY_MS = 10 * 86_400_000;

/** An object, its copy under another key, and an object that comes days too late; the first one is delivered twice. */
function* albDuplicates(seed: string, from: number): Generator<SampleFile> {
  const [loadBalancer] = LOAD_BALANCERS;
  const [node] = loadBalancer?.nodes ?? [];
  if (!loadBalancer || !node) return;
  const fileOf = (unique: string, begin: number, plants?: keyof PlantedDuplicates, twice = false): SampleFile => {
    const to = begin + INTERVAL_MS;
    const lines = albLines(`${seed}/extra`, EXTRA_LINES, { loadBalancer, node, from: begin, to });
    return {
      name: objectName(loadBalancer, node, to, unique),
      lines: plants ? marked(lines, plants) : lines,
      bytes: ({ text }) => text,
      twice,
    };
  };
  yield fileOf('original', from, undefined, true);
  yield fileOf('copy', from, 'acrossObjects');
  yield fileOf('late', from - LATE_BY_MS, 'outsideWindow');
}

function* streams(
  names: readonly string[],
  lines: number,
  duplicates: boolean,
  generate: (name: string, share: number) => Iterable<SampleLine>,
): Generator<SampleFile> {
  const shares = split(lines, names.length);
  const linesOf = (index: number) => {
    const name = names[index];
    return name === undefined ? [] : generate(name, shares[index] ?? 0);
  };
  for (const [index, name] of names.entries()) {
    yield {
      name,
      lines: duplicates ? chain(repeated(linesOf(index)), carried(linesOf(index - 1))) : linesOf(index),
      bytes: ({ time, text }) => `${new Date(time).toISOString()} ${Buffer.from(text, 'utf8').toString('latin1')}`,
    };
  }
}

function* chain<T>(...parts: Iterable<T>[]): Generator<T> {
  for (const part of parts) yield* part;
}

/** Splits `total` into `parts` whole numbers that are as equal as possible. */
function split(total: number, parts: number): number[] {
  return Array.from(
    { length: parts },
    (_, part) => Math.floor(((part + 1) * total) / parts) - Math.floor((part * total) / parts),
  );
}

async function writeSource(
  dir: string,
  source: SampleSource['source'],
  sampleFiles: Iterable<SampleFile>,
): Promise<SampleSource> {
  await mkdir(join(dir, source), { recursive: true });
  const planted = emptyTally();
  const duplicates = noDuplicates();
  const files: string[] = [];
  const again: string[] = [];
  for (const { name, lines, bytes, twice } of sampleFiles) {
    const file = join(dir, source, name);
    const chunks = Readable.from(chunksOf(lines, bytes, planted, duplicates), { objectMode: false });
    if (name.endsWith('.gz')) await pipeline(chunks, createGzip({ level: 1 }), createWriteStream(file));
    else await pipeline(chunks, createWriteStream(file));
    files.push(file);
    if (twice) again.push(file);
  }
  duplicates.redelivered = again.length;
  return { source, files: [...files, ...again], planted, duplicates };
}

const LINES_PER_CHUNK = 200;

function* chunksOf(
  lines: Iterable<SampleLine>,
  bytes: SampleFile['bytes'],
  planted: Tally,
  duplicates: PlantedDuplicates,
): Generator<Buffer> {
  let text = '';
  let held = 0;
  for (const line of lines) {
    count(planted, line.fate);
    if (line.plants) duplicates[line.plants]++;
    text += `${bytes(line)}\n`;
    if (++held < LINES_PER_CHUNK) continue;
    yield Buffer.from(text, 'latin1');
    text = '';
    held = 0;
  }
  if (held > 0) yield Buffer.from(text, 'latin1');
}
