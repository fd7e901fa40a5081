import { type Command, Option } from 'commander';
import { audit, type Finding } from '../operations/audit.ts';
import { EXIT } from '../output/command-error.ts';
import { renderTable } from '../output/render.ts';
import { addOperation, type OperationFlags, operate, sinceOption } from './operation.ts';

interface AuditFlags extends OperationFlags {
  readonly since?: Date;
  readonly fix?: true;
}

/** `lake audit` */
export function addAudit(program: Command): void {
  addOperation(
    program,
    'audit',
    'compares objects, ledger, loads and tables, and lists what is missing, unfinished or does not add up',
  )
    .addOption(sinceOption('only objects modified, and loads started,'))
    .addOption(
      new Option(
        '--fix',
        'load the objects with problems again; rows already in the tables repeat, with the same origin and position',
      ),
    )
    .addHelpText('after', `\nExit codes: 0 no problem found, ${EXIT.found} problems found.`)
    .action((flags: AuditFlags) => {
      const { since, fix = false } = flags;
      return operate(flags, fix, async (lake, options) => {
        const counts = await audit(lake, { fix, ...(since && { since }) }, options);
        const { findings } = counts;
        return { counts, found: findings.length > 0, ...(findings.length > 0 && { text: findingsText(findings) }) };
      });
    });
}

function findingsText(findings: readonly Finding[]): string {
  return renderTable(
    [
      { name: 'finding' },
      { name: 'origin' },
      { name: 'source' },
      { name: 'object or log stream' },
      { name: 'detail', wrap: true },
    ],
    findings.map(({ finding, origin, source, what, detail }) => [
      { text: finding, mark: 'bad' },
      origin,
      source,
      what,
      detail,
    ]),
  );
}
