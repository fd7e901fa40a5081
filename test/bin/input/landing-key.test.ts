import { describe, expect, test } from 'vitest';
import { keyBeside, landingKey } from '../../../bin/input/landing-key.ts';

const ALB =
  '123456789012_elasticloadbalancing_us-east-2_app.my-lb.1234567890abcdef_20260215T2340Z_192.0.2.1_20sg8hgm.log.gz';

describe('landingKey', () => {
  test('is where ELB would have delivered a file of its naming', () => {
    expect(landingKey(`some/folder/${ALB}`)).toBe(
      `AWSLogs/123456789012/elasticloadbalancing/us-east-2/2026/02/15/${ALB}`,
    );
  });

  test('is in the same tree for connection logs', () => {
    expect(landingKey(`conn_log_${ALB}`)).toBe(
      `AWSLogs/123456789012/elasticloadbalancing/us-east-2/2026/02/15/conn_log_${ALB}`,
    );
  });

  test.each([
    'access.log',
    'my logs (1).log.gz',
    'ELBAccessLogTestFile',
    '12345_elasticloadbalancing_us-east-2_app.my-lb.1_20260215T2340Z_192.0.2.1_x.log.gz',
    '123456789012_elasticloadbalancing_us-east-2_app.my-lb.1_yesterday_192.0.2.1_x.log.gz',
  ])('is its own name for %s', (name) => {
    expect(landingKey(`/var/log/${name}`)).toBe(name);
  });
});

describe('keyBeside', () => {
  test('keeps the key behind the start of the content’s hash', () => {
    expect(keyBeside('access.log', 'abcdef0123456789')).toBe('abcdef012345/access.log');
  });
});
