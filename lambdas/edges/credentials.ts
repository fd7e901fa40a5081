/**
 * What the functions' bundles have in place of the SDK's default chain of credential providers. Lambda gives a
 * function its credentials in the environment; the rest of the chain (profiles, single sign-on, instance
 * metadata) would be a fifth of each bundle, read at each cold start and never used.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
