/**
 * The usual way to load logs: a line at a time, by a regular expression, a record for each with the names
 * of all columns.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS } from '../lambdas/core/loading/pack.ts';
import { bodyOf } from './ingest.ts';
import type { Input } from './input.ts';

type TakeRecord = (record: Uint8Array) => Promise<void> | undefined | void;

/** Takes a line apart; what cannot be is a row of one column. */
type ReadLine = (line: string) => Record<string, unknown>;

/** Up to the field `redirect_url`, which lines of 2019 have as well. */
const ALB_START =
  '([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) (.*) (- |[^ ]*)" "([^"]*)" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^"]*)" ([-.0-9]*) ([^ ]*) "([^"]*)" "([^"]*)"';

/** https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table.html */
const ALB_LINE = new RegExp(
  String.raw`${ALB_START} "([^ ]*)" "([^\s]+?)" "([^\s]+)" "([^ ]*)" "([^ ]*)" ?([^ ]*)? ?( .*)?`,
);

/**
 * The same for lines from before the last fields were added, of which the page's own takes a hundred times as long to find
 * that they do not match.
 */
const ALB_LINE_OF_2019 = new RegExp(`${ALB_START}($| "[^ ]*")(.*)`);

const ALB_COLUMNS = [
  ...['type', 'time', 'elb', 'client_ip', 'client_port', 'target_ip', 'target_port', 'request_processing_time'],
  ...['target_processing_time', 'response_processing_time', 'elb_status_code', 'target_status_code', 'received_bytes'],
  ...['sent_bytes', 'request_verb', 'request_url', 'request_proto', 'user_agent', 'ssl_cipher', 'ssl_protocol'],
  ...['target_group_arn', 'trace_id', 'domain_name', 'chosen_cert_arn', 'matched_rule_priority'],
  ...['request_creation_time', 'actions_executed', 'redirect_url', 'lambda_error_reason', 'target_port_list'],
  ...['target_status_code_list', 'classification', 'classification_reason', 'conn_trace_id', 'unhandled_fields'],
];

/** nginx's combined format, with Kong's request id. */
const KONG_LINE =
  /^(\S+) - (\S+) \[([^\]]+)\] "(\S+) (.*?) (\S+)" (\d{3}) (\d+) "([^"]*)" "([^"]*)"(?: kong_request_id: "([^"]*)")?$/;

const KONG_COLUMNS = [
  ...['remote_addr', 'remote_user', 'time_local', 'request_verb', 'request_url', 'request_proto', 'status'],
  ...['body_bytes_sent', 'http_referer', 'http_user_agent', 'kong_request_id'],
];

/** A field in quotes, or up to the next space. */
const FIELD = /"[^"]*"|\S+/g;

const readJson: ReadLine = (line) => {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { line };
  }
};

/** What reads lines like the first of a format that has no expression here: JSON, or fields with spaces between them. */
const readOthers = (first: string): ReadLine =>
  first.startsWith('{')
    ? readJson
    : (line) => Object.fromEntries((line.match(FIELD) ?? []).map((field, index) => [`field_${index}`, field]));

/** By format: what reads lines like the first. */
const READERS: Readonly<Record<string, (first: string) => ReadLine>> = {
  alb: (first) => byExpression(ALB_LINE.test(first) ? ALB_LINE : ALB_LINE_OF_2019, ALB_COLUMNS),
  kong: () => byExpression(KONG_LINE, KONG_COLUMNS),
};

/** Gives each line as a record; waits where `take` does. */
export async function usualWay({ source, gzip }: Input, take: TakeRecord = () => {}): Promise<void> {
  let read: ReadLine | undefined;
  const lines = createInterface({ input: Readable.from(bodyOf(gzip)).pipe(createGunzip()), crlfDelay: Infinity });
  for await (const line of lines) {
    read ??= (READERS[source.settings.format] ?? readOthers)(line);
    const waits = take(Buffer.from(`${JSON.stringify(read(line))}\n`));
    if (waits) await waits;
  }
}

/** The same, each record sent to a stream, in batches as large as there may be. */
export async function usualHandler(input: Input, client: FirehoseClient): Promise<void> {
  const DeliveryStreamName = input.source.settings.name;
  let batch: { Data: Uint8Array }[] = [];
  let bytes = 0;
  const send = async () => {
    const Records = batch;
    batch = [];
    bytes = 0;
    await client.send(new PutRecordBatchCommand({ DeliveryStreamName, Records }));
  };
  await usualWay(input, (Data) => {
    const full = batch.length === MAX_BATCH_RECORDS || bytes + Data.length > MAX_BATCH_BYTES;
    const sent = full ? send() : undefined;
    batch.push({ Data });
    bytes += Data.length;
    return sent;
  });
  await send();
}

function byExpression(expression: RegExp, columns: readonly string[]): ReadLine {
  return (line) => {
    const fields = expression.exec(line);
    if (!fields) return { line };
    const row: Record<string, string | null> = {};
    for (const [index, column] of columns.entries()) {
      const field = fields[index + 1];
      row[column] = field === undefined || field === '-' ? null : field;
    }
    return row;
  };
}
