import type { Access, Principal, Statement } from './policy.ts';

/** Why something is not allowed. */
export type Denial = 'an explicit deny in a policy' | 'no policy allows it';

/**
 * Statements by which a principal's requests are decided, ready to be asked often: those that are about an action are looked
 * for once.
 */
export class Decider {
  readonly #statements: readonly Statement[];
  readonly #byAction = new Map<string, readonly Statement[]>();

  /** @param statements of the principal's own policies, and of the policies of all resources of the account */
  constructor(principal: Principal, statements: readonly Statement[]) {
    this.#statements = statements.filter(({ isOfPrincipal }) => isOfPrincipal(principal));
  }

  /**
   * Whether something is denied: by one statement that denies it, or because none allows it.
   *
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
   */
  denial({ action, resource, context = {} }: Access): Denial | undefined {
    const asked = { 'aws:SecureTransport': 'true', ...context };
    let isAllowed = false;
    for (const { effect, isOfResource, isMet } of this.#about(action)) {
      if (!isOfResource(resource) || !isMet(asked)) continue;
      if (effect === 'Deny') return 'an explicit deny in a policy';
      isAllowed = true;
    }
    return isAllowed ? undefined : 'no policy allows it';
  }

  #about(action: string): readonly Statement[] {
    const known = this.#byAction.get(action);
    if (known) return known;
    const found = this.#statements.filter(({ isOfAction }) => isOfAction(action.toLowerCase()));
    this.#byAction.set(action, found);
    return found;
  }
}
