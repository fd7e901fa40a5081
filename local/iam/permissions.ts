/**
 * What the policies of a stack allow: who may do what on this machine is decided as IAM would decide it. Permissions of Lake
 * Formation are not checked, nor policies that are not in the template: those of buckets and keys that the stack only names.
 */
import { ACCOUNT } from '../account.ts';
import { TemplateError } from '../template/intrinsics.ts';
import type { Resource } from '../template/resource.ts';
import { AccessDenied, type Caller } from './caller.ts';
import type { RequestContext } from './conditions.ts';
import { Decider } from './decision.ts';
import type { Access, Principal, Statement } from './policy.ts';
import { resourceStatements } from './resource-policies.ts';
import { type Role, rolesOf } from './roles.ts';

/** Something that a role or a service was not allowed to do. */
export interface Denied {
  /** The function, delivery stream or service that wanted it. */
  readonly who: string;
  readonly action: string;
  /** ARN. */
  readonly resource: string;
  /** How often it was wanted. */
  readonly times: number;
  /** The error that was answered. */
  readonly error: string;
}

/** Learns what is asked for, and by whom: a role by its ARN, or a service by its name. */
export type OnAccess = (principal: Principal, access: Access) => void;

/** Most entries of the list of what was denied: each object of a bucket is a resource of its own. */
const MAX_DENIED = 1000;

export class Permissions {
  readonly #roles: ReadonlyMap<string, Role>;
  readonly #ofResources: readonly Statement[];
  readonly #denied = new Map<string, Denied>();
  readonly #onAccess: OnAccess | undefined;

  /**
   * @param onAccess learns of everything that roles and services ask for
   * @throws TemplateError naming what in a policy is not emulated
   */
  constructor(resources: readonly Resource[], onAccess?: OnAccess) {
    this.#onAccess = onAccess;
    this.#roles = rolesOf(resources);
    this.#ofResources = resourceStatements(resources);
  }

  /** What was denied since the lake was opened. */
  get denied(): readonly Denied[] {
    return [...this.#denied.values()];
  }

  /**
   * A service that has assumed a role of the stack.
   *
   * @param roleArn as the resource names it that has the role
   * @param who for whom it acts: the name of a function or a stream
   * @throws TemplateError if there is no such role, or the role does not let the service assume it
   */
  assumedBy(service: string, roleArn: string | undefined, who: string, context: RequestContext = {}): Caller {
    const role = this.#roles.get(roleArn ?? '');
    if (!role) throw new TemplateError(`${who}: expected a role of the stack, got ${roleArn ?? 'none'}`);
    const access = { action: 'sts:AssumeRole', resource: role.arn, context };
    const refusal = new Decider({ service }, role.trust).denial(access);
    if (refusal) throw new TemplateError(`${who}: ${service} may not assume the role ${role.name}: ${refusal}`);
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/${role.name}/${who}`;
    return this.#caller(who, arn, { role: role.arn }, role.statements);
  }

  /**
   * A service that acts for a resource of the account, as policies of resources allow it.
   *
   * @param service by its name in policies, such as `sns.amazonaws.com`
   */
  service(service: string, sourceArn: string): Caller {
    const source = { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': ACCOUNT };
    const caller = this.#caller(service, service, { service }, []);
    return { denial: (access) => caller.denial({ ...access, context: { ...source, ...access.context } }) };
  }

  #caller(who: string, arn: string, principal: Principal, own: readonly Statement[]): Caller {
    const decider = new Decider(principal, [...own, ...this.#ofResources]);
    return {
      denial: (access) => {
        this.#onAccess?.(principal, access);
        const denial = decider.denial(access);
        if (denial === undefined) return undefined;
        const error = new AccessDenied(arn, access, denial);
        this.#note(who, access, error.message);
        return error;
      },
    };
  }

  #note(who: string, { action, resource }: Access, error: string): void {
    const key = JSON.stringify([who, action, resource]);
    const times = (this.#denied.get(key)?.times ?? 0) + 1;
    if (times === 1 && this.#denied.size >= MAX_DENIED) return;
    this.#denied.set(key, { who, action, resource, times, error });
  }
}
