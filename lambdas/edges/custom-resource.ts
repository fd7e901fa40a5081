import type { CloudFormationCustomResourceEvent } from 'aws-lambda';

/** Attempts to answer. If all fail, the error is thrown, and Lambda invokes the function again with the same event. */
const TRIES = 5;
const WAIT_MS = 1000;

/**
 * Does the work of a custom resource and tells CloudFormation how it went: without an answer, a deployment waits until
 * the resource's timeout. If the process ends before the answer, Lambda invokes the function again, so the work must be
 * such that doing it twice does no harm.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 *
 * @param id of what the resource stands for; with another id, CloudFormation deletes the resource of before
 */
export async function answerCloudFormation(
  event: CloudFormationCustomResourceEvent,
  id: string,
  work: () => Promise<void>,
): Promise<void> {
  const { StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const outcome = await outcomeOf(work);
  // As bytes: text would be sent with a content type, which the signature of the URL does not have.
  const body = Buffer.from(
    JSON.stringify({ ...outcome, PhysicalResourceId: id, StackId, RequestId, LogicalResourceId }),
  );
  for (let attempt = 1; ; attempt++) {
    try {
      const { ok, status } = await fetch(ResponseURL, { method: 'PUT', body });
      if (ok) return;
      throw new Error(`CloudFormation's URL for the answer: expected a status of 200, got ${status}`);
    } catch (error) {
      if (attempt >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS * attempt));
    }
  }
}

async function outcomeOf(work: () => Promise<void>): Promise<{ readonly Status: string; readonly Reason?: string }> {
  try {
    await work();
    return { Status: 'SUCCESS' };
  } catch (error) {
    return { Status: 'FAILED', Reason: error instanceof Error ? error.message : String(error) };
  }
}
