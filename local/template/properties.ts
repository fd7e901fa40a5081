import { z } from 'zod';
import { TemplateError } from './intrinsics.ts';
import type { Resource } from './resource.ts';

/**
 * A resource's properties in the shape that a service expects.
 *
 * @throws TemplateError naming the resource and each property that is missing or of another type.
 */
export function propertiesOf<T>(resource: Resource, shape: z.ZodType<T>): T {
  const read = shape.safeParse(resource.properties);
  if (read.success) return read.data;
  const issues = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new TemplateError(`resource ${resource.logicalId} (${resource.type}): ${issues.join('; ')}`);
}

/** A property that is not emulated, so it is refused rather than ignored. */
export const refused = z.never({ error: 'has no local behaviour' }).optional();
