/** What an archive asks of CloudWatch Logs and S3. Each call can be repeated: see archive.ts for what a crash leaves. */
import {
  CloudWatchLogsClient,
  CreateExportTaskCommand,
  DescribeExportTasksCommand,
  LimitExceededException,
  PutRetentionPolicyCommand,
  paginateDescribeLogGroups,
  paginateDescribeLogStreams,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { s3Client } from '../../lambdas/edges/s3.ts';

/** A log group, as far as an archive looks at it. */
export interface LogGroup {
  readonly logClass: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Undefined: for ever. */
  readonly retentionDays: number | undefined;
  readonly storedBytes: number;
}

/** What a task exports, and where to. */
export interface Export {
  readonly taskName: string;
  readonly logGroup: string;
  /** Milliseconds since the epoch; the end is not included. */
  readonly from: number;
  readonly to: number;
  readonly bucket: string;
  readonly prefix: string;
}

/** `COMPLETED`, `FAILED`, `CANCELLED`, or a status on the way to one of these. */
export interface ExportStatus {
  readonly code: string;
  readonly message: string;
}

/** A log stream with the times of its first and last event; both are undefined if it has none. */
export interface LogStream {
  readonly name: string;
  readonly first: number | undefined;
  readonly last: number | undefined;
}

export interface LogExports {
  /** Undefined if there is no such log group. */
  readonly group: (name: string) => Promise<LogGroup | undefined>;
  /** Id of a task that exports this and has not failed. */
  readonly find: (of: Export) => Promise<string | undefined>;
  /** Id of the task that was started; undefined if another one of the account is running. */
  readonly start: (of: Export) => Promise<string | undefined>;
  /** Undefined if CloudWatch does not know the task any more. */
  readonly status: (taskId: string) => Promise<ExportStatus | undefined>;
  readonly streams: (logGroup: string) => AsyncIterable<LogStream>;
  /** Whether the stream has an event in this time; the end is not included. */
  readonly hasEvents: (logGroup: string, stream: string, from: number, to: number) => Promise<boolean>;
  readonly objects: (bucket: string, prefix: string) => AsyncIterable<{ readonly key: string; readonly bytes: number }>;
  readonly setRetention: (logGroup: string, days: number) => Promise<void>;
}

/** With the credentials and the Region of the SDK's default chain. */
export function openLogExports(): LogExports {
  return awsLogExports(new CloudWatchLogsClient({}), s3Client());
}

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html */
export function awsLogExports(client: CloudWatchLogsClient, s3: S3Client): LogExports {
  return {
    async group(name) {
      // The prefix also finds `/ecs/app-blue`.
      for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: name })) {
        const found = logGroups.find(({ logGroupName }) => logGroupName === name);
        if (!found) continue;
        const { logGroupClass: logClass = 'STANDARD', creationTime: createdAt = 0, storedBytes = 0 } = found;
        return { logClass, createdAt, storedBytes, retentionDays: found.retentionInDays };
      }
      return undefined;
    },
    async find({ taskName, logGroup, from, to, bucket, prefix }) {
      for (let nextToken: string | undefined; ; ) {
        const answer = await client.send(new DescribeExportTasksCommand({ nextToken }));
        const found = answer.exportTasks?.find(
          (task) =>
            task.taskName === taskName &&
            task.logGroupName === logGroup &&
            task.from === from &&
            task.to === to - 1 &&
            task.destination === bucket &&
            task.destinationPrefix === prefix &&
            !FAILURES.includes(task.status?.code ?? ''),
        );
        if (found) return found.taskId;
        nextToken = answer.nextToken;
        if (nextToken === undefined) return undefined;
      }
    },
    async start({ taskName, logGroup, from, to, bucket, prefix }) {
      try {
        const { taskId } = await client.send(
          new CreateExportTaskCommand({
            taskName,
            logGroupName: logGroup,
            from,
            // Events with this time are exported too.
            to: to - 1,
            destination: bucket,
            destinationPrefix: prefix,
          }),
        );
        return taskId;
      } catch (error) {
        if (error instanceof LimitExceededException) return undefined;
        throw error;
      }
    },
    async status(taskId) {
      const { exportTasks = [] } = await client.send(new DescribeExportTasksCommand({ taskId }));
      const [task] = exportTasks;
      return task && { code: task.status?.code ?? '', message: task.status?.message ?? '' };
    },
    async *streams(logGroupName) {
      for await (const { logStreams = [] } of paginateDescribeLogStreams({ client }, { logGroupName })) {
        for (const { logStreamName: name = '', firstEventTimestamp: first, lastEventTimestamp: last } of logStreams) {
          yield { name, first, last };
        }
      }
    },
    async hasEvents(logGroupName, stream, from, to) {
      const input = { logGroupName, logStreamNames: [stream], startTime: from, endTime: to - 1, limit: 1 };
      for await (const { events = [] } of paginateFilterLogEvents({ client }, input))
        if (events.length > 0) return true;
      return false;
    },
    async *objects(Bucket, Prefix) {
      for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix })) {
        for (const { Key: key = '', Size: bytes = 0 } of Contents) yield { key, bytes };
      }
    },
    async setRetention(logGroupName, retentionInDays) {
      await client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays }));
    },
  };
}

const FAILURES = ['FAILED', 'CANCELLED', 'PENDING_CANCEL'];
