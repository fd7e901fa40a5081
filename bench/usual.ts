/**
 * The usual way to load logs, which is the baseline of all comparisons: readline, a regular expression for each line,
 * JSON.stringify with the names of all columns, and one record per line.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS } from '../lambdas/core/loading/pack.ts';
import { objectBody } from './ingest.ts';
import type { Input } from './input.ts';

type TakeRecord = (record: Uint8Array) => Promise<void> | undefined | void;

/** Splits a line into columns; a line that does not match becomes a row with one column. */
type ReadLine = (line: string) => Record<string, unknown>;

/** The fields up to `redirect_url`, which lines from 2019 contain too. */
const ALB_START =
  '([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) (.*) (- |[^ ]*)" "([^"]*)" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^"]*)" ([-.0-9]*) ([^ ]*) "([^"]*)" "([^"]*)"';

/** https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table.html */
const ALB_LINE = new RegExp(
  String.raw`${ALB_START} "([^ ]*)" "([^\s]+?)" "([^\s]+)" "([^ ]*)" "([^ ]*)" ?([^ ]*)? ?( .*)?`,
);

/**
 * Matches lines from before the last fields were added. `ALB_LINE` does not match them, and takes a hundred times as
 * long to find that out.
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

/** A field: text in quotes, or text up to the next space. */
const FIELD = /"[^"]*"|\S+/g;

const readJson: ReadLine = (line) => {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { line };
  }
};

/** Reader for formats without an expression here: JSON if the first line is JSON, else fields separated by spaces. */
const readOthers = (first: string): ReadLine =>
  first.startsWith('{')
    ? readJson
    : (line) => Object.fromEntries((line.match(FIELD) ?? []).map((field, index) => [`field_${index}`, field]));

/** Makes a reader for lines like the first, by format. */
const READERS: Readonly<Record<string, (first: string) => ReadLine>> = {
  alb: (first) => byExpression(ALB_LINE.test(first) ? ALB_LINE : ALB_LINE_OF_2019, ALB_COLUMNS),
  kong: () => byExpression(KONG_LINE, KONG_COLUMNS),
};

/** Passes each line to `take` as a record, and waits if `take` returns a promise. */
export async function usualWay({ source, gzip }: Input, take: TakeRecord = () => {}): Promise<void> {
  let read: ReadLine | undefined;
  const lines = createInterface({ input: Readable.from(objectBody(gzip)).pipe(createGunzip()), crlfDelay: Infinity });
  for await (const line of lines) {
    read ??= (READERS[source.settings.format] ?? readOthers)(line);
    const waits = take(Buffer.from(`${JSON.stringify(read(line))}\n`));
    if (waits) await waits;
  }
}

/** The usual way with sending: the records go to a stream in batches of the largest allowed size. */
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
