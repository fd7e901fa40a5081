import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readPayload } from '../../lambdas/core/loading/payload.ts';
import { sourceOfLogGroup } from '../../lambdas/core/loading/sources.ts';
import { BadPayloadError } from '../../lambdas/core/reading/payload-json.ts';
import { LAKE } from '../../lib/names.ts';
import type { LakeHandle } from './lake-handle.ts';
import { listObjects } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';
import { loadHere } from './payloads.ts';

/** Result of redriving payloads that Lambda gave up on. found = loaded + alreadyLoaded + left. */
export interface FailedEventCounts {
  readonly found: number;
  readonly loaded: number;
  readonly alreadyLoaded: number;
  /** Payloads that cannot be loaded yet; they stay in the bucket. */
  readonly left: number;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
const invocationRecord = z.object({
  requestContext: z.object({ requestId: z.string(), functionArn: z.string().optional() }),
  requestPayload: z.unknown(),
});

/**
 * Loads the payloads that Lambda gave up on and put into the lake bucket. This process loads them, with the code of the
 * function, instead of invoking the function: an object may be deleted only after Firehose has acknowledged its whole
 * payload, and an accepted invocation does not say that.
 */
export async function redriveFailedEvents(
  lake: LakeHandle,
  options: OperationOptions,
  problems: string[],
): Promise<FailedEventCounts> {
  const counts = { found: 0, loaded: 0, alreadyLoaded: 0, left: 0 };
  const progress = options.progress('failed events');
  for await (const page of listObjects(lake, { bucket: lake.lakeBucket, prefix: LAKE.failedEvents })) {
    for (const { key } of page) {
      counts.found++;
      progress.add();
      if (options.dryRun) continue;
      await options.rateLimit();
      const result = await load(lake, key);
      if (result === 'loaded' || result === 'alreadyLoaded') {
        await lake.s3.send(new DeleteObjectCommand({ Bucket: lake.lakeBucket, Key: key }));
        counts[result]++;
      } else {
        counts.left++;
        problems.push(`s3://${lake.lakeBucket}/${key}: not loaded: ${result}`);
      }
    }
  }
  progress.end();
  return counts;
}

/** Loads one payload. @returns `loaded`, `alreadyLoaded`, or the reason why it cannot be loaded */
async function load(lake: LakeHandle, Key: string): Promise<string> {
  const { Body } = await lake.s3.send(new GetObjectCommand({ Bucket: lake.lakeBucket, Key }));
  const record = invocationRecord.safeParse(parsed(await Body?.transformToString()));
  if (!record.success) return 'expected an invocation record of Lambda with requestContext and requestPayload';
  const { requestContext, requestPayload } = record.data;
  try {
    const payload = readPayload(requestPayload);
    if (!payload) return 'alreadyLoaded';
    const source = sourceOfLogGroup(lake.sources, payload.logGroup);
    if (!source) return `no source has the log group ${payload.logGroup}`;
    // The function's own attempts had this request id: with the same holder, their claim is taken over at once.
    const { outcome } = await loadHere(lake, source, payload, requestContext.requestId);
    if (outcome === 'loaded') return 'loaded';
    return outcome === 'already_loaded' ? 'alreadyLoaded' : `its payload is ${outcome}; run the command again later`;
  } catch (error) {
    if (error instanceof BadPayloadError) return error.message;
    throw error;
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
