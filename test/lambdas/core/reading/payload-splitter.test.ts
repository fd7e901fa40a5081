import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompress } from '../../../../lambdas/core/lines/decompress.ts';
import { LineBatcher, type LineBatcherProps } from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import { eventBlocks } from '../../../../lambdas/core/reading/events.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { arePayloads, mayBecomePayloads } from '../../../../lambdas/core/reading/payload-splitter.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { recordsOf } from '../../../helpers/records.ts';

const TIME = 1795348980138;
const FORMAT = compiled('json', { columns: { id: 'int' } });

function batcherOf(format: CompiledFormat, props: Partial<LineBatcherProps> = {}): LineBatcher {
  return new LineBatcher({
    source: 'app',
    origin: 'origin000000',
    format,
    keepRaw: 'never',
    shared: new Map(),
    now: () => new Date('2026-11-22T12:00:00Z'),
    ...props,
  });
}

function resultOf(batcher: LineBatcher) {
  batcher.end();
  const batches = batcher.takeRemaining();
  const all = (of: 'rows' | 'rejected') => rowsOf(Buffer.concat(batches.flatMap((batch) => [...batch[of]])));
  const { bytes, firstEventTime, lastEventTime, ...counts } = batcher.counts;
  return { rows: all('rows'), rejected: all('rejected'), counts };
}

function loaded(chunks: readonly Uint8Array[], props: Partial<LineBatcherProps> = {}, format = FORMAT) {
  const batcher = batcherOf(format, props);
  for (const chunk of chunks) batcher.push(chunk);
  return resultOf(batcher);
}

/** A payload as CloudWatch writes it, or with its members in another order. */
function payloadOf(messages: readonly string[], order: readonly number[] = [0, 1, 2, 3, 4, 5], type = 'DATA_MESSAGE') {
  const logEvents = messages.map((message, index) => ({ id: String(index), timestamp: TIME, message }));
  const members = Object.entries({
    messageType: type,
    owner: '123456789012',
    logGroup: '/app',
    logStream: 'a "stream" {',
    subscriptionFilters: ['all'],
    logEvents,
  });
  return JSON.stringify(Object.fromEntries(order.map((at) => members[at] as (typeof members)[0])));
}

const message = fc.oneof(
  fc.nat(999).map((id) => JSON.stringify({ id })),
  fc.nat(999).map((id) => `{"id":${id},"text":"} { \\" \\\\"}\n`),
  fc.constantFrom('', 'no JSON', '{\n"id":7}\n', '{"id":"é€😀"}', '\ud800'),
);
const order = fc.oneof(
  { weight: 3, arbitrary: fc.constant([0, 1, 2, 3, 4, 5]) },
  fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
);
const payloads = fc.array(fc.record({ messages: fc.array(message, { maxLength: 5 }), order }), {
  minLength: 1,
  maxLength: 5,
});
const cuts = fc.array(fc.nat(), { maxLength: 4 });
const between = fc.constantFrom('', '\n', '\r\n', ' ');

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

describe('an object of subscription payloads', () => {
  test('its events are read in their order, whatever is between the payloads and however the bytes are cut', {
    timeout: 20_000,
  }, () => {
    fc.assert(
      fc.property(payloads, between, cuts, fc.nat(8), (all, gap, places, skipped) => {
        const control = payloadOf(
          ['CWL CONTROL MESSAGE: Checking health of destination'],
          [0, 1, 2, 3, 4, 5],
          'CONTROL_MESSAGE',
        );
        const texts = all.map(({ messages, order: by }) => payloadOf(messages, by));
        const bytes = Buffer.from([control, ...texts].join(gap) + gap);
        const messages = all.flatMap((each) => each.messages);
        const expected = batcherOf(FORMAT);
        for (const block of eventBlocks(messages.map((text) => ({ message: text, timestamp: TIME }))))
          expected.readEvents(block);
        const whole = resultOf(expected);
        const { layout, ...slow } = FORMAT;
        const chunks = cutAt(bytes, places);
        expect(loaded(chunks)).toEqual(whole);
        expect(loaded(chunks, {}, slow)).toEqual(whole);
        expect(recordsOf(FORMAT, chunks)).toEqual(recordsOf(slow, [bytes]));
        // Another attempt passes over the events that were loaded.
        const resume = { ...batcherOf(FORMAT).counts, lines: Math.min(skipped, messages.length) };
        const rest = new Set(loaded(chunks, { resume }).rows);
        expect(whole.rows.filter((row) => Number(JSON.parse(row)[1]) > resume.lines)).toEqual([...rest]);
      }),
      { numRuns: 30 },
    );
  });

  test('the payloads may be gzip, one member each, as Firehose stores them', async () => {
    const gzip = Buffer.concat(
      [payloadOf(['{"id":1}', '{"id":2}']), payloadOf(['{"id":3}'])].map((text) => gzipSync(text)),
    );
    const batcher = batcherOf(FORMAT);
    const body = async function* () {
      yield gzip;
    };
    for await (const chunk of decompress(body(), async () => body())) batcher.push(chunk);
    const { rows } = resultOf(batcher);
    expect(rows.map((row) => JSON.parse(row)[1])).toEqual([1, 2, 3]);
  });

  test('what is no payload is one rejected line, with its beginning and the reason', () => {
    const bad = payloadOf(['{"id":2}']).replace('"logGroup"', '"group"');
    const { rows, rejected, counts } = loaded([
      Buffer.from(`${payloadOf(['{"id":1}'])}${bad}${payloadOf(['{"id":3}'])}`),
    ]);
    expect(rows.map((row) => JSON.parse(row)[1])).toEqual([1, 3]);
    expect(counts).toMatchObject({ lines: 3, rows: 2, rejected: 1 });
    expect(rejected[0]).toContain('bad_payload');
    expect(rejected[0]).toContain('logGroup: expected text');
  });

  test('an object that breaks off within a payload ends with one rejected line', () => {
    const batcher = batcherOf(FORMAT);
    batcher.push(Buffer.from(`${payloadOf(['{"id":1}'])}{"messageType":"DATA_MESSAGE","logEv`));
    batcher.breakOff('broken_gzip', 'expected more');
    const { rows, rejected } = resultOf(batcher);
    expect(rows).toHaveLength(1);
    expect(rejected).toHaveLength(1);
    expect(rejected[0]).toContain('logEv');
  });

  test.each([
    ['a record with a member of that name', '{"messageType":"DATA_MESSAGE","id":1}'],
    ['a record with a list of that name', '{"id":1,"logEvents":[{"id":"1"}]}'],
    ['a list of other things', '{"logEvents":[1,2]}'],
    ['another type of message', '{"messageType":"OTHER","logEvents":[{"id":"1"}]}'],
    ['the name within a text', '{"a":"\\"logEvents\\":[{\\"id\\""}'],
    ['the name within an object', '{"a":{"logEvents":[{"id":"1"}]}}'],
    ['no object', 'x "logEvents":[{"id"'],
  ])('%s is a line', (_, line) => {
    expect(arePayloads(Buffer.from(line))).toBe(false);
    expect(loaded([Buffer.from(`${line}\n{"id":2}\n`)]).counts.lines).toBe(2);
  });

  test.each([
    '{"id":1}\n',
    '{"owner":"x"}\n',
    'x\n',
    '{"logGroupOf":1',
    '{}\n',
    '[',
    `${'{"owner":"'}${'x'.repeat(9000)}`,
  ])('the bytes %s are not held: they begin no payload', (text) => {
    expect(mayBecomePayloads(Buffer.from(text))).toBe(false);
  });

  test('the beginning of a payload is held until its first event comes', () => {
    const text = payloadOf(['{"id":1}']);
    const known = text.indexOf('"id"') + '"id"'.length;
    for (let length = 0; length < known; length++) {
      expect(mayBecomePayloads(Buffer.from(text.slice(0, length)))).toBe(true);
    }
    expect(mayBecomePayloads(Buffer.from(text.slice(0, known)))).toBe(false);
  });
});

test('pieces of a line are joined across the payloads of a log stream, and not across log streams', () => {
  const piece = (tag: string, text: string) => `2026-11-22T12:00:00Z stdout ${tag} ${text}`;
  const first = payloadOf([piece('P', '{"id":')]);
  const rest = payloadOf([piece('F', '7}')]);
  const other = rest.replace('a \\"stream\\" {', 'another');
  expect(other).not.toBe(rest);
  expect(loaded([Buffer.from(first + rest)]).counts).toMatchObject({ rows: 1, filteredBy: { joined: 1 } });
  expect(loaded([Buffer.from(first + other)]).counts).toMatchObject({ rows: 0, rejected: 2 });
  expect(loaded([Buffer.from(first + other + rest)]).counts).toMatchObject({ rows: 1, rejected: 1 });
});
