import type { Template } from 'aws-cdk-lib/assertions';
import { readable, resources, type Statement, type TemplateResource, withoutHash } from './template.ts';

/** What one principal may do to one resource, or what one resource lets a principal do: as readable text. */
export interface Permission {
  /** The role or managed policy that has the permission, or the resource whose policy gives it. */
  readonly of: string;
  /** `s3:GetObject`; for a policy of a resource with who may do it: `s3.amazonaws.com: sns:Publish`. */
  readonly action: string;
  readonly on: string;
  /** Empty if there is none. */
  readonly condition: string;
}

/** Every permission that a template gives, each once. What it denies is left out. */
export function permissionsOf(template: Template): Permission[] {
  const all = [...resources(template)].flatMap(([id, resource]) => permissionsOfResource(withoutHash(id), resource));
  return [...new Map(all.map((permission) => [permissionText(permission), permission])).values()];
}

/** One line that no other permission has. */
export function permissionText({ of, action, on, condition }: Permission): string {
  return [of, action, on, ...(condition ? [`if ${condition}`] : [])].join(' | ');
}

/** Statements of a template, wherever they stand: as many as `permissionsOf` must have looked at. */
export function allStatements(value: unknown): Statement[] {
  if (Array.isArray(value)) return value.flatMap(allStatements);
  if (typeof value !== 'object' || value === null) return [];
  return [
    ...('Effect' in value && 'Action' in value ? [value as Statement] : []),
    ...Object.values(value).flatMap(allStatements),
  ];
}

function permissionsOfResource(id: string, { Type, Properties = {} }: TemplateResource): Permission[] {
  switch (Type) {
    case 'AWS::IAM::Role':
      return [
        ...byPolicy(id, Properties.AssumeRolePolicyDocument, 'itself'),
        ...((Properties.Policies ?? []) as object[]).flatMap((policy) => byPolicy(id, Object(policy).PolicyDocument)),
        ...((Properties.ManagedPolicyArns ?? []) as unknown[]).map((arn) => managed(id, readable(arn))),
      ];
    case 'AWS::IAM::Policy':
      return names(Properties.Roles).flatMap((role) => byPolicy(role, Properties.PolicyDocument));
    case 'AWS::IAM::ManagedPolicy':
      return byPolicy(id, Properties.PolicyDocument);
    case 'AWS::S3::BucketPolicy':
      return byPolicy(nameOf(Properties.Bucket), Properties.PolicyDocument);
    case 'AWS::SQS::QueuePolicy':
      return names(Properties.Queues).flatMap((queue) => byPolicy(queue, Properties.PolicyDocument));
    case 'AWS::SNS::TopicPolicy':
      return names(Properties.Topics).flatMap((topic) => byPolicy(topic, Properties.PolicyDocument));
    case 'AWS::Lambda::Permission':
      return [permissionOfFunction(Properties)];
    case 'AWS::Events::EventBusPolicy':
      return byPolicy('the default event bus', { Statement: [Properties.Statement] });
    case 'AWS::LakeFormation::PrincipalPermissions':
      return grantsOfLakeFormation(Properties);
    default:
      return [];
  }
}

function byPolicy(of: string, document: unknown, self?: string): Permission[] {
  const statements = [Object(document).Statement].flat() as Statement[];
  return statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action, Resource, Principal, Condition }) => {
      const who = Principal === undefined ? [''] : principals(Principal).map((principal) => `${principal}: `);
      const condition = Condition === undefined ? '' : conditionText(Condition);
      return who.flatMap((principal) =>
        [Action].flat().flatMap((action) =>
          (self === undefined ? [Resource].flat().map(readable) : [self]).map((on) => ({
            of,
            action: `${principal}${action}`,
            on,
            condition,
          })),
        ),
      );
    });
}

function managed(of: string, policy: string): Permission {
  return { of, action: 'all of a managed policy', on: policy, condition: '' };
}

function permissionOfFunction({ FunctionName, Principal, Action, SourceArn, SourceAccount }: Record<string, unknown>) {
  const conditions = [
    ...(SourceArn === undefined ? [] : [`SourceArn ${readable(SourceArn)}`]),
    ...(SourceAccount === undefined ? [] : [`SourceAccount ${readable(SourceAccount)}`]),
  ];
  const of = nameOf(FunctionName);
  return { of, action: `${readable(Principal)}: ${Action}`, on: 'itself', condition: conditions.join(' and ') };
}

function grantsOfLakeFormation({ Principal, Resource, Permissions }: Record<string, unknown>): Permission[] {
  const [[kind, place]] = Object.entries(Resource as Record<string, Record<string, unknown>>) as [
    [string, Record<string, unknown>],
  ];
  const on = Object.entries(place)
    .filter(([key]) => key !== 'CatalogId')
    .map(([key, value]) => (key === 'TableWildcard' ? '*' : readable(value)));
  return (Permissions as readonly string[]).map((permission) => ({
    of: nameOf(Object(Principal).DataLakePrincipalIdentifier),
    action: `lakeformation: ${permission}`,
    on: `${kind} ${on.join('/')}`,
    condition: '',
  }));
}

function principals(principal: unknown): string[] {
  if (typeof principal === 'string') return [principal];
  return Object.values(principal as Record<string, unknown>).flatMap((values) => [values].flat().map(readable));
}

function conditionText(condition: unknown): string {
  return Object.entries(condition as Record<string, Record<string, unknown>>)
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => `${operator} ${key} ${[values].flat().map(readable).join(' or ')}`),
    )
    .join(' and ');
}

function names(references: unknown): string[] {
  return (references as readonly unknown[]).map(nameOf);
}

/** `<LoadObjectsRole.Arn>` and `<LoadObjectsRole>` as `LoadObjectsRole`. */
function nameOf(reference: unknown): string {
  return readable(reference).replace(/^<|(?:\.Arn)?>$/g, '');
}
