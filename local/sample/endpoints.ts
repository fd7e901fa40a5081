import type { Random } from './random.ts';

/** One endpoint of the sample's sites: its requests, its response times and its failures. */
export interface Endpoint {
  readonly host: string;
  readonly verb: string;
  /** `{id}` is replaced by a number, `{term}` by a search term. */
  readonly path: string;
  /** Share of the traffic, relative to the other endpoints. */
  readonly weight: number;
  /** Median response time in seconds, and how long the tail is. */
  readonly median: number;
  readonly spread: number;
  /** Typical size of a response in bytes. */
  readonly bytes: number;
  /** Statuses other than 200, each with its probability. */
  readonly failures: readonly (readonly [status: number, probability: number])[];
}

/** Most work well; a payment provider, a report and a search are the problems that an operator would look for. */
export const ENDPOINTS: readonly Endpoint[] = [
  {
    host: 'shop.example.com',
    verb: 'GET',
    path: '/',
    weight: 14,
    median: 0.009,
    spread: 0.5,
    bytes: 18_000,
    failures: [[304, 0.12]],
  },
  {
    host: 'shop.example.com',
    verb: 'GET',
    path: '/products/{id}',
    weight: 26,
    median: 0.016,
    spread: 0.7,
    bytes: 9_500,
    failures: [
      [404, 0.03],
      [500, 0.0004],
    ],
  },
  {
    host: 'shop.example.com',
    verb: 'GET',
    path: '/search?q={term}&page={id}',
    weight: 12,
    median: 0.14,
    spread: 1.1,
    bytes: 14_000,
    failures: [
      [503, 0.004],
      [504, 0.002],
    ],
  },
  {
    host: 'shop.example.com',
    verb: 'POST',
    path: '/cart/{id}/items',
    weight: 6,
    median: 0.032,
    spread: 0.6,
    bytes: 700,
    failures: [
      [409, 0.02],
      [422, 0.03],
      [500, 0.002],
    ],
  },
  {
    host: 'static.example.com',
    verb: 'GET',
    path: '/assets/app.js?v={id}',
    weight: 16,
    median: 0.002,
    spread: 0.3,
    bytes: 240_000,
    failures: [[304, 0.45]],
  },
  {
    host: 'static.example.com',
    verb: 'HEAD',
    path: '/assets/logo.svg',
    weight: 3,
    median: 0.001,
    spread: 0.3,
    bytes: 320,
    failures: [[304, 0.3]],
  },
  {
    host: 'pay.example.com',
    verb: 'POST',
    path: '/v1/payments',
    weight: 5,
    median: 0.38,
    spread: 0.9,
    bytes: 1_100,
    failures: [
      [402, 0.05],
      [502, 0.017],
      [504, 0.009],
    ],
  },
  {
    host: 'pay.example.com',
    verb: 'GET',
    path: '/v1/payments/{id}',
    weight: 7,
    median: 0.021,
    spread: 0.6,
    bytes: 1_300,
    failures: [
      [404, 0.02],
      [502, 0.002],
    ],
  },
  {
    host: 'api.example.com',
    verb: 'GET',
    path: '/v2/accounts/{id}/orders',
    weight: 9,
    median: 0.045,
    spread: 0.9,
    bytes: 5_200,
    failures: [
      [401, 0.04],
      [429, 0.01],
      [500, 0.003],
    ],
  },
  {
    host: 'api.example.com',
    verb: 'PUT',
    path: '/v2/accounts/{id}/address',
    weight: 2,
    median: 0.06,
    spread: 0.5,
    bytes: 400,
    failures: [
      [400, 0.05],
      [403, 0.02],
    ],
  },
  {
    host: 'api.example.com',
    verb: 'DELETE',
    path: '/v2/sessions/{id}',
    weight: 1,
    median: 0.012,
    spread: 0.4,
    bytes: 180,
    failures: [[404, 0.08]],
  },
  {
    host: 'reports.example.com',
    verb: 'GET',
    path: '/monthly?account={id}',
    weight: 1,
    median: 2.4,
    spread: 0.8,
    bytes: 880_000,
    failures: [
      [500, 0.02],
      [504, 0.06],
    ],
  },
];

const TOTAL_WEIGHT = ENDPOINTS.reduce((sum, { weight }) => sum + weight, 0);

/** A random endpoint, weighted by traffic. */
export function pickEndpoint(random: Random): Endpoint {
  let at = random.fraction() * TOTAL_WEIGHT;
  for (const endpoint of ENDPOINTS) {
    at -= endpoint.weight;
    if (at < 0) return endpoint;
  }
  return ENDPOINTS[0] as Endpoint;
}

const TERMS = ['lamp', 'oak+table', 'desk', 'chair', 'rug%20blue', 'shelf', 'mirror', 'vase'];

/** Fills in the placeholders of an endpoint's path. */
export function fillPath(path: string, random: Random): string {
  if (!path.includes('{')) return path;
  return path.replace('{id}', String(random.int(1, 9_999))).replace('{term}', random.pick(TERMS));
}

/** One response of an endpoint. */
export interface Answer {
  readonly status: number;
  /** Seconds. */
  readonly seconds: number;
  readonly bytes: number;
}

/** The response of an endpoint to one request; a timeout adds its own seconds. */
export function answer(endpoint: Endpoint, random: Random): Answer {
  const seconds = random.logNormal(endpoint.median, endpoint.spread);
  let chance = random.fraction();
  for (const [status, probability] of endpoint.failures) {
    chance -= probability;
    if (chance < 0) {
      return { status, seconds: status === 504 ? seconds + 10 : seconds, bytes: random.int(120, 620) };
    }
  }
  return { status: 200, seconds, bytes: Math.round(endpoint.bytes * (0.6 + 0.8 * random.fraction())) };
}

const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'curl/8.9.1',
  'python-requests/2.32.3',
  'okhttp/4.12.0',
];

export function userAgent(random: Random): string {
  return random.pick(USER_AGENTS);
}

/** A client's address: one in six is IPv6. */
export function clientAddress(random: Random): string {
  if (random.chance(1 / 6)) {
    return `2001:db8:${random.int(0, 0xfff).toString(16)}:${random.int(0, 0xff).toString(16)}::${random.int(1, 0xffff).toString(16)}`;
  }
  return `192.0.2.${random.int(1, 254)}`;
}
