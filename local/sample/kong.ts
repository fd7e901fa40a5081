import { answer, clientAddress, fillPath, pickEndpoint, userAgent } from './endpoints.ts';
import { Random } from './random.ts';
import { type Fate, ORDINARY, oddityAt, type SampleLine } from './sample-line.ts';

/** The part of the log of one gateway node. */
export interface KongLinesOptions {
  /** The gateway's node. Different nodes log different lines. */
  readonly node: string;
  /** Milliseconds since the epoch: first (included) and last (not included) time of the lines. */
  readonly from: number;
  readonly to: number;
  /** One line in `oddEvery` is odd; Infinity for everyday traffic alone. */
  readonly oddEvery?: number;
}

/** Lines of Kong's default access log, with other output of a gateway's stdout, in order of time. */
export function* kongLines(seed: string, count: number, options: KongLinesOptions): Generator<SampleLine> {
  const { node, from, to, oddEvery = 20 } = options;
  const random = new Random(`${seed}/kong/${node}/${from}`);
  const offset = random.int(0, KONG_ODDITIES.length - 1);
  const step = (to - from) / count;
  for (let index = 0; index < count; index++) {
    const time = Math.floor(from + (index + random.fraction()) * step);
    const oddity = oddityAt(KONG_ODDITIES, index, oddEvery, offset);
    const parts = kongParts(random, time);
    yield { time, text: oddity ? oddity.line(parts, random) : accessLine(parts), fate: oddity ?? ORDINARY };
  }
}

interface KongParts {
  readonly client: string;
  readonly time: Date;
  readonly request: string;
  readonly status: number;
  readonly bytes: number;
  readonly userAgent: string;
  readonly requestId: string;
}

function kongParts(random: Random, time: number): KongParts {
  const endpoint = pickEndpoint(random);
  const { status, bytes } = answer(endpoint, random);
  return {
    client: clientAddress(random),
    time: new Date(time),
    request: `${endpoint.verb} ${fillPath(endpoint.path, random)} HTTP/1.1`,
    status,
    bytes,
    userAgent: userAgent(random),
    requestId: `${random.hex8()}${random.hex8()}${random.hex8()}${random.hex8()}`,
  };
}

/** Kong's default since 3.5: https://developer.konghq.com/gateway/logs/ */
function accessLine(parts: KongParts): string {
  return `${combined(parts)} kong_request_id: "${parts.requestId}"`;
}

function combined({ client, time, request, status, bytes, userAgent }: KongParts): string {
  return `${client} - - [${timeLocal(time)}] "${request}" ${status} ${bytes} "-" "${userAgent}"`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** nginx's $time_local, in UTC: 22/Nov/2026:02:24:11 +0000 */
function timeLocal(time: Date): string {
  const iso = time.toISOString();
  return `${iso.slice(8, 10)}/${MONTHS[time.getUTCMonth()]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

/** The format in which container runtimes write lines (CRI): 2026-11-22T02:24:11.482000000Z stdout F … */
function contained({ time }: KongParts, tags: string, text: string): string {
  return `${time.toISOString().slice(0, -1)}000000Z ${tags} ${text}`;
}

/** The error log's time, in UTC: 2026/11/22 02:24:11 */
function errorTime(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
}

interface KongOddity extends Fate {
  readonly oddity: string;
  line(parts: KongParts, random: Random): string;
}

const odd = (outcome: Fate['outcome'], oddity: string, line: KongOddity['line'], fieldErrors = 0): KongOddity => ({
  oddity,
  outcome,
  fieldErrors,
  unknownFields: 0,
  line,
});

/** Every kind of odd line: error-log lines are also written to a gateway's stdout, and probes call it all day long. */
const KONG_ODDITIES: readonly KongOddity[] = [
  odd('filtered', 'health check', (parts) =>
    accessLine({ ...parts, client: '127.0.0.1', request: 'GET /status HTTP/1.1', userAgent: 'kube-probe/1.31' }),
  ),
  odd('filtered', 'health check over IPv6', (parts) =>
    accessLine({ ...parts, client: '::1', request: 'GET /status HTTP/1.1', userAgent: 'kube-probe/1.31' }),
  ),
  odd('filtered', 'notice on stdout', ({ time }) => `${errorTime(time)} [notice] 1301#0: signal process started`),
  odd('filtered', 'plugin warning on stdout', ({ time }, random) => {
    const where = `1302#0: *${random.int(1, 99_999)} [lua] handler.lua:61: access(): [rate-limiting]`;
    return `${errorTime(time)} [warn] ${where} counters unavailable, context: ngx.timer`;
  }),
  odd('filtered', 'no client address', (parts) => accessLine({ ...parts, client: '-' })),
  odd('row', 'format before 3.5', combined),
  odd('row', 'quote escaped as \\x22', (parts) => accessLine({ ...parts, userAgent: 'agent \\x22beta\\x22' })),
  odd('row', 'status that does not convert', (parts) => accessLine(parts).replace(/" \d{3} /, '" abc '), 1),
  odd('rejected', 'broken off within the request', (parts) =>
    accessLine(parts).slice(0, accessLine(parts).indexOf('HTTP/') + 8),
  ),
  odd('row', 'in a container envelope', (parts) => contained(parts, 'stdout F', accessLine(parts))),
  odd('filtered', 'stderr in a container envelope', (parts) =>
    contained(parts, 'stderr F', 'nginx: configuration reloaded'),
  ),
  // Without its beginning, and not without its end: that piece would be joined with a line in an envelope that follows.
  odd('rejected', 'end of a line whose beginning is lost', (parts) =>
    accessLine(parts).slice(accessLine(parts).indexOf('"')),
  ),
];
