/**
 * Columns that the JSON of common loggers has. Keys are those of the logger's default settings; what a record has beside
 * them goes to `extra`.
 */
import { bigint, boolean, type ColumnSpec, double, int, text, timestamp } from '../tables/table.ts';
import type { JsonColumns } from './json-columns.ts';

/** Columns of a logger. */
export interface JsonPreset {
  /** What writes such logs: the end of a sentence that begins with "Logs of". */
  readonly writer: string;
  /** URL of the keys' definition by their owner; absent for keys that no single program defines. */
  readonly reference?: string;
  readonly columns: JsonColumns;
}

/** A column whose value is at a key or path, by default at the key that is its name. */
type PresetColumn = ColumnSpec & { readonly from?: string };

const at = (from: string, column: ColumnSpec): PresetColumn => ({ ...column, from });

function columns(specs: Readonly<Record<string, PresetColumn>>): JsonColumns {
  return new Map(Object.entries(specs).map(([name, column]) => [name, { from: name, ...column }]));
}

const serverLogs: JsonPreset = {
  writer: 'web applications that name their keys so',
  columns: columns({
    timestamp: timestamp('When the application logged it, UTC.'),
    level: text('Severity, e.g. INFO or ERROR.'),
    request_id: text('Id of the request being served; null outside of one.'),
    method: text('HTTP method of the request.'),
    path: text('Path of the request.'),
    status_code: int('Status code of the response.'),
    response_time: double('Time taken to respond, in the unit the application logs.'),
    error_traceback: text('Stack trace of an error; null when there was none.'),
  }),
};

const ecs: JsonPreset = {
  writer: 'the ECS loggers of Elastic, and of others that follow the Elastic Common Schema',
  reference: 'https://www.elastic.co/docs/reference/ecs/ecs-field-reference',
  columns: columns({
    time: at('@timestamp', timestamp('When the event happened, UTC.')),
    level: at('log.level', text('Severity, as logged.')),
    message: text('The message.'),
    logger: at('log.logger', text('Name of the logger.')),
    ecs_version: at('ecs.version', text('Version of the schema that the event follows.')),
    service_name: at('service.name', text('Name of the service.')),
    service_version: at('service.version', text('Version of the service.')),
    service_environment: at('service.environment', text('Environment of the service, e.g. production.')),
    event_dataset: at('event.dataset', text('Name of the data set, mostly the service and the kind of log.')),
    event_action: at('event.action', text('What happened.')),
    event_outcome: at('event.outcome', text('success, failure or unknown.')),
    event_duration_ns: at('event.duration', bigint('Nanoseconds that the event took.')),
    thread: at('process.thread.name', text('Name of the thread.')),
    process_id: at('process.pid', bigint('Id of the process.')),
    host_name: at('host.name', text('Name of the host.')),
    trace_id: at('trace.id', text('Id of the trace; null outside of one.')),
    transaction_id: at('transaction.id', text('Id of the transaction; null outside of one.')),
    span_id: at('span.id', text('Id of the span; null outside of one.')),
    error_type: at('error.type', text('Class of the error; null when there was none.')),
    error_message: at('error.message', text('Message of the error.')),
    error_stack_trace: at('error.stack_trace', text('Stack trace of the error.')),
    http_method: at('http.request.method', text('HTTP method of the request.')),
    http_status_code: at('http.response.status_code', int('Status code of the response.')),
    url_path: at('url.path', text('Path of the request.')),
    client_ip: at('client.ip', text('Address of the client.')),
    user_agent: at('user_agent.original', text('User-Agent header.')),
  }),
};

const logstash: JsonPreset = {
  writer: 'logstash-logback-encoder, and of others that write the events of Logstash',
  reference: 'https://github.com/logfellow/logstash-logback-encoder#standard-fields',
  columns: columns({
    time: at('@timestamp', timestamp('When the event was logged, UTC.')),
    version: at('@version', text('Version of the Logstash event, mostly 1.')),
    level: text('Severity, e.g. INFO.'),
    level_value: int("The severity as logback's number, e.g. 20000 for INFO."),
    message: text('The message.'),
    logger: at('logger_name', text('Name of the logger.')),
    thread: at('thread_name', text('Name of the thread.')),
    stack_trace: text('Stack trace of an exception; null when there was none.'),
    tags: text('JSON array of the names of markers; null without any.'),
  }),
};

const serilog: JsonPreset = {
  writer: 'Serilog with the CompactJsonFormatter or the RenderedCompactJsonFormatter',
  reference: 'https://github.com/serilog/serilog-formatting-compact#format-details',
  columns: columns({
    time: at('@t', timestamp('When the event happened, UTC.')),
    level: at('@l', text('Severity; null stands for Information.')),
    message: at('@m', text('The message with its values; null if the formatter does not render it.')),
    message_template: at('@mt', text('The message with names in place of its values.')),
    event_id: at('@i', text('Id of the kind of event; null if it is not rendered.')),
    exception: at('@x', text('Exception with its stack trace; null when there was none.')),
    renderings: at('@r', text('JSON array of values in the formats that the template asks for; null without any.')),
    trace_id: at('@tr', text('Id of the trace; null outside of one.')),
    span_id: at('@sp', text('Id of the span; null outside of one.')),
  }),
};

const serilogJson: JsonPreset = {
  writer: 'Serilog with its own JsonFormatter, whose keys are long',
  reference: 'https://github.com/serilog/serilog/wiki/Formatting-Output#formatting-json',
  columns: columns({
    time: at('Timestamp', timestamp('When the event happened, UTC.')),
    level: at('Level', text('Severity, e.g. Information.')),
    message: at('RenderedMessage', text('The message with its values; null if the formatter does not render it.')),
    message_template: at('MessageTemplate', text('The message with names in place of its values.')),
    exception: at('Exception', text('Exception with its stack trace; null when there was none.')),
    trace_id: at('TraceId', text('Id of the trace; null outside of one.')),
    span_id: at('SpanId', text('Id of the span; null outside of one.')),
    properties: at('Properties', text('JSON object of the values of the message and of its context.')),
  }),
};

const pino: JsonPreset = {
  writer: 'pino and pino-http for Node.js',
  reference: 'https://github.com/pinojs/pino/blob/main/docs/api.md',
  columns: columns({
    time: timestamp('When the event was logged, UTC, to the millisecond.'),
    level: int('Severity: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal.'),
    message: at('msg', text('The message; null when only an object was logged.')),
    logger: at('name', text('Name of the logger; null without one.')),
    process_id: at('pid', bigint('Id of the process.')),
    hostname: text('Name of the host.'),
    error_type: at('err.type', text('Class of the error; null when there was none.')),
    error_message: at('err.message', text('Message of the error.')),
    error_stack: at('err.stack', text('Stack trace of the error.')),
    request_id: at('req.id', text('Id of the request; null outside of one.')),
    method: at('req.method', text('HTTP method of the request.')),
    url: at('req.url', text('URL of the request.')),
    status_code: at('res.statusCode', int('Status code of the response.')),
    response_time_ms: at('responseTime', double('Milliseconds taken to respond.')),
  }),
};

const zap: JsonPreset = {
  writer: 'zap for Go, with its production configuration',
  reference: 'https://pkg.go.dev/go.uber.org/zap#NewProductionEncoderConfig',
  columns: columns({
    time: at('ts', timestamp('When the event was logged, UTC.')),
    level: text('Severity, e.g. info.'),
    message: at('msg', text('The message.')),
    logger: text('Name of the logger; null without one.'),
    caller: text('File and line that logged it.'),
    error: text('Message of the field of an error; null when there was none.'),
    error_verbose: at('errorVerbose', text('The error with its stack trace, of packages that write one.')),
    stacktrace: text('Stack trace of an event that is an error; null for others.'),
  }),
};

const powertools: JsonPreset = {
  writer: 'the Logger of Powertools for AWS Lambda',
  reference: 'https://docs.aws.amazon.com/powertools/python/latest/core/logger/#standard-structured-keys',
  columns: columns({
    time: at('timestamp', timestamp('When the event was logged, UTC.')),
    level: text('Severity, e.g. INFO.'),
    message: text('The message; of an object, its JSON.'),
    service: text('Name of the service.'),
    location: text('Function and line that logged it; null for TypeScript.'),
    request_id: at('function_request_id', text('Id of the invocation; null without the context of Lambda.')),
    correlation_id: text('Id that the function has been given to follow a request; null without one.'),
    trace_id: at('xray_trace_id', text('Id of the trace of X-Ray; null without tracing.')),
    cold_start: boolean('Whether the invocation is the first of its environment.'),
    function_name: text('Name of the function.'),
    function_arn: text('ARN of the function.'),
    function_memory_mb: at('function_memory_size', int('MB of memory that the function has.')),
    sampling_rate: double('Share of invocations that log everything, from 0 to 1; null without sampling.'),
    exception_name: text('Class of the exception; null when there was none, and for TypeScript.'),
    exception: text('Exception with its stack trace; null when there was none, and for TypeScript.'),
    error_name: at('error.name', text('Class of the error, for TypeScript; null when there was none.')),
    error_message: at('error.message', text('Message of the error, for TypeScript.')),
    error_stack: at('error.stack', text('Stack trace of the error, for TypeScript.')),
  }),
};

const lambdaPlatform: JsonPreset = {
  writer: 'Lambda functions whose log format is JSON: the records of the platform, and of the built-in loggers',
  reference: 'https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html',
  columns: columns({
    time: timestamp("When the platform's event happened, UTC; null for records of a logger."),
    type: text("Kind of the platform's event, e.g. platform.report; null for records of a logger."),
    request_id: at('record.requestId', text('Id of the invocation; null outside of one, and for records of a logger.')),
    status: at('record.status', text('success, failure, error or timeout, of a report and of the end of a runtime.')),
    error_type: at('record.errorType', text('Kind of the error; null when there was none.')),
    phase: at('record.phase', text('init, invoke or snap-start, of an initialization.')),
    initialization_type: at('record.initializationType', text('on-demand, provisioned-concurrency or snap-start.')),
    function_version: at('record.version', text('Version of the function, of the start of an invocation.')),
    runtime_version: at('record.runtimeVersion', text('Version of the runtime, of the start of an initialization.')),
    trace_value: at('record.tracing.value', text('Trace header of X-Ray; null without tracing.')),
    duration_ms: at(
      'record.metrics.durationMs',
      double('Milliseconds that the invocation or the initialization took.'),
    ),
    billed_duration_ms: at('record.metrics.billedDurationMs', bigint('Milliseconds that are billed.')),
    memory_size_mb: at('record.metrics.memorySizeMB', bigint('MB of memory that the function has.')),
    max_memory_used_mb: at('record.metrics.maxMemoryUsedMB', bigint('MB of memory that the environment has used.')),
    init_duration_ms: at(
      'record.metrics.initDurationMs',
      double('Milliseconds of the initialization, of a cold start.'),
    ),
    restore_duration_ms: at('record.metrics.restoreDurationMs', double('Milliseconds of the restore, with SnapStart.')),
    produced_bytes: at('record.metrics.producedBytes', bigint('Bytes that the function returned.')),
    dropped_records: at('record.droppedRecords', bigint('Records that the platform has dropped.')),
    dropped_bytes: at('record.droppedBytes', bigint('Bytes of the records that the platform has dropped.')),
    dropped_reason: at('record.reason', text('Why the platform has dropped records.')),
    logged_time: at('timestamp', timestamp('When a logger logged the record, UTC; null for events of the platform.')),
    level: text('Severity of a record of a logger.'),
    message: text('Message of a record of a logger.'),
    logger_request_id: at('requestId', text('Id of the invocation in which a logger logged the record.')),
  }),
};

/** By name. */
export const PRESETS: Readonly<Record<string, JsonPreset>> = {
  'server-logs': serverLogs,
  ecs,
  logstash,
  serilog,
  'serilog-json': serilogJson,
  pino,
  zap,
  powertools,
  'lambda-platform': lambdaPlatform,
};
