import { ALB_ODDITIES } from './alb-oddities.ts';
import { answer, clientAddress, type Endpoint, fillPath, pickEndpoint, userAgent } from './endpoints.ts';
import { Random } from './random.ts';
import { ORDINARY, oddityAt, type SampleLine } from './sample-line.ts';

/** One load balancer of the sample. */
export interface LoadBalancer {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly id: string;
  /** Addresses of its nodes, each of which writes its own files. */
  readonly nodes: readonly string[];
}

/** Two accounts, two Regions, one load balancer with IPv6 nodes. */
export const LOAD_BALANCERS: readonly LoadBalancer[] = [
  {
    account: '123456789012',
    region: 'eu-west-1',
    name: 'shop',
    id: '50dc6c495c0c9188',
    nodes: ['198.51.100.17', '198.51.100.42'],
  },
  {
    account: '111122223333',
    region: 'us-east-1',
    name: 'partners',
    id: '9f3b2c7d1e5a4806',
    nodes: ['203.0.113.5'],
  },
];

/** The part of the log of one node in one interval. */
export interface AlbLinesOptions {
  readonly loadBalancer: LoadBalancer;
  readonly node: string;
  /** Milliseconds since the epoch: first (included) and last (not included) time of the lines. */
  readonly from: number;
  readonly to: number;
  /** One line in `oddEvery` is odd; Infinity for everyday traffic alone. */
  readonly oddEvery?: number;
}

/**
 * Access log lines in order of time, without line ends. They are byte strings, one character for each byte
 * (`Buffer.from(text, 'latin1')`), because some contain bytes that are not valid UTF-8.
 */
export function* albLines(seed: string, count: number, options: AlbLinesOptions): Generator<SampleLine> {
  const { loadBalancer, node, from, to, oddEvery = 200 } = options;
  const random = new Random(`${seed}/alb/${loadBalancer.name}/${node}/${from}`);
  const offset = random.int(0, ALB_ODDITIES.length - 1);
  const written = isoMicros();
  const received = isoMicros();
  const connections = Array.from({ length: CONNECTIONS }, () => connectionOf(random));
  const step = ((to - from) * 1000) / count;
  for (let index = 0; index < count; index++) {
    const at = random.int(0, CONNECTIONS - 1);
    if (random.chance(0.2)) connections[at] = connectionOf(random);
    const connection = connections[at] as Connection;
    const micros = from * 1000 + Math.floor((index + random.fraction()) * step);
    const fields = albFields(random, loadBalancer, connection, node, (took) => [
      written(micros),
      // To the millisecond, as in AWS's own examples and logs.
      received(Math.floor((micros - took) / 1000) * 1000),
    ]);
    const oddity = oddityAt(ALB_ODDITIES, index, oddEvery, offset);
    yield {
      time: Math.floor(micros / 1000),
      text: oddity ? oddity.line(fields, random) : fields.join(' '),
      fate: oddity ?? ORDINARY,
    };
  }
}

/** Clients keep connections open, so several requests share one. */
interface Connection {
  /** Address and port. */
  readonly client: string;
  readonly id: string;
}

/** Connections open at a time. */
const CONNECTIONS = 200;

function connectionOf(random: Random): Connection {
  return {
    client: `${clientAddress(random)}:${random.int(1024, 65535)}`,
    id: random.hex8() + random.hex8() + random.hex8() + random.hex8(),
  };
}

/**
 * Fields of one line, in order. `times` returns the times of the response and the request, `took` microseconds apart.
 */
function albFields(
  random: Random,
  { account, region, name, id }: LoadBalancer,
  { client, id: connection }: Connection,
  node: string,
  times: (took: number) => [string, string],
): string[] {
  const endpoint = pickEndpoint(random);
  const visit = visitOf(endpoint, random);
  const [time, created] = times(Math.round(visit.seconds * 1e6));
  const group = `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${visit.group}/73e2d6bc24d8a067`;
  const trace = `"Root=1-${random.hex8()}-${random.hex8()}${random.hex8()}${random.hex8()}"`;
  const secure = visit.type !== 'http' && visit.type !== 'ws';
  return [
    visit.type,
    time,
    `app/${name}/${id}`,
    client,
    visit.target,
    ...visit.timings,
    visit.status,
    visit.targetStatus,
    String(random.int(90, 2400)),
    String(visit.bytes),
    `"${visit.request}"`,
    `"${userAgent(random)}"`,
    secure ? 'TLS_AES_128_GCM_SHA256' : '-',
    secure ? 'TLSv1.3' : '-',
    visit.group === '-' ? '-' : group,
    trace,
    secure ? `"${endpoint.host}"` : '"-"',
    secure ? `"arn:aws:acm:${region}:${account}:certificate/6f7a1f6e-0c6b-4a55-9d37-2b8d1c0e4f21"` : '"-"',
    visit.rule,
    created,
    `"${visit.actions}"`,
    `"${visit.redirect}"`,
    '"-"',
    `"${visit.target}"`,
    `"${visit.targetStatus}"`,
    '"-"',
    '"-"',
    `TID_${connection}`,
    '"-"',
    '"-"',
    '"-"',
    node,
  ];
}

interface Visit {
  readonly type: string;
  /** Seconds from request to response. */
  readonly seconds: number;
  readonly target: string;
  readonly timings: readonly [string, string, string];
  readonly status: string;
  readonly targetStatus: string;
  readonly bytes: number;
  readonly request: string;
  /** Name of the target group; `-` if no target was asked. */
  readonly group: string;
  readonly rule: string;
  readonly actions: string;
  readonly redirect: string;
}

/** The outcome of one request: most are forwarded, some never reach a target. */
function visitOf(endpoint: Endpoint, random: Random): Visit {
  const kind = random.fraction();
  if (kind < 0.012) return redirected(endpoint, random);
  if (kind < 0.02) return blocked(endpoint, random);
  if (kind < 0.025) return webSocket(random);
  return forwarded(endpoint, random);
}

function forwarded(endpoint: Endpoint, random: Random): Visit {
  const { status, seconds, bytes } = answer(endpoint, random);
  const { host, verb, path } = endpoint;
  const byLambda = host === 'reports.example.com';
  // The load balancer itself answers 502 and 504, if a target closes the connection or never answers.
  const unanswered = status === 502 || status === 504;
  const http2 = random.chance(0.6);
  return {
    type: http2 ? 'h2' : 'https',
    seconds,
    target: byLambda ? '-' : targetAddress(random),
    timings: [`0.00${random.int(0, 3)}`, unanswered ? '-1' : seconds.toFixed(3), unanswered ? '-1' : '0.000'],
    status: String(status),
    targetStatus: unanswered ? '-' : String(status),
    bytes,
    request: `${verb} https://${host}:443${fillPath(path, random)} HTTP/${http2 ? '2.0' : '1.1'}`,
    group: byLambda ? 'reports-function' : host.slice(0, host.indexOf('.')),
    rule: String(random.int(1, 9)),
    actions: random.chance(0.2) ? 'waf,forward' : 'forward',
    redirect: '-',
  };
}

function redirected({ host, path }: Endpoint, random: Random): Visit {
  const filled = fillPath(path, random);
  return {
    ...UNREACHED,
    type: 'http',
    status: '301',
    bytes: 326,
    request: `GET http://${host}:80${filled} HTTP/1.1`,
    rule: '0',
    actions: 'redirect',
    redirect: `https://${host}:443${filled}`,
  };
}

function blocked({ host }: Endpoint, random: Random): Visit {
  const probe = random.pick(['/wp-login.php', '/.env', '/admin/config.php?x=%27%20OR%201=1--', '/cgi-bin/test']);
  return {
    ...UNREACHED,
    type: 'https',
    status: '403',
    bytes: 520,
    request: `GET https://${host}:443${probe} HTTP/1.1`,
    rule: '1',
    actions: 'waf',
    redirect: '-',
  };
}

function webSocket(random: Random): Visit {
  const target = targetAddress(random);
  return {
    type: 'wss',
    seconds: random.int(1, 250),
    target,
    timings: ['0.001', `0.00${random.int(2, 9)}`, '0.000'],
    status: '101',
    targetStatus: '101',
    bytes: random.int(500, 90_000),
    request: 'GET https://chat.example.com:443/live HTTP/1.1',
    group: 'chat',
    rule: '4',
    actions: 'forward',
    redirect: '-',
  };
}

const UNREACHED = { seconds: 0, target: '-', timings: ['-1', '-1', '-1'], targetStatus: '-', group: '-' } as const;

function targetAddress(random: Random): string {
  return `203.0.113.${random.int(10, 29)}:8080`;
}

/** Formats microseconds since the epoch like AWS. Neighbouring lines share their second, so its text is cached. */
function isoMicros(): (micros: number) => string {
  let second = Number.NaN;
  let text = '';
  return (micros) => {
    const at = Math.floor(micros / 1e6);
    if (at !== second) {
      second = at;
      text = new Date(at * 1000).toISOString().slice(0, 20);
    }
    return `${text}${String(micros - at * 1e6).padStart(6, '0')}Z`;
  };
}
