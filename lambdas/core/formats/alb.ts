import { delimitedLayout, delimitedReader, fieldsOf, type LineShape } from '../reading/delimited.ts';
import type { Format } from '../reading/format.ts';
import { bigint, defineColumns, double, int, text, timestamp } from '../tables/table.ts';

const columns = defineColumns({
  type: text('Kind of request or connection: http, https, h2, grpcs, ws or wss.'),
  time: timestamp('When the load balancer sent the response, UTC; for WebSockets, when the connection closed.'),
  elb: text('Resource id of the load balancer: app/name/id.'),
  client_ip: text('Address of the client, IPv4 or IPv6, without brackets.'),
  client_port: int('Port of the client.'),
  target_ip: text('Address of the target that processed the request; null when none was reached.'),
  target_port: int('Port of the target; null when none was reached.'),
  request_processing_time: double(
    'Seconds, to the millisecond, from receiving the request to sending it to a target; null where AWS logs -1.',
  ),
  target_processing_time: double(
    'Seconds, to the millisecond, until the target began to respond; null where AWS logs -1: no target did.',
  ),
  response_processing_time: double(
    'Seconds, to the millisecond, from receiving the response to sending it to the client; null where AWS logs -1.',
  ),
  elb_status_code: int("Status code of the load balancer's response."),
  target_status_code: int("Status code of the target's response; null when there was none."),
  received_bytes: bigint('Size of the request in bytes, headers included.'),
  sent_bytes: bigint('Size of the response in bytes, headers included.'),
  request_verb: text('HTTP method; null for a malformed request.'),
  request_url: text('URL as the client sent it, scheme, host, port and query string included.'),
  request_proto: text('Protocol and version, e.g. HTTP/1.1; null for a malformed request.'),
  user_agent: text('User-Agent header, cut at 8 KB by AWS; null when not sent.'),
  ssl_cipher: text('TLS cipher of an HTTPS listener; null for others.'),
  ssl_protocol: text('TLS protocol of an HTTPS listener; null for others.'),
  target_group_arn: text('ARN of the target group.'),
  trace_id: text('X-Amzn-Trace-Id header.'),
  domain_name: text('Host name of the TLS handshake (SNI); null when the client sent none.'),
  chosen_cert_arn: text('ARN of the certificate shown to the client, or session-reused.'),
  matched_rule_priority: int(
    'Priority of the rule that matched: 1-50000, 0 the default action, -1 an error in the rules.',
  ),
  request_creation_time: timestamp('When the load balancer received the request, UTC.'),
  actions_executed: text('Actions taken, separated by commas, e.g. waf,forward.'),
  redirect_url: text('Target of a redirect action.'),
  error_reason: text('Why an action failed, as a code, e.g. LambdaInvalidResponse.'),
  target_port_list: text('address:port of the targets that processed the request, separated by spaces.'),
  target_status_code_list: text('Status codes of the targets, separated by spaces.'),
  classification: text('Desync mitigation: Acceptable, Ambiguous or Severe.'),
  classification_reason: text('Why the request was classified so, as a code.'),
  conn_trace_id: text("Id of the connection, TID_...; the connection log's key."),
  transformed_host: text('Host header after a rewrite; null when not rewritten.'),
  transformed_uri: text('URI after a rewrite; null when not rewritten.'),
  request_transform_status: text('Outcome of the rewrite, e.g. TransformSuccess.'),
  ip_address: text('Address of the load balancer node.'),
  account_id: text("AWS account of the load balancer, from the object's name."),
  region: text("AWS Region of the load balancer, from the object's name."),
});

/**
 * Two requests of one connection can have the same times to the microsecond, at least with HTTP/2; the trace id
 * distinguishes these requests.
 */
const RECORD_KEY: readonly (keyof typeof columns)[] = [
  'time',
  'request_creation_time',
  'client_ip',
  'client_port',
  'target_ip',
  'target_port',
  'request_verb',
  'request_url',
  'request_proto',
  'trace_id',
  'conn_trace_id',
];

const { address, column, list, quoted, request, seconds } = fieldsOf(columns);

const SHAPE: LineShape = {
  // As AWS has added fields: 17 at first, in 2016; the trace id; the domain and the certificate (2017); the rule; the
  // creation time and the actions (2018); the redirect; the error reason; the lists of targets (2020); the
  // classification; the connection's trace id (2024); the rewrites (2025); the node's address (2026).
  lengths: [17, 18, 20, 21, 23, 24, 25, 27, 29, 30, 33, 34],
  // The upper limit only rejects prose and other formats.
  maxFields: 60,
  fields: [
    column('type'),
    column('time'),
    column('elb'),
    address('client_ip', 'client_port'),
    address('target_ip', 'target_port'),
    seconds('request_processing_time'),
    seconds('target_processing_time'),
    seconds('response_processing_time'),
    column('elb_status_code'),
    column('target_status_code'),
    column('received_bytes'),
    column('sent_bytes'),
    request('request_verb', 'request_url', 'request_proto'),
    quoted('user_agent'),
    column('ssl_cipher'),
    column('ssl_protocol'),
    column('target_group_arn', (arn) => /^[\da-f]{16}$/.test(arn.slice(arn.lastIndexOf('/') + 1))),
    column('trace_id'),
    column('domain_name'),
    column('chosen_cert_arn'),
    column('matched_rule_priority'),
    column('request_creation_time'),
    column('actions_executed'),
    column('redirect_url'),
    column('error_reason'),
    list('target_port_list', /^\S+:\d+$/),
    list('target_status_code_list', /^\d{3}$/),
    column('classification'),
    column('classification_reason'),
    column('conn_trace_id'),
    column('transformed_host'),
    column('transformed_uri'),
    column('request_transform_status'),
    column('ip_address'),
  ],
};

/**
 * Names of objects that have the same prefix as access logs but are not access logs of an Application Load Balancer:
 * its connection logs and health check logs; the test file that ELB writes when logs are enabled; the logs of Network
 * Load Balancers, whose names contain `net.` where those of an Application Load Balancer contain `app.`, and of Classic
 * Load Balancers, whose names contain neither.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html#access-log-file-format
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html#access-log-file-format
 */
const OTHER_LOGS = /^(?:conn_log_|health_check_log_)|^ELB\w*TestFile$|^\d{12}_elasticloadbalancing_[a-z\d-]+_(?!app\.)/;

/** Application Load Balancer access log, as ELB delivers it to S3. */
export const alb: Format & { readonly columns: typeof columns } = {
  name: 'alb',
  description: 'Application Load Balancer access log: one row per request or connection.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html',
  options: {},
  exampleLines: [
    'https 2026-11-22T12:03:00.186641Z app/web/50dc6c495c0c9188 192.0.2.7:40000 198.51.100.9:80 0.000 0.048 0.000 200 200 341 5366 ' +
      '"GET https://www.example.com:443/orders?page=2 HTTP/1.1" "Mozilla/5.0 (X11; Linux x86_64)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ' +
      'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" ' +
      '"www.example.com" "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" 1 ' +
      '2026-11-22T12:03:00.138000Z "forward" "-" "-" "198.51.100.9:80" "200" "-" "-" TID_1234abcd5678ef90 "-" "-" "-" 192.0.2.200',
  ],
  exampleKey:
    'AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/22/' +
    '123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20261122T1205Z_198.51.100.17_1ns7pf2a.log.gz',
  columns,
  accepts: (baseName) => !OTHER_LOGS.test(baseName),
  compile: () => ({
    columns,
    recordKeys: [RECORD_KEY],
    keyFacts: (key) => {
      const name = /(?:^|\/)(\d{12})_elasticloadbalancing_([a-z0-9-]+)_[^/]*$/.exec(key);
      return new Map(
        name
          ? [
              ['account_id', name[1] as string],
              ['region', name[2] as string],
            ]
          : [],
      );
    },
    reader: delimitedReader(SHAPE),
    layout: delimitedLayout(SHAPE),
  }),
};
