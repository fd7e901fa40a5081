/**
 * The operations of Glue's own API that set how a table is maintained. Whoever wants a table maintained here calls
 * `maintain` of maintenance/maintain.ts.
 *
 * https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-table-optimizers.html
 */
import { z } from 'zod';
import type { OptimizerKind } from '../../lambdas/core/iceberg/optimizers.ts';
import { ACCOUNT } from '../account.ts';
import { GlueError, unsupported } from './glue-error.ts';
import { type OptimizerSettings, type Optimizers, readOptimizers, writeOptimizers } from './optimizer-files.ts';
import type { TableStore } from './table-store.ts';

const KINDS = ['compaction', 'retention', 'orphan_file_deletion'] as const satisfies readonly OptimizerKind[];

const count = z.int().min(1);
const hours = z.int().min(3).max(168).default(24);

/** What all kinds have. */
const COMMON = {
  roleArn: z.string().regex(/^arn:aws[^:]*:iam::\d+:role\/.+$/),
  enabled: z.boolean().default(true),
};

const compaction = z.strictObject({
  strategy: z.literal('binpack', 'has no local behaviour, expected binpack').default('binpack'),
  minInputFiles: z.int().min(2).default(100),
  // Nothing here writes deletes of single rows.
  deleteFileThreshold: count.default(1),
});

/** Without a period or a number, the table's properties decide. */
const retention = z.strictObject({
  snapshotRetentionPeriodInDays: count.optional(),
  numberOfSnapshotsToRetain: count.optional(),
  cleanExpiredFiles: z.boolean().default(false),
  runRateInHours: hours,
});

const orphans = z.strictObject({
  orphanFileRetentionPeriodInDays: count.default(3),
  runRateInHours: hours,
});

/** The settings of each kind, with Glue's defaults. */
const SETTINGS = {
  compaction: z.strictObject({
    ...COMMON,
    compactionConfiguration: z.strictObject({ icebergConfiguration: compaction.prefault({}) }).prefault({}),
  }),
  retention: z.strictObject({
    ...COMMON,
    retentionConfiguration: z.strictObject({ icebergConfiguration: retention.prefault({}) }).prefault({}),
  }),
  orphan_file_deletion: z.strictObject({
    ...COMMON,
    orphanFileDeletionConfiguration: z.strictObject({ icebergConfiguration: orphans.prefault({}) }).prefault({}),
  }),
};

export type SettingsOf<Kind extends OptimizerKind> = z.output<(typeof SETTINGS)[Kind]>;

/** The settings of one kind; undefined if the table is not maintained so, or not any more. */
export async function enabledSettings<Kind extends OptimizerKind>(
  tables: TableStore,
  database: string,
  table: string,
  kind: Kind,
): Promise<SettingsOf<Kind> | undefined> {
  const { [kind]: found } = await readOptimizers(tables.dir, database, table);
  return found?.enabled ? (SETTINGS[kind].parse(found) as SettingsOf<Kind>) : undefined;
}

const asked = z.strictObject({
  CatalogId: z.string(),
  DatabaseName: z.string(),
  TableName: z.string(),
  Type: z.enum(KINDS),
});
const given = asked.extend({ TableOptimizerConfiguration: z.looseObject({}) });
type Asked = z.output<typeof asked>;

/**
 * Does an operation of Glue's API.
 *
 * @param operation by its name: `GetTableOptimizer`
 * @returns the answer's body
 * @throws GlueError with a type by Glue's name
 */
export async function optimizerOperation(tables: TableStore, operation: string, body: unknown): Promise<object> {
  const act = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
  if (!act) throw unsupported(`AWSGlue.${operation}`);
  return act(tables, body);
}

const OPERATIONS: Readonly<Record<string, (tables: TableStore, body: unknown) => Promise<object>>> = {
  GetTableOptimizer: async (tables, body) => {
    const of = read(asked, body);
    const { [of.Type]: configuration } = await optimizersOf(tables, of);
    if (!configuration) throw noOptimizer(of);
    const { Type: type, ...which } = of;
    return { ...which, TableOptimizer: { type, configuration, configurationSource: 'table' } };
  },
  CreateTableOptimizer: (tables, body) => set(tables, body, false),
  UpdateTableOptimizer: (tables, body) => set(tables, body, true),
};

/** If the process dies before the file is replaced, nothing is set. */
async function set(tables: TableStore, body: unknown, isThere: boolean): Promise<object> {
  const of = read(given, body);
  const configuration = read<OptimizerSettings>(SETTINGS[of.Type], of.TableOptimizerConfiguration);
  const { DatabaseName: database, TableName: table } = of;
  await tables.objects.inTurn(`optimizers of ${database}.${table}`, async () => {
    const before = await optimizersOf(tables, of);
    if (isThere && !before[of.Type]) throw noOptimizer(of);
    if (!isThere && before[of.Type]) {
      throw new GlueError(400, 'AlreadyExistsException', `${named(of)} is there already`);
    }
    await writeOptimizers(tables.dir, database, table, { ...before, [of.Type]: configuration });
  });
  return {};
}

async function optimizersOf(
  tables: TableStore,
  { CatalogId, DatabaseName: database, TableName: table }: Asked,
): Promise<Optimizers> {
  if (CatalogId !== ACCOUNT) throw notFound(`catalog ${CatalogId}`);
  try {
    await tables.load(database, table);
  } catch (error) {
    throw error instanceof GlueError && error.status === 404 ? notFound(`table ${database}.${table}`) : error;
  }
  return readOptimizers(tables.dir, database, table);
}

function notFound(what: string): GlueError {
  return new GlueError(400, 'EntityNotFoundException', `there is no ${what}`);
}

function noOptimizer(of: Asked): GlueError {
  return notFound(named(of));
}

function named({ DatabaseName, TableName, Type }: Asked): string {
  return `optimizer ${Type} of ${DatabaseName}.${TableName}`;
}

function read<T>(shape: z.ZodType<T>, value: unknown): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new GlueError(400, 'InvalidInputException', issues.join('; '));
}
