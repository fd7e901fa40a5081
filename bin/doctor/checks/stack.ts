import { isDeepStrictEqual } from 'node:util';
import type { SourceSettings } from '../../../lambdas/core/settings.ts';
import type { Source } from '../../../lib/config/sources.ts';
import { check, ok, problem, type Verdict, warning } from '../check.ts';
import type { DeployedStack } from '../examined.ts';

/** Whether the stack is whole, and has the sources of cdk.json. It was read before the checks began. */
export const stackItself = check<DeployedStack, DeployedStack>({
  name: 'stack',
  actions: ['cloudformation:DescribeStacks', 'cloudformation:ListStackResources', 'lambda:GetFunctionConfiguration'],
  things: ({ stack }) => (stack ? [stack] : []),
  about: ({ name }) => name,
  ask: async (_, stack) => stack,
  judge: (stack, _, { config }) => [
    statusOf(stack),
    ...config.sources.flatMap((source) => differs(source, stack)),
    ...removed(stack, config.sources),
  ],
});

function statusOf({ name, status }: DeployedStack): Verdict {
  if (/^(?:CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)) return ok(`Its last deployment succeeded (${status}).`);
  if (status === 'UPDATE_ROLLBACK_COMPLETE') {
    return warning(
      'Its last deployment failed and was rolled back: it is as it was before.',
      `aws cloudformation describe-stack-events --stack-name ${name}, then: npm run lake -- audit --stack ${name} --since 2h`,
    );
  }
  if (/IN_PROGRESS$/.test(status)) return warning(`It is being changed right now (${status}): ask again later.`);
  return problem(
    `Its last deployment left it broken (${status}).`,
    `aws cloudformation describe-stack-events --stack-name ${name}`,
  );
}

function differs(source: Source, stack: DeployedStack): Verdict[] {
  const deployed = stack.sources.find(({ name }) => name === source.name);
  const next = `npx cdk diff ${stack.name}, then: npx cdk deploy`;
  if (!deployed) return [warning(`The source ${source.name} of cdk.json is not deployed.`, next)];
  if (same(source, deployed)) return [];
  return [warning(`The source ${source.name} is deployed otherwise than cdk.json has it.`, next)];
}

/** What the functions are told of a source; where it is told by a name that CloudFormation made is left out. */
function same(source: Source, deployed: SourceSettings): boolean {
  const place = (of: Source | SourceSettings) =>
    of.lane === 'objects'
      ? { prefix: of.prefix ?? '', suffix: of.suffix ?? '', exportedLogs: of.exportedLogs ?? false }
      : { logGroups: [...of.logGroups].sort() };
  return (
    source.format === deployed.format &&
    source.lane === deployed.lane &&
    source.delivery === (deployed.delivery ?? 'firehose') &&
    source.tableFormat === (deployed.tableFormat ?? 'parquet') &&
    source.keepRaw === deployed.keepRaw &&
    source.streamsPerTable === deployed.streams.length &&
    isDeepStrictEqual(source.options, deployed.options ?? {}) &&
    isDeepStrictEqual(place(source), place(deployed))
  );
}

function removed({ sources }: DeployedStack, configured: readonly Source[]): Verdict[] {
  return sources
    .filter((source) => !configured.some((each) => each.name === source.name))
    .map((source) =>
      warning(
        `The source ${source.name} is deployed and not in cdk.json: a deployment would remove it.`,
        'docs/deploy.md, "Removing a source"',
      ),
    );
}
