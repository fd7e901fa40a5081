import { createHash, randomBytes } from 'node:crypto';

/** An access key of AWS, as clients of the SDK take it. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Temporary credentials, which roles have, have one: each request must have it, too. */
  readonly sessionToken?: string;
}

/**
 * The access key of the operators of the local account, drawn anew by each process that opens lakes. Only this process and
 * whoever may read its memory know it, so that no other program or user of the machine, no web page and no function can act as
 * an operator.
 */
export const CREDENTIALS: Credentials = {
  accessKeyId: randomBytes(16).toString('hex').toUpperCase(),
  secretAccessKey: randomBytes(32).toString('hex'),
};

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * Temporary credentials in the form of AWS. The access key, which is no secret, is the same for the same name; the rest is
 * drawn.
 *
 * @param name of the role and of the function that uses it
 */
export function temporaryCredentials(name: string): Required<Credentials> {
  const hash = [...createHash('sha256').update(name).digest().subarray(0, 16)];
  return {
    accessKeyId: `ASIA${hash.map((byte) => BASE32[byte % BASE32.length]).join('')}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(96).toString('base64'),
  };
}
