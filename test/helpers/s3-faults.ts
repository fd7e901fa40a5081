import type { Answer, Call, Fault } from '../faults/call.ts';

/** The operations of S3 that faults are chosen by. */
export type S3Operation =
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'DeleteObject'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'ListMultipartUploads';

/** What a request asks of S3; undefined for a request to another service. */
export function s3Operation(call: Call): S3Operation | undefined {
  if (call.service !== 'S3') return undefined;
  const { pathname, searchParams } = new URL(call.url, 'http://s3');
  const resource = pathname.split('/').length > 2 && !pathname.endsWith('/') ? 'object' : 'bucket';
  const selector = ['uploads', 'uploadId'].find((name) => searchParams.has(name));
  return OPERATIONS[`${call.operation} ${resource}${selector ? `?${selector}` : ''}`];
}

const OPERATIONS: Readonly<Record<string, S3Operation>> = {
  'GET object': 'GetObject',
  'HEAD object': 'HeadObject',
  'PUT object': 'PutObject',
  'DELETE object': 'DeleteObject',
  'GET bucket': 'ListObjectsV2',
  'POST object?uploads': 'CreateMultipartUpload',
  'PUT object?uploadId': 'UploadPart',
  'POST object?uploadId': 'CompleteMultipartUpload',
  'DELETE object?uploadId': 'AbortMultipartUpload',
  'GET object?uploadId': 'ListParts',
  'GET bucket?uploads': 'ListMultipartUploads',
};

/** The service, of any kind, does what it is asked, and nobody learns of it. */
export async function loseAnswer(call: Call): Promise<void> {
  await call.forward();
  call.cut();
}

/** Refusals of S3 that a writer meets, by their codes. */
export const S3_REFUSALS = {
  /** Two writes of one key at once; S3 asks to try again. */
  ConditionalRequestConflict: 409,
  PreconditionFailed: 412,
  AccessDenied: 403,
  SlowDown: 503,
  InternalError: 500,
} as const;

/** S3 refuses, and does nothing. */
export async function refuse(call: Call, code: keyof typeof S3_REFUSALS): Promise<void> {
  call.refuse(S3_REFUSALS[code], code);
}

/** S3 as those see it who may not list the bucket: what is missing is forbidden. */
export async function forbidMissing(call: Call): Promise<void> {
  const answer = await call.forward();
  if (answer.status === 404 && /NoSuchKey|^$/.test(answer.body.toString())) call.refuse(403, 'AccessDenied');
  else call.answer(answer);
}

/**
 * CompleteMultipartUpload answers 200 before it is done, and then says in the body that it failed: it has, or it has not.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export async function failWithin200(call: Call, { done }: { readonly done: boolean }): Promise<void> {
  if (done) await call.forward();
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code><Message>again</Message></Error>';
  call.answer({ status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) });
}

/**
 * S3 that answers a repeated CompleteMultipartUpload with 200 and the first answer, as it does for a while; the local one
 * answers NoSuchUpload, as S3 does later. Give it as the last fault.
 */
export function repeatingCompletions(): Fault {
  const answers = new Map<string, Answer>();
  const repeat = async (call: Call): Promise<void> => {
    const before = answers.get(call.url);
    const answer = before ?? (await call.forward());
    if (answer.status === 200) answers.set(call.url, answer);
    call.answer(answer);
  };
  return (call) => (s3Operation(call) === 'CompleteMultipartUpload' ? repeat(call) : undefined);
}
