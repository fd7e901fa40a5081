import type { Command } from 'commander';
import type { AlarmState } from '../alarms/alarm-state.ts';
import { CommandError, EXIT } from '../output/command-error.ts';
import { print, printJson, say } from '../output/output.ts';
import { type Cell, quantity, renderTable } from '../output/render.ts';
import { stackOption } from './operation.ts';
import { jsonOption, lakeOption } from './options.ts';

interface AlarmsOptions {
  readonly lake: string;
  readonly stack?: string;
  readonly json?: true;
}

/** `lake alarms` */
export function addAlarms(program: Command): void {
  program
    .command('alarms')
    .description('shows the alarms of a lake: their states, the reasons, and what to do about those that are raised')
    .addOption(lakeOption())
    .addOption(stackOption())
    .addOption(jsonOption())
    .addHelpText('after', `\nExit codes: 0 no alarm is raised, ${EXIT.found} some are.`)
    .action(run);
}

async function run({ lake, stack, json }: AlarmsOptions): Promise<void> {
  const alarms = stack === undefined ? await ofFolder(lake) : await ofStack(stack);
  if (alarms.length === 0) {
    throw new CommandError(
      stack === undefined
        ? `lake ${lake}: its stack has no alarms yet; \`lake run FILE --lake ${lake}\` makes it anew and keeps all data`
        : `stack ${stack}: it has no alarms; deploy this version`,
    );
  }
  const raised = alarms.filter(({ state }) => state === 'ALARM');
  if (json) printJson({ alarms });
  else {
    print(alarmsText(alarms));
    for (const { name, description } of raised) print(`\n${name}: ${description}`);
    say(`${quantity(alarms.length, 'alarm')}, ${raised.length} raised`);
    if (alarms.some(({ actions }) => actions === false))
      say('nobody is told of some of them: set alarmEmail or alarmTopicArn');
  }
  if (raised.length > 0) process.exitCode = EXIT.found;
}

// Each of the two modules loads many others, so they are imported only when needed.
async function ofFolder(dir: string): Promise<AlarmState[]> {
  const { localAlarms } = await import('../alarms/local-alarms.ts');
  return localAlarms(dir, Date.now());
}

async function ofStack(name: string): Promise<AlarmState[]> {
  const { awsAlarms } = await import('../alarms/aws-alarms.ts');
  return awsAlarms(name);
}

const STATE_TEXT = { OK: 'ok', ALARM: 'ALARM', INSUFFICIENT_DATA: 'unknown' } as const;

function alarmsText(alarms: readonly AlarmState[]): string {
  return renderTable(
    [{ name: 'alarm' }, { name: 'state' }, { name: 'reason', wrap: true }],
    alarms.map(({ name, state, reason, since }): Cell[] => [
      name,
      state === 'ALARM' ? { text: STATE_TEXT[state], mark: 'bad' } : STATE_TEXT[state],
      since === undefined ? reason : `since ${since}: ${reason}`,
    ]),
  );
}
