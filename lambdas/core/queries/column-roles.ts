/**
 * What the columns of a table are for, whatever format the table has: a question needs a status or a URL, not a format.
 * So the tables of formats to come, and of users' own JSON columns, are asked the questions that they can answer.
 */
import type { ColumnType } from '../tables/table.ts';
import { OWN } from '../tables/table.ts';
import { type QueriedTable, quoted } from './saved-query.ts';

/** SQL expressions over a table's columns; undefined where the table has none for it. */
export interface ColumnRoles {
  /** When the event happened, UTC. */
  readonly time: string | undefined;
  readonly method: string | undefined;
  /** URL or path without its query string. */
  readonly url: string | undefined;
  /** The same with `{id}` in place of numbers and UUIDs, so that the requests of one endpoint are together. */
  readonly endpoint: string | undefined;
  /** Status code of the response. */
  readonly status: string | undefined;
  /** What the request was passed on to: a target, an upstream or a service. */
  readonly target: string | undefined;
  /** Status code of the target's own response. */
  readonly targetStatus: string | undefined;
  /** Name of the column with the time that a request took, in that column's own unit. */
  readonly latency: string | undefined;
  readonly client: string | undefined;
  /** Bytes of the response. */
  readonly bytes: string | undefined;
  readonly project: string | undefined;
  /** Severity of a log event. */
  readonly level: string | undefined;
}

const WHOLE: readonly ColumnType[] = ['int', 'bigint'];
const NUMBER: readonly ColumnType[] = [...WHOLE, 'double'];
const TEXT: readonly ColumnType[] = ['string'];

/** Names of columns with the time that a request took: if a table has several, the first of these is asked for. */
const LATENCIES = ['target_processing_time', 'response_time', 'latency_request_ms', 'response_time_ms', 'duration_ms'];
/** A part of the names that users give such columns. */
const LATENCY = /(?:^|_)(?:duration|latency|elapsed|took|(?:response|request|processing)_time)(?:_|$)/;

/** A number, or a UUID, that is a segment of a path. RE2, Java and Joni read it in the same way. */
const IDS = '/([0-9]+|[0-9a-f]{8}-[0-9a-f-]{27})\\b';

export function rolesOf({ columns }: QueriedTable): ColumnRoles {
  const find = (types: readonly ColumnType[], ...names: readonly string[]): string | undefined => {
    const name = names.find((each) => columns.some((column) => column.name === each && types.includes(column.type)));
    return name === undefined ? undefined : quoted(name);
  };
  const address = find(TEXT, 'request_url', 'url_path', 'path', 'url', 'request_path', 'uri');
  const url = address && `split_part(${address}, '?', 1)`;
  return {
    time: timeOf(columns),
    method: find(TEXT, 'request_verb', 'request_method', 'method', 'http_method'),
    url,
    endpoint: url && `regexp_replace(${url}, '${IDS}', '/{id}')`,
    status: find(WHOLE, 'elb_status_code', 'status_code', 'http_status_code', 'status', 'http_status'),
    target:
      targetOf(find(TEXT, 'target_ip'), find(WHOLE, 'target_port')) ?? find(TEXT, 'upstream_addr', 'service_name'),
    targetStatus: find(WHOLE, 'target_status_code', 'upstream_status_code'),
    latency:
      find(NUMBER, ...LATENCIES) ??
      find(NUMBER, ...columns.map(({ name }) => name).filter((name) => LATENCY.test(name))),
    client: find(TEXT, 'client_ip', 'remote_addr', 'client_address'),
    bytes: find(WHOLE, 'sent_bytes', 'bytes_sent', 'response_size'),
    project: find(TEXT, 'project_name'),
    level: find([...TEXT, ...WHOLE], 'level', 'severity', 'log_level'),
  };
}

/** The first time that the format declares; of log events that tell none, CloudWatch's own, as in `loads`. */
function timeOf(columns: QueriedTable['columns']): string | undefined {
  const { name: loggedAt } = OWN.loggedAt;
  const own = columns.find(({ name, type }) => type === 'timestamp' && name !== loggedAt);
  const logged = columns.find(({ name }) => name === loggedAt);
  const times = [own, logged].flatMap((column) => (column ? quoted(column.name) : []));
  return times.length > 1 ? `coalesce(${times.join(', ')})` : times[0];
}

function targetOf(address: string | undefined, port: string | undefined): string | undefined {
  return address && port && `${address} || ':' || CAST(${port} AS varchar)`;
}
