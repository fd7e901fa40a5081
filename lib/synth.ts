import { readFileSync } from 'node:fs';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { type Context, readConfig } from './config/config.ts';
import { STACK } from './names.ts';
import { TributaryStack } from './tributary-stack.ts';

/** What to synthesize, and where to. */
export interface SynthesizeOptions {
  /** Params over those of cdk.json. */
  readonly context?: Context;
  /** Folder of the cloud assembly; made when missing. */
  readonly outdir: string;
}

/** A cloud assembly as synthesized. */
export interface Synthesized {
  readonly directory: string;
  /** Its template is `<stackName>.template.json`. */
  readonly stackName: string;
}

/**
 * Synthesizes the stack, bundles included, without credentials or network. What the CDK command
 * line gives (`-c name=value`) goes over everything else.
 *
 * @throws ConfigError when a param cannot be used; Error when a template or security rule is broken.
 */
export function synthesize({ context = {}, outdir }: SynthesizeOptions): Synthesized {
  const app = new App({ context: { ...cdkJsonContext(), ...context }, outdir, analyticsReporting: false });
  const stack = new TributaryStack(app, STACK, { config: readConfig(app.node.getAllContext()) });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { directory: app.synth().directory, stackName: stack.stackName };
}

function cdkJsonContext(): Context {
  const cdkJson: unknown = JSON.parse(readFileSync(new URL('../cdk.json', import.meta.url), 'utf8'));
  if (typeof cdkJson !== 'object' || cdkJson === null || !('context' in cdkJson)) return {};
  return { ...Object(cdkJson.context) };
}
