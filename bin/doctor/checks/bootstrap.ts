import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { check, ok, problem, THE_ACCOUNT, warning } from '../check.ts';

/** The stack that `cdk bootstrap` makes, unless it is told another name. */
const TOOLKIT = 'CDKToolkit';

/** The template of a lake asks for this version at least, as every template of CDK does. */
const LEAST_VERSION = 6;

interface Toolkit {
  readonly account: string;
  readonly version: number;
  readonly status: string;
}

/** Whether CDK can deploy here. https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html */
export const bootstrap = check<undefined, Toolkit | undefined>({
  name: 'bootstrap',
  actions: ['cloudformation:DescribeStacks'],
  things: () => THE_ACCOUNT,
  about: () => '',
  async ask({ cloudFormation }) {
    try {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: TOOLKIT }));
      const { StackId = '', StackStatus = '', Outputs = [] } = Stacks?.[0] ?? {};
      const version = Outputs.find(({ OutputKey }) => OutputKey === 'BootstrapVersion')?.OutputValue;
      return { account: StackId.split(':')[4] ?? '', version: Number(version ?? 0), status: StackStatus };
    } catch (error) {
      if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
      throw error;
    }
  },
  judge(toolkit, _, { region, stack }) {
    if (!toolkit && stack) {
      return [warning(`There is no stack ${TOOLKIT} in ${region}: the account was bootstrapped under another name.`)];
    }
    if (!toolkit) {
      return [
        problem(`The account is not bootstrapped for CDK in ${region}: no stack ${TOOLKIT}.`, 'npx cdk bootstrap'),
      ];
    }
    const { account, version, status } = toolkit;
    const what = `Account ${account} is bootstrapped in ${region}, version ${version}`;
    if (version < LEAST_VERSION) return [problem(`${what}; CDK needs ${LEAST_VERSION} or later.`, 'npx cdk bootstrap')];
    if (/FAILED|ROLLBACK/.test(status)) {
      return [warning(`${what}, but the last change of ${TOOLKIT} failed (${status}).`, 'npx cdk bootstrap')];
    }
    return [ok(`${what}.`)];
  },
});
