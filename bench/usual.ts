/**
 * The usual way to load logs: a line at a time, by a regular expression, a record for each with the names
 * of all columns.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { bodyOf } from './ingest.ts';
import type { Input } from './input.ts';

/** Takes a line apart; what cannot be is a row of one column. */
type ReadLine = (line: string) => Record<string, unknown>;

/** https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table.html */
const ALB_LINE =
  /([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) (.*) (- |[^ ]*)" "([^"]*)" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^"]*)" ([-.0-9]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^ ]*)" "([^\s]+?)" "([^\s]+)" "([^ ]*)" "([^ ]*)" ?([^ ]*)? ?( .*)?/;

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

const READ_LINE: Readonly<Record<string, ReadLine>> = {
  alb: byExpression(ALB_LINE, ALB_COLUMNS),
  kong: byExpression(KONG_LINE, KONG_COLUMNS),
  json: (line) => {
    try {
      return JSON.parse(line) as Record<string, unknown>;
    } catch {
      return { line };
    }
  },
};

/** Gives each line as a record. */
export async function usualWay({ source, gzip }: Input, take: (record: Uint8Array) => void = () => {}): Promise<void> {
  const read = READ_LINE[source.settings.format] as ReadLine;
  const lines = createInterface({ input: Readable.from(bodyOf(gzip)).pipe(createGunzip()), crlfDelay: Infinity });
  for await (const line of lines) {
    take(Buffer.from(`${JSON.stringify(read(line))}\n`));
  }
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
