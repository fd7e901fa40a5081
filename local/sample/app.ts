import { answer, fillPath, pickEndpoint } from './endpoints.ts';
import { Random } from './random.ts';
import { type Fate, ORDINARY, oddityAt, type SampleLine } from './sample-line.ts';

/** The part of the log of one instance of an application. */
export interface AppLinesOptions {
  /** The application's instance. Different instances log different lines. */
  readonly instance: string;
  /** Milliseconds since the epoch: first (included) and last (not included) time of the events. */
  readonly from: number;
  readonly to: number;
  /** One event in `oddEvery` is odd; Infinity for everyday traffic alone. */
  readonly oddEvery?: number;
}

/** JSON log events with the keys of the `server-logs` preset, in order of time. An event can have several lines. */
export function* appEvents(seed: string, count: number, options: AppLinesOptions): Generator<SampleLine> {
  const { instance, from, to, oddEvery = 50 } = options;
  const random = new Random(`${seed}/app/${instance}/${from}`);
  const offset = random.int(0, APP_ODDITIES.length - 1);
  const step = (to - from) / count;
  for (let index = 0; index < count; index++) {
    const time = Math.floor(from + (index + random.fraction()) * step);
    const oddity = oddityAt(APP_ODDITIES, index, oddEvery, offset);
    const entry = appEntry(random, time);
    yield { time, text: oddity ? oddity.message(entry, random) : JSON.stringify(entry), fate: oddity ?? ORDINARY };
  }
}

type AppEntry = Readonly<Record<string, unknown>>;

function appEntry(random: Random, time: number): AppEntry {
  const endpoint = pickEndpoint(random);
  const { status, seconds } = answer(endpoint, random);
  const failed = status >= 500;
  return {
    timestamp: new Date(time).toISOString(),
    level: failed ? 'ERROR' : status >= 400 ? 'WARN' : 'INFO',
    request_id: `${random.hex8()}-${random.hex8()}`,
    method: endpoint.verb,
    path: fillPath(endpoint.path, random),
    status_code: status,
    response_time: Number(seconds.toFixed(4)),
    ...(failed && { error_traceback: TRACEBACK }),
  };
}

const TRACEBACK = `Traceback (most recent call last):
  File "app/views.py", line 214, in handle
    return self.service.call(request, timeout=10)
TimeoutError: service did not answer`;

interface AppOddity extends Fate {
  readonly oddity: string;
  message(entry: AppEntry, random: Random): string;
}

const odd = (
  outcome: Fate['outcome'],
  oddity: string,
  message: AppOddity['message'],
  fieldErrors = 0,
  unknownFields = 0,
): AppOddity => ({ oddity, outcome, fieldErrors, unknownFields, message });

/** Every kind of odd event that applications log. */
const APP_ODDITIES: readonly AppOddity[] = [
  odd(
    'row',
    'keys not declared',
    (entry, random) => JSON.stringify({ ...entry, user_id: random.int(1, 999), cart: { items: 3, coupon: null } }),
    0,
    2,
  ),
  odd('row', 'status that does not convert', (entry) => JSON.stringify({ ...entry, status_code: 'n/a' }), 1),
  odd('row', 'number as text', (entry) => JSON.stringify({ ...entry, response_time: '0.25' })),
  odd('row', 'key in capitals', ({ level, ...entry }) => JSON.stringify({ ...entry, Level: level })),
  odd('row', 'keys that differ only by case', (entry) => JSON.stringify({ ...entry, LEVEL: 'DEBUG' }), 1),
  odd('row', 'pretty-printed', (entry) => JSON.stringify(entry, undefined, 2)),
  odd('row', 'non-ASCII path', (entry) => JSON.stringify({ ...entry, path: '/möbel/茶' })),
  odd('rejected', 'plain text', (_entry, random) => `worker ${random.hex8()} started`),
  odd('rejected', 'broken off', (entry) => JSON.stringify(entry).slice(0, 80)),
  odd('rejected', 'a list', (entry) => JSON.stringify([entry])),
];
