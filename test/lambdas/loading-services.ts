import { createHash } from 'node:crypto';
import { vi } from 'vitest';
import { LEDGER } from '../../lambdas/core/loading/ledger.ts';
import { ENV } from '../../lambdas/core/settings.ts';
import { clientEnvironment } from '../helpers/client-options.ts';
import { type FakeService, json, openFakeService, type Reply, type ServedRequest } from '../helpers/fake-service.ts';
import { type LocalTable, openLocalTable } from '../helpers/local-table.ts';

/** Columns of the sources that handlers are tested with. */
export const COLUMNS = { at: 'timestamp', request_id: 'string', status: 'int' };

/** What a loading function talks to: a ledger that is a real table, and services that do what a test says. */
export interface LoadingServices {
  readonly service: FakeService;
  /** Requests whose operation, or method and path, has this in it; the bodies of JSON protocols parsed. */
  asked(operation: string): Record<string, unknown>[];
  /** What was put to a stream, in order, as Firehose has got it. */
  records(stream: string): Uint8Array[];
  reset(): void;
  close(): Promise<void>;
}

/** Opens the services and sets the environment, so that a handler may be imported. */
export async function openLoadingServices(
  sources: readonly unknown[],
  functionName?: string,
): Promise<LoadingServices> {
  const table: LocalTable = await openLocalTable({ name: 'ledger', partition: LEDGER.key });
  const service = await openFakeService();
  const environment = {
    ...clientEnvironment(service.url, { DYNAMODB: table.url }),
    [ENV.sources]: JSON.stringify(sources),
    [ENV.loadsStream]: 'loads',
    [ENV.rejectedStream]: 'rejected',
    [ENV.ledgerTable]: 'ledger',
    [ENV.ledgerDays]: '400',
    [ENV.queueUrl]: `${service.url}/123456789012/objects`,
    ...(functionName !== undefined && { [ENV.trackFunction]: functionName }),
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const bodies = (operation: string) =>
    service.requests
      .filter((request) => `${request.operation} ${request.method} ${request.path}`.includes(operation))
      .map(({ body }) => (body === '' ? {} : (JSON.parse(body) as Record<string, unknown>)));
  return {
    service,
    asked: bodies,
    records: (stream) =>
      bodies('PutRecordBatch')
        .filter(({ DeliveryStreamName }) => DeliveryStreamName === stream)
        .flatMap(({ Records }) => Records as readonly { readonly Data: string }[])
        .map(({ Data }) => Buffer.from(Data, 'base64')),
    reset: () => {
      service.requests.length = 0;
      service.reply = accepted;
    },
    close: async () => {
      vi.unstubAllEnvs();
      await service.close();
      await table.close();
    },
  };
}

/** Takes what it is asked, as Firehose, SQS and Lambda do; S3 has an object of no bytes. */
export function accepted({ operation, body }: ServedRequest): Reply {
  if (operation.endsWith('PutRecordBatch')) {
    const { Records } = JSON.parse(body) as { Records: readonly unknown[] };
    return json({ FailedPutCount: 0, RequestResponses: Records.map((_, index) => ({ RecordId: String(index) })) });
  }
  if (operation.endsWith('SendMessage')) {
    const { MessageBody } = JSON.parse(body) as { MessageBody: string };
    return json({ MessageId: '1', MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') });
  }
  return operation === '' ? {} : json({});
}
