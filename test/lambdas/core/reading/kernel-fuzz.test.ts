import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventBlocks, type LogEvent } from '../../../../lambdas/core/reading/events.ts';
import { KERNEL_RUNS, loaded, loaderOf, resultOf, withoutKernel } from '../../../helpers/kernel.ts';
import { recordsOf } from '../../../helpers/records.ts';
import { CASES, caseNamed } from './kernel-cases.ts';
import { changedLine, jsonObject, pathObject } from './kernel-lines.ts';

/** Lines joined by LF or CR LF, and cut anywhere. */
function objectOf(lines: readonly string[]): fc.Arbitrary<Buffer[]> {
  return fc
    .record({
      lines: fc.array(changedLine(lines), { minLength: 1, maxLength: 12 }),
      ends: fc.constantFrom('\n', '\r\n'),
      cuts: fc.array(fc.nat(), { maxLength: 3 }),
    })
    .map(({ lines: each, ends, cuts }) => {
      const bytes = Buffer.concat(each.flatMap((line) => [line, Buffer.from(ends)]));
      const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
      return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
    });
}

/** A log event, mostly with a line end and a time of today, like CloudWatch's. */
function event(lines: readonly string[]): fc.Arbitrary<LogEvent> {
  const now = Date.UTC(2026, 10, 22, 12);
  const timestamp = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: now, max: now + 100_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 99 }).map((second) => now + second * 1000) },
    fc.constantFrom(
      undefined,
      0,
      1,
      999_999_999_999,
      1e12,
      2_147_483_647_000,
      2_147_483_648_000,
      9_999_999_999_999,
      1e13,
      1e18,
    ),
  );
  return fc
    .tuple(changedLine(lines), fc.constantFrom('', '\n', '\r\n', '\n\n', '\n{"a":1}'), timestamp)
    .map(([line, end, time]) => ({ message: `${line.toString('utf8')}${end}`, timestamp: time }));
}

function payloadJson(events: readonly { readonly message: string; readonly timestamp: number | undefined }[]): Buffer {
  const place = { owner: '123456789012', logGroup: '/ecs/"web"', logStream: 'web/1', subscriptionFilters: ['lake'] };
  const logEvents = events.map((each, index) => ({ id: String(index), ...each }));
  return Buffer.from(JSON.stringify({ messageType: 'DATA_MESSAGE', ...place, logEvents }));
}

describe.each(CASES)('$name', ({ format, lines }) => {
  const slow = withoutKernel(format);

  test('the kernel and the reader agree on every object', () => {
    fc.assert(
      fc.property(objectOf(lines), fc.constantFrom('never', 'on-error', 'always'), (chunks, keepRaw) => {
        const shared = new Map([[Object.keys(format.columns)[0] ?? '', 'shared "value"']]);
        expect(loaded(format, chunks, { keepRaw, shared })).toEqual(loaded(slow, chunks, { keepRaw, shared }));
      }),
      { numRuns: KERNEL_RUNS },
    );
  });

  test('the kernel and the reader agree on every message', () => {
    fc.assert(
      fc.property(fc.array(event(lines), { maxLength: 12 }), fc.constantFrom('objects', 'events'), (events, lane) => {
        const [fast, reader] = [loaderOf(format, { lane }), loaderOf(slow, { lane })];
        for (const loader of [fast, reader]) for (const block of eventBlocks(events)) loader.readEvents(block);
        expect(resultOf(fast)).toEqual(resultOf(reader));
      }),
      { numRuns: Math.ceil(KERNEL_RUNS / 2) },
    );
  });

  test('the kernel and the reader agree on every object of payloads', () => {
    fc.assert(
      fc.property(fc.array(fc.array(event(lines), { maxLength: 12 }), { maxLength: 4 }), (payloads) => {
        const [fast, reader] = [loaderOf(format, { lane: 'events' }), loaderOf(slow, { lane: 'events' })];
        for (const loader of [fast, reader]) for (const events of payloads) loader.readPayload(payloadJson(events));
        expect(resultOf(fast)).toEqual(resultOf(reader));
      }),
      { numRuns: Math.ceil(KERNEL_RUNS / 4) },
    );
  });

  test('the kernel and the reader agree on the fingerprints, times and places of every record', () => {
    const columns = Object.keys(format.columns);
    const recordKeys = fc.option(fc.uniqueArray(fc.constantFrom(...columns), { minLength: 1, maxLength: 4 }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(objectOf(lines), recordKeys, (chunks, of) => {
        expect(recordsOf(format, chunks, of)).toEqual(recordsOf(slow, chunks, of));
      }),
      { numRuns: KERNEL_RUNS },
    );
  });

  test('the kernel and the reader agree when an earlier attempt has read some of it', () => {
    fc.assert(
      fc.property(objectOf(lines), fc.nat(12), (chunks, skipped) => {
        const first = loaderOf(slow, {});
        const resume = { ...first.counts, lines: skipped, rejected: 0 };
        expect(loaded(format, chunks, { resume })).toEqual(loaded(slow, chunks, { resume }));
      }),
      { numRuns: Math.ceil(KERNEL_RUNS / 4) },
    );
  });
});

describe.each(CASES.filter(({ formatName }) => formatName === 'json'))('$name', (each) => {
  const { format } = each;
  const objects = fc.array(jsonObject(format.columns), { minLength: 1, maxLength: 12 });

  test('the kernel and the reader agree on members in any order', () => {
    fc.assert(
      fc.property(objects, (lines) => {
        const chunks = [Buffer.from(`${lines.join('\n')}\n`)];
        expect(loaded(format, chunks)).toEqual(loaded(withoutKernel(format), chunks));
        expect(recordsOf(format, chunks)).toEqual(recordsOf(withoutKernel(format), chunks));
      }),
      { numRuns: Math.ceil(KERNEL_RUNS / 2) },
    );
  });
});

describe('JSON with columns at paths', () => {
  const { format } = caseNamed('JSON with columns at paths');
  const paths = format.layout?.kind === 'json' ? format.layout.fields.map(({ path }) => path) : [];

  test('the kernel and the reader agree on paths in any form', () => {
    fc.assert(
      fc.property(fc.array(pathObject(paths), { minLength: 1, maxLength: 12 }), (objects) => {
        const chunks = [Buffer.from(`${objects.join('\n')}\n`)];
        expect(loaded(format, chunks)).toEqual(loaded(withoutKernel(format), chunks));
        expect(recordsOf(format, chunks, ['status', 'at'])).toEqual(
          recordsOf(withoutKernel(format), chunks, ['status', 'at']),
        );
      }),
      { numRuns: KERNEL_RUNS },
    );
  });
});
