/** A template, or the cloud assembly around it, contains something that cannot be emulated. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** The values that an intrinsic function may look up. Each method throws a TemplateError for an unknown name. */
export interface Lookup {
  ref(name: string): unknown;
  attribute(logicalId: string, attribute: string): unknown;
  condition(name: string): boolean;
}

/** `Ref: AWS::NoValue` removes the property, or the item of a list. */
export const NO_VALUE = Symbol('AWS::NoValue');

/**
 * Evaluates the intrinsic functions in a template's value.
 *
 * @throws TemplateError naming the function that is not supported, or the name that does not exist.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 */
export function resolve(value: unknown, lookup: Lookup): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, lookup)).filter((item) => item !== NO_VALUE);
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  const [name, argument] = entries[0] ?? [];
  if (entries.length === 1 && name !== undefined && (name === 'Ref' || name.startsWith('Fn::'))) {
    const run = FUNCTIONS[name];
    if (!run) throw new TemplateError(`${name} is not understood: ${JSON.stringify(value).slice(0, 200)}`);
    return run(argument, lookup);
  }
  return Object.fromEntries(
    entries.map(([key, item]) => [key, resolve(item, lookup)] as const).filter(([, item]) => item !== NO_VALUE),
  );
}

/**
 * Evaluates a condition of the template's `Conditions`.
 *
 * @throws TemplateError naming a function that is not a condition function.
 */
export function holds(condition: unknown, lookup: Lookup): boolean {
  const [name, argument] = isObject(condition) ? (Object.entries(condition)[0] ?? []) : [];
  switch (name) {
    case 'Condition':
      return lookup.condition(text(argument, 'Condition', lookup));
    case 'Fn::Equals': {
      const [left, right] = list(argument, name, lookup);
      return JSON.stringify(left) === JSON.stringify(right);
    }
    case 'Fn::Not':
      return !conditions(argument, name).some((item) => holds(item, lookup));
    case 'Fn::And':
      return conditions(argument, name).every((item) => holds(item, lookup));
    case 'Fn::Or':
      return conditions(argument, name).some((item) => holds(item, lookup));
    default:
      throw new TemplateError(`condition is not understood: ${JSON.stringify(condition).slice(0, 200)}`);
  }
}

/** True if `value` is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const FUNCTIONS: Readonly<Record<string, (argument: unknown, lookup: Lookup) => unknown>> = {
  Ref: (argument, lookup) => lookup.ref(text(argument, 'Ref', lookup)),
  'Fn::GetAtt': (argument, lookup) => {
    const [logicalId, ...attribute] = typeof argument === 'string' ? argument.split('.') : texts(argument, lookup);
    return lookup.attribute(logicalId ?? '', attribute.join('.'));
  },
  'Fn::Join': (argument, lookup) => {
    const [separator, items] = list(argument, 'Fn::Join', lookup);
    return list(items, 'Fn::Join', lookup).join(text(separator, 'Fn::Join', lookup));
  },
  'Fn::Select': (argument, lookup) => {
    const [index, items] = list(argument, 'Fn::Select', lookup);
    const selected = list(items, 'Fn::Select', lookup)[Number(index)];
    if (selected === undefined) throw new TemplateError(`Fn::Select: no item ${String(index)} in its list`);
    return selected;
  },
  'Fn::Split': (argument, lookup) => {
    const [separator, source] = list(argument, 'Fn::Split', lookup);
    return text(source, 'Fn::Split', lookup).split(text(separator, 'Fn::Split', lookup));
  },
  'Fn::If': (argument, lookup) => {
    const [condition, then, otherwise] = conditions(argument, 'Fn::If');
    return resolve(lookup.condition(text(condition, 'Fn::If', lookup)) ? then : otherwise, lookup);
  },
  'Fn::Sub': (argument, lookup) => {
    const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
    const values = resolve(variables, lookup);
    return text(template, 'Fn::Sub', lookup).replace(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (isObject(values) && name in values) return String(values[name]);
      const dot = name.indexOf('.');
      return String(dot < 0 ? lookup.ref(name) : lookup.attribute(name.slice(0, dot), name.slice(dot + 1)));
    });
  },
};

function text(value: unknown, where: string, lookup: Lookup): string {
  const resolved = resolve(value, lookup);
  if (typeof resolved === 'string') return resolved;
  throw new TemplateError(`${where} expects a string, got ${JSON.stringify(resolved)}`);
}

function list(value: unknown, where: string, lookup: Lookup): unknown[] {
  const resolved = resolve(value, lookup);
  if (Array.isArray(resolved)) return resolved;
  throw new TemplateError(`${where} expects a list, got ${JSON.stringify(resolved)}`);
}

function texts(value: unknown, lookup: Lookup): string[] {
  return list(value, 'Fn::GetAtt', lookup).map((item) => text(item, 'Fn::GetAtt', lookup));
}

/** The items of a list, not evaluated: only the items that are needed may be evaluated. */
function conditions(value: unknown, where: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new TemplateError(`${where} expects a list, got ${JSON.stringify(value)}`);
}
