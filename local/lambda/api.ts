import type { IncomingMessage, ServerResponse } from 'node:http';
import { arnOf, nameOfArn } from '../account.ts';
import { bodyOf } from '../endpoint.ts';
import type { Caller } from '../iam/caller.ts';
import { isObject } from '../template/intrinsics.ts';
import type { Resource, Service } from '../template/resource.ts';

/** Stores an event (JSON) for a function, to be invoked later. */
type Invoke = (functionName: string, payload: string) => Promise<void>;

/** The part of Lambda's API that functions use: asynchronous invocations of other functions. */
export function lambdaApi(invoke: Invoke): Service {
  return {
    name: 'LAMBDA',
    handle: (request, response, caller) => answer(invoke, caller, request, response),
    close: async () => {},
  };
}

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
async function answer(
  invoke: Invoke,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '') ?? [];
  if (name === undefined || request.headers['x-amz-invocation-type'] !== 'Event') {
    response.writeHead(400, { 'x-amzn-errortype': 'InvalidParameterValueException' });
    response.end(JSON.stringify({ message: 'expected an asynchronous invocation: others have no local behaviour' }));
    return;
  }
  const target = nameOfArn(decodeURIComponent(name));
  const denied = caller.denial({ action: 'lambda:InvokeFunction', resource: arnOf('lambda', `function:${target}`) });
  if (denied) {
    if (!request.complete) response.setHeader('connection', 'close');
    response.writeHead(403, { 'x-amzn-errortype': 'AccessDeniedException' });
    response.end(JSON.stringify({ Message: denied.message }));
    return;
  }
  await invoke(target, (await bodyOf(request)).toString());
  response.writeHead(202).end();
}

/** The functions whose names are in other functions' environments, so that those can invoke them. */
export function functionsOthersInvoke(resources: readonly Resource[]): string[] {
  const functions = resources.filter(({ type }) => type === 'AWS::Lambda::Function');
  const mentioned = new Set(functions.flatMap(({ properties: { Environment } }) => valuesOf(Environment)));
  return functions.map(({ localName }) => localName).filter((name) => mentioned.has(name));
}

function valuesOf(environment: unknown): unknown[] {
  return isObject(environment) && isObject(environment.Variables) ? Object.values(environment.Variables) : [];
}
