import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { sourceNamed } from '../operations/lake-handle.ts';
import { EXIT, UsageError } from '../output/command-error.ts';
import { print, printJson, say, stages } from '../output/output.ts';
import { type Cell, renderTable } from '../output/render.ts';
import { CLAIMS, type Proof } from '../prove/claims.ts';
import { prove } from '../prove/prove.ts';
import { openLakeHandle, stackOption } from './operation.ts';
import { jsonOption, lakeOption } from './options.ts';

interface ProveOptions {
  readonly lake: string;
  readonly stack?: string;
  readonly source?: string;
  readonly lines?: string;
  readonly json?: true;
}

const CLAIMS_TEXT = Object.entries(CLAIMS)
  .map(([claim, settles]) => `  ${claim.padEnd(14)}${settles}`)
  .join('\n');

/** `lake prove` */
export function addProve(program: Command): void {
  program
    .command('prove')
    .description(
      'puts test rows, one bad row, and an object or log events into a lake, and checks what arrives in the tables; ' +
        'the rows stay in the tables, with origins of their own',
    )
    .addOption(lakeOption())
    .addOption(stackOption())
    .addOption(new Option('--source <name>', 'only this source (default: all sources)'))
    .addOption(new Option('--lines <file>', 'put these lines of the source, instead of the examples of its format'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `\nWhat each proof settles:\n${CLAIMS_TEXT}\n` +
        `\nExit codes: 0 nothing failed, ${EXIT.found} a proof failed. On AWS it takes up to 20 minutes.`,
    )
    .action(run);
}

async function run({ lake: folder, stack, source, lines, json }: ProveOptions): Promise<void> {
  if (lines !== undefined && source === undefined) {
    throw new UsageError('--lines: expected --source with it, because the lines are of one source');
  }
  const given = lines === undefined ? undefined : linesOf(lines);
  const stage = stages();
  const lake = await openLakeHandle({ lake: folder, ...(stack !== undefined && { stack }) }, true, stage);
  let proofs: Proof[];
  try {
    const sources = source === undefined ? lake.sources : [sourceNamed(lake, source)];
    proofs = await prove(lake, { sources, ...(given && { lines: given }) }, stage);
  } finally {
    await lake.close();
  }
  const count = (outcome: Proof['outcome']) => proofs.filter((proof) => proof.outcome === outcome).length;
  const counts = { proved: count('proved'), failed: count('failed'), notTried: count('not_tried') };
  if (json) printJson({ ...counts, proofs: proofs.map((proof) => ({ ...proof, settles: CLAIMS[proof.claim] })) });
  else {
    print(proofsText(proofs));
    say(`${counts.proved} proved, ${counts.failed} failed, ${counts.notTried} not tried`);
  }
  if (counts.failed > 0) process.exitCode = EXIT.found;
}

function linesOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/);
  return lines.filter((line) => line !== '');
}

function outcomeCell(outcome: Proof['outcome']): Cell {
  const text = outcome.replace('_', ' ');
  return outcome === 'failed' ? { text, mark: 'bad' } : text;
}

function proofsText(proofs: readonly Proof[]): string {
  return renderTable(
    [{ name: 'source' }, { name: 'proof' }, { name: 'outcome' }, { name: 'detail', wrap: true }],
    proofs.map(({ source, claim, outcome, detail }) => [source, claim, outcomeCell(outcome), detail]),
  );
}
