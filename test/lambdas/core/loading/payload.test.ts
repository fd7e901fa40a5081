import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadPayloadError, MAX_PAYLOAD_BYTES, readPayload } from '../../../../lambdas/core/loading/payload.ts';

const PAYLOAD = {
  messageType: 'DATA_MESSAGE',
  owner: '123456789012',
  logGroup: '/app/web',
  logStream: 'stream-1',
  subscriptionFilters: ['tributary'],
  logEvents: [
    { id: '3'.repeat(56), timestamp: 1795300000000, message: 'first' },
    { id: '4'.repeat(56), timestamp: 1795300000001, message: 'second\nline', extractedFields: {} },
  ],
};

const eventOf = (payload: unknown) => ({ awslogs: { data: gzipSync(JSON.stringify(payload)).toString('base64') } });

describe('readPayload', () => {
  test('reads the messages, where they come from and which they are', () => {
    expect(readPayload(eventOf(PAYLOAD))).toEqual({
      owner: '123456789012',
      logGroup: '/app/web',
      logStream: 'stream-1',
      filter: 'tributary',
      firstEventId: '3'.repeat(56),
      lastEventId: '4'.repeat(56),
      events: 2,
      messages: ['first', 'second\nline'],
      timestamps: PAYLOAD.logEvents.map(({ timestamp }) => timestamp),
      bytes: JSON.stringify(PAYLOAD).length,
    });
  });

  test('takes keys it does not know', () => {
    expect(readPayload(eventOf({ ...PAYLOAD, policyLevel: 'ACCOUNT_LEVEL_POLICY' }))?.events).toBe(2);
  });

  test('finds nothing to load in a control message', () => {
    expect(readPayload(eventOf({ ...PAYLOAD, messageType: 'CONTROL_MESSAGE', logEvents: [] }))).toBeUndefined();
  });

  test('reads a message of 1 MB and a payload of 10,000 events', () => {
    const message = 'x'.repeat(1_000_000);
    expect(readPayload(eventOf({ ...PAYLOAD, logEvents: [{ id: '1', message }] }))?.messages).toEqual([message]);
    const logEvents = Array.from({ length: 10_000 }, (_, index) => ({ id: String(index), message: `m${index}` }));
    expect(readPayload(eventOf({ ...PAYLOAD, logEvents }))?.messages.at(-1)).toBe('m9999');
  });

  const data = eventOf(PAYLOAD).awslogs.data;
  test.each([
    ['no object', null, 'the event: expected an object, got null'],
    ['no awslogs', {}, 'awslogs: expected an object'],
    ['data that is no text', { awslogs: { data: 7 } }, 'awslogs.data: expected base64 text, got 7'],
    ['data cut short', { awslogs: { data: data.slice(0, -12) } }, 'awslogs.data: expected gzip'],
    ['data that is no gzip', { awslogs: { data: 'aGVsbG8=' } }, 'awslogs.data: expected gzip'],
    ['gzip of no JSON', { awslogs: { data: gzipSync('hello').toString('base64') } }, 'awslogs.data: expected JSON'],
    [
      'another type of message',
      eventOf({ ...PAYLOAD, messageType: 'OTHER' }),
      'messageType: expected DATA_MESSAGE or CONTROL_MESSAGE, got "OTHER"',
    ],
    ['no events', eventOf({ ...PAYLOAD, logEvents: undefined }), 'logEvents: expected a list'],
    ['an event without message', eventOf({ ...PAYLOAD, logEvents: [{ id: '1' }] }), 'message: expected text'],
    ['no log group', eventOf({ ...PAYLOAD, logGroup: 5 }), 'logGroup: expected text, got 5'],
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
          for (const event of [payload, eventOf(payload)]) {
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
