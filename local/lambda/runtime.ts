/**
 * Lambda's managed Node runtime in an execution environment: loads the handler once, then takes invocations one by one
 * from the Runtime API. Runs in a separate process, which `environment.ts` starts.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { existsSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

type Handler = (event: unknown, context: unknown) => unknown;

const { AWS_LAMBDA_RUNTIME_API = '', _HANDLER = '', LAMBDA_TASK_ROOT = '' } = process.env;
const runtime = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const agent = new Agent({ keepAlive: true });

// The process that started this one may be killed at any time; this one must end then.
process.on('disconnect', () => process.exit(0));

try {
  const handler = await loadHandler();
  // Node writes the cache when the process exits, which does not happen if it is killed.
  flushCompileCache();
  for (;;) await invokeNext(handler);
} catch (error) {
  await call('POST', '/init/error', described(error));
  process.exit(1);
}

async function loadHandler(): Promise<Handler> {
  const dot = _HANDLER.lastIndexOf('.');
  const [file, name] = [_HANDLER.slice(0, dot), _HANDLER.slice(dot + 1)];
  const path = ['.mjs', '.js', '.cjs'].map((end) => join(LAMBDA_TASK_ROOT, file + end)).find((one) => existsSync(one));
  if (path === undefined) throw new Error(`no ${file}.mjs, .js or .cjs in ${LAMBDA_TASK_ROOT}`);
  const loaded: Record<string, unknown> = await import(pathToFileURL(path).href);
  const handler = loaded[name];
  if (typeof handler !== 'function') throw new Error(`${_HANDLER} is no function`);
  return handler as Handler;
}

async function invokeNext(handler: Handler): Promise<void> {
  const { headers, body } = await call('GET', '/invocation/next');
  const requestId = String(headers['lambda-runtime-aws-request-id']);
  try {
    const result = await handler(JSON.parse(body), contextOf(requestId, headers));
    await call('POST', `/invocation/${requestId}/response`, result ?? null);
  } catch (error) {
    console.error(error);
    await call('POST', `/invocation/${requestId}/error`, described(error));
  }
}

function contextOf(awsRequestId: string, headers: IncomingHttpHeaders): unknown {
  // By a clock that nobody sets: this machine's may be corrected, or the machine may sleep.
  const end = performance.now() + Number(headers['lambda-runtime-deadline-ms']) - Date.now();
  return {
    awsRequestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, end - performance.now()),
  };
}

function described(error: unknown): unknown {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] };
}

/** Uses node:http, because fetch gives up if the next invocation takes long to come. */
function call(method: string, path: string, body?: unknown): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${runtime}${path}`, { method, agent }, (response) => {
      buffer(response).then((bytes) => resolve({ headers: response.headers, body: bytes.toString() }), reject);
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
