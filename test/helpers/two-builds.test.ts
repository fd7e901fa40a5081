import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openStack } from '../../local/open-stack.ts';
import { permissive, resource, writeAssembly } from './assembly.ts';
import { temporaryFolder } from './folder.ts';
import { runTwoBuilds } from './two-builds.ts';

test('two builds of a function run side by side', { timeout: 30_000 }, async () => {
  const dir = temporaryFolder();
  const report = join(dir, 'report');
  writeFileSync(report, '');
  const properties = {
    Code: { S3Key: 'code.zip' },
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Timeout: 20,
    Environment: { Variables: { REPORT: report } },
  };
  const target = (name: string) => ({ Id: name, Arn: { 'Fn::GetAtt': [name, 'Arn'] } });
  const assembly = writeAssembly(join(dir, 'stack'), {
    bundles: {
      code: `import { appendFileSync } from 'node:fs';
        const build = 'old';
        export const handler = async () => appendFileSync(process.env.REPORT, build + '\\n');`,
    },
    resources: permissive({
      One: resource('AWS::Lambda::Function', 'One', properties),
      Two: resource('AWS::Lambda::Function', 'Two', properties),
      Schedule: resource('AWS::Events::Rule', 'Schedule', {
        ScheduleExpression: 'rate(1 minute)',
        Targets: [target('One'), target('Two')],
      }),
    }),
  });
  runTwoBuilds(assembly, (code) => code.replace("'old'", "'new'"));
  const lake = await openStack({ dir, assembly });
  onTestFinished(() => lake.close());
  await lake.drain();
  expect(readFileSync(report, 'utf8')).toBe('old\nnew\n');
});
