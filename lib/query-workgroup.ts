import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { localTimeView } from '../lambdas/core/queries/local-time-view.ts';
import { savedQueries } from '../lambdas/core/queries/saved-queries.ts';
import { type QueriedTable, rangeOf } from '../lambdas/core/queries/saved-query.ts';
import { fanOutTable } from '../lambdas/core/tables/fan-out.ts';
import { LOADS, REJECTED_LINES } from '../lambdas/core/tables/lake-tables.ts';
import type { Table } from '../lambdas/core/tables/table.ts';
import { allName, allView, localTimeName, type OnceOf, onceName, onceView } from '../lambdas/core/tables/views.ts';
import type { Catalog } from './catalog.ts';
import { LAKE } from './names.ts';
import { namesIn } from './names-in.ts';

/**
 * The table that saved queries ask. Of a source whose rows are divided it is that of the first value: the others are made when
 * rows of their values come, and a query of a table that is not there fails.
 */
function queriedTable(table: Table, catalog: Catalog): QueriedTable {
  const { database } = catalog.placeOf(table);
  const { by, allow = [] } = catalog.divisionOf(table) ?? {};
  const [value] = allow;
  if (by === undefined || value === undefined) return { ...table, database };
  const name = fanOutTable(table.name, value);
  const note =
    `These are the rows in ${name}, the table of one value of ${by}: write the name of another table to ask for others. ` +
    `SHOW TABLES IN ${database} '${table.name}_*' lists them, and \`lake query\` asks all of them.`;
  return { ...table, database, places: [{ database, name }], note };
}

/** How much queries may scan, and where their results are stored. */
export interface QueryWorkgroupProps {
  readonly lake: IBucket;
  readonly catalog: Catalog;
  /** Each table gets saved queries: one that creates a view of it without repeats, and those that its columns can answer. */
  readonly tables: readonly Table[];
  /** The zone whose days the partitions are: unless it is UTC, there is a view of each source's table with local times. */
  readonly timeZone: string;
  /** GiB that one query may scan, at least 0.01. Athena cancels a query that scans more. */
  readonly scanLimitGiB: number;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey;
}

const BYTES_PER_GIB = 2 ** 30;

/**
 * Saved queries of a stack, beside those that make views: a template has at most 500 resources, and a stack with as many
 * sources as the functions' environments hold needs about half of them for other things.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
 */
const MAX_SAVED_QUERIES = 100;

/**
 * The range of the saved queries: a day that stands in their first lines until somebody writes another. A template that
 * held the present day would be another one on each day.
 */
const EXAMPLE_DAY = rangeOf(new Date('2026-11-28T00:00:00Z'), new Date('2026-11-29T00:00:00Z'));

/** The Athena workgroup for queries of the lake. Clients cannot override its limits. */
export class QueryWorkgroup extends Construct {
  readonly workgroupName: string;

  constructor(scope: Construct, id: string, props: QueryWorkgroupProps) {
    super(scope, id);
    const { lake, scanLimitGiB, encryptionKey } = props;
    const workgroup = new CfnWorkGroup(this, 'Resource', {
      name: namesIn(this).workgroup,
      description: 'Queries of the log lake, with a limit to what one may scan.',
      // Without this option, a workgroup that has been used could not be deleted with its stack.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: Math.floor(scanLimitGiB * BYTES_PER_GIB),
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${lake.bucketName}/${LAKE.queryResults}`,
          encryptionConfiguration: encryptionKey
            ? { encryptionOption: 'SSE_KMS', kmsKey: encryptionKey.keyArn }
            : { encryptionOption: 'SSE_S3' },
        },
      },
    });
    this.workgroupName = workgroup.ref;
    for (const table of props.tables) {
      // A view names each of its tables, which are made when rows of their values come: `lake tables` has those of the moment.
      if (props.catalog.divisionOf(table)) continue;
      this.#saveViews(table, props.catalog);
      const isOfSource = table.name !== LOADS && table.name !== REJECTED_LINES;
      if (isOfSource && props.timeZone !== 'UTC') this.#saveLocalTimeView(table, props.catalog, props.timeZone);
    }
    this.#saveQueries(props.tables, props.catalog);
  }

  /** Saves the most important queries of each source. `lake query` has all of them, for any range of time. */
  #saveQueries(tables: readonly Table[], catalog: Catalog): void {
    const { databaseName: database } = catalog;
    const queried = tables.map((table) => queriedTable(table, catalog));
    const groups = [...Map.groupBy(savedQueries({ database, tables: queried }), ({ source }) => source).values()];
    for (const query of groups.flatMap((ofOne) => ofOne.slice(0, Math.floor(MAX_SAVED_QUERIES / groups.length)))) {
      new CfnNamedQuery(this, `Query-${query.name}`, {
        name: query.name,
        description: `${query.description} Set the times and the days of dt in its first lines.`,
        database,
        workGroup: this.workgroupName,
        queryString: query.sql(EXAMPLE_DAY),
      });
    }
  }

  /**
   * Saves the query instead of creating the view: Glue stores a view in Athena's own encoding, which only running the
   * statement produces.
   */
  #saveViews(table: Table, catalog: Catalog): void {
    const { databaseName: database } = catalog;
    const of: OnceOf = { tables: catalog.placesOf(table), columns: table.columns.map(({ name }) => name) };
    const without = 'without repeats, one of each origin and position, and without objects that were replaced';
    this.#saveStatement(
      onceName(table.name),
      `The rows of ${table.name} ${without}.`,
      onceView(database, table.name, of),
      catalog,
    );
    if (of.tables.length === 1) return;
    const all = `All rows of ${table.name}: those of its Iceberg table, and those of before it had one.`;
    this.#saveStatement(allName(table.name), all, allView(database, table.name, of), catalog);
  }

  #saveLocalTimeView(table: Table, catalog: Catalog, zone: string): void {
    const statement = localTimeView(catalog.databaseName, table, zone, catalog.placesOf(table));
    if (statement === undefined) return;
    const description = `The rows of ${table.name} with the time of ${zone} in the column local_time.`;
    this.#saveStatement(localTimeName(table.name), description, statement, catalog);
  }

  #saveStatement(view: string, description: string, queryString: string, catalog: Catalog): void {
    new CfnNamedQuery(this, view, {
      name: `make the view ${view}`,
      description,
      database: catalog.databaseName,
      workGroup: this.workgroupName,
      queryString,
    });
  }
}
