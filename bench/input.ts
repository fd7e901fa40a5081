/** Inputs of the bench: objects as they are stored in S3, and the sources that read them. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readInputs } from '../bin/input/input-files.ts';
import { landingKey } from '../bin/input/landing-key.ts';
import { CommandError } from '../bin/output/command-error.ts';
import { thousands } from '../bin/output/render.ts';
import { FORMATS } from '../lambdas/core/formats/registry.ts';
import type { Source } from '../lambdas/core/loading/load.ts';
import { compiledSources } from '../lambdas/core/loading/sources.ts';
import { kindNamed, linesOfBytes, linesOfCount } from './generate.ts';
import { ingest, type SourceObject } from './ingest.ts';
import { columnsOf, number, type Section } from './report.ts';

/** A measured object. */
export interface Input extends SourceObject {
  /** Name in the result tables. */
  readonly name: string;
  /** Decompressed bytes. */
  readonly bytes: number;
  readonly lines: number;
  /** Where the lines come from, for the result table. */
  readonly origin: string;
}

/** Formats that have figures of their own. */
export const FORMAT_NAMES = ['alb', 'kong', 'json'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** One input per format with figures, and further inputs. */
export interface Inputs extends Readonly<Record<FormatName, Input>> {
  /** Inputs of the other formats, whose rates are measured in a run with `everything`. */
  readonly others: readonly Input[];
  /** Inputs that appear only in the tables. */
  readonly more: readonly Input[];
}

/** A source for the kind, with the settings that the stack would give it. */
export function sourceOf(kind: string, name: string = kind.replaceAll('-', '_')): Source {
  const { format, options } = kindNamed(kind);
  const place = { lane: 'objects', bucket: 'landing' } as const;
  const settings = { name, format, options, ...place, streams: [name], keepRaw: 'on-error' } as const;
  return compiledSources([settings])[0] as Source;
}

/** An object of generated lines, at least `bytes` bytes in total. */
export function generated(kind: string, seed: string, bytes: number): Input {
  return inputOf(kind, kind, linesOfBytes(kindNamed(kind), seed, bytes), `generated, seed ${seed}`);
}

/** An object of `lines` generated lines. */
export function generatedLines(kind: string, seed: string, lines: number): Input {
  return inputOf(kind, kind, linesOfCount(kindNamed(kind), seed, lines), `generated, seed ${seed}`);
}

/** An ALB input with an additional field, unknown to the format, at the end of each line. */
export function withNewField(input: Input): Input {
  const text = gunzipSync(input.gzip).toString('latin1').replaceAll(/\r?\n/g, ' "v3"\n');
  return inputOf('new column', 'alb', Buffer.from(text, 'latin1'), `${input.origin}, one more field on each line`);
}

/**
 * Files as one object: their text is one gzip member, repeated until the object has at least `bytes` bytes.
 *
 * @param paths files, and folders of files
 * @throws CommandError with the name of a file that cannot be read to its end
 */
export async function fromFiles(kind: string, paths: readonly string[], bytes: number): Promise<Input> {
  const { files, problems } = await readInputs(paths);
  const [first] = files;
  if (!first || problems.length > 0) throw new CommandError(problems.join('\n'));
  const text = Buffer.concat(files.map(({ path }) => textOf(path)));
  const times = Math.max(1, Math.ceil(bytes / text.length));
  const once = inputOf(kind, kind, text, '');
  const names = files.map(({ path }) => basename(path)).join(', ');
  // Without this check, a wrong format would measure how fast lines are rejected.
  const { rows, lines } = await ingest(once);
  if (rows === 0) throw new CommandError(`${names}: none of ${lines} lines is a row of ${kind}: give another --format`);
  return {
    ...once,
    key: landingKey(first.path),
    gzip: Buffer.concat(Array.from({ length: times }, () => once.gzip)),
    bytes: once.bytes * times,
    lines: once.lines * times,
    origin: times > 1 ? `${names}, as a gzip member that is repeated ${times} times` : names,
  };
}

/** A file's text, which always ends with a line end so that its last line does not continue in the next file. */
function textOf(path: string): Buffer {
  const bytes = readFileSync(path);
  const text = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  return text.at(-1) === LINE_END ? text : Buffer.concat([text, Buffer.of(LINE_END)]);
}

const LINE_END = 0x0a;

function inputOf(name: string, kind: string, text: Buffer, origin: string): Input {
  let lines = 0;
  for (let at = text.indexOf(LINE_END); at >= 0; at = text.indexOf(LINE_END, at + 1)) lines++;
  const source = sourceOf(kind);
  const key = FORMATS.get(source.settings.format)?.exampleKey ?? `${kind}.log.gz`;
  return { name, source, key, gzip: gzipSync(text), bytes: text.length, lines, origin };
}

/** A table of the inputs. */
export function inputsSection(inputs: readonly Input[]): Section {
  return {
    title: 'Inputs',
    notes: ['Objects of gzipped lines.'],
    columns: [...columnsOf('input', 'raw bytes', 'lines', 'bytes a line', 'gzip ratio'), { name: 'from' }],
    rows: inputs.map(({ name, bytes, lines, gzip, origin }) => [
      name,
      thousands(bytes),
      thousands(lines),
      number(bytes / lines),
      number(bytes / gzip.length),
      origin,
    ]),
  };
}
