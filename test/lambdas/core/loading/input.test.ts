import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { entryIdOf, objectInputKey, originOf, payloadInputKey } from '../../../../lambdas/core/loading/input.ts';

const OBJECT = { bucket: 'logs', key: 'web/a.log.gz', etag: 'd41d8cd98f00b204e9800998ecf8427e' };
const PAYLOAD = {
  owner: '123456789012',
  logGroup: '/app/web',
  logStream: 'stream-1',
  filter: 'tributary',
  firstEventId: '1',
  lastEventId: '9',
  events: 3,
};

// Literal, not computed: rows and ledger entries that are stored have them, and a version to come must find them.
describe('the identity of an input', () => {
  test('identifies an object by its source, bucket, key and etag, hashed as a JSON list', () => {
    const key = objectInputKey('alb', OBJECT);
    expect(key).toEqual(['alb', 'logs', 'web/a.log.gz', 'd41d8cd98f00b204e9800998ecf8427e']);
    expect(entryIdOf(key)).toBe('UFxe4FKprIWbjjZEpjaENt9r8xWLIiQ_yaPt0HafOSc');
    expect(originOf(key)).toBe('UFxe4FKprIWb');
    const json = '["alb","logs","web/a.log.gz","d41d8cd98f00b204e9800998ecf8427e"]';
    expect(entryIdOf(key)).toBe(createHash('sha256').update(json).digest('base64url'));
  });

  test('identifies a payload by its source, filter and events, hashed as a JSON list', () => {
    const key = payloadInputKey('app', PAYLOAD);
    expect(key).toEqual(['app', 'tributary', '123456789012', '/app/web', 'stream-1', '1', '9', 3]);
    expect(entryIdOf(key)).toBe('EqPWPt4X42buNQ1b-RY7Qk84wkSvJh09tlLAGT8RSfg');
    expect(originOf(key)).toBe('EqPWPt4X42bu');
  });

  test('gives keys different identities whose parts, joined, are one text', () => {
    expect(originOf(['alb', 'logs/web', 'a'])).not.toBe(originOf(['alb', 'logs', 'web/a']));
    expect(originOf(['a","b', 'c'])).not.toBe(originOf(['a', 'b","c']));
  });
});
