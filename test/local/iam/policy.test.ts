import { describe, expect, test } from 'vitest';
import { Decider } from '../../../local/iam/decision.ts';
import { type Access, type Principal, statementsOf } from '../../../local/iam/policy.ts';
import { arnPatternOf, patternOf } from '../../../local/iam/wildcards.ts';

const ROLE = 'arn:aws:iam::123456789012:role/loader';
const GET: Access = { action: 's3:GetObject', resource: 'arn:aws:s3:::logs/web/a.gz' };

/** What a policy with these statements says. */
function decided(statements: object[], access: Access = GET, principal: Principal = { role: ROLE }) {
  return new Decider(principal, statementsOf({ Version: '2012-10-17', Statement: statements }, 'policy')).denial(
    access,
  );
}

const allow = (changed: object = {}) => ({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*', ...changed });
const NOBODY = 'no policy allows it';
const DENIED = 'an explicit deny in a policy';

describe('a decision', () => {
  test.each([
    ['is a denial without a statement', [], NOBODY],
    ['is what a statement allows', [allow()], undefined],
    ['is a denial if another action is allowed', [allow({ Action: 's3:PutObject' })], NOBODY],
    ['is a denial if another resource is allowed', [allow({ Resource: 'arn:aws:s3:::logs/app/*' })], NOBODY],
    ['is a denial if one statement denies what others allow', [allow(), allow({ Effect: 'Deny' }), allow()], DENIED],
    ['looks at each of several actions', [allow({ Action: ['s3:ListBucket', 's3:GetObject'] })], undefined],
    [
      'looks at each of several resources',
      [allow({ Resource: ['arn:aws:s3:::a/*', 'arn:aws:s3:::logs/*'] })],
      undefined,
    ],
    ['ignores the case of actions', [allow({ Action: 'S3:getobject' })], undefined],
    ['has wildcards in actions', [allow({ Action: 's3:Get*' })], undefined],
    ['heeds the case of resources', [allow({ Resource: 'arn:aws:s3:::Logs/*' })], NOBODY],
    ['allows all actions but some', [allow({ Action: undefined, NotAction: 's3:Put*' })], undefined],
    ['does not allow the actions that are left out', [allow({ Action: undefined, NotAction: 's3:Get*' })], NOBODY],
    ['allows all resources but some', [allow({ Resource: undefined, NotResource: 'arn:aws:s3:::a/*' })], undefined],
    ['does not allow the resources that are left out', [allow({ Resource: undefined, NotResource: '*' })], NOBODY],
  ])('%s', (_, statements, expected) => {
    expect(decided(statements)).toBe(expected);
  });

  test.each([
    ['a role by its ARN', { AWS: ROLE }, { role: ROLE }, undefined],
    ['everyone', '*', { role: ROLE }, undefined],
    ['everyone of AWS', { AWS: '*' }, { service: 'sns.amazonaws.com' }, undefined],
    ['another role', { AWS: 'arn:aws:iam::123456789012:role/other' }, { role: ROLE }, NOBODY],
    // That account then decides by the policies of its roles.
    ['the account', { AWS: 'arn:aws:iam::123456789012:root' }, { role: ROLE }, NOBODY],
    ['a service', { Service: 'sns.amazonaws.com' }, { service: 'sns.amazonaws.com' }, undefined],
    ['another service', { Service: 'sns.amazonaws.com' }, { service: 's3.amazonaws.com' }, NOBODY],
    ['a service, asked by a role', { Service: 'sns.amazonaws.com' }, { role: ROLE }, NOBODY],
  ] as [string, unknown, Principal, string | undefined][])(
    'of the policy of a resource is about %s',
    (_, Principal, principal, expected) => {
      expect(decided([allow({ Principal })], GET, principal)).toBe(expected);
    },
  );

  test('that the account may not do something is about all of its roles', () => {
    const deny = allow({ Effect: 'Deny', Principal: { AWS: '123456789012' } });
    expect(decided([allow(), deny])).toBe(DENIED);
  });

  test.each([
    ['StringEquals', { 'kms:ViaService': 's3.us-east-1.amazonaws.com' }, undefined],
    [
      'StringEquals',
      { 'kms:ViaService': ['dynamodb.us-east-1.amazonaws.com', 's3.us-east-1.amazonaws.com'] },
      undefined,
    ],
    ['StringEquals', { 'kms:ViaService': 'S3.us-east-1.amazonaws.com' }, NOBODY],
    ['StringNotEquals', { 'kms:ViaService': 's3.us-east-1.amazonaws.com' }, NOBODY],
    ['StringLike', { 'kms:viaservice': 's3.*.amazonaws.com' }, undefined],
    ['StringNotLike', { 'kms:ViaService': 's3.*' }, NOBODY],
    ['ArnLike', { 'aws:SourceArn': 'arn:aws:s3:::tributary-landing*' }, undefined],
    ['ArnEquals', { 'aws:SourceArn': 'arn:aws:sns:*:*:topic' }, NOBODY],
    ['ArnNotLike', { 'aws:SourceArn': 'arn:aws:s3:::*' }, NOBODY],
    ['Bool', { 'aws:SecureTransport': 'true' }, undefined],
    ['Bool', { 'aws:SecureTransport': false }, NOBODY],
    // Missing in the request.
    ['StringEquals', { 'sts:ExternalId': '1' }, NOBODY],
    ['StringNotEquals', { 'sts:ExternalId': '1' }, undefined],
  ] as const)('heeds the condition %s %o', (operator, keys, expected) => {
    const context = {
      'kms:ViaService': 's3.us-east-1.amazonaws.com',
      'aws:SourceArn': 'arn:aws:s3:::tributary-landing-x',
    };
    expect(decided([allow({ Condition: { [operator]: keys } })], { ...GET, context })).toBe(expected);
  });

  test('takes all conditions of a statement', () => {
    const Condition = { Bool: { 'aws:SecureTransport': 'true' }, StringEquals: { 'aws:SourceAccount': '1' } };
    expect(decided([allow({ Condition })], { ...GET, context: { 'aws:SourceAccount': '1' } })).toBeUndefined();
    expect(decided([allow({ Condition })], { ...GET, context: { 'aws:SourceAccount': '2' } })).toBe(NOBODY);
  });
});

describe('a policy is refused, and never counts as allowing, with', () => {
  test.each([
    ['an unknown key', allow({ Condition: { StringEquals: { 's3:prefix': 'a' } } }), 'the condition key s3:prefix'],
    ['an unknown operator', allow({ Condition: { DateLessThan: { 'aws:SourceArn': 'a' } } }), 'operator DateLessThan'],
    ['IfExists', allow({ Condition: { BoolIfExists: { 'aws:SecureTransport': 'a' } } }), 'operator BoolIfExists'],
    ['a variable', allow({ Resource: ['arn:aws:s3:::logs/$', '{aws:username}/*'].join('') }), 'the policy variable in'],
    ['an unknown element', allow({ NotPrincipal: '*' }), 'NotPrincipal'],
    ['an unknown principal', allow({ Principal: { AWS: 'arn:aws:iam::123456789012:user/a' } }), 'the principal arn'],
    ['a federated principal', allow({ Principal: { Federated: 'a' } }), 'Principal'],
    ['no action', allow({ Action: undefined }), 'either Action or NotAction'],
    ['an unknown effect', allow({ Effect: 'Maybe' }), 'Effect'],
  ])('%s', (_, statement, message) => {
    expect(() => decided([statement])).toThrow(message);
    expect(() => decided([statement])).toThrow('policy');
  });
});

describe('wildcards', () => {
  test.each([
    ['a*', 'abc', true],
    ['*c', 'abc', true],
    ['a*c', 'abbc', true],
    ['a*c', 'abcd', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*a*b*', 'xaxbx', true],
    ['*a*b*', 'xbxax', false],
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['**', '', true],
    ['?', '', false],
    ['a.c', 'abc', false],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(patternOf(pattern)(text)).toBe(expected);
  });

  test.each([
    ['arn:aws:logs:us-east-1:1:log-group:/a:*', 'arn:aws:logs:us-east-1:1:log-group:/a:log-stream:b', true],
    ['arn:aws:s3:::*', 'arn:aws:s3:::a/b:c', true],
    // A star stays within its part.
    ['arn:aws:s*:t', 'arn:aws:sns:us-east-1:1:t', false],
    ['arn:aws:sns:*:t', 'arn:aws:sns:us-east-1:1:t', false],
    ['arn:aws:sns:*:*:t', 'arn:aws:sns:us-east-1:1:t', true],
  ])('of the ARN %s and %s: %s', (pattern, arn, expected) => {
    expect(arnPatternOf(pattern)(arn)).toBe(expected);
  });

  test('take no time that grows faster than pattern and text', () => {
    const steps = patternOf('a*a*a*a*a*a*a*a*a*b');
    expect(steps('a'.repeat(20_000))).toBe(false);
  });
});
