import { describe, expect, test } from 'vitest';
import { alb } from '../../../../lambdas/core/formats/alb.ts';

const REST = '20261122T1205Z_198.51.100.17_1ns7pf2a.log.gz';

describe('objects below the prefix of access logs', () => {
  test.each([
    [
      'an access log of an Application Load Balancer',
      `123456789012_elasticloadbalancing_us-east-1_app.web.50dc_${REST}`,
      true,
    ],
    ['a log of another name, as people copy them', 'access.log.gz', true],
    ['a connection log', `conn_log_123456789012_elasticloadbalancing_us-east-1_app.web.50dc_${REST}`, false],
    ['a health check log', `health_check_log_123456789012_elasticloadbalancing_us-east-1_app.web.50dc_${REST}`, false],
    [
      'a log of a Network Load Balancer',
      '123456789012_elasticloadbalancing_us-east-1_net.web.50dc_20261122T1205Z_1ns7pf2a.log.gz',
      false,
    ],
    [
      'a log of a Classic Load Balancer',
      '123456789012_elasticloadbalancing_us-east-1_web_20261122T1205Z_198.51.100.17_1ns7.log',
      false,
    ],
    ['the test file of access logs', 'ELBAccessLogTestFile', false],
    ['the test file of connection logs', 'ELBConnectionLogTestFile', false],
  ])('%s', (_, name, accepted) => {
    expect(alb.accepts?.(name)).toBe(accepted);
  });
});
