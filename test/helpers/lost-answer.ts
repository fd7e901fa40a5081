import type { ServerResponse } from 'node:http';

/** Has a service do what it is asked without anybody learning of it: its answer is cut off. */
export function loseAnswer(response: ServerResponse): void {
  response.end = (() => response.destroy()) as unknown as typeof response.end;
}
