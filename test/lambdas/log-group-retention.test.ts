import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answerCloudFormation } from '../../lambdas/edges/custom-resource.ts';
import { setRetention } from '../../lambdas/edges/log-group-retention.ts';
import { type FakeService, failure, json, openFakeService, type Reply } from '../helpers/fake-service.ts';

let service: FakeService;
beforeEach(async () => {
  service = await openFakeService();
});
afterEach(() => service.close());

/** Replies one after the other; the last one again and again. */
const replies = (...all: readonly Reply[]) => {
  let next = 0;
  return () => all[Math.min(next++, all.length - 1)] as Reply;
};

describe('setting the retention of a log group', () => {
  const AT_ONCE = { tries: 3, waitMs: 1 };
  const set = () => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new CloudWatchLogsClient({
      endpoint: service.url,
      region: 'us-east-1',
      credentials,
      maxAttempts: 1,
    });
    return setRetention(client, '/example/app', 30, AT_ONCE);
  };

  test('tries again while the permission that was just granted is not yet effective', async () => {
    service.reply = replies(failure('AccessDeniedException'), failure('OperationAbortedException'), json({}));
    await set();
    expect(service.requests.map(({ body }) => JSON.parse(body))).toEqual(
      Array(3).fill({ logGroupName: '/example/app', retentionInDays: 30 }),
    );
  });

  test('gives up in the end', async () => {
    service.reply = () => failure('AccessDeniedException');
    await expect(set()).rejects.toThrow('as the test wants it');
    expect(service.requests).toHaveLength(3);
  });

  test('says at once that a log group does not exist', async () => {
    service.reply = () => failure('ResourceNotFoundException');
    await expect(set()).rejects.toThrow('log group /example/app does not exist: create it, then deploy again');
    expect(service.requests).toHaveLength(1);
  });
});

describe('the answer to CloudFormation', () => {
  const answered = async (work: () => Promise<void>) => {
    const event = {
      RequestType: 'Create',
      StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/Tributary/1',
      RequestId: 'request-1',
      LogicalResourceId: 'Retention',
      ResponseURL: `${service.url}/answer?signature=x`,
    } as CloudFormationCustomResourceEvent;
    await answerCloudFormation(event, '/example/app', work);
    const { method, path, headers, body } = service.requests.at(-1)!;
    return { method, path, contentType: headers['content-type'], answer: JSON.parse(body) };
  };

  test('says what was done, without a content type, which the signature of the URL does not have', async () => {
    expect(await answered(async () => {})).toEqual({
      method: 'PUT',
      path: '/answer?signature=x',
      contentType: undefined,
      answer: {
        Status: 'SUCCESS',
        PhysicalResourceId: '/example/app',
        StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/Tributary/1',
        RequestId: 'request-1',
        LogicalResourceId: 'Retention',
      },
    });
  });

  test('says why something failed, under the same id, so that nothing else is deleted', async () => {
    const { answer } = await answered(async () => {
      throw new Error('no such log group');
    });
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: 'no such log group', PhysicalResourceId: '/example/app' });
  });

  test('is sent again if it is not taken', async () => {
    service.reply = replies({ status: 503 }, 'cut', {});
    expect((await answered(async () => {})).answer).toMatchObject({ Status: 'SUCCESS' });
    expect(service.requests).toHaveLength(3);
  });
});
