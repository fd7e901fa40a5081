/** Which permissions of a template something needs that has been done: those without which some of it would be denied. */
import { type Access, type Principal, type Statement, statementsOf } from '../../local/iam/policy.ts';
import { isObject } from '../../local/template/intrinsics.ts';
import type { Resource } from '../../local/template/resource.ts';

/** What was asked for, and by whom. */
export interface Asked {
  readonly principal: Principal;
  readonly access: Access;
}

/** One action on one resource that a role of the stack is allowed. */
export interface Grant {
  /** Name of the role. */
  readonly role: string;
  readonly action: string;
  /** ARN, with wildcards. */
  readonly resource: string;
}

/** A grant as a line of text: `load-objects-role s3:GetObject s3:::landing/web/*`. */
export function grantText({ role, action, resource }: Grant): string {
  return `${role} ${action} ${resource.replace('arn:aws:', '').replace('us-east-1:123456789012:', '')}`;
}

/** The grants of all roles, each once, and those that some of what was asked for needs. */
export function grantsIn(
  resources: readonly Resource[],
  asked: readonly Asked[],
): { readonly all: readonly string[]; readonly needed: ReadonlySet<string> } {
  const all = resources.flatMap((resource) => singlesOf(resource));
  const needed = new Set<string>();
  for (const { principal, access } of asked) {
    if (!('role' in principal)) continue;
    const role = principal.role.slice(principal.role.lastIndexOf('/') + 1);
    const context = { 'aws:SecureTransport': 'true', ...access.context };
    const allowing = all.filter(
      ({ grant, statement }) =>
        grant.role === role &&
        statement.isOfAction(access.action.toLowerCase()) &&
        statement.isOfResource(access.resource) &&
        statement.isMet(context),
    );
    const [text, ...others] = new Set(allowing.map(({ grant }) => grantText(grant)));
    if (text !== undefined && others.length === 0) needed.add(text);
  }
  return { all: [...new Set(all.map(({ grant }) => grantText(grant)))], needed };
}

interface Single {
  readonly grant: Grant;
  readonly statement: Statement;
}

/** The policies of a role, or one that is attached to roles, taken apart into statements of one action on one resource. */
function singlesOf({ type, localName, properties }: Resource): Single[] {
  if (type === 'AWS::IAM::Role') {
    const policies = [properties.Policies ?? []].flat() as { readonly PolicyDocument: unknown }[];
    return policies.flatMap(({ PolicyDocument }) => singlesIn(PolicyDocument, [localName]));
  }
  const roles = type === 'AWS::IAM::Policy' ? (properties.Roles as readonly string[]) : [];
  return singlesIn(properties.PolicyDocument, roles);
}

function singlesIn(document: unknown, roles: readonly string[]): Single[] {
  if (!isObject(document) || roles.length === 0) return [];
  const statements = [document.Statement].flat() as Record<string, string | readonly string[]>[];
  return roles.flatMap((role) =>
    statements.flatMap((statement) =>
      [statement.Action].flat().flatMap((action = '') =>
        [statement.Resource].flat().map((resource = '') => {
          const single = { Statement: { ...statement, Action: action, Resource: resource } };
          return { grant: { role, action, resource }, statement: statementsOf(single, role)[0] as Statement };
        }),
      ),
    ),
  );
}
