/**
 * Replaces the SDK's default chain of credential providers in the bundles of the functions. Lambda passes credentials
 * to a function in environment variables. The rest of the chain (profiles, single sign-on, instance metadata) would be
 * a fifth of each bundle, read at each cold start and never used.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
