import { randomBytes } from 'node:crypto';

/** An access key of AWS, as clients of the SDK take it. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * The access key of the local account, drawn anew by each process that opens lakes. Only this process, its functions and
 * whoever may read their memory know it, so that no other program or user of the machine, and no web page, can use the
 * endpoints.
 */
export const CREDENTIALS: Credentials = {
  accessKeyId: randomBytes(16).toString('hex').toUpperCase(),
  secretAccessKey: randomBytes(32).toString('hex'),
};
