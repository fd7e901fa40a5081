import type { IncomingMessage, ServerResponse } from 'node:http';

/** One resource of the synthesized template, its intrinsic functions resolved to local values. */
export interface Resource {
  readonly logicalId: string;
  /** CloudFormation type, e.g. AWS::S3::Bucket. */
  readonly type: string;
  /** What `Ref` gives for it locally, where that is a name: `landing` for the bucket at Tributary/Landing. */
  readonly localName: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * One AWS service on this machine: an HTTP endpoint speaking its wire protocol to the real SDK.
 * Whatever it has acknowledged survives the death of this process: it is in the lake's folder.
 */
export interface Service {
  /** As in AWS_ENDPOINT_URL_<NAME>. */
  readonly name: string;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}
