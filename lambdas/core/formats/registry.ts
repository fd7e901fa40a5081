import type { Format } from '../reading/format.ts';
import { alb } from './alb.ts';
import { json } from './json.ts';
import { kong } from './kong.ts';
import { kongJson } from './kong-json.ts';
import { nginx } from './nginx.ts';

/** All formats, by the name that a source's `format` has in the configuration. */
export const FORMATS: ReadonlyMap<string, Format> = new Map(
  [alb, kong, kongJson, nginx, json].map((format) => [format.name, format]),
);
