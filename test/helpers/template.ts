import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type Context, readConfig } from '../../lib/config/config.ts';
import { TributaryStack } from '../../lib/tributary-stack.ts';

/** A resource as it stands in a template. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** One statement of any policy in a template. */
export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

/** The stack's template, without bundles and checks: for what it holds, in a fraction of a second. */
export function templateOf(context: Context): Template {
  const app = new App({ builtinCloudFormationValidation: false, context: { 'aws:cdk:bundling-stacks': [] } });
  const config = readConfig(context);
  return Template.fromStack(new TributaryStack(app, config.stackName, { config }));
}

/** Resources of a type (or all) by logical id. */
export function resources(template: Template, type?: string): ReadonlyMap<string, TemplateResource> {
  const all: Record<string, TemplateResource> = template.toJSON().Resources;
  return new Map(Object.entries(all).filter(([, { Type }]) => type === undefined || Type === type));
}

/** The one resource of a type whose logical id begins so. */
export function resource(template: Template, type: string, idPrefix = ''): TemplateResource {
  const found = [...resources(template, type)].filter(([id]) => id.startsWith(idPrefix));
  if (found.length !== 1) throw new Error(`expected one ${type} ${idPrefix}, got ${found.map(([id]) => id)}`);
  return found[0]![1];
}

/** Statements of the policies whose logical id begins so. */
export function statements(template: Template, idPrefix = ''): Statement[] {
  return [...resources(template)]
    .filter(([id]) => id.startsWith(idPrefix))
    .flatMap(([, { Properties }]) => [
      Properties?.PolicyDocument ?? [],
      // The policies within a role.
      ...((Properties?.Policies ?? []) as readonly { readonly PolicyDocument: object }[]).map(
        ({ PolicyDocument }) => PolicyDocument,
      ),
    ])
    .flat()
    .flatMap((document) => (document as { readonly Statement: readonly Statement[] }).Statement);
}

/** Logical ids a value refers to. */
export function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref' && typeof inner === 'string') return inner.startsWith('AWS::') ? [] : [inner];
    if (key === 'Fn::GetAtt' && Array.isArray(inner)) return [String(inner[0])];
    return references(inner);
  });
}

/** A circle in what depends on what, first resource first; undefined if there is none. */
export function circleIn(template: Template): readonly string[] | undefined {
  const all = resources(template);
  const done = new Set<string>();
  const visit = (id: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id];
    if (done.has(id)) return undefined;
    const { Properties, DependsOn = [] } = all.get(id) ?? { Properties: {} };
    for (const next of [...references(Properties), ...DependsOn]) {
      const circle = visit(next, [...path, id]);
      if (circle) return circle;
    }
    done.add(id);
    return undefined;
  };
  for (const id of all.keys()) {
    const circle = visit(id, []);
    if (circle) return circle;
  }
  return undefined;
}

/** `Fn::Join`, `Fn::Sub`, `Ref` and `Fn::GetAtt` as readable text: `<Landing.Arn>/AWSLogs/*`. */
export function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  if ('Ref' in value) return `<${withoutHash(String(value.Ref))}>`;
  if ('Fn::GetAtt' in value && Array.isArray(value['Fn::GetAtt'])) {
    const [id, attribute] = value['Fn::GetAtt'];
    return `<${withoutHash(String(id))}.${attribute}>`;
  }
  if ('Fn::Join' in value && Array.isArray(value['Fn::Join'])) return value['Fn::Join'][1].map(readable).join('');
  if ('Fn::Sub' in value) return String(value['Fn::Sub']).replaceAll(/\$\{([^}]+)\}/g, '<$1>');
  throw new Error(`expected a reference or a join, got ${JSON.stringify(value)}`);
}

/** `LoadObjectsRoleE7F8A9B0` as `LoadObjectsRole`. */
export function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}
