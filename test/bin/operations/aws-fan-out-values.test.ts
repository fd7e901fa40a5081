import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { awsFanOutValues } from '../../../bin/operations/aws-fan-out-values.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type FakeService, failure, json, openFakeService, type Reply } from '../../helpers/fake-service.ts';
import { archiveOf, type Packed } from '../../helpers/zip.ts';

/** Lambda, and the place where it keeps the code of functions. */
let service: FakeService;
let lambda: LambdaClient;
let code: Reply;
beforeEach(async () => {
  service = await openFakeService(({ path }) =>
    path === '/code' ? code : json({ Code: { Location: `${service.url}/code` } }),
  );
  lambda = new LambdaClient({ ...clientOptions(service.url), maxAttempts: 1 });
});
afterEach(async () => {
  lambda.destroy();
  await service.close();
});

const archived = (name: string): Packed[] => [
  { name: 'index.mjs', text: 'export {};', method: 8 },
  { name, text: '{"app":["acme","Acme/EU"]}', method: 8 },
];

test('the values are those beside the code of the function', async () => {
  code = { body: archiveOf(archived('fan-out.json')) };
  expect(await awsFanOutValues(lambda, 'lake-write')).toEqual({ app: ['acme', 'Acme/EU'] });
  expect(service.requests[0]?.path).toBe('/2015-03-31/functions/lake-write');
});

test.each<[string, Reply, RegExp]>([
  ['no values', { body: archiveOf(archived('other.json')) }, /expected fan-out.json beside its code, got none$/],
  ['no archive', { body: 'gone' }, /expected a zip archive, got 4 bytes/],
  ['no longer there', { status: 403, body: '' }, /expected its code, got status 403$/],
])('a function whose code has %s is named', async (_, answer, why) => {
  code = answer;
  const known = awsFanOutValues(lambda, 'lake-write');
  await expect(known).rejects.toThrow(/^function lake-write: which values have a table of their own is not known: /);
  await expect(known).rejects.toThrow(why);
});

test('a caller who may not have the code is told what Lambda says', async () => {
  service.reply = () => failure('AccessDeniedException', 403);
  await expect(awsFanOutValues(lambda, 'lake-write')).rejects.toThrow(/^function lake-write: .*as the test wants it/);
});
