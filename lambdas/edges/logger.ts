import { Logger } from '@aws-lambda-powertools/logger';
import { SERVICE } from '../core/metrics.ts';

/** Structured logs of the functions: faults of the service, never one line per bad record. */
export const logger = new Logger({ serviceName: SERVICE });
