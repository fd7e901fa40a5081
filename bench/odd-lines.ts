/**
 * Lines that someone outside can choose to be odd: what a client sends, or what an application logs of it. The kernel
 * leaves some of them to the TypeScript reader, so that they cost more than others of the same size.
 */
import { kindNamed, linesOfBytes } from './generate.ts';
import { ingest, type SourceObject } from './ingest.ts';
import { sourceOf } from './input.ts';
import { interleave } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';

/** Changes a line, given and returned with one character for each byte. It may return several lines. */
type Change = (line: string) => string;

/** Puts text at the beginning of the last value that is text. */
const inValue =
  (text: string): Change =>
  (line) => {
    const at = line.lastIndexOf('":"') + '":"'.length;
    return line.slice(0, at) + text + line.slice(at);
  };
/** Puts a member at the beginning. */
const member =
  (json: string): Change =>
  (line) =>
    line.replace(/^\{/, `{${json},`);
/** Gives the column of doubles another value. */
const duration =
  (number: string): Change =>
  (line) =>
    member(`"response_time":${number}`)(line.replace(/,?"response_time":[^,}]*/, ''));
const NESTED = `${'{"a":['.repeat(100)}1${']}'.repeat(100)}`;

/** The odd lines of each kind of generated lines. */
const ODD: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  json: {
    'bytes that are no UTF-8': inValue('\xe9\xff'),
    'a quote that is not escaped': inValue('a"b'),
    'plain text': (line) => `INFO ${line.replaceAll('"', '')}`,
    'a message that begins with a number': member('"message":"404 not found"'),
    'a surrogate alone': inValue('\\ud800'),
    'an escaped key': member('"\\u0061bc":1'),
    'a key that is no ASCII': member('"cl\xc3\xa9":1'),
    'a key that comes again': member('"other":1,"Other":2'),
    '300 keys': member(Array.from({ length: 300 }, (_, index) => `"key${index}":${index}`).join(',')),
    'a key that is a number': member('"404":1'),
    'a number out of range': duration('1e400'),
    'a number of 30 digits': duration('0.123456789012345678901234567890'),
    'nesting of 200': member(`"nested":${NESTED}`),
    'cut off': (line) => line.slice(0, line.length / 2),
    'printed over several lines': (line) => line.replaceAll(/(?<=[{,])(?=")/g, '\n  ').replace(/\}$/, '\n}'),
    'blank lines': (line) => '\n'.repeat(line.length),
  },
  'kong-json': {
    'bytes that are no UTF-8': inValue('\xe9\xff'),
    'a header whose name has a dot': (line) => line.replace('"headers":{"accept"', '"headers":{"a.b":1,"accept"'),
  },
  kong: {
    'an odd method': (line) => line.replace(/"[A-Z]+ \//, '"FROBNICATE /'),
    'a status that is no number': (line) => line.replace(/" (\d\d\d) /, '" abc '),
    'the handshake of TLS': (line) => line.replace(/"[A-Z]+ \/[^"]*"/, '"\\x16\\x03\\x01\\x02"'),
    'a client that is no address': (line) => line.replace(/^[\d.]+ /, 'host.example.com '),
    'a request with a space after it': (line) => line.replace(/( HTTP\/[\d.]+)"/, '$1 "'),
    'an IPv4 address on an IPv6 socket': (line) => line.replace(/^(?=[\d.]+ )/, '::ffff:'),
    'text after the end': (line) => `${line} and more`,
    'bytes that are no UTF-8': (line) => line.replace(/ HTTP\//, '\xe9\xff HTTP/'),
  },
};

/** Bytes of each input. */
const INPUT_BYTES = 8 * 1024 * 1024;

/** What a kind of odd lines costs. */
export interface OddLines {
  readonly kind: string;
  readonly odd: string;
  /** CPU time per byte of the ingest path ÷ that of lines which are not odd, both without inflating. */
  readonly ratio: number;
}

export async function measureOddLines(seed: string, scale: Scale): Promise<OddLines[]> {
  const measured: OddLines[] = [];
  for (const [kind, changes] of Object.entries(ODD)) {
    const source = sourceOf(kind);
    const plain = linesOfBytes(kindNamed(kind), seed, Math.min(INPUT_BYTES, scale.inputBytes));
    for (const [odd, change] of Object.entries(changes)) {
      const lines = plain
        .toString('latin1')
        .trimEnd()
        .split('\n')
        .map((line) => `${change(line)}\n`);
      const changed = Buffer.from(lines.join('').slice(0, plain.length), 'latin1');
      // An object that is not compressed: `gzip` names what S3 stores.
      const object = (gzip: Buffer): SourceObject => ({ source, key: `${kind}.log`, gzip });
      const timed = await interleave({ plain: () => ingest(object(plain)), odd: () => ingest(object(changed)) }, scale);
      measured.push({ kind, odd, ratio: timed.ratio('odd', 'plain') * (plain.length / changed.length) });
    }
  }
  return measured;
}

export function oddLinesSection(measured: readonly OddLines[]): Section {
  return {
    title: 'Odd lines',
    notes: [
      'CPU time per byte of lines that someone outside can choose to be odd, compared with lines that are not; without ' +
        'inflating. Every line of the input is odd in the same way.',
    ],
    columns: columnsOf('lines', '÷ ordinary lines'),
    rows: measured.map(({ kind, odd, ratio }) => [`${kind}: ${odd}`, number(ratio)]),
  };
}
