import { REGION } from '../../local/account.ts';
import { CREDENTIALS, type Credentials } from '../../local/credentials.ts';

/** What the SDK's clients need to talk to an endpoint of this machine. */
export interface ClientOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
}

export function clientOptions(endpoint: string): ClientOptions {
  return { endpoint, region: REGION, credentials: CREDENTIALS };
}

/** The same for the clients that a function makes of its environment; `endpoints` by service, `AWS_ENDPOINT_URL` the rest. */
export function clientEnvironment(endpoint: string, endpoints: Readonly<Record<string, string>> = {}) {
  const { region, credentials } = clientOptions(endpoint);
  return {
    AWS_ENDPOINT_URL: endpoint,
    ...Object.fromEntries(Object.entries(endpoints).map(([service, url]) => [`AWS_ENDPOINT_URL_${service}`, url])),
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
}

/** Headers of a request to a local endpoint that no SDK sends. */
export const SIGNED = { authorization: `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/20260105/us-east-1/s3` };
