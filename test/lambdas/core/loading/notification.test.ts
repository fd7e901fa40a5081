import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { continuation, createdObjects, UnknownMessageError } from '../../../../lambdas/core/loading/notification.ts';
import { ANNOUNCED, eventText } from '../../../helpers/events.ts';

const record = (key: string, eventName = 'ObjectCreated:Put') => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  eventName,
  s3: { bucket: { name: 'logs' }, object: { key, size: 12, eTag: 'd41d8cd98f00b204e9800998ecf8427e' } },
});

const announced = (key: string) => ({ bucket: 'logs', key, etag: 'd41d8cd98f00b204e9800998ecf8427e', size: 12 });

describe('createdObjects', () => {
  test.each(['s3-notification.json', 'sns-notification.json', 'eventbridge-object-created.json'])(
    'reads the object of %s, its key decoded where the envelope encodes it',
    (file) => {
      const modified = expect.stringMatching(/^2026-01-05T10:05:02\.\d{3}Z$/);
      expect(createdObjects(eventText(file))).toEqual([{ ...ANNOUNCED, modified }]);
    },
  );

  test('reads every object of a notification, in order', () => {
    const body = JSON.stringify({ Records: [record('a/b+c%2Bd%C3%A9.log.gz'), record('e.log')] });
    expect(createdObjects(body)).toEqual([announced('a/b c+dé.log.gz'), announced('e.log')]);
  });

  test("reads an EventBridge event's key as it is, for it is no form's", () => {
    const body = eventText('eventbridge-object-created.json').replace(ANNOUNCED.key, 'a/b+c%2Bd.log');
    expect(createdObjects(body)).toMatchObject([{ ...ANNOUNCED, key: 'a/b+c%2Bd.log' }]);
  });

  test('reads the object of a message that it wrote itself to go on', () => {
    expect(createdObjects(continuation(ANNOUNCED))).toEqual([{ ...ANNOUNCED, size: 0 }]);
    const waited = { tries: 2, seconds: 900 };
    expect(createdObjects(continuation({ ...ANNOUNCED, waited }))).toEqual([{ ...ANNOUNCED, size: 0, waited }]);
    const old = { modified: '2025-01-01T00:00:00.000Z', backfill: true };
    expect(createdObjects(continuation({ ...ANNOUNCED, ...old }))).toEqual([{ ...ANNOUNCED, size: 0, ...old }]);
  });

  test.each([
    ['the event that S3 sends to test a notification', eventText('s3-test-event.json')],
    ['a notification of a deletion', JSON.stringify({ Records: [record('a.log', 'ObjectRemoved:Delete')] })],
    [
      'an EventBridge event of a deletion',
      eventText('eventbridge-object-created.json').replace('Object Created', 'Object Deleted'),
    ],
  ])('finds no object in %s', (_, body) => {
    expect(createdObjects(body)).toEqual([]);
  });

  test.each([
    ['no JSON', 'hello'],
    ['a JSON list', '[]'],
    ['a message of another service', '{"source":"aws.ec2"}'],
    ['records of another service', JSON.stringify({ Records: [{ messageId: '1', body: '{}' }] })],
    ['a record without a bucket', JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3: {} }] })],
    ['a key that is not URL-encoded', JSON.stringify({ Records: [record('100%.log')] })],
  ])('refuses %s, showing how it begins', (_, body) => {
    expect(() => createdObjects(body)).toThrow(UnknownMessageError);
    expect(() => createdObjects(body)).toThrow('expected an S3 event notification');
  });

  test('throws nothing but its own error, whatever the message', () => {
    const json = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((text) => `{"Records":[{"eventName":"ObjectCreated:Put","s3":${text}}]}`),
    );
    fc.assert(
      fc.property(json, (body) => {
        try {
          for (const { bucket, key, etag } of createdObjects(body))
            expect([bucket, key, etag].every((each) => typeof each === 'string')).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(UnknownMessageError);
        }
      }),
    );
  });
});
