/** cfn-lint, AWS's own linter of templates: https://github.com/aws-cloudformation/cfn-lint */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checked, pythonWith } from './check.ts';
import { templates } from './configurations.ts';

const CFN_LINT = 'cfn-lint==1.58.0';

/** CDK makes dependencies explicit that a reference implies: they say the same. */
const IMPLIED_DEPENDENCY = 'W3005';

/** Regions with different resource types. */
const REGIONS = ['us-east-1', 'eu-central-1', 'ap-southeast-2', 'us-gov-west-1', 'cn-north-1'];

interface Match {
  readonly Level: string;
  readonly Rule: { readonly Id: string };
  readonly Message: string;
  readonly Location: { readonly Path?: readonly (string | number)[] };
}

/** Lints the templates of all configurations. */
export function lintTemplates(): Checked {
  const program = join(pythonWith('cfn-lint', [CFN_LINT]), 'cfn-lint');
  const problems: string[] = [];
  let resources = 0;
  for (const [name, file] of templates()) {
    resources += Object.keys(JSON.parse(readFileSync(file, 'utf8')).Resources).length;
    const args = [
      '--format',
      'json',
      '--ignore-checks',
      IMPLIED_DEPENDENCY,
      '--regions',
      ...REGIONS,
      '--template',
      file,
    ];
    const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (!stdout.trim().startsWith('[')) throw new Error(`cfn-lint: expected JSON, got ${stdout}${stderr}`);
    for (const { Level, Rule, Message, Location } of JSON.parse(stdout) as Match[]) {
      problems.push(`${name}: ${Level} ${Rule.Id} ${Location.Path?.join('/') ?? ''}: ${Message}`);
    }
  }
  return { measured: `${resources} resources, ${REGIONS.length} Regions`, problems };
}
