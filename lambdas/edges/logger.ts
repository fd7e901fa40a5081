import { Logger } from '@aws-lambda-powertools/logger';
import { SERVICE } from '../core/metrics.ts';
import { ENV } from '../core/settings.ts';

/** Structured logs of the functions. They are for failures of services, never for single malformed log lines. */
export const logger = new Logger({ serviceName: process.env[ENV.service] ?? SERVICE });
