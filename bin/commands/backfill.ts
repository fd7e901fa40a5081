import { type Command, Option } from 'commander';
import { type ArrivalNote, arrivalNote } from '../operations/arrival-note.ts';
import { backfillLogGroup, sourceOfGroup } from '../operations/backfill-log-group.ts';
import { backfillObjects, type Refusals, sourcesAt } from '../operations/backfill-objects.ts';
import { REFUSED } from '../operations/reload-batches.ts';
import { say } from '../output/output.ts';
import { quantity } from '../output/render.ts';
import { addOperation, type OperationFlags, operate, requireRange, sinceOption, untilOption } from './operation.ts';

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
        'also load objects that have already been loaded: their rows repeat, with the same origin and position; on the direct lane, their batches are written anew',
      ),
    )
    .action(run);
}

async function run(place: string | undefined, flags: BackfillFlags, command: Command): Promise<void> {
  const { since, until, source, reload = false, logGroup } = flags;
  if ((place === undefined) === (logGroup === undefined)) {
    command.error('error: expected either s3://bucket/prefix or --log-group NAME');
  }
  requireRange(since, until);
  if (place !== undefined) {
    const task = {
      ...placeOf(place, command),
      reload,
      ...(since && { since }),
      ...(until && { until }),
      ...(source && { source }),
    };
    return operate(flags, true, async (lake, options, problems) => {
      const note = told(arrivalNote(sourcesAt(lake, task), new Date()));
      const refusals: Refusals = new Map();
      const counts = await backfillObjects(lake, task, options, refusals);
      for (const [reason, count] of refusals) {
        problems.push(`${quantity(count, 'object')} cannot be loaded again: ${REFUSED[reason]}`);
      }
      return { counts: { ...counts, ...note } };
    });
  }
  if (!since || !until) command.error('error: --log-group: expected --since and --until as well');
  const range = { logGroup: logGroup ?? '', since: since.getTime(), until: until.getTime() };
  return operate(flags, true, async (lake, options) => {
    const note = told(arrivalNote([sourceOfGroup(lake, range.logGroup)], new Date(), { since, until }));
    return { counts: { ...(await backfillLogGroup(lake, range, options)), ...note } };
  });
}

/** Says before anything is loaded where its rows will lie. @returns the condition that finds them, for JSON */
function told(note: ArrivalNote | undefined): { readonly where?: string } {
  for (const line of note?.lines ?? []) say(line);
  return note ? { where: note.where } : {};
}

function placeOf(url: string, command: Command): { bucket: string; prefix: string } {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(url) ?? [];
  if (bucket === undefined) command.error(`error: expected s3://bucket/prefix, got ${url}`);
  return { bucket, prefix };
}
