import { GlueClient } from '@aws-sdk/client-glue';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OPTIMIZERS, OPTIMIZERS_OF_PARTS } from '../../../lambdas/core/iceberg/optimizers.ts';
import { maintain } from '../../../lambdas/edges/table-optimizers.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type FakeService, failure, json, openFakeService, type ServedRequest } from '../../helpers/fake-service.ts';

const TABLE = { catalogId: '123456789012', database: 'tributary_iceberg', table: 'web' };
const ROLE = 'arn:aws:iam::123456789012:role/maintains';

/** Glue as it keeps the settings of a table's maintenance, by kind. */
let kept: Map<string, Record<string, unknown>>;
let service: FakeService;
beforeEach(async () => {
  kept = new Map();
  service = await openFakeService(glue);
});
afterEach(() => service.close());

function glue({ operation, body }: ServedRequest) {
  const { Type, TableOptimizerConfiguration: configuration } = JSON.parse(body);
  const there = kept.get(Type);
  switch (operation) {
    case 'AWSGlue.GetTableOptimizer':
      return there
        ? json({ TableOptimizer: { type: Type, configuration: there } })
        : failure('EntityNotFoundException');
    case 'AWSGlue.CreateTableOptimizer':
      if (there) return failure('AlreadyExistsException');
      break;
    case 'AWSGlue.UpdateTableOptimizer':
      if (!there) return failure('EntityNotFoundException');
      break;
    default:
      return failure('InvalidInputException');
  }
  // Glue tells what it has chosen itself, too.
  kept.set(Type, { ...configuration, vpcConfiguration: { glueConnectionName: '' } });
  return json({});
}

const operations = () => service.requests.map(({ operation }) => operation.replace('AWSGlue.', ''));
const again = () => {
  service.requests.length = 0;
  return maintain(new GlueClient({ ...clientOptions(service.url), maxAttempts: 1 }), TABLE, OPTIMIZERS, ROLE);
};

describe("Glue's maintenance of a table", () => {
  test('is made of every kind, with snapshots of two days and orphans of thirty', async () => {
    await again();
    expect(kept.get('compaction')).toMatchObject({ roleArn: ROLE, enabled: true });
    expect(kept.get('retention')).toMatchObject({
      retentionConfiguration: {
        icebergConfiguration: {
          snapshotRetentionPeriodInDays: 2,
          numberOfSnapshotsToRetain: 1,
          cleanExpiredFiles: true,
        },
      },
    });
    // An upload may be completed after 14 days, and S3 dates the file by its beginning.
    expect(kept.get('orphan_file_deletion')).toMatchObject({
      orphanFileDeletionConfiguration: { icebergConfiguration: { orphanFileRetentionPeriodInDays: 30 } },
    });
    expect(JSON.parse(service.requests.at(-1)?.body ?? '')).toMatchObject({
      CatalogId: '123456789012',
      DatabaseName: 'tributary_iceberg',
      TableName: 'web',
    });
  });

  test('is done seldom where thousands of tables share a source, as each time is billed', async () => {
    const often = JSON.stringify(OPTIMIZERS);
    const seldom = JSON.stringify(OPTIMIZERS_OF_PARTS);
    expect(often).toContain('"minInputFiles":20');
    expect(often.match(/"runRateInHours":24/g)).toHaveLength(2);
    expect(seldom).toContain('"minInputFiles":100');
    expect(seldom.match(/"runRateInHours":168/g)).toHaveLength(2);
    // What is kept, and for how long, is the same.
    const sameTimes = (text: string) => text.replace(/"minInputFiles":\d+|"runRateInHours":\d+/g, '');
    expect(sameTimes(seldom)).toBe(sameTimes(often));
  });

  test('stays as it is when it is asked for again', async () => {
    await again();
    await again();
    expect(operations()).toEqual(Array(3).fill('GetTableOptimizer'));
  });

  test('goes on where a deployment was broken off, and is changed where it is otherwise', async () => {
    await again();
    kept.delete('retention');
    kept.set('compaction', { ...kept.get('compaction'), roleArn: 'arn:aws:iam::123456789012:role/before' });
    kept.set('orphan_file_deletion', { ...kept.get('orphan_file_deletion'), enabled: false });
    await again();
    expect(operations().filter((name) => name !== 'GetTableOptimizer')).toEqual([
      'UpdateTableOptimizer',
      'CreateTableOptimizer',
      'UpdateTableOptimizer',
    ]);
    expect(kept.get('compaction')).toMatchObject({ roleArn: ROLE });
    expect(kept.get('orphan_file_deletion')).toMatchObject({ enabled: true });
  });

  test('is no success if Glue refuses it', async () => {
    service.reply = () => failure('AccessDeniedException');
    await expect(again()).rejects.toThrow('as the test wants it');
  });
});
