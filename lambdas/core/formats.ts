import type { Format } from './format.ts';
import { alb } from './formats/alb.ts';

/** All formats, by the name a source's `format` gives. */
export const FORMATS: ReadonlyMap<string, Format> = new Map([alb].map((format) => [format.name, format]));
