import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadPayloadError, MAX_PAYLOAD_BYTES, readPayload } from '../../../../lambdas/core/loading/payload.ts';
import { subscriptionEvent, subscriptionPayload } from '../../../helpers/events.ts';

const PAYLOAD = subscriptionPayload();

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
      messages: [
        '{"at":"2026-01-05T10:05:00.000Z","request_id":"r-1","status":200}',
        '{"at":"2026-01-05T10:05:01.000Z","request_id":"r-2","status":404}',
        'Traceback (most recent call last):',
      ],
      timestamps: [1767607500000, 1767607501000, 1767607501500],
      bytes: JSON.stringify(PAYLOAD).length,
    });
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
    expect(readPayload(subscriptionEvent({ ...PAYLOAD, logEvents: [{ id: '1', message }] }))?.messages).toEqual([
      message,
    ]);
    const logEvents = Array.from({ length: 10_000 }, (_, index) => ({ id: String(index), message: `m${index}` }));
    expect(readPayload(subscriptionEvent({ ...PAYLOAD, logEvents }))?.messages.at(-1)).toBe('m9999');
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
