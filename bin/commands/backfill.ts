import { type Command, Option } from 'commander';
import { backfillLogGroup } from '../operations/backfill-log-group.ts';
import { backfillObjects } from '../operations/backfill-objects.ts';
import { addOperation, type OperationFlags, operate, sinceOption, untilOption } from './operation.ts';

interface BackfillFlags extends OperationFlags {
  readonly since?: Date;
  readonly until?: Date;
  readonly source?: string;
  readonly reload?: true;
  readonly logGroup?: string;
}

/** `lake backfill` */
export function addBackfill(program: Command): void {
  addOperation(program, 'backfill', 'loads objects of a bucket, or events of a log group, that are older than the lake')
    .argument(
      '[s3://bucket/prefix]',
      'load the objects whose keys begin with this prefix, which must belong to a source',
    )
    .addOption(
      new Option(
        '--log-group <name>',
        'load the events of this log group, which must belong to a source, from CloudWatch (needs --stack)',
      ),
    )
    .addOption(sinceOption('only objects modified, or events logged,'))
    .addOption(untilOption('only objects modified, or events logged,'))
    .addOption(new Option('--source <name>', 'only objects of this source'))
    .addOption(
      new Option(
        '--reload',
        'also load objects that have already been loaded; their rows repeat, with the same origin and position',
      ),
    )
    .action(run);
}

async function run(place: string | undefined, flags: BackfillFlags, command: Command): Promise<void> {
  const { since, until, source, reload = false, logGroup } = flags;
  if ((place === undefined) === (logGroup === undefined)) {
    command.error('error: expected either s3://bucket/prefix or --log-group NAME');
  }
  if (place !== undefined) {
    const task = {
      ...placeOf(place, command),
      reload,
      ...(since && { since }),
      ...(until && { until }),
      ...(source && { source }),
    };
    return operate(flags, true, async (lake, options) => ({ counts: await backfillObjects(lake, task, options) }));
  }
  if (!since || !until) command.error('error: --log-group: expected --since and --until as well');
  const range = { logGroup: logGroup ?? '', since: since.getTime(), until: until.getTime() };
  return operate(flags, true, async (lake, options) => ({ counts: await backfillLogGroup(lake, range, options) }));
}

function placeOf(url: string, command: Command): { bucket: string; prefix: string } {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(url) ?? [];
  if (bucket === undefined) command.error(`error: expected s3://bucket/prefix, got ${url}`);
  return { bucket, prefix };
}
