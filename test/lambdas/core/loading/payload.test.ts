import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PAYLOAD_BYTES, readPayload } from '../../../../lambdas/core/loading/payload.ts';
import { eventsOf, type LogEvent } from '../../../../lambdas/core/reading/events.ts';
import { readEventsJson } from '../../../../lambdas/core/reading/kernel.ts';
import { BadPayloadError, payloadOf } from '../../../../lambdas/core/reading/payload-json.ts';
import { subscriptionEvent, subscriptionPayload } from '../../../helpers/events.ts';

const PAYLOAD = subscriptionPayload();

/** The events of a payload. */
function eventsIn(event: unknown): LogEvent[] {
  return [...eventsOf(readPayload(event)?.blocks ?? [])];
}

describe('readPayload', () => {
  test('reads the messages, where they come from and which they are', () => {
    expect(readPayload(subscriptionEvent(PAYLOAD))).toEqual({
      owner: '123456789012',
      logGroup: '/example/app',
      logStream: 'web/192.0.2.10',
      filter: 'tributary',
      firstEventId: '39410000000000000000000000000000000000000000000000000001',
      lastEventId: '39410000000000000000000000000000000000000000000000000003',
      events: 3,
      blocks: [expect.any(Buffer)],
      bytes: JSON.stringify(PAYLOAD).length,
    });
  });

  test('reads the messages and times of its events', () => {
    expect(eventsIn(subscriptionEvent(PAYLOAD))).toEqual([
      { message: '{"at":"2026-01-05T10:05:00.000Z","request_id":"r-1","status":200}', timestamp: 1767607500000 },
      { message: '{"at":"2026-01-05T10:05:01.000Z","request_id":"r-2","status":404}', timestamp: 1767607501000 },
      { message: 'Traceback (most recent call last):', timestamp: 1767607501500 },
    ]);
  });

  test('takes keys it does not know', () => {
    expect(readPayload(subscriptionEvent({ ...PAYLOAD, policyLevel: 'ACCOUNT_LEVEL_POLICY' }))?.events).toBe(3);
  });

  test('finds nothing to load in a control message', () => {
    expect(
      readPayload(subscriptionEvent({ ...PAYLOAD, messageType: 'CONTROL_MESSAGE', logEvents: [] })),
    ).toBeUndefined();
  });

  test('reads a message of 1 MB and a payload of 10,000 events', () => {
    const message = 'x'.repeat(1_000_000);
    expect(eventsIn(subscriptionEvent({ ...PAYLOAD, logEvents: [{ id: '1', message }] }))).toEqual([
      { message, timestamp: undefined },
    ]);
    const logEvents = Array.from({ length: 10_000 }, (_, index) => ({ id: String(index), message: `m${index}` }));
    expect(eventsIn(subscriptionEvent({ ...PAYLOAD, logEvents })).at(-1)?.message).toBe('m9999');
  });

  const data = subscriptionEvent(PAYLOAD).awslogs.data;
  test.each([
    ['no object', null, 'the event: expected an object, got null'],
    ['no awslogs', {}, 'awslogs: expected an object'],
    ['data that is no text', { awslogs: { data: 7 } }, 'awslogs.data: expected base64 text, got 7'],
    ['data cut short', { awslogs: { data: data.slice(0, -12) } }, 'awslogs.data: expected gzip'],
    ['data that is no gzip', { awslogs: { data: 'aGVsbG8=' } }, 'awslogs.data: expected gzip'],
    ['gzip of no JSON', { awslogs: { data: gzipSync('hello').toString('base64') } }, 'awslogs.data: expected JSON'],
    [
      'another type of message',
      subscriptionEvent({ ...PAYLOAD, messageType: 'OTHER' }),
      'messageType: expected DATA_MESSAGE or CONTROL_MESSAGE, got "OTHER"',
    ],
    ['no events', subscriptionEvent({ ...PAYLOAD, logEvents: undefined }), 'logEvents: expected a list'],
    ['an event without message', subscriptionEvent({ ...PAYLOAD, logEvents: [{ id: '1' }] }), 'message: expected text'],
    ['no log group', subscriptionEvent({ ...PAYLOAD, logGroup: 5 }), 'logGroup: expected text, got 5'],
  ])('refuses %s, naming the field', (_, event, message) => {
    expect(() => readPayload(event)).toThrow(BadPayloadError);
    expect(() => readPayload(event)).toThrow(message);
  });

  test('stops a decompression bomb', () => {
    const bomb = { awslogs: { data: gzipSync(Buffer.alloc(MAX_PAYLOAD_BYTES + 1)).toString('base64') } };
    expect(() => readPayload(bomb)).toThrow(BadPayloadError);
  });

  test('throws nothing but its own error, whatever the payload', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.record({ messageType: fc.constant('DATA_MESSAGE'), logEvents: fc.jsonValue() })),
        (payload) => {
          for (const event of [payload, subscriptionEvent(payload)]) {
            try {
              readPayload(event);
            } catch (error) {
              expect(error).toBeInstanceOf(BadPayloadError);
            }
          }
        },
      ),
    );
  });
});

/** A payload as JSON.parse reads it: what `payloadOf` must find too, or undefined if it must throw. */
function parsedPayload(json: Buffer) {
  try {
    const payload = JSON.parse(json.toString('utf8'));
    const { logEvents, logGroup, logStream, owner } = payload;
    const ids = [logEvents.at(0), logEvents.at(-1)].map((each) => (each === undefined ? '' : each.id));
    const messages: unknown[] = logEvents.map(({ message }: { message: unknown }) => message);
    const texts = [...messages, ...ids, logGroup, logStream, owner];
    if (payload.messageType !== 'DATA_MESSAGE' || texts.some((text) => typeof text !== 'string')) return undefined;
    return {
      events: logEvents.map((each: { message: string; timestamp: unknown }) => ({
        message: each.message.replace(/[\r\n]*$/, ''),
        timestamp: Number(each.timestamp) || undefined,
      })),
      ids,
      logStream,
    };
  } catch {
    return undefined;
  }
}

function readOf(json: Buffer) {
  try {
    const payload = payloadOf(json);
    if (!payload) return undefined;
    const { blocks, firstEventId, lastEventId, logStream, events: count } = payload;
    const events = [...eventsOf(blocks)];
    expect(events).toHaveLength(count);
    return { events, ids: [firstEventId, lastEventId], logStream };
  } catch (error) {
    expect(error).toBeInstanceOf(BadPayloadError);
    return undefined;
  }
}

describe('payloadOf', () => {
  const hex = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const pieces = fc.oneof(
    { weight: 4, arbitrary: fc.stringMatching(/^[ -~]{1,40}$/) },
    fc.constantFrom(
      '"',
      '\\',
      '/',
      '\n',
      '\r\n',
      '\r',
      '\t',
      '\b',
      '\f',
      '\0',
      '\x7f',
      '\u2028',
      'é',
      '€',
      '😀',
      '\ud800',
      '\udc00',
    ),
    fc.constantFrom('\\x41', '"}],"logEvents":[{', '{"log":"a\\nb\\n"}', '\ufffd', '\ufeff'),
  );
  const message = fc.array(pieces, { maxLength: 8 }).map((all) => all.join(''));
  const value = fc.oneof(
    fc.jsonValue().map((json) => JSON.stringify(json)),
    fc.constantFrom('"\\x41"', '{"a":"b\\\\x"}', 'nul', '01', '1.', '"\t"', '{"a" : [1, 2 ] }'),
  );
  const timestamp = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }).map(String) },
    fc.constantFrom('0', '1', '"1795348980138"', 'null', '01', '1e12', '17953489801380', '-5', '1795348980138.0'),
  );
  const space = fc.oneof({ weight: 9, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\t', '\n', '\r', '\v'));
  const event = fc
    .record({
      id: fc.stringMatching(/^[0-9]{1,56}$/),
      message,
      timestamp,
      hexed: fc.boolean(),
      other: fc.option(
        fc.tuple(fc.constantFrom('extractedFields', 'id', 'message', 'mess\\u0061ge', '\\x', ''), value),
        {
          freq: 6,
          nil: undefined,
        },
      ),
      order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 3, maxLength: 4 }),
      whole: fc.integer({ min: 0, max: 9 }),
      space,
    })
    .map(({ id, message: text, timestamp: time, hexed, other, order, whole, space: gap }) => {
      const json = hexed
        ? `"${[...text.split('')].map((char) => (char < '~' ? hex(char) : char)).join('')}"`
        : JSON.stringify(text);
      const members = [`"id":"${id}"`, `"timestamp":${gap}${time}`, `"message"${gap}:${json}`];
      const all = other ? [...members, `"${other[0]}":${other[1]}`] : members;
      const kept = whole > 0 ? [...all.keys()] : order.filter((at) => at < all.length);
      return `{${kept.map((at) => all[at]).join(`,${gap}`)}${gap}}`;
    });
  const payload = fc
    .record({
      events: fc.array(event, { maxLength: 6 }),
      other: fc.option(fc.constantFrom('"logEvents":[]', '"x":{"logEvents":[{}]}', '"log\\u0045vents":0', '"x":[1,]'), {
        freq: 8,
        nil: undefined,
      }),
      order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
      space,
      rest: fc.oneof({ weight: 20, arbitrary: fc.constant('') }, fc.constantFrom('\n', 'x', '{}')),
      byte: fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { freq: 3, nil: undefined }),
    })
    .map(({ events, other, order, space: gap, rest, byte }) => {
      const members = [
        '"messageType":"DATA_MESSAGE"',
        '"owner":"123456789012"',
        '"logGroup":"/a"',
        '"logStream":"s,\\"logEvents\\":["',
        '"subscriptionFilters":["f"]',
        `"logEvents":[${gap}${events.join(`${gap},`)}]`,
      ];
      const all = order.map((at) => members[at]);
      const bytes = Buffer.from(`{${[...all, ...(other ? [other] : [])].join(`,${gap}`)}}${rest}`);
      if (byte) bytes[byte[0] % bytes.length] = byte[1];
      return bytes;
    });

  test('finds what JSON.parse finds, or refuses what it refuses', () => {
    fc.assert(
      fc.property(payload, (json) => {
        expect(readOf(json)).toEqual(parsedPayload(json));
      }),
      { numRuns: Number(process.env.TRIBUTARY_FUZZ_RUNS ?? 400) * 5 },
    );
  });

  test('finds it too where the events are many blocks, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 400 }),
        (texts, length) => {
          const logEvents = Array.from({ length: 1500 }, (_, index) => ({
            id: String(index),
            timestamp: 1_700_000_000_000 + index,
            message: `${'x'.repeat((index % 2) * length)}${texts[index % texts.length]}`,
          }));
          const json = Buffer.from(JSON.stringify({ ...PAYLOAD, logEvents }));
          expect(readOf(json)).toEqual(parsedPayload(json));
        },
      ),
      { numRuns: 20 },
    );
  });

  const list = (...events: readonly string[]) => Buffer.from(`${events.join(',')}]`);
  test.each([
    [
      'as CloudWatch writes it',
      '{"id":"1","timestamp":1795348980138,"message":"a \\"b\\" \\\\ \\u00e9 é \\ud83d\\ude00\\n"}',
    ],
    ['with other members', '{"id":"1","timestamp":1,"message":"","extractedFields":{"a":"b","c":[1,null]}}'],
    ['with its members in another order', '{"message":"m", "timestamp":1, "id":"1"}'],
    ['with line feeds in it', '{"id":"1","timestamp":1,"message":"a\\nb\\n"}'],
    ['with a lone surrogate', '{"id":"1","timestamp":1,"message":"a\\ud800"}'],
  ])('the kernel reads an event %s by itself', (_, event) => {
    const read = readEventsJson(list(event, event), true);
    expect([read.ended, read.events]).toEqual([true, 2]);
  });
});
