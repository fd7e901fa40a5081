import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { cdkJsonContext, withSchemaJson } from './config/cdk-json.ts';
import { type Config, type Context, readConfig } from './config/config.ts';
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
  /** @default - that of this repository */
  readonly cdkJson?: string;
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
export function synthesize(options: SynthesizeOptions): Synthesized {
  const { checked = true } = options;
  const { app, config } = openApp(options);
  const stack = new TributaryStack(app, config.stackName, { config });
  if (checked) Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { directory: app.synth().directory, stackName: stack.stackName };
}

/** The app, and the configuration that its context has. @throws ConfigError */
export function openApp({ context = {}, outdir, cdkJson, checked = true }: SynthesizeOptions): {
  readonly app: App;
  readonly config: Config;
} {
  const app = new App({
    context: cdkJsonContext(context, cdkJson),
    outdir,
    analyticsReporting: false,
    builtinCloudFormationValidation: checked,
  });
  // The CDK's command hands on cdk.json and what was given to it, and that takes the place of what was given here.
  return { app, config: readConfig(withSchemaJson(app.node.getAllContext(), cdkJson)) };
}
