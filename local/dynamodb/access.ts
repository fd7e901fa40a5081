import { arnOf, REGION } from '../account.ts';
import { type Caller, requireAccess } from '../iam/caller.ts';

/** The keys of AWS KMS that tables are encrypted with, by table; those of AWS need no permission. */
export type TableKeys = ReadonlyMap<string, string>;

/** Operations on one table, whose permissions have the same names. */
const ON_TABLE = [
  ...['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'Scan'],
  ...['CreateTable', 'UpdateTable', 'DeleteTable', 'DescribeTable', 'DescribeTimeToLive', 'UpdateTimeToLive'],
];
/** Operations on items of any table, by what of the request names the tables. */
const ON_TABLES = ['BatchGetItem', 'BatchWriteItem'];

/** What a table's key is used for on behalf of whoever uses the table. */
const KEY_ACTIONS = ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'];

type Input = Readonly<Record<string, unknown>>;

/**
 * Requires the permissions of a request. Transactions have none of their own, and nobody here uses them yet.
 *
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 * https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
 * @param target header with the operation: `DynamoDB_20120810.GetItem`
 * @throws AccessDenied if the caller may not do what the request asks for
 * @throws Error for an operation whose permissions are not known here
 */
export function requireAccessToTables(caller: Caller, target: string, body: Buffer, keys: TableKeys): void {
  const operation = target.slice(target.indexOf('.') + 1);
  const input = inputOf(body);
  for (const resource of resourcesOf(operation, input)) {
    const [table = ''] = resource.split('/');
    requireAccess(caller, { action: `dynamodb:${operation}`, resource: arnOf('dynamodb', `table/${resource}`) });
    const key = keys.get(table);
    if (key === undefined) continue;
    const context = { 'kms:ViaService': `dynamodb.${REGION}.amazonaws.com` };
    for (const action of KEY_ACTIONS) requireAccess(caller, { action, resource: key, context });
  }
}

/** The tables of a request, or an index of one: `ledger`, `ledger/index/waiting`. */
function resourcesOf(operation: string, input: Input): string[] {
  if (ON_TABLES.includes(operation)) return Object.keys(Object(input.RequestItems));
  if (!ON_TABLE.includes(operation)) throw new Error(`the permissions of dynamodb:${operation} are not known here`);
  const { TableName, IndexName } = input;
  // Whoever names no table is told so by DynamoDB.
  if (typeof TableName !== 'string') return [];
  return [typeof IndexName === 'string' ? `${TableName}/index/${IndexName}` : TableName];
}

function inputOf(body: Buffer): Input {
  try {
    return Object(JSON.parse(body.toString())) as Input;
  } catch {
    // DynamoDB says what is wrong with it.
    return {};
  }
}
