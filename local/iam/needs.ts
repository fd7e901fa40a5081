import { ACCOUNT } from '../account.ts';
import { TemplateError } from '../template/intrinsics.ts';
import type { Caller } from './caller.ts';
import type { RequestContext } from './conditions.ts';
import type { Permissions } from './permissions.ts';

/**
 * What a service of AWS does for the stack again and again, and must be allowed: without it, AWS would refuse the deployment
 * or silently do nothing. So it is looked at once, when the stack is opened.
 */
export interface Need {
  /** What of the stack needs it, for errors: `rule each-minute`. */
  readonly what: string;
  /** By its name in policies: `events.amazonaws.com`. */
  readonly service: string;
  /** ARN of what the service acts for. */
  readonly source: string;
  /** The role that it assumes. @default none: the policy of the resource must allow it */
  readonly roleArn?: string;
  readonly actions: readonly string[];
  /** ARN. */
  readonly resource: string;
}

/** @throws TemplateError naming what is not allowed */
export function requireNeeds(permissions: Permissions, needs: readonly Need[]): void {
  for (const { what, service, source, roleArn, actions, resource } of needs) {
    const context = { 'aws:SourceArn': source, 'aws:SourceAccount': ACCOUNT };
    const caller =
      roleArn === undefined
        ? permissions.service(service, source)
        : permissions.assumedBy(service, roleArn, what, context);
    requireDeployable(caller, what, actions, resource);
  }
}

/** @throws TemplateError naming what is not allowed */
export function requireDeployable(
  caller: Caller,
  what: string,
  actions: readonly string[],
  resource: string,
  context: RequestContext = {},
): void {
  for (const action of actions) {
    const denied = caller.denial({ action, resource, context });
    if (denied) throw new TemplateError(`${what}: ${denied.message}`);
  }
}
