import { isLoopback } from '../reading/address.ts';
import { envelopeName, envelopesOf, PIECE, rememberLast, type Unwrapped, unwrap } from '../reading/envelope.ts';
import {
  activeFilters,
  FILTERS,
  FILTERS_OPTION,
  type FilterName,
  filtersOption,
  gatewayFilters,
} from '../reading/filters.ts';
import { BLANK_LINE, type Format, filtered, ROW, rejected } from '../reading/format.ts';
import { type Member, objectMembers, objectOf, plainText, readObject } from '../reading/json-text.ts';
import { type JsonRecordLayout, type LayoutField, OP_OF_TYPE } from '../reading/layout.ts';
import { gatewayPieceOf } from '../reading/line-piece.ts';
import { clientAddress, isNoClient, projectOf } from '../reading/log-values.ts';
import { wholeNumber } from '../reading/numbers.ts';
import type { Row } from '../reading/row.ts';
import { readTime } from '../reading/time-forms.ts';
import { bigint, type ColumnType, defineColumns, double, int, text, timestamp } from '../tables/table.ts';

const columns = defineColumns({
  started_at: timestamp('When Kong began to process the request, UTC, to the millisecond.'),
  stream: text("The container's output stream the record came from; null if no envelope names it."),
  client_ip: text('Address of the client, IPv4 or IPv6.'),
  request_id: text("Kong's id of the request; null before Kong 3.5."),
  request_method: text('HTTP method.'),
  request_url: text('URL with scheme, host and port, without the query string.'),
  query_string: text('Query string without its question mark; null when there was none.'),
  request_uri: text('Path as the client sent it, with the query string.'),
  request_size: bigint('Bytes of the request, headers included.'),
  status_code: int("Status code of Kong's response."),
  response_size: bigint('Bytes of the response, headers included.'),
  latency_request_ms: double('Milliseconds from the first byte of the request to the last byte of the response.'),
  latency_kong_ms: double('Milliseconds Kong and its plugins took.'),
  latency_proxy_ms: double('Milliseconds until the upstream answered; null where Kong logs -1: it was not asked.'),
  latency_receive_ms: double('Milliseconds to receive the response from the upstream; null where Kong logs -1.'),
  host_domain: text('Host header of the request, as sent.'),
  project_name: text("The host's first label up to its first hyphen; platform where it has none."),
  user_agent: text('User-Agent header; null when not sent.'),
  referer: text('Referer header; null when not sent.'),
  route_id: text('Id of the route that matched; null when none did.'),
  route_name: text('Name of the route that matched.'),
  service_id: text('Id of the service behind the route.'),
  service_name: text('Name of the service behind the route.'),
  service_host: text('Host of the service behind the route.'),
  consumer_id: text('Id of the consumer; null for anonymous requests.'),
  consumer_username: text('Name of the consumer; null for anonymous requests.'),
  upstream_uri: text('Path sent to the upstream.'),
  upstream_status: text('Status codes of the upstream, one per try, separated by commas.'),
  response_source: text('Who made the response: upstream, or Kong itself (kong, exit, error).'),
  tries: text('JSON array of the tries to reach a target, with address, port, state and times.'),
  workspace_name: text('Workspace of the route.'),
});

type ColumnName = keyof typeof columns;

/**
 * Path of each column's value in a record. The members of an object on such a path that fill no column are kept in
 * `extra`, together in one object under the key of that object.
 */
const PATHS: ReadonlyMap<string, ColumnName> = new Map([
  ['started_at', 'started_at'],
  ['client_ip', 'client_ip'],
  ['request.id', 'request_id'],
  ['request.method', 'request_method'],
  ['request.url', 'request_url'],
  ['request.uri', 'request_uri'],
  ['request.size', 'request_size'],
  ['request.headers.host', 'host_domain'],
  ['request.headers.user-agent', 'user_agent'],
  ['request.headers.referer', 'referer'],
  ['response.status', 'status_code'],
  ['response.size', 'response_size'],
  ['latencies.request', 'latency_request_ms'],
  ['latencies.kong', 'latency_kong_ms'],
  ['latencies.proxy', 'latency_proxy_ms'],
  ['latencies.receive', 'latency_receive_ms'],
  ['route.id', 'route_id'],
  ['route.name', 'route_name'],
  ['service.id', 'service_id'],
  ['service.name', 'service_name'],
  ['service.host', 'service_host'],
  ['consumer.id', 'consumer_id'],
  ['consumer.username', 'consumer_username'],
  ['upstream_uri', 'upstream_uri'],
  ['upstream_status', 'upstream_status'],
  ['source', 'response_source'],
  ['tries', 'tries'],
  ['workspace_name', 'workspace_name'],
]);

/** Paths of the objects that contain columns: these objects are read member by member. */
const OBJECTS: ReadonlySet<string> = new Set(
  [...PATHS.keys()].flatMap((path) => [...path.matchAll(/\./g)].map((dot) => path.slice(0, dot.index))),
);

/** The columns as fields of the kernel's layout. */
const FIELDS: JsonRecordLayout['fields'] = [...PATHS].map(([path, column]) => ({
  ...fieldOf(column),
  path: path.split('.'),
}));

function fieldOf(column: ColumnName): LayoutField {
  switch (column) {
    case 'client_ip':
      return { op: 'client', columns: [column] };
    case 'request_url':
      return { op: 'url', columns: [column, 'query_string'] };
    case 'host_domain':
      return { op: 'host', columns: [column, 'project_name'] };
    default: {
      const { type } = columns[column];
      // Only latencies are doubles.
      return { op: type === 'double' ? 'seconds' : OP_OF_TYPE[type], columns: [column] };
    }
  }
}

/** What every record begins with. */
const START = '{';

const FILTER_NAMES: readonly FilterName[] = ['not_stdout', 'no_client_address', 'local_client'];

/** Records of Kong's http-log, file-log, tcp-log and udp-log plugins: one JSON object per request. */
export const kongJson: Format = {
  name: 'kong-json',
  description: "JSON records of Kong's http-log and file-log plugins: one row per request.",
  reference: 'https://developer.konghq.com/plugins/http-log/',
  options: { [FILTERS_OPTION]: filtersOption(FILTER_NAMES) },
  exampleLines: [
    '{"started_at":1795348980538,"client_ip":"192.0.2.10","request":{"id":"2f6946328ffc4946b8c9120704a4a155","method":"GET","uri":"/orders?page=2",' +
      '"url":"https://shop-api.example.com:8443/orders?page=2","size":139,"headers":{"host":"shop-api.example.com","user-agent":"Mozilla/5.0"}},' +
      '"response":{"status":200,"size":9982},"latencies":{"request":173,"kong":1,"proxy":171,"receive":1},"upstream_uri":"/orders?page=2",' +
      '"upstream_status":"200","source":"upstream","route":{"id":"0f1a4101-3327-4274-b1e4-484a4ab0c030","name":"orders"},' +
      '"service":{"id":"fb4eecf8-dec2-40ef-b779-16de7e2384c7","name":"shop","host":"shop.example.com"},"workspace_name":"default"}',
  ],
  ratesLike: 'json',
  filters: Object.fromEntries(FILTER_NAMES.map((name) => [name, FILTERS[name]])),
  compile: (options) => {
    const filters = activeFilters(options, FILTER_NAMES);
    const envelopes = rememberLast((line) => envelopesOf(line, START));
    return {
      columns,
      recordKeys: [['request_id']],
      envelopeOf: (line) => envelopeName(envelopes(line)),
      reader: {
        objects: true,
        pieceOf: (line) => gatewayPieceOf(envelopes(line), filters.has('not_stdout')),
        read: (line, row) => read(unwrap(line, START, envelopes(line)), row, filters),
      },
      layout: { kind: 'json-record', fields: FIELDS, stream: 'stream', ...gatewayFilters(filters) },
    };
  },
};

function read(unwrapped: Unwrapped, row: Row, filters: ReadonlySet<FilterName>) {
  const { text: record, stream, partial, rest: envelopeRest = [] } = unwrapped;
  if (filters.has('not_stdout') && stream !== undefined && stream !== 'stdout') return filtered('not_stdout');
  if (partial) return rejected(PIECE.reason, PIECE.detail);
  if (record.trim() === '') return filtered(BLANK_LINE);
  const object = readObject(record);
  if (!object.members) return rejected(object.reason, object.detail);
  const { found, rest, repeated } = membersByColumn(object.members);
  if (found.size === 0)
    return rejected('not_this_format', "expected a record of Kong's log plugins, got none of its keys");
  // Kong's client_ip is the address that Kong has seen, or took from a proxy that it trusts.
  const client = plainText(found.get('client_ip')?.json ?? '');
  if (filters.has('no_client_address') && isNoClient(client)) return filtered('no_client_address');
  if (filters.has('local_client') && isLoopback(clientAddress(client) ?? '')) return filtered('local_client');

  if (stream !== undefined) row.text('stream', stream);
  for (const [column, { json }] of found) if (json !== 'null') write(row, column, plainText(json));
  for (const { key, json } of repeated) row.error(key, plainText(json), 'duplicate_key');
  for (const { key, json } of [...envelopeRest, ...rest]) if (json !== 'null') row.extra(key, plainText(json));
  return ROW;
}

interface ByColumn {
  readonly found: Map<ColumnName, Member>;
  /** Members that fill no column, under the keys of the record. */
  readonly rest: Member[];
  /** Members whose column already has a value. */
  readonly repeated: Member[];
}

/** Finds the members that fill columns, in nested objects as deep as the paths in PATHS. */
function membersByColumn(members: readonly Member[], parent = ''): ByColumn {
  const all: ByColumn = { found: new Map(), rest: [], repeated: [] };
  for (const member of members) {
    const path = `${parent}${member.key}`;
    const column = PATHS.get(path);
    const inner = OBJECTS.has(path) ? objectMembers(member) : undefined;
    if (column && !all.found.has(column)) all.found.set(column, member);
    else if (column) all.repeated.push({ ...member, key: path });
    else if (!inner) all.rest.push(member);
    else {
      const { found, rest, repeated } = membersByColumn(inner, `${path}.`);
      for (const [name, value] of found) {
        if (all.found.has(name)) all.repeated.push({ key: `${path}.${value.key}`, json: value.json });
        else all.found.set(name, value);
      }
      if (rest.length > 0) all.rest.push({ key: member.key, json: objectOf(rest) });
      for (const again of repeated) all.repeated.push(again);
    }
  }
  return all;
}

function write(row: Row, column: ColumnName, value: string): void {
  switch (column) {
    case 'client_ip': {
      const address = clientAddress(value);
      if (address) row.text(column, address);
      else row.error(column, value, 'not an address');
      break;
    }
    case 'request_url': {
      const mark = value.indexOf('?');
      row.text('request_url', mark < 0 ? value : value.slice(0, mark));
      if (mark >= 0 && mark + 1 < value.length) row.text('query_string', value.slice(mark + 1));
      break;
    }
    case 'host_domain':
      row.text(column, value);
      row.text('project_name', projectOf(value));
      break;
    default:
      WRITE[columns[column].type](row, column, value);
  }
}

const WRITE: Readonly<Record<Exclude<ColumnType, 'boolean'>, (row: Row, column: ColumnName, value: string) => void>> = {
  string: (row, column, value) => row.text(column, value),
  int: (row, column, value) => row.int(column, wholeNumber(value), value),
  bigint: (row, column, value) => row.bigint(column, wholeNumber(value), value),
  // Only latencies are doubles.
  double: (row, column, value) => {
    if (value !== '-1') row.double(column, value);
  },
  timestamp: (row, column, value) => {
    const time = readTime(value);
    if (time) row.timestamp(column, time);
    else row.error(column, value, 'not a timestamp');
  },
};
