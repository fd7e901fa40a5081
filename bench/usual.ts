/** The usual way to load access logs: a line at a time, by the documentation's expression, a record for each. */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { bodyOf } from './ingest.ts';

/** https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table.html */
const LINE =
  /([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) (.*) (- |[^ ]*)" "([^"]*)" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^"]*)" ([-.0-9]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^ ]*)" "([^\s]+?)" "([^\s]+)" "([^ ]*)" "([^ ]*)" ?([^ ]*)? ?( .*)?/;

const COLUMNS = [
  ...['type', 'time', 'elb', 'client_ip', 'client_port', 'target_ip', 'target_port', 'request_processing_time'],
  ...['target_processing_time', 'response_processing_time', 'elb_status_code', 'target_status_code', 'received_bytes'],
  ...['sent_bytes', 'request_verb', 'request_url', 'request_proto', 'user_agent', 'ssl_cipher', 'ssl_protocol'],
  ...['target_group_arn', 'trace_id', 'domain_name', 'chosen_cert_arn', 'matched_rule_priority'],
  ...['request_creation_time', 'actions_executed', 'redirect_url', 'lambda_error_reason', 'target_port_list'],
  ...['target_status_code_list', 'classification', 'classification_reason', 'conn_trace_id', 'unhandled_fields'],
];

/** Gives each line that the expression takes as a record: JSON by column names, nulls and all. */
export async function usualWay(gzip: Uint8Array, take: (record: Uint8Array) => void = () => {}): Promise<void> {
  const lines = createInterface({ input: Readable.from(bodyOf(gzip)).pipe(createGunzip()), crlfDelay: Infinity });
  for await (const line of lines) {
    const fields = LINE.exec(line);
    if (!fields) continue;
    const row: Record<string, string | null> = {};
    for (const [index, column] of COLUMNS.entries()) {
      const field = fields[index + 1];
      row[column] = field === undefined || field === '-' ? null : field;
    }
    take(Buffer.from(`${JSON.stringify(row)}\n`));
  }
}
