import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { CompiledFormat, FormatOptions } from '../../lambdas/core/reading/format.ts';

/** A format of the registry with its options applied. */
export function compiled(name: string, options: FormatOptions = {}): CompiledFormat {
  const format = FORMATS.get(name);
  if (!format) throw new Error(`no format ${name}: expected one of ${[...FORMATS.keys()].join(', ')}`);
  return format.compile(options);
}
