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
  /**
   * Whether the template is checked against CloudFormation's schemas and the security rules, which takes seconds: a lake on
   * this machine is not deployed. @default true
   */
  readonly checked?: boolean;
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
export function synthesize({ context = {}, outdir, checked = true }: SynthesizeOptions): Synthesized {
  const app = new App({
    context: { ...cdkJsonContext(), ...context },
    outdir,
    analyticsReporting: false,
    builtinCloudFormationValidation: checked,
  });
  const config = readConfig(app.node.getAllContext());
  const stack = new TributaryStack(app, config.stackName, { config });
  if (checked) Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { directory: app.synth().directory, stackName: stack.stackName };
}
