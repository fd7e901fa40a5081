import { describe, expect, test } from 'vitest';
import { ENV } from '../../lambdas/core/settings.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import type { Table } from '../../lambdas/core/tables/table.ts';
import { DEMO_SOURCES, readConfig } from '../../lib/config/config.ts';
import { readable, references, resource, resources, statements, templateOf } from '../helpers/template.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';

interface Destination {
  readonly DataFormatConversionConfiguration: {
    readonly Enabled: boolean;
    readonly InputFormatConfiguration: { readonly Deserializer: { readonly OpenXJsonSerDe: object } };
    readonly OutputFormatConfiguration: object;
    readonly SchemaConfiguration: Readonly<Record<string, unknown>>;
  };
}

const context = {
  sources: DEMO_SOURCES,
  bufferSizeMiB: 64,
  bufferIntervalSeconds: 60,
  parquetCompression: 'GZIP',
  timeZone: 'Asia/Seoul',
};
const template = templateOf(context);
const tables: readonly Table[] = [...readConfig(context).sources.map(({ table }) => table), loadsTable, rejectedTable];

function streamOf({ name }: Table) {
  const { Properties, ...rest } = resource(
    template,
    'AWS::KinesisFirehose::DeliveryStream',
    `Streams${name.replaceAll('_', '')}`,
  );
  return { ...rest, Properties, destination: Properties.ExtendedS3DestinationConfiguration as Destination };
}

describe.each(tables.map((table) => [table.name, table] as const))('the stream into %s', (name, table) => {
  test("reads each column by its key, and is strict about the key's case", () => {
    const { DataFormatConversionConfiguration: conversion } = streamOf(table).destination;
    expect(conversion.InputFormatConfiguration.Deserializer.OpenXJsonSerDe).toEqual({
      CaseInsensitive: false,
      ColumnToJsonKeyMappings: Object.fromEntries(table.columns.map((column) => [column.name, column.key])),
    });
    const keys = table.columns.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('writes Parquet by the schema of the table', () => {
    const { DataFormatConversionConfiguration: conversion } = streamOf(table).destination;
    expect(conversion.Enabled).toBe(true);
    expect(conversion.OutputFormatConfiguration).toEqual({ Serializer: { ParquetSerDe: { Compression: 'GZIP' } } });
    expect(conversion.SchemaConfiguration).toMatchObject({ VersionId: 'LATEST', Region: { Ref: 'AWS::Region' } });
    expect(readable(conversion.SchemaConfiguration.TableName)).toBe(`<Catalog${name.replaceAll('_', '')}>`);
  });

  test('writes days of the time zone, and errors by their kind, within its own folders', () => {
    expect(streamOf(table).destination).toMatchObject({
      Prefix: `data/${name}/dt=!{timestamp:yyyy-MM-dd}/`,
      ErrorOutputPrefix: `errors/${name}/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/`,
      CustomTimeZone: 'Asia/Seoul',
      BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
    });
    const written = statements(template, `Streams${name.replaceAll('_', '')}Role`)
      .filter(({ Action }) => [Action].flat().includes('s3:PutObject'))
      .flatMap(({ Resource }) => [Resource].flat().map(readable));
    expect(written).toEqual([`<Lake.Arn>/data/${name}/*`, `<Lake.Arn>/errors/${name}/*`]);
  });

  test('is made after its role, which has its policy from the beginning, encrypted, and kept when a deploy replaces it', () => {
    const { Properties, UpdateReplacePolicy } = streamOf(table);
    expect(references(Properties)).toContainEqual(expect.stringMatching(`^Streams${name.replaceAll('_', '')}Role`));
    expect(Properties.DeliveryStreamEncryptionConfigurationInput).toEqual({ KeyType: 'AWS_OWNED_CMK' });
    expect(UpdateReplacePolicy).toBe('Retain');
  });
});

describe('the encryption of what a stream writes', () => {
  test('is stated with a key and without one, because an update keeps what is not stated', () => {
    const encryption = (context: Readonly<Record<string, unknown>>) =>
      [...resources(templateOf(context), 'AWS::KinesisFirehose::DeliveryStream').values()].map(
        ({ Properties }) =>
          (Properties.ExtendedS3DestinationConfiguration as { readonly EncryptionConfiguration: object })
            .EncryptionConfiguration,
      );
    expect(encryption({})).toEqual(Array(3).fill({ NoEncryptionConfig: 'NoEncryption' }));
    expect(encryption({ kmsKey: KEY })).toEqual(Array(3).fill({ KMSEncryptionConfig: { AWSKMSKeyARN: KEY } }));
  });
});

describe('a source that gets another format', () => {
  const TYPE = 'AWS::KinesisFirehose::DeliveryStream';
  const idsOf = (format: string, more: object = {}) => [
    ...resources(templateOf({ sources: [{ name: 'web', format, ...more }], streamsPerTable: 2 }), TYPE).keys(),
  ];

  test('has other streams, because the rows in those of before have keys of the other format', () => {
    const [alb, nginx] = [idsOf('alb'), idsOf('nginx')];
    expect(alb.filter((id) => nginx.includes(id)).filter((id) => id.startsWith('Streamsweb'))).toEqual([]);
    expect(alb.filter((id) => nginx.includes(id))).toHaveLength(2);
  });

  test('keeps its streams as long as its format is the same, whatever its options are', () => {
    expect(idsOf('nginx', { preset: 'timed', keepRaw: 'always' })).toEqual(idsOf('nginx'));
  });
});

describe('several streams into one table', () => {
  const several = (count: number, more: object = {}) =>
    templateOf({ ...context, sources: DEMO_SOURCES.map((source) => ({ ...source, streamsPerTable: count })), ...more });
  const streamsOf = (of: ReturnType<typeof templateOf>, prefix: string) =>
    [...resources(of, 'AWS::KinesisFirehose::DeliveryStream')].filter(([id]) => id.startsWith(prefix));
  const three = several(3);

  test('are alike in all: table, folders, role and log', () => {
    const [first, ...others] = streamsOf(three, 'Streamsalb');
    expect(others).toHaveLength(2);
    for (const [, { Properties, DependsOn }] of others) {
      expect(Properties).toEqual(first?.[1].Properties);
      expect(DependsOn).toEqual(first?.[1].DependsOn);
    }
    expect([...resources(three, 'AWS::IAM::Role').keys()].filter((id) => id.startsWith('Streamsalb'))).toHaveLength(1);
  });

  test("are for the sources' tables only", () => {
    expect(streamsOf(three, 'Streamsloads')).toHaveLength(1);
    expect(streamsOf(three, 'Streamsrejectedlines')).toHaveLength(1);
    expect(streamsOf(three, 'Streams')).toHaveLength(3 * 3 + 2);
  });

  test('leave the first where it was', () => {
    const [only] = streamsOf(template, 'Streamsalb').map(([id]) => id);
    const ids = streamsOf(three, 'Streamsalb').map(([id]) => id);
    expect(ids.filter((id) => !id.startsWith('StreamsalbNo'))).toEqual([only]);
  });

  test('deliver what they hold when they are to be fewer', () => {
    const policies = (of: ReturnType<typeof templateOf>, prefix: string) =>
      streamsOf(of, prefix).map(([, { DeletionPolicy }]) => DeletionPolicy);
    expect(policies(three, 'StreamsalbNo')).toEqual(['RetainExceptOnCreate', 'RetainExceptOnCreate']);
    expect(policies(three, 'Streamsalb')).toEqual(Array(3).fill('RetainExceptOnCreate'));
    expect(policies(several(3, { removalPolicy: 'destroy' }), 'StreamsalbNo')).toEqual(['Delete', 'Delete']);
  });

  test('may each be put to by the function of their source, which is told all their names', () => {
    const streams = statements(three, 'LoadObjectsRole')
      .filter(({ Action }) => Action === 'firehose:PutRecordBatch')
      .flatMap(({ Resource }) => [Resource].flat().map(readable));
    const lake = ['<Streamsloads.Arn>', '<Streamsrejectedlines.Arn>'];
    expect(streams).toEqual(['<Streamsalb.Arn>', '<StreamsalbNo2.Arn>', '<StreamsalbNo3.Arn>', ...lake]);
    const { Variables } = resource(three, 'AWS::Lambda::Function', 'LoadObjects').Properties.Environment as {
      readonly Variables: Readonly<Record<string, unknown>>;
    };
    const [alb] = JSON.parse(readable(Variables[ENV.sources]));
    expect(alb.streams).toEqual(['<Streamsalb>', '<StreamsalbNo2>', '<StreamsalbNo3>']);
  });

  test('fit a function that loads one source, as many as there may be; more are refused', () => {
    const sources = (names: readonly string[]) =>
      names.map((name) => ({ name, format: 'alb', from: { prefix: `${name}/` } }));
    expect(() => templateOf({ streamsPerTable: 50, sources: sources(['application']) })).not.toThrow();
    expect(() => templateOf({ streamsPerTable: 50, sources: sources(['a', 'b']) })).toThrow(
      /^sources: got 2 for LoadObjects that take \d+ bytes of its environment, .*fewer sources or streams/,
    );
  });
});

describe.each(tables.map((table) => [table.name, table] as const))('the table %s', (name, table) => {
  const input = [...resources(template, 'AWS::Glue::Table').values()]
    .map(({ Properties }) => Properties.TableInput as Readonly<Record<string, unknown>>)
    .find(({ Name }) => Name === name);
  const storage = input?.StorageDescriptor as Readonly<Record<string, unknown>>;
  const parameters = input?.Parameters as Readonly<Record<string, unknown>>;

  test('has the columns of core, in their order, with their comments', () => {
    expect(storage.Columns).toEqual(
      table.columns.map((column) => ({ Name: column.name, Type: column.type, Comment: column.comment })),
    );
    expect(storage.SerdeInfo).toMatchObject({
      SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
    });
  });

  test('lies where its stream writes', () => {
    expect(readable(storage.Location)).toBe(`s3://<Lake>/data/${name}/`);
    expect(readable(parameters['storage.location.template'])).toBe(`s3://<Lake>/data/${name}/dt=\${dt}/`);
  });

  test('projects its days as far back as rows are kept, and one ahead of UTC', () => {
    expect(input?.PartitionKeys).toMatchObject([{ Name: 'dt', Type: 'string' }]);
    expect(parameters).toMatchObject({
      'projection.enabled': 'true',
      'projection.dt.type': 'date',
      'projection.dt.format': 'yyyy-MM-dd',
      'projection.dt.range': 'NOW-402DAYS,NOW+1DAY',
    });
  });

  test("keeps within Glue's limit of a comment", () => {
    for (const { comment } of table.columns) expect(comment.length).toBeLessThanOrEqual(255);
  });
});

describe('the lake bucket and queries', () => {
  test('are encrypted with the key configured, which streams may use', () => {
    const keyed = templateOf({ kmsKey: KEY });
    expect(JSON.stringify(resource(keyed, 'AWS::S3::Bucket', 'Lake').Properties.BucketEncryption)).toContain(KEY);
    for (const [, { Properties }] of resources(keyed, 'AWS::KinesisFirehose::DeliveryStream')) {
      expect(Properties.DeliveryStreamEncryptionConfigurationInput).toEqual({
        KeyType: 'CUSTOMER_MANAGED_CMK',
        KeyARN: KEY,
      });
    }
    expect(statements(keyed, 'StreamsalbRole')).toContainEqual(
      expect.objectContaining({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: KEY }),
    );
    keyed.hasResourceProperties('AWS::Athena::WorkGroup', {
      WorkGroupConfiguration: {
        ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_KMS', KmsKey: KEY } },
      },
    });
  });

  test('scan no more than configured, whatever a client asks for', () => {
    templateOf({ scanLimitGiB: 2.5 }).hasResourceProperties('AWS::Athena::WorkGroup', {
      WorkGroupConfiguration: {
        EnforceWorkGroupConfiguration: true,
        BytesScannedCutoffPerQuery: 2_684_354_560,
        EngineVersion: { SelectedEngineVersion: 'Athena engine version 3' },
        ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_S3' } },
      },
    });
    const { ResultConfiguration } = resource(template, 'AWS::Athena::WorkGroup').Properties
      .WorkGroupConfiguration as Record<string, Record<string, unknown>>;
    expect(readable(ResultConfiguration?.OutputLocation)).toBe('s3://<Lake>/athena-results/');
  });

  test('have a saved statement for a view of each table without repeats', () => {
    const saved = [...resources(template, 'AWS::Athena::NamedQuery').values()].map(({ Properties }) => Properties);
    const names = saved.map(({ Name }) => String(Name));
    expect(names.filter((name) => /^make the view .*_once$/.test(name)).sort()).toEqual(
      ['alb', 'app', 'kong', 'loads', 'rejected_lines'].map((table) => `make the view ${table}_once`),
    );
    const sql = readable(saved.find(({ Name }) => Name === 'make the view alb_once')?.QueryString);
    expect(sql).toMatch(/^CREATE OR REPLACE VIEW "<CatalogDatabase>"."alb_once" AS SELECT "type", "time", /);
    expect(sql).toContain('PARTITION BY "origin", "position" ORDER BY "dt" DESC');
  });

  test('have the saved queries of the lake and of each source, whose times and days stand in them as literals', () => {
    const saved = [...resources(template, 'AWS::Athena::NamedQuery').values()].map(({ Properties }) => Properties);
    const names = saved.map(({ Name }) => String(Name));
    expect(names).toEqual(expect.arrayContaining(['freshness', 'alb-errors-by-target', 'app-events-by-level']));
    const sql = readable(saved.find(({ Name }) => Name === 'alb-errors-by-target')?.QueryString);
    expect(sql).toContain('FROM "<CatalogDatabase>"."alb"');
    expect(sql).toContain(`"time" >= timestamp '2026-11-28 00:00:00' AND "time" < timestamp '2026-11-29 00:00:00'`);
    expect(sql).toContain("AND dt BETWEEN '2026-11-27' AND '2026-11-29'");
  });

  test('leave room in the template for as many sources as fit', () => {
    const objects = Array.from({ length: 17 }, (_, index) => ({
      ...{ name: `objects_${index}`, format: 'alb', from: { bucket: 'my-logs', prefix: `${index}/` } },
    }));
    const events = Array.from({ length: 12 }, (_, index) => ({
      ...{ name: `events_${index}`, format: 'kong', preset: 'timed', from: { logGroups: [`/ecs/${index}`] } },
    }));
    const large = templateOf({ sources: [...objects, ...events] }).toJSON();
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    expect(Object.keys(large.Resources).length).toBeLessThan(450);
    // The stack's template has no spaces in it.
    expect(JSON.stringify(large).length).toBeLessThan(900_000);
  });
});
