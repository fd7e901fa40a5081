import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetDatabaseCommand } from '@aws-sdk/client-glue';
import { namesOf } from '../../../lib/names.ts';
import { check, ok, problem } from '../check.ts';

interface There {
  readonly database: boolean;
  readonly stack: boolean;
}

/** A database that an earlier lake of the same name has left: the deployment would meet it and fail. */
export const database = check<string, There>({
  name: 'Glue database',
  actions: ['glue:GetDatabase', 'cloudformation:DescribeStacks'],
  // That of a stack that is deployed is its own.
  things: ({ config, stack }) => (stack ? [] : [config.stackName]),
  about: (stackName) => namesOf(stackName).database,
  async ask({ glue, cloudFormation }, stackName) {
    const database = await isThere(() => glue.send(new GetDatabaseCommand({ Name: namesOf(stackName).database })));
    const stack =
      database && (await isThere(() => cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }))));
    return { database, stack };
  },
  judge({ database, stack }, stackName) {
    const name = namesOf(stackName).database;
    if (!database) return [ok('The name is free.')];
    if (stack)
      return [ok(`It belongs to the stack ${stackName}, which is deployed: \`lake doctor --stack\` compares it.`)];
    return [
      problem(
        'An earlier lake has left this database, and there is no such stack any more: the deployment would fail.',
        `aws glue delete-database --name ${name} (deletes its tables and no file), or deploy with -c stackName=NAME`,
      ),
    ];
  },
});

async function isThere(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof Error && (error.name === 'EntityNotFoundException' || /does not exist/.test(error.message))) {
      return false;
    }
    throw error;
  }
}
