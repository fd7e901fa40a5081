/**
 * Conditions of policies, as far as the stack has them. What is not known here is refused when the stack is opened: it must
 * never count as met.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { z } from 'zod';
import { TemplateError } from '../template/intrinsics.ts';
import { arnPatternOf, type Pattern, patternOf } from './wildcards.ts';

/** What AWS knows of a request, by condition keys. A key that is missing is not part of that request on AWS either. */
export type RequestContext = Partial<Readonly<Record<ConditionKey, string>>>;

/** The keys that requests to the local services have, where they would have them on AWS. */
const KEYS = [
  'aws:SecureTransport',
  'aws:SourceAccount',
  'aws:SourceArn',
  'iam:PassedToService',
  'kms:ViaService',
  'sts:ExternalId',
] as const;
export type ConditionKey = (typeof KEYS)[number];

/** Whether a request meets the conditions of a statement. */
export type Condition = (context: RequestContext) => boolean;

/** How a value of the policy is compared; with a key that is missing, `Not…` is met, and the others are not. */
const OPERATORS: Readonly<Record<string, (value: string) => Pattern>> = {
  StringEquals: (value) => (given) => given === value,
  StringLike: patternOf,
  ArnEquals: arnPatternOf,
  ArnLike: arnPatternOf,
  Bool: (value) => (given) => given.toLowerCase() === value.toLowerCase(),
};

const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};

const value = z.union([z.string(), z.boolean().transform(String)]);
const shape = z.record(z.string(), z.record(z.string(), z.union([value, z.array(value)])));

/**
 * Compiles the conditions of a statement: all of them must be met, each by one of its values.
 *
 * @param where names the statement in errors
 * @throws TemplateError naming an operator or a key that is not emulated
 */
export function conditionOf(condition: unknown, where: string): Condition {
  const read = shape.safeParse(condition ?? {});
  if (!read.success) throw new TemplateError(`${where}: Condition: ${z.prettifyError(read.error)}`);
  const tests = Object.entries(read.data).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => testOf(operator, key, [values].flat(), where)),
  );
  return (context) => tests.every((test) => test(context));
}

function testOf(operator: string, name: string, values: readonly string[], where: string): Condition {
  const compare = OPERATORS[NEGATED[operator] ?? operator];
  if (!compare) throw new TemplateError(`${where}: the condition operator ${operator} has no local behaviour`);
  const key = KEYS.find((known) => known.toLowerCase() === name.toLowerCase());
  if (!key) throw new TemplateError(`${where}: the condition key ${name} has no local behaviour`);
  for (const each of values) refuseVariables(each, where);
  const patterns = values.map(compare);
  const negated = operator in NEGATED;
  return (context) => {
    const given = context[key];
    if (given === undefined) return negated;
    return patterns.some((matches) => matches(given)) !== negated;
  };
}

/** `${aws:username}` and the like, which stand for something else in each request. */
export function refuseVariables(text: string, where: string): void {
  if (text.includes('${')) throw new TemplateError(`${where}: the policy variable in ${text} has no local behaviour`);
}
