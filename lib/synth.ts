import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { cdkJsonContext } from './config/cdk-json.ts';
import { type Context, readConfig } from './config/config.ts';
import { TributaryStack } from './tributary-stack.ts';

/** What to synthesize, and where to. */
export interface SynthesizeOptions {
  /** Params that override those of cdk.json. */
  readonly context?: Context;
  /** Folder of the cloud assembly; created if missing. */
  readonly outdir: string;
}

/** A synthesized cloud assembly. */
export interface Synthesized {
  readonly directory: string;
  /** The template is `<stackName>.template.json`. */
  readonly stackName: string;
}

/**
 * Synthesizes the stack, including its bundles, without credentials or network. Values from the CDK command line (`-c
 * name=value`) override all others.
 *
 * @throws ConfigError if a param cannot be used; Error if the template is invalid or a security rule is violated.
 */
export function synthesize({ context = {}, outdir }: SynthesizeOptions): Synthesized {
  const app = new App({ context: { ...cdkJsonContext(), ...context }, outdir, analyticsReporting: false });
  const config = readConfig(app.node.getAllContext());
  const stack = new TributaryStack(app, config.stackName, { config });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { directory: app.synth().directory, stackName: stack.stackName };
}
