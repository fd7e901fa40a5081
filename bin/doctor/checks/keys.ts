import { DescribeKeyCommand, GetKeyPolicyCommand, type KeyMetadata, NotFoundException } from '@aws-sdk/client-kms';
import { check, isDenied, notKnown, ok, problem, type Verdict, warning } from '../check.ts';
import { bucketSources, type Examined } from '../examined.ts';
import { allows } from '../policy.ts';

/** A key of the configuration, and what it is for. */
interface UsedKey {
  readonly arn: string;
  /** `the lake`, or the name of a source. */
  readonly of: string;
}

/** Undefined if there is no such key; the policy is undefined if the caller may not read it. */
type Answer = { readonly key: KeyMetadata; readonly policy: string | undefined } | undefined;

/** Whether the keys can be used. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
export const keys = check<UsedKey, Answer>({
  name: 'KMS key',
  actions: ['kms:DescribeKey', 'kms:GetKeyPolicy'],
  things: keysOf,
  about: ({ of }) => of,
  async ask({ kms }, { arn }) {
    try {
      const { KeyMetadata: key } = await kms.send(new DescribeKeyCommand({ KeyId: arn }));
      if (!key) throw new Error('KMS described no key');
      return { key, policy: await policyOf() };
    } catch (error) {
      if (error instanceof NotFoundException) return undefined;
      throw error;
    }
    async function policyOf(): Promise<string | undefined> {
      try {
        return (await kms.send(new GetKeyPolicyCommand({ KeyId: arn, PolicyName: 'default' }))).Policy;
      } catch (error) {
        if (isDenied(error)) return undefined;
        throw error;
      }
    }
  },
  judge: (answer, used, lake) => [inRegion(used, lake) ?? judged(answer, used)],
});

function keysOf(lake: Examined): UsedKey[] {
  const { kmsKey } = lake.config;
  const ofSources = bucketSources(lake).flatMap(({ name, kmsKeyArn: arn }) => (arn ? [{ arn, of: name }] : []));
  return [...(kmsKey ? [{ arn: kmsKey, of: 'the lake' }] : []), ...ofSources];
}

/** The lake's own key encrypts buckets, streams and tables, which take only keys of their Region. */
function inRegion({ arn, of }: UsedKey, { region, config }: Examined): Verdict | undefined {
  const [, , , keyRegion] = arn.split(':');
  if (arn !== config.kmsKey || of !== 'the lake' || keyRegion === region) return undefined;
  return problem(
    `The key is in ${keyRegion}, and the stack in ${region}: buckets, streams and tables take only keys of their Region.`,
    `aws kms create-key --region ${region}, and set kmsKey to its ARN`,
  );
}

function judged(answer: Answer, { arn, of }: UsedKey): Verdict {
  if (!answer) return problem(`There is no key ${arn}.`, 'correct the ARN in cdk.json: aws kms list-keys');
  const { KeyState = '', KeySpec = 'SYMMETRIC_DEFAULT', KeyUsage = 'ENCRYPT_DECRYPT', AWSAccountId = '' } = answer.key;
  if (KeyState !== 'Enabled') {
    return problem(
      `The key is ${KeyState}, so nothing can be encrypted or read with it.`,
      KeyState === 'PendingDeletion'
        ? `aws kms cancel-key-deletion --key-id ${arn}`
        : `aws kms enable-key --key-id ${arn}`,
    );
  }
  if (KeySpec !== 'SYMMETRIC_DEFAULT' || KeyUsage !== 'ENCRYPT_DECRYPT') {
    return problem(
      `The key is ${KeySpec} for ${KeyUsage}; S3 takes symmetric keys for encryption.`,
      'aws kms create-key',
    );
  }
  const reads = of === 'the lake' ? 'the roles of the stack' : 'the roles that read the objects';
  if (answer.policy === undefined) {
    return notKnown(
      `The key is enabled; the caller may not read its policy, which has to let ${reads} use it.`,
      `aws kms get-key-policy --key-id ${arn} --policy-name default`,
    );
  }
  const root = [AWSAccountId, `arn:${arn.split(':')[1]}:iam::${AWSAccountId}:root`];
  if (
    allows(answer.policy, root, 'kms:Decrypt', undefined) &&
    allows(answer.policy, root, 'kms:GenerateDataKey', undefined)
  ) {
    return ok('The key is enabled, and its policy leaves permissions to IAM.');
  }
  return warning(
    `The key is enabled, but its policy does not leave permissions to IAM: it has to name ${reads}.`,
    'docs/deploy.md, "Buckets of others", has the statement',
  );
}
