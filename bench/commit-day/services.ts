/** What the services of a simulated day take, and how much is asked of them. */
import { Random } from '../../local/sample/random.ts';
import type { SimulatedClock } from './clock.ts';

/** Milliseconds that requests take in the middle, and limits. Nobody has measured them in an account: change them by options. */
export const SERVICES = {
  dynamoDbMs: 8,
  s3GetMs: 30,
  s3PutMs: 60,
  /** Bytes that come from S3 in a millisecond, for one request. */
  s3BytesPerMs: 80_000,
  sqsMs: 15,
  glueLoadMs: 120,
  glueCommitMs: 350,
  glueOptimizerMs: 80,
  /** Requests a second that Glue answers, of all kinds; as many are answered at once after a quiet second. */
  glueRequestsPerSecond: 50,
  /** CPU time on a function of 1,024 MiB, which has 0.58 of a CPU: for the JSON of lists, and for a commit. */
  listBytesPerMs: 60_000,
  commitCpuMs: 8,
};
export type Services = typeof SERVICES;

/** How far times are from the middle: half of the requests take between 0.7 and 1.4 of it. */
const SPREAD = 0.5;

/** Glue answers a request that is too many: https://github.com/apache/iceberg/issues/17824 */
export class ThrottledError extends Error {
  override readonly name = 'ThrottlingException';
}

export class SimulatedServices {
  /** Requests by what they ask for. */
  readonly requests = new Map<string, number>();
  /** Bytes of S3, and units of DynamoDB. */
  readonly amounts = new Map<string, number>();
  readonly settings: Services;
  readonly clock: SimulatedClock;
  /** Requests to Glue in each minute. */
  readonly #glueMinutes = new Map<number, number>();
  readonly #random = new Random('services');
  #glueTokens: number;
  #glueAt: number;

  constructor(clock: SimulatedClock, settings: Partial<Services> = {}) {
    this.clock = clock;
    this.settings = { ...SERVICES, ...settings };
    this.#glueTokens = this.settings.glueRequestsPerSecond;
    this.#glueAt = clock.now;
  }

  count(what: string, amount = 1, of = this.requests): void {
    of.set(what, (of.get(what) ?? 0) + amount);
  }

  /** A request; its effect happens when it is done. */
  async ask<Answer>(what: string, ms: number, effect: () => Answer): Promise<Answer> {
    this.count(what);
    await this.clock.wait(this.#random.logNormal(ms, SPREAD));
    return effect();
  }

  async dynamoDb<Answer>(what: string, units: (answer: Answer) => Units, effect: () => Answer): Promise<Answer> {
    const answer = await this.ask(`DynamoDB ${what}`, this.settings.dynamoDbMs, effect);
    const { writes = 0, reads = 0 } = units(answer);
    this.count('DynamoDB write units', writes, this.amounts);
    this.count('DynamoDB read units', reads, this.amounts);
    return answer;
  }

  async get<Answer>(what: string, bytes: number, effect: () => Answer): Promise<Answer> {
    this.count('S3 bytes read', bytes, this.amounts);
    const { s3GetMs, s3BytesPerMs } = this.settings;
    const answer = await this.ask(`S3 GET ${what}`, s3GetMs, effect);
    await this.clock.wait(bytes / s3BytesPerMs);
    return answer;
  }

  async put<Answer>(what: string, bytes: number, effect: () => Answer): Promise<Answer> {
    this.count('S3 bytes written', bytes, this.amounts);
    return await this.ask(`S3 PUT ${what}`, this.settings.s3PutMs, effect);
  }

  /** @throws ThrottledError if it is too many */
  async glue<Answer>(what: string, ms: number, effect: () => Answer): Promise<Answer> {
    const { glueRequestsPerSecond: rate } = this.settings;
    const { now } = this.clock;
    const minute = Math.floor(now / 60_000);
    this.#glueMinutes.set(minute, (this.#glueMinutes.get(minute) ?? 0) + 1);
    this.#glueTokens = Math.min(Math.max(1, rate), this.#glueTokens + ((now - this.#glueAt) / 1000) * rate);
    this.#glueAt = now;
    if (this.#glueTokens < 1) {
      await this.ask('Glue, refused as too many', ms / 4, () => undefined);
      throw new ThrottledError('Rate exceeded');
    }
    this.#glueTokens--;
    return await this.ask(`Glue ${what}`, ms, effect);
  }

  /** Requests to Glue in the minute with the most of them. */
  get busiestGlueMinute(): number {
    return Math.max(0, ...this.#glueMinutes.values());
  }

  /** A random part of a time. */
  part(ms: number): number {
    return this.#random.fraction() * ms;
  }
}

/** Units that DynamoDB bills. */
export interface Units {
  readonly writes?: number;
  readonly reads?: number;
}
