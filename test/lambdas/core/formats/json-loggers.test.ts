import { describe, expect, test } from 'vitest';
import { json } from '../../../../lambdas/core/formats/json.ts';
import { LineBatcher } from '../../../../lambdas/core/loading/line-batcher.ts';
import { readLines } from '../../../helpers/read-lines.ts';

/** The time of each line below that has milliseconds. */
const TIME = '2026-11-22 12:03:00.123';

/** A logger, where its values are, a line of its default settings, and its row without `extra`. */
interface Logger {
  readonly name: string;
  /** Where the time is. */
  readonly time: string;
  /** Other columns. */
  readonly columns?: Readonly<Record<string, unknown>>;
  readonly line: string;
  readonly row: Readonly<Record<string, unknown>>;
}

const from = (path: string, type = 'string') => ({ type, from: path });

const LOGGERS: readonly Logger[] = [
  {
    name: 'winston with timestamp() and json()',
    time: 'timestamp',
    columns: { level: 'string', message: 'string' },
    line: '{"level":"info","message":"order accepted","order":17,"timestamp":"2026-11-22T12:03:00.123Z"}',
    row: { time: TIME, level: 'info', message: 'order accepted' },
  },
  {
    name: 'bunyan',
    time: 'time',
    columns: { level: 'int', msg: 'string', logger: from('name') },
    line: '{"name":"shop","hostname":"web-0","pid":17,"level":30,"msg":"order accepted","time":"2026-11-22T12:03:00.123Z","v":0}',
    row: { time: TIME, level: 30, msg: 'order accepted', logger: 'shop' },
  },
  {
    name: 'pino',
    time: 'time',
    columns: { level: 'int', url: from('req.url') },
    line: '{"level":30,"time":1795348980123,"pid":17,"hostname":"web-0","req":{"id":1,"url":"/orders"},"msg":"served"}',
    row: { time: TIME, level: 30, url: '/orders' },
  },
  {
    name: "log4j2's JsonTemplateLayout",
    time: '@timestamp',
    columns: { level: from('log.level'), logger: from('log.logger'), thread: from('process.thread.name') },
    line: '{"@timestamp":"2026-11-22T12:03:00.123Z","ecs.version":"1.2.0","log.level":"INFO","message":"order accepted","process.thread.name":"main","log.logger":"com.example.Shop"}',
    row: { time: TIME, level: 'INFO', logger: 'com.example.Shop', thread: 'main' },
  },
  {
    name: "log4j2's JsonLayout, which has an object with the time's seconds",
    time: 'instant.epochSecond',
    columns: { level: 'string', logger: from('loggerName'), nanos: from('instant.nanoOfSecond', 'int') },
    line: '{"instant":{"epochSecond":1795348980,"nanoOfSecond":123000000},"thread":"main","level":"INFO","loggerName":"com.example.Shop","message":"order accepted","endOfBatch":false,"threadId":1}',
    row: { time: '2026-11-22 12:03:00', level: 'INFO', logger: 'com.example.Shop', nanos: 123000000 },
  },
  {
    name: 'logstash-logback-encoder',
    time: '@timestamp',
    columns: { level: 'string', level_value: 'int', logger: from('logger_name') },
    line: '{"@timestamp":"2026-11-22T13:03:00.123+01:00","@version":"1","message":"order accepted","logger_name":"com.example.Shop","thread_name":"main","level":"INFO","level_value":20000}',
    row: { time: TIME, level: 'INFO', level_value: 20000, logger: 'com.example.Shop' },
  },
  {
    name: 'zap',
    time: 'ts',
    columns: { level: 'string', caller: 'string', took: 'double' },
    line: '{"level":"info","ts":1795348980.123,"caller":"shop/main.go:42","msg":"order accepted","took":0.0125}',
    row: { time: TIME, level: 'info', caller: 'shop/main.go:42', took: 0.0125 },
  },
  {
    name: 'klog, whose times are milliseconds with a fraction',
    time: 'ts',
    columns: { v: 'int', msg: 'string' },
    line: '{"ts":1795348980123.456,"caller":"app/main.go:42","msg":"started","v":0}',
    row: { time: '2026-11-22 12:03:00.123456', v: 0, msg: 'started' },
  },
  {
    name: 'zerolog',
    time: 'time',
    columns: { level: 'string', message: 'string' },
    line: '{"level":"info","order":17,"time":1795348980,"message":"order accepted"}',
    row: { time: '2026-11-22 12:03:00', level: 'info', message: 'order accepted' },
  },
  {
    name: 'slog',
    time: 'time',
    columns: { level: 'string', msg: 'string', file: from('source.file'), line: from('source.line', 'int') },
    line: '{"time":"2026-11-22T13:03:00.123456789+01:00","level":"INFO","source":{"function":"main.main","file":"/src/main.go","line":42},"msg":"order accepted","order":17}',
    row: { time: '2026-11-22 12:03:00.123456', level: 'INFO', msg: 'order accepted', file: '/src/main.go', line: 42 },
  },
  {
    name: 'logrus',
    time: 'time',
    columns: { level: 'string', msg: 'string' },
    line: '{"level":"warning","msg":"order late","order":17,"time":"2026-11-22T12:03:00Z"}',
    row: { time: '2026-11-22 12:03:00', level: 'warning', msg: 'order late' },
  },
  {
    name: 'structlog',
    time: 'timestamp',
    columns: { event: 'string', level: 'string' },
    line: '{"order": 17, "event": "order accepted", "level": "info", "timestamp": "2026-11-22T12:03:00.123456Z"}',
    row: { time: '2026-11-22 12:03:00.123456', event: 'order accepted', level: 'info' },
  },
  {
    name: 'python-json-logger',
    time: 'asctime',
    columns: { level: from('levelname'), message: 'string' },
    line: '{"asctime": "2026-11-22 12:03:00,123", "name": "shop", "levelname": "INFO", "message": "order accepted"}',
    row: { time: TIME, level: 'INFO', message: 'order accepted' },
  },
  {
    name: 'loguru with serialize',
    time: 'record.time.timestamp',
    columns: { level: from('record.level.name'), message: from('record.message'), line: from('record.line', 'int') },
    line: '{"text": "2026-11-22 12:03:00.123 | INFO | order accepted\\n", "record": {"elapsed": {"repr": "0:00:00.01", "seconds": 0.01}, "exception": null, "extra": {}, "file": {"name": "shop.py", "path": "/src/shop.py"}, "function": "main", "level": {"icon": "i", "name": "INFO", "no": 20}, "line": 42, "message": "order accepted", "module": "shop", "name": "__main__", "process": {"id": 17, "name": "MainProcess"}, "thread": {"id": 1, "name": "MainThread"}, "time": {"repr": "2026-11-22 12:03:00.123456+00:00", "timestamp": 1795348980.123456}}}',
    row: { time: '2026-11-22 12:03:00.123456', level: 'INFO', message: 'order accepted', line: 42 },
  },
  {
    name: 'Serilog with the CompactJsonFormatter',
    time: '@t',
    columns: { level: from('@l'), template: from('@mt'), order: from('Order.Id', 'bigint') },
    line: '{"@t":"2026-11-22T12:03:00.1234567Z","@mt":"{Order} accepted","@l":"Warning","Order":{"Id":17,"$type":"Order"}}',
    row: { time: '2026-11-22 12:03:00.123456', level: 'Warning', template: '{Order} accepted', order: 17 },
  },
  {
    name: "NLog's JsonLayout",
    time: 'time',
    columns: { level: 'string', message: 'string' },
    line: '{ "time": "2026-11-22 12:03:00.1230", "level": "INFO", "message": "order accepted", "eventProperties": { "order": 17 } }',
    row: { time: TIME, level: 'INFO', message: 'order accepted' },
  },
  {
    name: 'monolog',
    time: 'datetime',
    columns: { level: from('level_name'), channel: 'string', order: from('context.order', 'int') },
    line: '{"message":"order accepted","context":{"order":17,"user":"u-1"},"level":200,"level_name":"INFO","channel":"shop","datetime":"2026-11-22T12:03:00.123456+00:00","extra":{"memory":"2 MB"}}',
    row: { time: '2026-11-22 12:03:00.123456', level: 'INFO', channel: 'shop', order: 17 },
  },
  {
    name: 'monolog before version 2',
    time: 'datetime.date',
    columns: { level: from('level_name') },
    line: '{"message":"order accepted","context":[],"level":200,"level_name":"INFO","channel":"shop","datetime":{"date":"2026-11-22 12:03:00.123456","timezone_type":3,"timezone":"UTC"},"extra":[]}',
    row: { time: '2026-11-22 12:03:00.123456', level: 'INFO' },
  },
  {
    name: 'lograge',
    time: '@timestamp',
    columns: { path: 'string', status: 'int', duration: 'double', view: 'double' },
    line: '{"method":"GET","path":"/orders","format":"html","controller":"OrdersController","action":"index","status":200,"duration":58.33,"view":40.43,"db":15.26,"@timestamp":"2026-11-22T12:03:00.123Z","@version":"1","message":"[200] GET /orders"}',
    row: { time: TIME, path: '/orders', status: 200, duration: 58.33, view: 40.43 },
  },
  {
    name: 'semantic_logger',
    time: 'timestamp',
    columns: { level: 'string', duration_ms: 'double', order: from('payload.order', 'int') },
    line: '{"host":"web-0","application":"shop","timestamp":"2026-11-22T12:03:00.123456Z","level":"info","level_index":2,"pid":17,"thread":"main","duration_ms":12.5,"duration":"12.5ms","name":"Orders","message":"accepted","payload":{"order":17}}',
    row: { time: '2026-11-22 12:03:00.123456', level: 'info', duration_ms: 12.5, order: 17 },
  },
  {
    name: 'ougai',
    time: 'time',
    columns: { level: 'int', msg: 'string', error: from('err.message') },
    line: '{"name":"shop","hostname":"web-0","pid":17,"level":50,"time":"2026-11-22T21:03:00.123+09:00","v":0,"msg":"failed","err":{"name":"ArgumentError","message":"no order","stack":"shop.rb:42"}}',
    row: { time: TIME, level: 50, msg: 'failed', error: 'no order' },
  },
  {
    name: 'tracing-subscriber',
    time: 'timestamp',
    columns: {
      level: 'string',
      message: from('fields.message'),
      order: from('fields.order', 'int'),
      span: from('span.name'),
    },
    line: '{"timestamp":"2026-11-22T12:03:00.123456Z","level":"INFO","fields":{"message":"order accepted","order":17},"target":"shop","span":{"user":"u-1","name":"request"},"spans":[{"user":"u-1","name":"request"}]}',
    row: { time: '2026-11-22 12:03:00.123456', level: 'INFO', message: 'order accepted', order: 17, span: 'request' },
  },
  {
    name: 'tracing-bunyan-formatter',
    time: 'time',
    columns: { level: 'int', msg: 'string', line: 'int' },
    line: '{"v":0,"name":"shop","msg":"[ACCEPT - EVENT] accepted","level":30,"hostname":"web-0","pid":17,"time":"2026-11-22T12:03:00.123456789Z","target":"shop","line":42,"file":"src/main.rs"}',
    row: { time: '2026-11-22 12:03:00.123456', level: 30, msg: '[ACCEPT - EVENT] accepted', line: 42 },
  },
  {
    name: "Elixir's logger_json",
    time: 'time',
    columns: { severity: 'string', request_id: from('metadata.request_id') },
    line: '{"message":"order accepted","metadata":{"domain":["elixir"],"request_id":"F1k"},"severity":"info","time":"2026-11-22T12:03:00.123Z"}',
    row: { time: TIME, severity: 'info', request_id: 'F1k' },
  },
  {
    name: "Envoy's access log",
    time: 'start_time',
    columns: { response_code: 'int', duration: 'bigint', bytes_sent: 'bigint', upstream_host: 'string' },
    line: '{"start_time":"2026-11-22T12:03:00.123Z","method":"GET","path":"/orders","protocol":"HTTP/1.1","response_code":200,"response_flags":"-","bytes_received":0,"bytes_sent":34,"duration":12,"upstream_host":null,"user_agent":"curl/8.7.1"}',
    row: { time: TIME, response_code: 200, duration: 12, bytes_sent: 34 },
  },
  {
    name: "Traefik's access log",
    time: 'StartUTC',
    columns: {
      client: from('ClientHost'),
      status: from('DownstreamStatus', 'int'),
      duration_ns: from('Duration', 'bigint'),
    },
    line: '{"ClientAddr":"192.0.2.10:50000","ClientHost":"192.0.2.10","DownstreamContentSize":34,"DownstreamStatus":200,"Duration":12500000,"RequestMethod":"GET","RequestPath":"/orders","StartLocal":"2026-11-22T13:03:00.123456789+01:00","StartUTC":"2026-11-22T12:03:00.123456789Z","level":"info","msg":"","time":"2026-11-22T12:03:00Z"}',
    row: { time: '2026-11-22 12:03:00.123456', client: '192.0.2.10', status: 200, duration_ns: 12500000 },
  },
  {
    name: "Caddy's access log",
    time: 'ts',
    columns: { client_ip: from('request.client_ip'), uri: from('request.uri'), status: 'int', duration: 'double' },
    line: '{"level":"info","ts":1795348980.1234567,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.10","client_ip":"192.0.2.10","proto":"HTTP/2.0","method":"GET","host":"www.example.com","uri":"/orders","headers":{"User-Agent":["curl/8.7.1"]}},"bytes_read":0,"user_id":"","duration":0.000929675,"size":34,"status":200,"resp_headers":{"Server":["Caddy"]}}',
    row: {
      time: '2026-11-22 12:03:00.123456',
      client_ip: '192.0.2.10',
      uri: '/orders',
      status: 200,
      duration: 0.000929675,
    },
  },
  {
    name: 'GELF',
    time: 'timestamp',
    columns: { level: 'int', message: from('short_message'), request_id: from('_request_id') },
    line: '{"version":"1.1","host":"web-0","short_message":"order accepted","timestamp":1795348980.123,"level":6,"_request_id":"r-1"}',
    row: { time: TIME, level: 6, message: 'order accepted', request_id: 'r-1' },
  },
  {
    name: "journald's JSON, whose values are text",
    time: '__REALTIME_TIMESTAMP',
    columns: { priority: 'int', message: 'string', unit: from('_SYSTEMD_UNIT') },
    line: '{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1795348980123456","PRIORITY":"6","_SYSTEMD_UNIT":"shop.service","MESSAGE":"order accepted"}',
    row: { time: '2026-11-22 12:03:00.123456', priority: 6, message: 'order accepted', unit: 'shop.service' },
  },
  {
    name: 'JsonConsoleFormatter of .NET',
    time: 'Timestamp',
    columns: { level: from('LogLevel'), category: 'string', order: from('State.Order', 'int') },
    line: '{"Timestamp":"2026-11-22T12:03:00.1234567Z","EventId":0,"LogLevel":"Information","Category":"Shop","Message":"accepted 17","State":{"Message":"accepted 17","Order":17,"{OriginalFormat}":"accepted {Order}"}}',
    row: { time: '2026-11-22 12:03:00.123456', level: 'Information', category: 'Shop', order: 17 },
  },
];

/** The kernel leaves times in microseconds since the epoch to the reader. */
const inMicroseconds = ({ time }: Logger) => time === '__REALTIME_TIMESTAMP';

describe.each(LOGGERS)('lines of $name', (logger) => {
  const { time, columns = {}, line, row } = logger;
  const format = json.compile({ columns: { time: from(time, 'timestamp'), ...columns } });

  test('have times and values of the right types, and no errors', () => {
    const [reading] = readLines(format, [line]);
    const { extra: _, ...values } = (reading && 'row' in reading ? reading.row : {}) as { extra?: unknown };
    expect(values).toEqual(row);
  });

  test.skipIf(inMicroseconds(logger))('are read by the kernel', () => {
    let read = 0;
    const reader = {
      ...format.reader,
      read: (...of: Parameters<typeof format.reader.read>) => {
        read++;
        return format.reader.read(...of);
      },
    };
    const loader = new LineBatcher({
      source: 'logs',
      origin: 'origin000000',
      format: { ...format, reader },
      keepRaw: 'never',
      shared: new Map(),
      now: () => new Date(),
    });
    loader.push(Buffer.from(`${line}\n`.repeat(5)));
    loader.end();
    expect(loader.counts).toMatchObject({ rows: 5, fieldErrors: 0 });
    // The first line of an object is the reader's.
    expect(read).toBe(1);
  });
});
