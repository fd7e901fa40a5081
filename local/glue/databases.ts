import { z } from 'zod';
import { glueTable } from '../template/glue-table.ts';
import { propertiesOf } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import type { GlueDatabase } from './table-store.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-glue-database.html */
const properties = z.object({ DatabaseInput: z.object({ LocationUri: z.string().optional() }) });

/**
 * The databases of a stack, with the names of the tables that CloudFormation makes there.
 *
 * @throws TemplateError naming the resource, the property and the problem
 */
export function databasesOf(resources: readonly Resource[]): GlueDatabase[] {
  const tables = resources.filter(({ type }) => type === 'AWS::Glue::Table').map(glueTable);
  return resources
    .filter(({ type }) => type === 'AWS::Glue::Database')
    .map((resource) => {
      const { LocationUri: location } = propertiesOf(resource, properties).DatabaseInput;
      const otherTables = tables.filter(({ database }) => database === resource.localName).map(({ name }) => name);
      return { name: resource.localName, location, otherTables: new Set(otherTables) };
    });
}
