/**
 * Generates the measured lines from a seed: the sample's traffic, made as varied as the traffic of a busy site. gzip
 * compresses them five- to sixfold, like real access logs.
 */
import { FORMATS } from '../lambdas/core/formats/registry.ts';
import type { FormatOptions } from '../lambdas/core/reading/format.ts';
import { albLines, LOAD_BALANCERS, type LoadBalancer } from '../local/sample/alb.ts';
import { appEvents } from '../local/sample/app.ts';
import { kongLines } from '../local/sample/kong.ts';
import { Random } from '../local/sample/random.ts';
import { kongRecord } from './kong-record.ts';

/** Start and end of the interval that an access log's file covers. */
export const FROM = Date.parse('2026-11-22T12:00:00Z');
const TO = FROM + 300_000;

/** One in this many lines is unusual. */
const ODD_EVERY = 200;

/** The load balancer that writes the lines, and the address of its node. */
const LOAD_BALANCER = LOAD_BALANCERS[0] as LoadBalancer;
const NODE = '198.51.100.17';

/** A kind of generated lines: lines of a format, plain or in the envelope of a container runtime. */
export interface LineKind {
  readonly format: string;
  readonly options: FormatOptions;
  /** Lower bound of the average bytes per line, used to compute how many lines make a given size. */
  readonly leastLineBytes: number;
  /** Generates `count` lines as byte strings, one character per byte. */
  readonly lines: (seed: string, count: number) => Generator<string>;
}

const KONG = { format: 'kong', options: { preset: 'kong' } };
const JSON_LOGS = { format: 'json', options: { preset: 'server-logs' } };

/** Kinds with their own generator. Lines of other formats are generated from the format's example lines. */
const KINDS: ReadonlyMap<string, LineKind> = new Map([
  ['alb', { format: 'alb', options: {}, leastLineBytes: 500, lines: loadBalancerLines }],
  ['kong', { ...KONG, leastLineBytes: 170, lines: gatewayLines('kong') }],
  ['kong-cri', { ...KONG, leastLineBytes: 200, lines: gatewayLines('kong-cri') }],
  ['kong-docker', { ...KONG, leastLineBytes: 300, lines: gatewayLines('kong-docker') }],
  ['kong-json', { format: 'kong-json', options: {}, leastLineBytes: 1500, lines: gatewayLines('kong-json') }],
  ['json', { ...JSON_LOGS, leastLineBytes: 140, lines: applicationLines('json') }],
  ['json-nested', { ...JSON_LOGS, leastLineBytes: 300, lines: applicationLines('json-nested') }],
]);

/** The kind with this name, or a kind for the format with this name. @throws Error if there is neither */
export function kindNamed(name: string): LineKind {
  const kind = KINDS.get(name);
  if (kind) return kind;
  const format = FORMATS.get(name);
  if (!format) throw new Error(`expected a kind of lines or a format, got ${name}`);
  const { exampleLines, exampleOptions = {} } = format;
  return {
    format: name,
    options: exampleOptions,
    leastLineBytes: Math.min(...exampleLines.map((line) => Buffer.byteLength(line) + 1)),
    lines: (seed, count) => redrawn(exampleLines, new Random(`${seed}/bench/${name}`), count),
  };
}

/** Generates lines of at least `bytes` bytes in total, including line ends. */
export function linesOfBytes({ lines, leastLineBytes }: LineKind, seed: string, bytes: number): Buffer {
  const chunks: Buffer[] = [];
  let left = bytes;
  for (const line of lines(seed, Math.ceil(bytes / leastLineBytes))) {
    const chunk = Buffer.from(`${line}\n`, 'latin1');
    chunks.push(chunk);
    left -= chunk.length;
    if (left <= 0) break;
  }
  return Buffer.concat(chunks);
}

/** Generates `count` lines, with line ends. */
export function linesOfCount({ lines }: LineKind, seed: string, count: number): Buffer {
  return Buffer.from(`${[...lines(seed, count)].join('\n')}\n`, 'latin1');
}

const SPAN = { from: FROM, to: TO, oddEvery: ODD_EVERY };

function* loadBalancerLines(seed: string, count: number): Generator<string> {
  const random = new Random(`${seed}/bench/alb`);
  for (const { text, fate } of albLines(seed, count, { ...SPAN, loadBalancer: LOAD_BALANCER, node: NODE })) {
    yield fate.oddity ? text : varied(text, random, 0.8);
  }
}

function applicationLines(kind: 'json' | 'json-nested'): LineKind['lines'] {
  return function* (seed, count) {
    const random = new Random(`${seed}/bench/${kind}`);
    for (const { text, fate } of appEvents(seed, count, { ...SPAN, instance: NODE })) {
      if (text.includes('\n')) continue;
      yield bytesOf(kind === 'json' || fate.oddity ? text : nested(text, random));
    }
  };
}

type GatewayKind = 'kong' | 'kong-cri' | 'kong-docker' | 'kong-json';

function gatewayLines(kind: GatewayKind): LineKind['lines'] {
  return function* (seed, count) {
    const random = new Random(`${seed}/bench/${kind}`);
    for (const { text, fate, time } of kongLines(seed, count, { ...SPAN, node: NODE })) {
      yield ofGateway(kind, fate.oddity ? text : varied(text, random, 0.4), time, random);
    }
  };
}

/**
 * Parts of an example line that are replaced by random ones: the last part of an IPv4 address; hexadecimal ids of at
 * least eight digits; numbers of at least five digits. Epoch seconds and milliseconds are kept, because random ones
 * would spread the lines over centuries.
 */
const RANDOMIZED =
  /(?<=\b\d+\.\d+\.\d+\.)\d+\b|\b(?=\d*[a-f])(?=[a-f]*\d)[\da-f]{8,}\b|\b(?!\d{10}\b|\d{13}\b)\d{5,}\b/g;

function* redrawn(examples: readonly string[], random: Random, count: number): Generator<string> {
  const drawn = (old: string) => {
    if (old.length <= 3) return String(random.int(1, 254));
    const isHex = /[a-f]/.test(old);
    return Array.from(old, (_, at) => (isHex ? random.int(0, 15).toString(16) : random.int(at === 0 ? 1 : 0, 9))).join(
      '',
    );
  };
  for (let line = 0; line < count; line++) yield bytesOf(random.pick(examples).replace(RANDOMIZED, drawn));
}

/** A gateway's line in the form of the given kind; a line that is already in an envelope, or not a request, is kept. */
function ofGateway(kind: GatewayKind, line: string, time: number, random: Random): string {
  if (/^\S+ std(?:out|err) [FP] /.test(line)) return line;
  const at = `${new Date(time).toISOString().slice(0, -1)}${random.int(100_000, 999_999)}Z`;
  switch (kind) {
    case 'kong-cri':
      return `${at} stdout F ${line}`;
    case 'kong-docker':
      return bytesOf(JSON.stringify({ log: `${textOf(line)}\n`, stream: 'stdout', time: at, ...KUBERNETES }));
    case 'kong-json': {
      const uri = /"[A-Z]+ (\S+) HTTP/.exec(line)?.[1];
      return uri ? bytesOf(kongRecord(random, time, textOf(uri))) : line;
    }
    default:
      return line;
  }
}

/** Metadata that a log collector adds. https://docs.fluentbit.io/manual/data-pipeline/filters/kubernetes */
const KUBERNETES = {
  kubernetes: { pod_name: 'kong-7d9f8c6b5d-x2x7q', namespace_name: 'gateway', container_name: 'proxy' },
};

const bytesOf = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const textOf = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8');

/** Values of query strings: some correctly escaped, some as only faulty clients send them. */
const TERMS = ['oak+table', 'rug%20blue', '%C4%8Daj', bytesOf('čaj'), '\\x22desk\\x22', 'a%26b', 'caf%C3%A9', '%7B%7D'];

/** Adds a query string to a share `withQuery` of the lines, and varies the browsers' versions. */
function varied(text: string, random: Random, withQuery: number): string {
  const at = text.indexOf(' HTTP/');
  let line = text;
  if (at > 0 && random.chance(withQuery)) {
    const joint = text.lastIndexOf('?', at) > text.lastIndexOf(' ', at - 1) ? '&' : '?';
    line = `${text.slice(0, at)}${joint}${query(random)}${text.slice(at)}`;
  }
  return line
    .replace(
      'Chrome/141.0.0.0',
      () => `Chrome/${random.int(90, 143)}.0.${random.int(1000, 7500)}.${random.int(1, 250)}`,
    )
    .replace('Firefox/140.0', () => `Firefox/${random.int(78, 145)}.${random.int(0, 9)}`);
}

function query(random: Random): string {
  const parts = [`sid=${random.hex8()}${random.hex8()}`];
  if (random.chance(0.5)) parts.push(`utm_source=newsletter&utm_campaign=${random.hex8()}`);
  if (random.chance(0.3)) parts.push(`q=${random.pick(TERMS)}`);
  if (random.chance(0.3)) parts.push(`ref=${random.int(1, 1e9)}&t=${random.int(1, 1e9)}`);
  if (random.chance(0.4))
    parts.push(`token=${Buffer.from(random.hex8() + random.hex8() + random.hex8(), 'hex').toString('base64url')}`);
  if (random.chance(0.05)) parts.push(`filter=${Array.from({ length: 20 }, () => random.hex8()).join(',')}`);
  return parts.join('&');
}

/** An event as a framework's logger writes it, with undeclared fields and nested objects. */
function nested(text: string, random: Random): string {
  const user = { id: random.int(1, 99_999), roles: ['buyer', random.pick(['beta', 'staff', 'guest'])] };
  const more = {
    logger: `app.${random.pick(['views', 'orders', 'payments'])}`,
    user,
    http: { headers: { host: 'shop.example.com', 'x-request-id': random.hex8() }, bytes: random.int(100, 99_999) },
    tags: { region: 'eu-west-1', pod: `shop-${random.hex8()}`, note: 'said "oak"\ttable' },
  };
  return `${text.slice(0, -1)},${JSON.stringify(more).slice(1)}`;
}
