/** Tells failures of services from those of what was asked of them. */
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { SQSServiceException } from '@aws-sdk/client-sqs';
import { ChangeDeniedError } from '../core/iceberg/ports.ts';
import { SchemaError } from '../core/iceberg/schema.ts';
import { CatalogError } from './iceberg-catalog.ts';
import { CutShortError } from './s3.ts';

/** Codes and names of errors of connections, as Node and the SDK's HTTP client have them. */
const CONNECTION =
  /^(?:ECONN\w+|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|TimeoutError|RequestTimeout|NetworkingError|AbortError)$/;

/** True if a service answered with an error, or did not answer, or has a table of another kind: no batch is to blame for that. */
export function isServiceError(error: unknown): boolean {
  if (error instanceof CutShortError || error instanceof CatalogError || error instanceof SchemaError) return true;
  if (error instanceof ChangeDeniedError) return true;
  if (error instanceof S3ServiceException || error instanceof DynamoDBServiceException) return true;
  if (error instanceof SQSServiceException) return true;
  const { name = '', code = '', $metadata } = (error ?? {}) as { name?: string; code?: string; $metadata?: unknown };
  return $metadata !== undefined || CONNECTION.test(String(code)) || CONNECTION.test(name);
}
