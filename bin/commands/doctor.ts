import { type Command, Option } from 'commander';
import { STACK } from '../../lib/names.ts';
import { deployedConfig } from '../input/local-context.ts';
import { EXIT } from '../output/command-error.ts';
import { print, printJson } from '../output/output.ts';
import { listPrices } from '../plan/prices.ts';
import { stackName } from './operation.ts';
import { contextOption, jsonOption, type Pairs } from './options.ts';
import { addVolume, planFor, type VolumeOptions } from './plan.ts';

interface DoctorOptions extends Partial<VolumeOptions> {
  readonly stack?: string;
  readonly context: Pairs;
  readonly json?: true;
}

/** `lake doctor` */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      'asks an AWS account whether what cdk.json configures can be deployed there, or is, and changes nothing',
    );
  addVolume(command, { mandatory: false })
    .addOption(
      new Option(
        '--stack [name]',
        'also compare with this stack, which is deployed, instead of asking what a first deployment needs',
      )
        .preset(STACK)
        .argParser(stackName),
    )
    .addOption(contextOption())
    .addOption(jsonOption())
    .action(doctor);
}

async function doctor({ stack, context, json, linesPerDay, peak = 1, ...volume }: DoctorOptions): Promise<void> {
  const config = deployedConfig(stack === undefined ? context : { ...context, stackName: stack });
  // Imported only when needed: they load the clients of many services.
  const { countsOf, examine, findingsText } = await import('../doctor/doctor.ts');
  const { openClients } = await import('../doctor/clients.ts');
  const { deployedStack } = await import('../doctor/examined.ts');
  const { clients, region } = await openClients();
  const findings = await examine(clients, {
    config,
    region,
    plan: linesPerDay && planFor(config, { linesPerDay, peak, ...volume }, listPrices()).made,
    stack: stack === undefined ? undefined : await deployedStack(clients, stack),
  });
  if (json) printJson({ region, stack: stack ?? null, ...countsOf(findings), findings });
  else print(findingsText(findings));
  if (findings.some(({ outcome }) => outcome === 'problem')) process.exitCode = EXIT.found;
}
