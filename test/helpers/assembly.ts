import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A small cloud assembly written by hand: a template's resources and the code of its bundles. */
export interface Assembly {
  readonly resources: Readonly<Record<string, unknown>>;
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
