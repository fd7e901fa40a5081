import { failure, json, type Reply, type ServedRequest } from '../../helpers/fake-service.ts';

export interface FakeStream {
  readonly name: string;
  /** Times of its events, in milliseconds since the epoch. */
  readonly times: readonly number[];
}

/** Of any request that is answered here. */
interface Input {
  readonly logGroupNamePrefix?: string;
  readonly logGroupName?: string;
  readonly logStreamNames?: readonly string[];
  readonly startTime?: number;
  readonly endTime?: number;
  readonly taskId?: string;
  readonly retentionInDays?: number;
  readonly nextToken?: string;
}

interface Task {
  readonly taskId: string;
  readonly taskName: string;
  readonly logGroupName: string;
  readonly from: number;
  readonly to: number;
  readonly destination: string;
  readonly destinationPrefix: string;
  status: { code: string; message?: string };
  /** How often its status is asked for before it has ended. */
  polls: number;
}

/**
 * CloudWatch Logs with log groups that can be exported, and the bucket that it exports to: one task at a time, objects of
 * the streams that have events, a page of one item for every list.
 */
export class FakeCloudWatch {
  readonly groups = new Map<string, readonly FakeStream[]>();
  readonly tasks: Task[] = [];
  readonly objects = new Map<string, number>();
  /** Retentions in the order in which they were set, each with the number of tasks that were completed then. */
  readonly retentions: { readonly logGroup: string; readonly days: number; readonly completed: number }[] = [];
  logGroupClass = 'STANDARD';
  createdAt = 0;
  /** Streams of which the export forgets the object. */
  readonly forgotten = new Set<string>();
  /** How the next task ends. */
  ending: { code: string; message?: string } = { code: 'COMPLETED' };

  get completed(): Task[] {
    return this.tasks.filter(({ status }) => status.code === 'COMPLETED');
  }

  readonly answer = ({ operation: target, path, body }: ServedRequest): Reply => {
    if (!target) return this.#list(new URL(path, 'http://s3').searchParams.get('prefix') ?? '');
    const input = JSON.parse(body) as Input;
    switch (target.split('.')[1]) {
      case 'DescribeLogGroups':
        return json({
          logGroups: [...this.groups.keys()]
            .filter((name) => name.startsWith(input.logGroupNamePrefix ?? ''))
            .map((logGroupName) => ({
              logGroupName,
              creationTime: this.createdAt,
              logGroupClass: this.logGroupClass,
              storedBytes: 1024,
            })),
        });
      case 'DescribeLogStreams':
        return paged(input, 'logStreams', this.#streams(input.logGroupName ?? ''));
      case 'FilterLogEvents':
        return this.#events(input);
      case 'CreateExportTask':
        return this.#start(input);
      case 'DescribeExportTasks':
        return this.#describe(input);
      case 'PutRetentionPolicy': {
        const { logGroupName: logGroup = '', retentionInDays: days = 0 } = input;
        this.retentions.push({ logGroup, days, completed: this.completed.length });
        return json({});
      }
      default:
        throw new Error(`nobody answers ${target}`);
    }
  };

  #streams(logGroup: string) {
    return (this.groups.get(logGroup) ?? []).map(({ name, times }) => ({
      logStreamName: name,
      ...(times.length > 0 && { firstEventTimestamp: Math.min(...times), lastEventTimestamp: Math.max(...times) }),
    }));
  }

  #events({ logGroupName = '', logStreamNames = [], startTime = 0, endTime = 0 }: Input): Reply {
    const { times = [] } = this.groups.get(logGroupName)?.find(({ name }) => name === logStreamNames[0]) ?? {};
    const events = times.filter((time) => time >= startTime && time <= endTime).map((timestamp) => ({ timestamp }));
    return json({ events: events.slice(0, 1) });
  }

  #start(input: Input): Reply {
    if (this.tasks.some(({ status }) => status.code === 'RUNNING')) return failure('LimitExceededException');
    const taskId = `task-${this.tasks.length + 1}`;
    this.tasks.push({ ...(input as unknown as Task), taskId, status: { code: 'RUNNING' }, polls: 1 });
    return json({ taskId });
  }

  #describe(input: Input): Reply {
    const { taskId } = input;
    for (const task of this.tasks) {
      if (task.status.code === 'RUNNING' && task.polls-- === 0) this.#end(task);
    }
    const found = this.tasks.filter((task) => taskId === undefined || task.taskId === taskId);
    return paged(input, 'exportTasks', found);
  }

  #end(task: Task): void {
    task.status = this.ending;
    this.ending = { code: 'COMPLETED' };
    if (task.status.code !== 'COMPLETED') return;
    for (const { name, times } of this.groups.get(task.logGroupName) ?? []) {
      if (this.forgotten.has(name) || !times.some((time) => time >= task.from && time <= task.to)) continue;
      this.objects.set(`${task.destinationPrefix}/${task.taskId}/${name.replaceAll('/', '-')}/000000.gz`, 100);
    }
  }

  #list(prefix: string): Reply {
    const contents = [...this.objects]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, size]) => `<Contents><Key>${key}</Key><Size>${size}</Size></Contents>`)
      .join('');
    const body = `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
    return { headers: { 'content-type': 'text/xml' }, body };
  }
}

function paged({ nextToken }: Input, name: string, items: readonly unknown[]): Reply {
  const at = Number(nextToken ?? 0);
  return json({ [name]: items.slice(at, at + 1), ...(at + 1 < items.length && { nextToken: String(at + 1) }) });
}
