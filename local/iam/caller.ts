import { CREDENTIALS, type Credentials } from '../credentials.ts';
import type { Denial } from './decision.ts';
import type { Access } from './policy.ts';

/** A request is not allowed. The message is AWS's, and names who asked for what. */
export class AccessDenied extends Error {
  override readonly name = 'AccessDenied';

  constructor(caller: string, { action, resource }: Access, denial: Denial) {
    const [service] = action.split(':');
    // As these two services write it.
    const asked = service === 'sqs' ? action.toLowerCase() : action;
    const on = service === 's3' ? `"${resource}"` : resource;
    const reason =
      denial === 'no policy allows it'
        ? `because no identity-based policy allows the ${asked} action`
        : 'with an explicit deny in a policy';
    super(`User: ${caller} is not authorized to perform: ${asked} on resource: ${on} ${reason}`);
  }
}

/** Who has sent a request, and what of it is not allowed. */
export interface Caller {
  /** Why the caller may not do something; undefined if it may. What may not be done is noted as denied. */
  denial(access: Access): AccessDenied | undefined;
}

/** @throws AccessDenied if the caller may not do something */
export function requireAccess(caller: Caller, access: Access): void {
  const denied = caller.denial(access);
  if (denied) throw denied;
}

/** Operators, whose commands may do everything: the process that opened the lake, and whoever it gives its access key. */
export const ADMINISTRATOR: Caller = { denial: () => undefined };

/** An access key, and whose it is. */
export interface Session {
  readonly credentials: Credentials;
  readonly caller: Caller;
}

/** The access keys with which requests to the endpoints of a lake may be signed. */
export class Sessions {
  readonly #byKey = new Map<string, Session>();

  /** @param session gets the place of another one with the same access key */
  add(session: Session): void {
    this.#byKey.set(session.credentials.accessKeyId, session);
  }

  /** The session of an access key; if there is none, that of the operators, with whose key it is then compared. */
  find(accessKeyId: string): Session {
    return this.#byKey.get(accessKeyId) ?? OPERATORS;
  }
}

const OPERATORS: Session = { credentials: CREDENTIALS, caller: ADMINISTRATOR };
