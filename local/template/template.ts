import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ACCOUNT, REGION } from '../account.ts';
import { holds, isObject, type Lookup, NO_VALUE, resolve, TemplateError } from './intrinsics.ts';
import type { Resource } from './resource.ts';
import { LOCAL_TYPES, type LocalUrls, TYPES_WITHOUT_BEHAVIOUR } from './resource-types.ts';

/** A synthesized stack in the form that this machine runs. */
export interface Stack {
  readonly name: string;
  /** The resources that are emulated, evaluated, in the template's order. */
  readonly resources: readonly Resource[];
  /**
   * The folder of a function's bundle.
   *
   * @throws TemplateError if the function's code is not an asset of the assembly.
   */
  bundle(lambda: Resource): string;
}

/** Which assembly to read, and the addresses of its resources. */
export interface StackOptions {
  /** The cloud assembly: what `cdk synth` writes to cdk.out. */
  readonly directory: string;
  /** Required if the assembly has several stacks. */
  readonly stackName?: string;
  readonly urls: LocalUrls;
}

/**
 * Reads a cloud assembly: template, asset manifest, construct paths.
 *
 * @throws TemplateError naming what is missing or not supported.
 */
export function readStack({ directory, stackName, urls }: StackOptions): Stack {
  const { name, artifact } = stackArtifact(directory, stackName);
  const template = readJson(directory, artifact.properties.templateFile, templateShape);
  const paths = constructPaths(directory, artifact, template);
  const lookup = lookupIn(template, { stackName: name, paths, urls });

  const resources: Resource[] = [];
  for (const [logicalId, declared] of Object.entries(template.Resources)) {
    if (declared.Condition !== undefined && !lookup.condition(declared.Condition)) continue;
    if (declared.Type in TYPES_WITHOUT_BEHAVIOUR) continue;
    if (!(declared.Type in LOCAL_TYPES)) {
      throw new TemplateError(`resource ${logicalId}: type ${declared.Type} has no local behaviour`);
    }
    resources.push(named(logicalId, () => resolvedResource(logicalId, declared, lookup)));
  }
  refuseSharedNames(resources);
  const assetsFile = artifact.properties.templateFile.replace(/\.template\.json$/, '.assets.json');
  return { name, resources, bundle: (lambda) => bundleOf(lambda, directory, assetsFile) };
}

/** The construct's path below its stack in kebab-case: `Tributary/Landing/Resource` is `landing`. */
export function localNameOf(path: string): string {
  const below = path.split('/').slice(1);
  if (below.length > 1 && ['Resource', 'Default'].includes(below.at(-1) ?? '')) below.pop();
  return below
    .join('-')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

const artifactShape = z.object({
  type: z.string(),
  properties: z.object({ templateFile: z.string().default(''), stackName: z.string().optional() }).default({
    templateFile: '',
  }),
  additionalMetadataFile: z.string().optional(),
});
const manifestShape = z.object({ artifacts: z.record(z.string(), artifactShape) });
const metadataShape = z.record(z.string(), z.array(z.object({ type: z.string(), data: z.unknown() })));
const resourceShape = z.object({
  Type: z.string(),
  Condition: z.string().optional(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Metadata: z.record(z.string(), z.unknown()).default({}),
});
const templateShape = z.object({
  Parameters: z.record(z.string(), z.object({ Default: z.unknown() })).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(z.string(), resourceShape),
});
const assetsShape = z.object({
  files: z.record(z.string(), z.object({ source: z.object({ path: z.string() }) })),
});

type Artifact = z.infer<typeof artifactShape>;
type Template = z.infer<typeof templateShape>;
type DeclaredResource = z.infer<typeof resourceShape>;

function stackArtifact(directory: string, stackName: string | undefined): { name: string; artifact: Artifact } {
  const { artifacts } = readJson(directory, 'manifest.json', manifestShape);
  const stacks = Object.entries(artifacts)
    .filter(([, { type }]) => type === 'aws:cloudformation:stack')
    .map(([id, artifact]) => ({ name: artifact.properties.stackName ?? id, artifact }));
  const chosen = stackName === undefined ? stacks : stacks.filter(({ name }) => name === stackName);
  const [stack, another] = chosen;
  if (!stack || another) {
    const wanted = stackName === undefined ? 'one stack' : `the stack ${stackName}`;
    throw new TemplateError(
      `${directory}: expected ${wanted}, got ${stacks.map(({ name }) => name).join(', ') || 'none'}`,
    );
  }
  return stack;
}

/**
 * Each resource's construct path. The CDK command line writes the paths into the template; a synthesis without it
 * writes them only into the stack's metadata file.
 */
function constructPaths(directory: string, artifact: Artifact, template: Template): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  if (artifact.additionalMetadataFile !== undefined) {
    const metadata = readJson(directory, artifact.additionalMetadataFile, metadataShape);
    for (const [path, entries] of Object.entries(metadata)) {
      for (const { type, data } of entries) {
        if (type === 'aws:cdk:logicalId' && typeof data === 'string') paths.set(data, path.replace(/^\//, ''));
      }
    }
  }
  for (const [logicalId, { Metadata }] of Object.entries(template.Resources)) {
    const path = Metadata['aws:cdk:path'];
    if (typeof path === 'string') paths.set(logicalId, path);
  }
  return paths;
}

interface Surroundings {
  readonly stackName: string;
  readonly paths: ReadonlyMap<string, string>;
  readonly urls: LocalUrls;
}

type TemplateLookup = Lookup & { name(logicalId: string): string };

function lookupIn(template: Template, { stackName, paths, urls }: Surroundings): TemplateLookup {
  const pseudo = new Map<string, unknown>([
    ['AWS::AccountId', ACCOUNT],
    ['AWS::Region', REGION],
    ['AWS::Partition', 'aws'],
    ['AWS::URLSuffix', 'amazonaws.com'],
    ['AWS::StackName', stackName],
    ['AWS::NoValue', NO_VALUE],
  ]);
  const present = (logicalId: string): DeclaredResource => {
    const declared = template.Resources[logicalId];
    if (!declared) throw new TemplateError(`no resource or parameter ${logicalId} in the template`);
    return declared;
  };
  const lookup: TemplateLookup = {
    name: (logicalId) => {
      const { Type, Properties } = present(logicalId);
      const { nameProperty } = LOCAL_TYPES[Type] ?? TYPES_WITHOUT_BEHAVIOUR[Type] ?? {};
      const given = nameProperty?.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), Properties);
      const name = given === undefined ? undefined : resolve(given, lookup);
      if (typeof name === 'string') return name;
      return localNameOf(paths.get(logicalId) ?? `${stackName}/${logicalId}`);
    },
    ref: (name) => {
      if (pseudo.has(name)) return pseudo.get(name);
      const parameter = template.Parameters[name];
      if (parameter) {
        if (parameter.Default === undefined) throw new TemplateError(`parameter ${name} has no default`);
        return parameter.Default;
      }
      const { Type } = present(name);
      return LOCAL_TYPES[Type]?.ref?.(lookup.name(name), urls) ?? lookup.name(name);
    },
    attribute: (logicalId, attribute) => {
      const { Type } = present(logicalId);
      const name = lookup.name(logicalId);
      const attributes = LOCAL_TYPES[Type]?.attributes(name, urls) ?? attributesWithoutBehaviour(Type, name);
      const value = attributes[attribute];
      if (value === undefined)
        throw new TemplateError(`Fn::GetAtt ${logicalId}.${attribute}: ${Type} has no such value here`);
      return value;
    },
    condition: (name) => {
      const condition = template.Conditions[name];
      if (condition === undefined) throw new TemplateError(`no condition ${name} in the template`);
      return holds(condition, lookup);
    },
  };
  return lookup;
}

function attributesWithoutBehaviour(type: string, name: string): Readonly<Record<string, string>> {
  const arn = TYPES_WITHOUT_BEHAVIOUR[type]?.arn;
  if (arn === undefined) return {};
  const [service = '', ...rest] = arn.split(':');
  const suffix = service === 'logs' ? ':*' : '';
  return { Arn: `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest.join(':')}${name}${suffix}` };
}

function resolvedResource(logicalId: string, declared: DeclaredResource, lookup: TemplateLookup): Resource {
  const properties = resolve(declared.Properties, lookup);
  return {
    logicalId,
    type: declared.Type,
    localName: lookup.name(logicalId),
    properties: isObject(properties) ? properties : {},
  };
}

function refuseSharedNames(resources: readonly Resource[]): void {
  const owners = new Map<string, string>();
  for (const { type, localName, logicalId } of resources) {
    const key = `${type} ${localName}`;
    const other = owners.get(key);
    if (other) throw new TemplateError(`resources ${other} and ${logicalId}: both are ${key} on this machine`);
    owners.set(key, logicalId);
  }
}

function bundleOf(lambda: Resource, directory: string, assetsFile: string): string {
  const code = lambda.properties.Code;
  const key = isObject(code) ? code.S3Key : undefined;
  if (typeof key !== 'string') {
    throw new TemplateError(`function ${lambda.localName}: Code.S3Key expected, only bundles of the assembly run here`);
  }
  const { files } = readJson(directory, assetsFile, assetsShape);
  const asset = files[key.replace(/\.zip$/, '')];
  if (!asset) throw new TemplateError(`function ${lambda.localName}: no asset ${key} in ${assetsFile}`);
  return join(directory, asset.source.path);
}

function readJson<T>(directory: string, file: string, shape: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(join(directory, file), 'utf8'));
  } catch (cause) {
    throw new TemplateError(`${directory} is no cloud assembly: cannot read ${file}`, { cause });
  }
  const read = shape.safeParse(json);
  if (read.success) return read.data;
  throw new TemplateError(`${join(directory, file)}: ${z.prettifyError(read.error)}`);
}

/** Runs `read` and prefixes its errors with the resource's logical id. */
function named<T>(logicalId: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TemplateError) throw new TemplateError(`resource ${logicalId}: ${cause.message}`, { cause });
    throw cause;
  }
}
