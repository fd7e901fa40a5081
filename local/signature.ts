/**
 * Checks signatures of requests, version 4, as AWS does: made with the key, for the Region and the service. This does not
 * use the library by which the SDK signs, so a mistake of either shows. How old a signature is does not matter: the clock
 * of a machine that slept may step.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Credentials } from './credentials.ts';

/** What a signature must have been made for. */
export interface Signer {
  readonly credentials: Credentials;
  readonly region: string;
  /** Name by which the service is signed for, such as `s3`. */
  readonly service: string;
}

/** A request as it came. */
export interface SignedRequest {
  readonly method?: string | undefined;
  /** Path and query as they were sent. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export type Verdict =
  | 'signed'
  /** The signature is not that of the headers alone: `checkSignature` must be told the body, too. */
  | 'body needed'
  | { readonly refused: string };

const HASH_HEADER = 'x-amz-content-sha256';
/** Of temporary credentials: https://docs.aws.amazon.com/STS/latest/APIReference/CommonParameters.html */
const TOKEN_HEADER = 'x-amz-security-token';

/** The access key that a request names; empty if it names none. */
export function accessKeyOf({ headers }: SignedRequest): string {
  return partsOf(headers.authorization).key;
}

/**
 * @param body without it, the header `x-amz-content-sha256` stands for it, which clients of S3 must send, and the SDK
 * sends to all services. S3 alone lets its value decide, which may be `UNSIGNED-PAYLOAD` or say that the body is signed in
 * chunks; for the others it is a header like any.
 */
export function checkSignature(request: SignedRequest, signer: Signer, body?: Buffer): Verdict {
  const { key, scope, names, signature } = partsOf(request.headers.authorization);
  if (!isSame(key, signer.credentials.accessKeyId)) {
    return { refused: 'expected a request signed with the access key that the lake was opened with' };
  }
  const { sessionToken } = signer.credentials;
  if (sessionToken !== undefined && !isSame(String(request.headers[TOKEN_HEADER]), sessionToken)) {
    return { refused: `expected the header ${TOKEN_HEADER} with the session token of the access key ${key}` };
  }
  const date = String(request.headers['x-amz-date']);
  const expectedScope = [date.slice(0, 8), signer.region, signer.service, 'aws4_request'].join('/');
  if (scope !== expectedScope) return { refused: `expected a signature for ${expectedScope}, got one for ${scope}` };
  const signed = names.split(';');
  const unsigned = ['host', ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))].find(
    (name) => !signed.includes(name),
  );
  if (unsigned !== undefined) return { refused: `expected the header ${unsigned} to be signed` };
  const said = request.headers[HASH_HEADER];
  const hash = body ? sha256(body) : said;
  if (typeof hash === 'string') {
    const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonicalRequest(request, signer.service, signed, hash))];
    if (isSame(signature, hmac(signingKey(signer, scope), text.join('\n')).toString('hex'))) return 'signed';
  } else if (signer.service === 's3') return { refused: `expected the header ${HASH_HEADER}` };
  if (!body && signer.service !== 's3') return 'body needed';
  return { refused: 'expected another signature: the secret key or what was signed is not the same' };
}

const SCHEME = 'AWS4-HMAC-SHA256 ';

/** `AWS4-HMAC-SHA256 Credential=KEY/SCOPE, SignedHeaders=a;b, Signature=…`; what is missing is empty. */
function partsOf(authorization = '') {
  const fields = new Map(
    authorization.startsWith(SCHEME)
      ? authorization
          .slice(SCHEME.length)
          .split(',')
          .map((field) => {
            const [name = '', ...value] = field.split('=');
            return [name.trim(), value.join('=')];
          })
      : [],
  );
  const [key = '', ...scope] = (fields.get('Credential') ?? '').split('/');
  return {
    ...{ key, scope: scope.join('/') },
    ...{ names: fields.get('SignedHeaders') ?? '', signature: fields.get('Signature') ?? '' },
  };
}

function canonicalRequest(
  { method = '', url = '', headers }: SignedRequest,
  service: string,
  signed: readonly string[],
  hash: string,
): string {
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(url) ?? [];
  const parameters = query
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(parameter) ?? [];
      return `${encoded(name)}=${encoded(value)}`;
    })
    .sort();
  return [
    method,
    service === 's3' ? encoded(path, '/') : normalized(path),
    parameters.join('&'),
    ...signed.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    signed.join(';'),
    hash,
  ].join('\n');
}

/** Each byte percent-encoded that must be, and no other, whether the text has it encoded or not. */
function encoded(text: string, kept = ''): string {
  return text.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/gu, (part) => {
    const character =
      part.length === 3 && part[0] === '%' ? String.fromCharCode(Number.parseInt(part.slice(1), 16)) : part;
    if (/[A-Za-z0-9\-._~]/.test(character) || (kept !== '' && character === kept)) return character;
    return character === part ? percent(character) : part.toUpperCase();
  });
}

/** The path without empty segments and dots, encoded once more than it was sent. */
function normalized(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const end = segments.length > 0 && path.endsWith('/') ? '/' : '';
  return `/${segments.map((segment) => segment.replace(/[^A-Za-z0-9\-._~]/gu, percent)).join('/')}${end}`;
}

function percent(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function signingKey({ credentials }: Signer, scope: string): Buffer {
  return scope
    .split('/')
    .reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${credentials.secretAccessKey}`));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
