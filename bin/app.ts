/** The CDK app: `cdk synth`, `cdk deploy`. */
import { ConfigError } from '../lib/config/config-error.ts';
import { synthesize } from '../lib/synth.ts';

try {
  synthesize({ outdir: process.env.CDK_OUTDIR ?? 'cdk.out' });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
