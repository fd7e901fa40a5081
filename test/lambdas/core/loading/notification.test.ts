import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createdObjects, UnknownMessageError } from '../../../../lambdas/core/loading/notification.ts';

const record = (key: string, eventName = 'ObjectCreated:Put') => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  eventName,
  s3: { bucket: { name: 'logs' }, object: { key, size: 12, eTag: 'd41d8cd98f00b204e9800998ecf8427e' } },
});

const announced = (key: string) => ({ bucket: 'logs', key, etag: 'd41d8cd98f00b204e9800998ecf8427e', size: 12 });

describe('createdObjects', () => {
  test('reads the objects of an S3 event notification, their keys decoded', () => {
    const body = JSON.stringify({ Records: [record('a/b+c%2Bd%C3%A9.log.gz'), record('e.log')] });
    expect(createdObjects(body)).toEqual([announced('a/b c+dé.log.gz'), announced('e.log')]);
  });

  test('reads a notification inside an SNS envelope', () => {
    const Message = JSON.stringify({ Records: [record('a.log')] });
    expect(createdObjects(JSON.stringify({ Type: 'Notification', Message }))).toEqual([announced('a.log')]);
  });

  test("reads an EventBridge event, whose key is no form's", () => {
    const object = { key: 'a/b+c%2Bd.log', size: 12, etag: 'd41d8cd98f00b204e9800998ecf8427e' };
    const body = { source: 'aws.s3', 'detail-type': 'Object Created', detail: { bucket: { name: 'logs' }, object } };
    expect(createdObjects(JSON.stringify(body))).toEqual([announced('a/b+c%2Bd.log')]);
  });

  test('finds no object in a test event, a deletion or an EventBridge event of another kind', () => {
    expect(createdObjects(JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'logs' }))).toEqual([]);
    expect(createdObjects(JSON.stringify({ Records: [record('a.log', 'ObjectRemoved:Delete')] }))).toEqual([]);
    expect(createdObjects(JSON.stringify({ source: 'aws.s3', 'detail-type': 'Object Deleted', detail: {} }))).toEqual(
      [],
    );
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
