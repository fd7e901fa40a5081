/** BatchWriteItem with a request body that is built once. */
import {
  BatchWriteItemCommand,
  type BatchWriteItemCommandInput,
  type BatchWriteItemCommandOutput,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { bodyMemory, bodySent, WITH_BODY, withBody } from './request-body.ts';

/**
 * Most write requests in a BatchWriteItem.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
 */
export const MAX_WRITES = 25;

/** Sends one BatchWriteItem. The client's own serializer takes several times as long as this one. */
export async function batchWrite(
  client: DynamoDBClient,
  table: string,
  requests: readonly WriteRequest[],
  options: { readonly abortSignal?: AbortSignal },
): Promise<BatchWriteItemCommandOutput> {
  const command = new BatchWriteItemCommand({ RequestItems: {} });
  let body: Buffer = Buffer.alloc(0);
  command.middlewareStack.add(
    withBody((input: BatchWriteItemCommandInput) => {
      body = bodyOf(input, table, requests);
      return body;
    }),
    WITH_BODY,
  );
  const answer = await client.send(command, options);
  // If there were several attempts, a connection of an earlier one may not have read its body to the end.
  if (answer.$metadata.attempts === 1) bodySent(body);
  return answer;
}

/** `{…,"RequestItems":{"table":[{"PutRequest":{"Item":{"pk":{"S":"…"},"d":{"B":"base64"}}}},…]}}` */
function bodyOf(input: BatchWriteItemCommandInput, table: string, requests: readonly WriteRequest[]): Buffer {
  const { RequestItems: _, ...others } = input;
  const around = JSON.stringify({ ...others, RequestItems: { [table]: [] } });
  const end = ']}}';
  const texts: string[] = [];
  let before = around.slice(0, -end.length);
  for (const { PutRequest, DeleteRequest } of requests) {
    before += PutRequest ? '{"PutRequest":{"Item":{' : '{"DeleteRequest":{"Key":{';
    for (const [name, value] of Object.entries(PutRequest?.Item ?? DeleteRequest?.Key ?? {})) {
      before += `${JSON.stringify(name)}:`;
      if (value.B) {
        texts.push(`${before}{"B":"`, base64(value.B));
        before = '"},';
      } else {
        before += `${JSON.stringify(value)},`;
      }
    }
    before = `${before.slice(0, -1)}}}},`;
  }
  texts.push(`${before.slice(0, -1)}${end}`);
  const body = bodyMemory(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
  let at = 0;
  for (const text of texts) at += body.write(text, at);
  return body.subarray(0, at);
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
