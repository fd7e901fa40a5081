import type { Format } from './format.ts';
import { alb } from './formats/alb.ts';
import { json } from './formats/json.ts';
import { kong } from './formats/kong.ts';
import { kongJson } from './formats/kong-json.ts';
import { nginx } from './formats/nginx.ts';

/** All formats, by the name a source's `format` gives. */
export const FORMATS: ReadonlyMap<string, Format> = new Map(
  [alb, kong, kongJson, nginx, json].map((format) => [format.name, format]),
);
