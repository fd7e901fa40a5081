import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Resources = Readonly<Record<string, unknown>>;

/** A small cloud assembly written by hand: a template's resources and the code of its bundles. */
export interface Assembly {
  readonly resources: Resources;
  readonly conditions?: Readonly<Record<string, unknown>>;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Source of each bundle's index.mjs by the name its asset has. */
  readonly bundles?: Readonly<Record<string, string>>;
}

/** Writes an assembly of the stack `Tributary` into a folder and returns the folder. */
export function writeAssembly(dir: string, { resources, conditions, parameters, bundles = {} }: Assembly): string {
  mkdirSync(dir, { recursive: true });
  const files: Record<string, unknown> = {};
  for (const [name, code] of Object.entries(bundles)) {
    mkdirSync(join(dir, `asset.${name}`), { recursive: true });
    writeFileSync(join(dir, `asset.${name}`, 'index.mjs'), code);
    files[name] = { source: { path: `asset.${name}`, packaging: 'zip' } };
  }
  const stack = { type: 'aws:cloudformation:stack', properties: { templateFile: 'Tributary.template.json' } };
  const write = (file: string, json: unknown): void => writeFileSync(join(dir, file), JSON.stringify(json));
  write('manifest.json', { version: '55.0.0', artifacts: { Tributary: stack, Tree: { type: 'cdk:tree' } } });
  write('Tributary.template.json', { Resources: resources, Conditions: conditions, Parameters: parameters });
  write('Tributary.assets.json', { files });
  return dir;
}

/** A resource as CDK writes it, with its construct's path. */
export function resource(type: string, path: string, properties: unknown = {}): unknown {
  return { Type: type, Properties: properties, Metadata: { 'aws:cdk:path': `Tributary/${path}` } };
}

type Declared = { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> };

const ANYTHING = { Effect: 'Allow', Action: '*', Resource: '*' };
const ANYONE = { ...ANYTHING, Principal: '*' };

/** The ARN of the role of `permissive`. */
export const EVERYTHING = { 'Fn::GetAtt': ['Everything', 'Arn'] };

/** Resources with a role that may do everything, which functions get, and with policies that let everyone do everything. */
export function permissive(resources: Resources): Resources {
  const withRoles = Object.entries(resources).map(([id, declared]) => {
    const { Type, Properties = {} } = declared as Declared;
    if (Type !== 'AWS::Lambda::Function') return [id, declared];
    return [id, { ...(declared as Declared), Properties: { Role: EVERYTHING, ...Properties } }];
  });
  const ids = (type: string) =>
    Object.entries(resources).flatMap(([id, declared]) => ((declared as Declared).Type === type ? [id] : []));
  const policies = Object.entries({
    'AWS::SQS::Queue': ['AWS::SQS::QueuePolicy', 'Queues'],
    'AWS::SNS::Topic': ['AWS::SNS::TopicPolicy', 'Topics'],
  }).map(([type, [policy = '', of = '']], index) => {
    const PolicyDocument = { Statement: ANYONE };
    return [
      `Anyone${index}`,
      resource(policy, `Anyone${index}`, { [of]: ids(type).map((Ref) => ({ Ref })), PolicyDocument }),
    ];
  });
  const invocations = ids('AWS::Lambda::Function').flatMap((FunctionName) =>
    ['logs.amazonaws.com', 'events.amazonaws.com'].map((Principal, index) => {
      const properties = { Action: 'lambda:InvokeFunction', FunctionName: { Ref: FunctionName }, Principal };
      const id = `Invoke${index}${FunctionName}`;
      return [id, resource('AWS::Lambda::Permission', id, properties)];
    }),
  );
  return {
    ...Object.fromEntries([...withRoles, ...policies, ...invocations]),
    Everything: resource('AWS::IAM::Role', 'Everything', {
      AssumeRolePolicyDocument: { Statement: { ...ANYONE, Resource: undefined, Action: 'sts:AssumeRole' } },
      Policies: [{ PolicyName: 'Everything', PolicyDocument: { Statement: ANYTHING } }],
    }),
  };
}
