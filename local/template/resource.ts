import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../iam/caller.ts';

/** One resource of the synthesized template, with its intrinsic functions evaluated to local values. */
export interface Resource {
  readonly logicalId: string;
  /** CloudFormation type, e.g. AWS::S3::Bucket. */
  readonly type: string;
  /** The local value of `Ref`, if that is a name: `landing` for the bucket at Tributary/Landing. */
  readonly localName: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * One AWS service on this machine: an HTTP endpoint that speaks the service's wire protocol to the real SDK. Everything
 * it has acknowledged is in the lake's folder and survives a crash of this process.
 */
export interface Service {
  /** As in AWS_ENDPOINT_URL_<NAME>. */
  readonly name: string;
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>;
  close(): Promise<void>;
}
