/**
 * Custom resources, whose functions CloudFormation calls when it deploys a stack. Here a stack is deployed when it is
 * opened.
 *
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { arnOf } from './account.ts';
import { bodyOf, openEndpoint } from './endpoint.ts';
import { isMissing, writeDurable } from './files.ts';
import type { LocalLambda } from './lambda/lambda.ts';
import { propertiesOf } from './template/properties.ts';
import type { Resource } from './template/resource.ts';

/** The file in a lake's folder with the custom resources as they were deployed. */
export const CUSTOM_RESOURCES = 'custom-resources.json';

/** The types whose functions are called. The others have no effect here. */
const TYPES: readonly string[] = ['Custom::IcebergTables'];

/** A custom resource says that it cannot be as the stack wants it: on AWS, the deployment fails. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
}

export interface CustomResourceOptions {
  /** The lake's folder. */
  readonly dir: string;
  readonly stackName: string;
  readonly resources: readonly Resource[];
  readonly lambda: LocalLambda;
  readonly progress?: ((line: string) => void) | undefined;
}

/** A custom resource as it was deployed last. */
interface Deployed {
  readonly id: string;
  readonly properties: unknown;
}

/**
 * Calls the function of each custom resource that is new or has other properties than before. What was deployed is written
 * down after the function has answered: if the process dies before, the next opening calls it again. Of a resource that
 * the stack has no more, its function is gone too, so nobody is told.
 *
 * @throws DeploymentError naming the resource and the reason that its function gave
 */
export async function runCustomResources(options: CustomResourceOptions): Promise<void> {
  const { dir, resources, progress } = options;
  const before = await deployedIn(dir);
  const wanted = resources.filter(({ type }) => TYPES.includes(type));
  let deployed = keep(before, wanted);
  for (const resource of wanted) {
    const last = before[resource.logicalId];
    if (last && isDeepStrictEqual(last.properties, resource.properties)) continue;
    progress?.(`deploying ${resource.localName}`);
    const id = await deploy(resource, last, options);
    deployed = { ...deployed, [resource.logicalId]: { id, properties: resource.properties } };
    await writeDurable(join(dir, CUSTOM_RESOURCES), JSON.stringify(deployed));
  }
  if (Object.keys(deployed).length < Object.keys(before).length) {
    await writeDurable(join(dir, CUSTOM_RESOURCES), JSON.stringify(deployed));
  }
}

type AllDeployed = Readonly<Record<string, Deployed>>;

function keep(deployed: AllDeployed, wanted: readonly Resource[]): AllDeployed {
  const ids = new Set(wanted.map(({ logicalId }) => logicalId));
  return Object.fromEntries(Object.entries(deployed).filter(([id]) => ids.has(id)));
}

const deployedShape = z.record(z.string(), z.object({ id: z.string(), properties: z.unknown() }));

/** A file that cannot be read counts as none: calling a function once more does no harm. */
async function deployedIn(dir: string): Promise<AllDeployed> {
  try {
    return deployedShape.parse(JSON.parse(await readFile(join(dir, CUSTOM_RESOURCES), 'utf8')));
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError || error instanceof z.ZodError) return {};
    throw error;
  }
}

const properties = z.looseObject({ ServiceToken: z.string() });

const answerShape = z.object({
  Status: z.enum(['SUCCESS', 'FAILED']),
  Reason: z.string().optional(),
  PhysicalResourceId: z.string(),
});
type Answer = z.infer<typeof answerShape>;

/** Lambda calls a function so often, if it ends without an answer. */
const TRIES = 3;

/** @returns the id that the function has given the resource */
async function deploy(
  resource: Resource,
  last: Deployed | undefined,
  { lambda, stackName }: CustomResourceOptions,
): Promise<string> {
  const { ServiceToken } = propertiesOf(resource, properties);
  const answers = await openAnswers();
  const event = {
    RequestType: last ? 'Update' : 'Create',
    ...{ ServiceToken, ResponseURL: answers.url, RequestId: randomUUID() },
    StackId: arnOf('cloudformation', `stack/${stackName}/local`),
    ...{ LogicalResourceId: resource.logicalId, ResourceType: resource.type, ResourceProperties: resource.properties },
    ...(last && { PhysicalResourceId: last.id, OldResourceProperties: last.properties }),
  };
  try {
    let problem = '';
    for (let attempt = 0; attempt < TRIES && answers.received === undefined; attempt++) {
      const result = await lambda.function(ServiceToken).invoke(JSON.stringify(event), event.RequestId);
      problem = result.ok ? 'its function ended without an answer' : `${result.errorType}: ${result.errorMessage}`;
    }
    const { received } = answers;
    if (received?.Status === 'SUCCESS') return received.PhysicalResourceId;
    throw new DeploymentError(
      `the stack cannot be deployed: ${resource.localName}: ${received ? (received.Reason ?? 'no reason is given') : problem}`,
    );
  } finally {
    await answers.close();
  }
}

/** The place that a function puts its answer to; only it knows the path. */
async function openAnswers(): Promise<{ readonly url: string; received: Answer | undefined; close(): Promise<void> }> {
  const endpoint = await openEndpoint({ signed: false });
  const path = `/${randomUUID()}`;
  const answers = {
    url: `${endpoint.url}${path}`,
    received: undefined as Answer | undefined,
    close: () => endpoint.close(),
  };
  endpoint.serve({
    name: 'CLOUDFORMATION',
    handle: async (request, response) => {
      const body = (await bodyOf(request)).toString();
      if (request.method !== 'PUT' || request.url !== path) return void response.writeHead(403).end();
      answers.received = answerShape.parse(JSON.parse(body));
      response.writeHead(200).end();
    },
    close: async () => {},
  });
  return answers;
}
