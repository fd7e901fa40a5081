/** Compares reading the payloads of log groups with inflating them alone, and with reading the same lines from objects. */
import { gunzipSync } from 'node:zlib';
import { payloadToCheck, readObject } from '../lambdas/core/duplicates/input-to-check.ts';
import { Pager } from '../lambdas/core/duplicates/pages.ts';
import { readPayload } from '../lambdas/core/loading/payload.ts';
import { ingest, objectBody } from './ingest.ts';
import { generated } from './input.ts';
import { interleave } from './measure.ts';
import { generatedPayloads, ingestPayloads, type PayloadsInput } from './payloads.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';

/** Measured values of a format on the lane of log groups. */
export interface LogGroupTimes {
  /** CPU time from the payloads to packed records ÷ that of gunzipSync of the same payloads. */
  readonly ratio: number;
  /**
   * CPU nanoseconds per raw byte (of messages) that payloads take more than objects: loading, and reading for the
   * duplicate check.
   */
  readonly moreToLoad: number;
  readonly moreToCheck: number;
  readonly rows: readonly (readonly string[])[];
}

/** The inputs are a quarter of those of objects, which have to be large: a payload never is. */
const SHARE = 4;

/** Measures lines of a kind, as payloads and as an object. */
export async function measureLogGroup(kind: string, seed: string, scale: Scale): Promise<LogGroupTimes> {
  const bytes = scale.inputBytes / SHARE;
  const input = generatedPayloads(kind, seed, bytes);
  const object = generated(kind, seed, bytes);
  const gzips = input.payloads.map((data) => Buffer.from(data, 'base64'));
  const timed = await interleave(
    {
      gunzip: () => {
        for (const gzip of gzips) gunzipSync(gzip);
      },
      payloads: () => ingestPayloads(input),
      object: () => ingest(object),
      checkPayloads: () => readRecords(input),
      checkObject: () =>
        readObject(
          object.source,
          async () => objectBody(object.gzip),
          () => {},
        ),
    },
    scale,
  );
  const nsPerByte = (name: Parameters<typeof timed.cpu>[0], of: { readonly bytes: number }) =>
    (timed.cpu(name) * 1e6) / of.bytes;
  const row = (what: string, name: 'gunzip' | 'payloads') => {
    const cpu = timed.cpu(name);
    const figures = [timed.ratio(name, 'gunzip'), (cpu * 1e6) / input.lines, cpu];
    return [`${kind}: ${what}`, ...figures.map(number), number(input.jsonBytes / input.lines)];
  };
  return {
    ratio: timed.ratio('payloads', 'gunzip'),
    // A payload is never the cheaper input: less than nothing is the noise of a busy machine.
    moreToLoad: Math.max(0, nsPerByte('payloads', input) - nsPerByte('object', object)),
    moreToCheck: Math.max(0, nsPerByte('checkPayloads', input) - nsPerByte('checkObject', object)),
    rows: [row('gunzipSync', 'gunzip'), row('payloads to records', 'payloads')],
  };
}

/** Reads the payloads' records as the duplicate check does, and keeps no page. */
async function readRecords({ source, payloads }: PayloadsInput): Promise<void> {
  for (const data of payloads) {
    const payload = readPayload({ awslogs: { data } });
    if (!payload) throw new Error('expected a payload with events');
    // No record is inside the window, as the pages are not what is measured.
    const pager = new Pager({ sampleRate: 1, from: 0, to: -1, take: () => {} });
    await payloadToCheck(source as Parameters<typeof payloadToCheck>[0], payload, 'bench').read(pager, async () => {});
  }
}

export function logGroupsSection(times: readonly LogGroupTimes[]): Section {
  return {
    title: 'Log groups',
    notes: [
      'From the events with which CloudWatch invokes load-log-events (base64 of gzipped JSON) to packed records, which ' +
        'are thrown away. Each message ends in a line feed, as those of Lambda functions do. gunzipSync gets the same ' +
        'payloads without base64.',
    ],
    columns: columnsOf('path', '÷ gunzipSync', 'ns a line', 'CPU ms', 'JSON bytes a line'),
    rows: times.flatMap(({ rows }) => rows),
  };
}
