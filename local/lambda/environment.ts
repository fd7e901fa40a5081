import { type ChildProcess, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bodyOf } from '../endpoint.ts';

/** One event for a function. */
export interface Invocation {
  /** Lambda's retries of an asynchronous event have the same id. */
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
}

/** The outcome of an invocation. `undelivered`: the process ended before it received the event. */
export type Outcome =
  | { readonly kind: 'result'; readonly payload: string }
  | { readonly kind: 'error'; readonly errorType: string; readonly errorMessage: string }
  | { readonly kind: 'undelivered' };

/** Settings of a function's process. */
export interface EnvironmentOptions {
  readonly functionArn: string;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMiB: number;
  /** Milliseconds that an invocation may take. */
  readonly timeout: number;
  /** Receives what the process prints. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Called when an invocation has been delivered to the process. */
  readonly onDelivered?: (invocation: Invocation, pid: number) => void;
}

const RUNTIME = fileURLToPath(new URL('./runtime.ts', import.meta.url));

/** Folder in a bundle for code that V8 has compiled: compiling takes almost half of a process's start. */
const COMPILED = '.compiled';

/** Lambda allows up to 10 s for loading a bundle; several processes at once on a small machine take longer. */
const INIT_TIMEOUT_MS = 60_000;

/** The share of a function's memory that Lambda's own runtime gives to V8's old generation. */
const HEAP_SHARE = 0.9;

interface Pending {
  readonly invocation: Invocation;
  readonly end: (outcome: Outcome) => void;
  delivered: boolean;
  timer?: NodeJS.Timeout;
}

/** One execution environment: a process that has loaded a function's bundle and runs one event at a time. */
export class Environment {
  readonly #options: EnvironmentOptions;
  readonly #child: ChildProcess;
  #pending: Pending | undefined;
  #parked: ServerResponse | undefined;
  #initialised = false;
  #initError: Outcome | undefined;
  #alive = true;
  #gone = false;

  /** Starts the process. `env` must contain the address of the Runtime API that calls `handle`. */
  constructor(options: EnvironmentOptions) {
    this.#options = options;
    const heap = Math.floor(options.memoryMiB * HEAP_SHARE);
    const cwd = options.env.LAMBDA_TASK_ROOT ?? '';
    this.#child = spawn(process.execPath, [`--max-old-space-size=${heap}`, RUNTIME], {
      env: { ...options.env, NODE_COMPILE_CACHE: join(cwd, COMPILED) },
      cwd,
      // The fourth is a channel that disconnects when this process ends, so the child process notices it.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child.stdout?.on('data', options.onOutput);
    this.#child.stderr?.on('data', options.onOutput);
    this.#child.on('error', (error) => this.#died(error.message));
    // 'close' and not 'exit': at 'close', all output has been read.
    this.#child.on('close', (code, signal) => this.#died(signal ? `signal: ${signal}` : `exit status ${code}`));
  }

  /** True if the process can run another invocation. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Runs one event; never rejects. */
  invoke(invocation: Invocation): Promise<Outcome> {
    return new Promise((end) => {
      this.#pending = { invocation, end, delivered: false };
      if (!this.#alive) return this.#end({ kind: 'undelivered' });
      if (!this.#initialised) this.#killAfter(this.#pending, INIT_TIMEOUT_MS, 'loading the handler timed out');
      this.#deliver();
    });
  }

  /** Kills the process. An invocation in progress has no outcome then, as if the whole machine had stopped. */
  async discard(): Promise<void> {
    clearTimeout(this.#pending?.timer);
    this.#pending = undefined;
    if (this.#gone) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#kill();
    await gone;
  }

  /** Answers the process's calls of the Runtime API; `path` is the part of the URL after the API's version. */
  async handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path === '/runtime/invocation/next') {
      this.#initialised = true;
      this.#parked = response;
      this.#deliver();
      return;
    }
    const body = (await bodyOf(request)).toString();
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}');
    if (path === '/runtime/init/error') this.#initError = { kind: 'error', ...errorOf(body) };
    else if (path.endsWith('/error')) this.#end({ kind: 'error', ...errorOf(body) });
    else if (path.endsWith('/response')) this.#end({ kind: 'result', payload: body });
  }

  #deliver(): void {
    const [pending, response] = [this.#pending, this.#parked];
    if (!pending || !response) return;
    this.#parked = undefined;
    pending.delivered = true;
    const { timeout, functionArn, onDelivered } = this.#options;
    this.#killAfter(pending, timeout, `Task timed out after ${(timeout / 1000).toFixed(2)} seconds`);
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': pending.invocation.requestId,
      'lambda-runtime-deadline-ms': String(Date.now() + timeout),
      'lambda-runtime-invoked-function-arn': functionArn,
    });
    response.end(pending.invocation.payload);
    onDelivered?.(pending.invocation, this.#child.pid ?? 0);
  }

  #killAfter(pending: Pending, milliseconds: number, message: string): void {
    clearTimeout(pending.timer);
    pending.timer = setTimeout(() => {
      this.#alive = false;
      this.#kill();
      this.#end({ kind: 'error', errorType: 'Sandbox.Timedout', errorMessage: errorText(pending, message) });
    }, milliseconds);
  }

  #kill(): void {
    this.#child.kill('SIGKILL');
  }

  #died(how: string): void {
    this.#alive = false;
    this.#gone = true;
    const pending = this.#pending;
    if (!pending) return;
    if (!pending.delivered && this.#initialised) this.#end({ kind: 'undelivered' });
    else {
      const errorMessage = errorText(pending, `Runtime exited with error: ${how}`);
      this.#end(this.#initError ?? { kind: 'error', errorType: 'Runtime.ExitError', errorMessage });
    }
  }

  #end(outcome: Outcome): void {
    const pending = this.#pending;
    this.#pending = undefined;
    clearTimeout(pending?.timer);
    pending?.end(outcome);
  }
}

function errorText({ invocation }: Pending, message: string): string {
  return `RequestId: ${invocation.requestId} Error: ${message}`;
}

function errorOf(body: string): { errorType: string; errorMessage: string } {
  const error = JSON.parse(body) as { errorType?: unknown; errorMessage?: unknown };
  return { errorType: String(error.errorType ?? 'Error'), errorMessage: String(error.errorMessage ?? body) };
}
