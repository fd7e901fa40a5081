import { z } from 'zod';
import { iamArn } from '../account.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf, refused } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import { AWS_MANAGED_POLICIES } from './aws-managed-policies.ts';
import { type Statement, statementsOf } from './policy.ts';

/** A role of the stack, with all that its policies say. */
export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly statements: readonly Statement[];
  /** Who may assume it. */
  readonly trust: readonly Statement[];
}

const policies = z.array(z.object({ PolicyDocument: z.unknown() })).default([]);
const roleProperties = z.object({
  AssumeRolePolicyDocument: z.unknown(),
  Policies: policies,
  ManagedPolicyArns: z.array(z.string()).default([]),
  PermissionsBoundary: refused,
});
const policyProperties = z.object({ PolicyDocument: z.unknown(), Roles: z.array(z.string()).default([]) });

/**
 * Reads the roles of a stack, by ARN.
 *
 * @throws TemplateError naming what in a policy is not emulated, or a managed policy that is not known
 */
export function rolesOf(resources: readonly Resource[]): ReadonlyMap<string, Role> {
  const ofType = (type: string) => resources.filter((resource) => resource.type === type);
  const managed = new Map<string, unknown>(Object.entries(AWS_MANAGED_POLICIES));
  for (const policy of ofType('AWS::IAM::ManagedPolicy')) {
    managed.set(iamArn('policy', policy.localName), propertiesOf(policy, policyProperties).PolicyDocument);
  }
  const attached = [...ofType('AWS::IAM::Policy'), ...ofType('AWS::IAM::ManagedPolicy')].map((policy) => ({
    where: `resource ${policy.logicalId}`,
    ...propertiesOf(policy, policyProperties),
  }));
  const roles = ofType('AWS::IAM::Role').map((resource): Role => {
    const { localName: name, logicalId } = resource;
    const where = `resource ${logicalId}`;
    const { AssumeRolePolicyDocument, Policies, ManagedPolicyArns } = propertiesOf(resource, roleProperties);
    const own = Policies.flatMap(({ PolicyDocument }) => statementsOf(PolicyDocument, where));
    const others = attached
      .filter(({ Roles }) => Roles.includes(name))
      .flatMap(({ PolicyDocument, where: policy }) => statementsOf(PolicyDocument, policy));
    const named = ManagedPolicyArns.flatMap((arn) => {
      if (!managed.has(arn)) throw new TemplateError(`${where}: the managed policy ${arn} is not known here`);
      return statementsOf(managed.get(arn), arn);
    });
    return {
      arn: iamArn('role', name),
      name,
      statements: [...own, ...others, ...named],
      trust: statementsOf(AssumeRolePolicyDocument, `${where}, AssumeRolePolicyDocument`),
    };
  });
  return new Map(roles.map((role) => [role.arn, role]));
}
