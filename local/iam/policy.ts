/**
 * Policies of IAM in JSON.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
import { z } from 'zod';
import { ACCOUNT } from '../account.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { conditionOf, type RequestContext, refuseVariables } from './conditions.ts';
import { arnPatternOf, type Pattern, patternOf } from './wildcards.ts';

/** Who asks: a role of the account, or a service of AWS by its name, such as `sns.amazonaws.com`. */
export type Principal = { readonly role: string } | { readonly service: string };

/** What is asked for. */
export interface Access {
  /** By its name in the Service Authorization Reference: `s3:GetObject`. */
  readonly action: string;
  /** ARN. */
  readonly resource: string;
  readonly context?: RequestContext;
}

/** A statement, ready to be asked. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  /** @param action in lower case: IAM compares without case */
  readonly isOfAction: Pattern;
  readonly isOfResource: Pattern;
  /** Whom the policy of a resource is about; policies of a role are about that role. */
  readonly isOfPrincipal: (principal: Principal) => boolean;
  readonly isMet: (context: RequestContext) => boolean;
}

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const principals = z.union([z.literal('*'), z.strictObject({ AWS: texts.optional(), Service: texts.optional() })]);
const statementShape = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: texts.optional(),
  NotAction: texts.optional(),
  Resource: texts.optional(),
  NotResource: texts.optional(),
  Principal: principals.optional(),
  Condition: z.unknown().optional(),
});
const documentShape = z.strictObject({
  Version: z.string().optional(),
  Id: z.string().optional(),
  Statement: z.preprocess((value) => [value].flat(), z.array(statementShape)),
});

/**
 * Compiles a policy.
 *
 * @param where names the policy in errors
 * @throws TemplateError naming an element that is not emulated, or that is wrong
 */
export function statementsOf(document: unknown, where: string): Statement[] {
  const read = documentShape.safeParse(document);
  if (!read.success) throw new TemplateError(`${where}: ${z.prettifyError(read.error)}`);
  return read.data.Statement.map((statement, index) =>
    compiled(statement, `${where}, statement ${statement.Sid ?? index + 1}`),
  );
}

function compiled(statement: z.output<typeof statementShape>, where: string): Statement {
  const { Effect, Action, NotAction, Resource, NotResource, Condition } = statement;
  if ((Action === undefined) === (NotAction === undefined)) {
    throw new TemplateError(`${where}: expected either Action or NotAction`);
  }
  for (const text of [...(Resource ?? []), ...(NotResource ?? [])]) refuseVariables(text, where);
  const action = (text: string) => patternOf(text.toLowerCase());
  return {
    effect: Effect,
    isOfAction: anyBut(Action, NotAction, action),
    // The policy that says who may assume a role has no resource: it is about that role.
    isOfResource: Resource || NotResource ? anyBut(Resource, NotResource, arnPatternOf) : () => true,
    isOfPrincipal: principalOf(statement, where),
    isMet: conditionOf(Condition, where),
  };
}

function anyBut(
  texts: readonly string[] | undefined,
  not: readonly string[] | undefined,
  compile: (text: string) => Pattern,
): Pattern {
  const patterns = (texts ?? not ?? []).map(compile);
  const isNegated = texts === undefined;
  return (text) => patterns.some((matches) => matches(text)) !== isNegated;
}

/** The account. Allowed to it means that the policies of its roles decide, denied to it that no role may. */
const ROOT = [ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`];

const PRINCIPAL = /^(\*|\d{12}|arn:aws:iam::\d{12}:(root|role\/.+))$/;

function principalOf(
  { Effect, Principal: given }: z.output<typeof statementShape>,
  where: string,
): Statement['isOfPrincipal'] {
  if (given === undefined) return () => true;
  const { AWS: roles = [], Service: services = [] } = given === '*' ? { AWS: ['*'] } : given;
  const unknown = roles.find((role) => !PRINCIPAL.test(role));
  if (unknown !== undefined) throw new TemplateError(`${where}: the principal ${unknown} has no local behaviour`);
  const isAll = roles.includes('*') || (Effect === 'Deny' && roles.some((role) => ROOT.includes(role)));
  return (principal) =>
    isAll || ('role' in principal ? roles.includes(principal.role) : services.includes(principal.service));
}
