import { ArnFormat, Aws, type RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnPrincipalPermissions } from 'aws-cdk-lib/aws-lakeformation';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { ICEBERG_PREFIX } from '../lambdas/core/tables/table.ts';
import { acknowledgeKeys } from './acknowledge.ts';
import { type Allowed, keyUse } from './delivery-streams.ts';
import { grantFiles } from './lake-grants.ts';
import type { LogFunction } from './log-function.ts';
import { namesIn } from './names-in.ts';

export interface IcebergAccessProps {
  /** The database of the tables, as a reference. */
  readonly databaseName: string;
  readonly lake: Bucket;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
  /** Grants what Lake Formation asks for, too. */
  readonly lakeFormation: boolean;
}

/** What may be done with the definitions of tables: actions of Glue. */
export type TableAction = 'GetTable' | 'CreateTable' | 'UpdateTable';

/** Glue's maintenance writes its log to groups of these names. */
const OPTIMIZER_LOGS = ['compaction', 'retention', 'orphan-file-deletion'].map(
  (kind) => `/aws-glue/iceberg-${kind}/logs`,
);

const READ_AND_WRITE = ['DESCRIBE', 'SELECT', 'INSERT', 'ALTER'];

/**
 * Who may do what with the Iceberg tables. Tables are named when they are made, those of a source's parts by values of its
 * lines, so permissions are for all tables of the database, which has no others.
 */
export class IcebergAccess extends Construct {
  /**
   * With this role Glue merges files, expires snapshots and deletes files that no snapshot names.
   *
   * https://docs.aws.amazon.com/glue/latest/dg/optimization-prerequisites.html
   */
  readonly optimizing: Role;
  /** What must be there before a table can be made. */
  readonly grants: readonly IConstruct[];
  readonly #props: IcebergAccessProps;
  readonly #grants: IConstruct[] = [];

  constructor(scope: Construct, id: string, props: IcebergAccessProps) {
    super(scope, id);
    this.#props = props;
    this.grants = this.#grants;
    const { lake, encryptionKey, removalPolicy } = props;
    const allowed: Allowed[] = [
      [['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], [lake.arnForObjects(`${ICEBERG_PREFIX}*`)]],
      [['s3:ListBucket'], [lake.bucketArn]],
      [['glue:GetTable', 'glue:UpdateTable'], this.#tables()],
      [
        ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
        OPTIMIZER_LOGS.map((name) => this.#logGroup(name)),
      ],
      ...keyUse(encryptionKey),
    ];
    this.optimizing = new Role(this, 'Optimizing', {
      // Glue's guide names no condition, and which ones Glue sends is not documented. Only who may pass the role uses it.
      assumedBy: new ServicePrincipal('glue.amazonaws.com'),
      description: 'Has Glue maintain the Iceberg tables of the lake.',
      // In the role itself: it then is never there without its policy, and stays with it.
      inlinePolicies: {
        Maintain: new PolicyDocument({
          statements: allowed.map(
            ([actions, resources]) => new PolicyStatement({ actions: [...actions], resources: [...resources] }),
          ),
        }),
      },
    });
    // Tables that stay are maintained as long as their role is there.
    this.optimizing.applyRemovalPolicy(removalPolicy);
    acknowledgeKeys(this.optimizing, lake, `${ICEBERG_PREFIX}*`, 'Glue names the files that it writes itself.');
    this.#acknowledgeTables(this.optimizing);
    for (const name of OPTIMIZER_LOGS) {
      Validations.of(this.optimizing).acknowledge({
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:${name}:*]`,
        reason: 'Glue names the streams of its log itself.',
      });
    }
    this.#grantInLakeFormation('Optimizing', this.optimizing, [...READ_AND_WRITE, 'DELETE']);
  }

  /**
   * Lets `fn` use the tables through Iceberg's REST protocol. Glue reads and writes the metadata of a table with the
   * permissions of its caller.
   *
   * https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html
   */
  grantTables(fn: LogFunction, actions: readonly TableAction[]): void {
    const { encryptionKey } = this.#props;
    const all = ['glue:GetCatalog', 'glue:GetDatabase', ...actions.map((action) => `glue:${action}`)];
    fn.addToRolePolicy(new PolicyStatement({ actions: all, resources: this.#tables() }));
    this.grantFilesOfTables(fn, ['GetObject', 'PutObject']);
    for (const [keyActions, resources] of keyUse(encryptionKey)) {
      fn.addToRolePolicy(new PolicyStatement({ actions: [...keyActions], resources: [...resources] }));
    }
    if (!fn.role) throw new Error(`${fn.node.path}: has no role`);
    this.#acknowledgeTables(fn.role);
    const mayCreate = actions.includes('CreateTable');
    this.#grantInLakeFormation(fn.node.id, fn.role, READ_AND_WRITE, mayCreate ? ['CREATE_TABLE'] : []);
  }

  /** Lets `fn` do this with the files of the tables: actions of S3. */
  grantFilesOfTables(fn: LogFunction, actions: readonly string[]): void {
    const reason = 'Files of Iceberg tables, whose names and folders are made when they are written.';
    grantFiles(fn, this.#props.lake, { prefix: ICEBERG_PREFIX, actions, reason });
  }

  /** Lets `fn` have Glue maintain the tables, with the role for it: actions of Glue. */
  grantOptimizers(fn: LogFunction, actions: readonly string[]): void {
    const resources = this.#tables();
    fn.addToRolePolicy(new PolicyStatement({ actions: actions.map((action) => `glue:${action}`), resources }));
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.optimizing.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'glue.amazonaws.com' } },
      }),
    );
  }

  /** The tables, their database and the catalog: Glue asks for all three. */
  #tables(): string[] {
    const { icebergDatabase } = namesIn(this);
    return [['catalog'], ['database', icebergDatabase], ['table', `${icebergDatabase}/*`]].map(
      ([resource = '', resourceName]) =>
        Stack.of(this).formatArn({
          service: 'glue',
          resource,
          resourceName,
          arnFormat: resourceName ? ArnFormat.SLASH_RESOURCE_NAME : ArnFormat.NO_RESOURCE_NAME,
        }),
    );
  }

  #acknowledgeTables(role: IConstruct): void {
    const { icebergDatabase } = namesIn(this);
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:table/${icebergDatabase}/*]`,
      reason: 'All Iceberg tables of the lake, which are made when their first rows are written.',
    });
  }

  #logGroup(name: string): string {
    return Stack.of(this).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: `${name}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  /** https://docs.aws.amazon.com/lake-formation/latest/dg/lf-permissions-reference.html */
  #grantInLakeFormation(
    id: string,
    { roleArn }: Pick<Role, 'roleArn'>,
    onTables: readonly string[],
    onDatabase: readonly string[] = [],
  ): void {
    const { databaseName, lakeFormation, removalPolicy } = this.#props;
    if (!lakeFormation) return;
    const catalogId = Aws.ACCOUNT_ID;
    const grants = {
      Database: {
        resource: { database: { catalogId, name: databaseName } },
        permissions: ['DESCRIBE', ...onDatabase],
      },
      Tables: { resource: { table: { catalogId, databaseName, tableWildcard: {} } }, permissions: [...onTables] },
    };
    for (const [kind, { resource, permissions }] of Object.entries(grants)) {
      const grant = new CfnPrincipalPermissions(this, `${id}${kind}Permissions`, {
        principal: { dataLakePrincipalIdentifier: roleArn },
        resource,
        permissions,
        permissionsWithGrantOption: [],
      });
      grant.applyRemovalPolicy(removalPolicy);
      this.#grants.push(grant);
    }
  }
}
