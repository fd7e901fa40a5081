import { DEMO_SOURCES } from '../../lib/config/config.ts';
import { templateOf } from './template.ts';

export const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';
export const OWNER = '210987654321';

/** Everything a source can come from, at once. */
export const EVERY_SOURCE = [
  ...DEMO_SOURCES.slice(1),
  { name: 'landed', format: 'alb', from: { prefix: 'web/', suffix: '.gz' } },
  { name: 'notified', format: 'alb', from: { bucket: 'example-logs', prefix: 'x/', suffix: '.gz', kmsKeyArn: KEY } },
  { name: 'shared', format: 'alb', from: { bucket: 'their-logs', account: OWNER } },
  { name: 'bussed', format: 'alb', from: { bucket: 'busy-logs', prefix: 'y/', notifications: 'eventbridge' } },
  {
    name: 'forwarded',
    format: 'alb',
    from: { bucket: 'their-busy-logs', suffix: '.gz', notifications: 'eventbridge', account: OWNER },
  },
];

export const plain = templateOf({});
export const demo = templateOf({ sources: DEMO_SOURCES });
export const every = templateOf({
  sources: EVERY_SOURCE,
  logGroupRetentionDays: 30,
  kmsKey: KEY,
  removalPolicy: 'destroy',
});
