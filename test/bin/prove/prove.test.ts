import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { audit } from '../../../bin/operations/audit.ts';
import { type LakeHandle, type ResultRow, withPromoted } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import type { OperationOptions } from '../../../bin/operations/operation-options.ts';
import { addColumn } from '../../../bin/operations/schema.ts';
import { sendRecords } from '../../../bin/operations/send-rows.ts';
import { CLAIMS, type Proof } from '../../../bin/prove/claims.ts';
import { prove } from '../../../bin/prove/prove.ts';
import type { Source } from '../../../lambdas/core/loading/load.ts';
import { synthesize } from '../../../lib/synth.ts';
import { CONTEXT_FILE } from '../../../local/local-lake.ts';
import { sharedFolder, temporaryFolder } from '../../helpers/folder.ts';

const CONTEXT = {
  sources: [
    { name: 'alb', format: 'alb', streamsPerTable: 2 },
    {
      name: 'app',
      format: 'json',
      columns: { n: 'int', big: 'bigint', ratio: 'double', ok: 'boolean', at: 'timestamp', text: 'string' },
      from: { logGroups: ['/demo/app'] },
    },
    {
      name: 'web',
      format: 'nginx',
      logFormat: '$remote_addr|$status|$request',
      from: { bucket: 'logs', suffix: '.txt' },
    },
  ],
};
const OPTIONS: OperationOptions = {
  dryRun: false,
  rateLimit: async () => {},
  progress: () => ({ add() {}, end() {} }),
};

/** A lake's folder with its stack, synthesized once, in which nothing has been done. */
const template = sharedFolder();
beforeAll(() => {
  synthesize({ context: CONTEXT, outdir: join(template, 'stack'), checked: false });
  writeFileSync(join(template, CONTEXT_FILE), JSON.stringify(CONTEXT));
});

/** The running test's own lake. */
let dir: string;
let lake: LakeHandle;

beforeEach(async () => {
  dir = temporaryFolder();
  cpSync(template, dir, { recursive: true });
  lake = await openLocalLake({ dir, work: false, progress: () => {} });
});
afterEach(() => lake.close());

function sourcesNamed(...names: string[]): LakeHandle['sources'] {
  return lake.sources.filter(({ settings }) => names.includes(settings.name));
}

const outcomes = (proofs: readonly Proof[]) =>
  proofs.map(({ source, claim, outcome }) => `${source} ${claim} ${outcome}`).sort();

const detailOf = (proofs: readonly Proof[], claim: keyof typeof CLAIMS) =>
  proofs.find((proof) => proof.claim === claim)?.detail;

/** Objects of a bucket, or below a prefix of it. */
function filesIn(place: string): string[] {
  return globSync(join(dir, 'buckets', place, '**'), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

/** The lake, whose queries give other rows than the tables have. */
function whoseRows(change: (row: ResultRow, sql: string) => ResultRow | undefined): LakeHandle {
  return {
    ...lake,
    async *query(sql) {
      for await (const row of lake.query(sql)) {
        const changed = change(row, sql);
        if (changed) yield changed;
      }
    },
  };
}

describe('lake prove', () => {
  test('proves objects and log events of every source, and leaves a lake whose audit finds nothing', async () => {
    const notes: string[] = [];
    const proofs = await prove(lake, { sources: lake.sources }, (note) => notes.push(note));
    const tried = ['every_column', 'types', 'bad_row', 'input', 'errors', 'metrics'];
    expect(outcomes(proofs)).toEqual(
      [
        ...['alb', 'app'].flatMap((source) => tried.map((claim) => `${source} ${claim} proved`)),
        ...['every_column', 'types', 'bad_row', 'errors'].map((claim) => `web ${claim} proved`),
        ...['input', 'metrics'].map((claim) => `web ${claim} not_tried`),
        ...['alb', 'app', 'web'].map((source) => `${source} encryption not_tried`),
      ].sort(),
    );
    expect(detailOf(proofs, 'every_column')).toBe('45 columns through 2 streams');
    expect(notes[0]).toMatch(/^proof \w{12}: sent/);
    expect([...filesIn('landing'), ...filesIn('logs'), ...filesIn('lake/errors')]).toEqual([]);
    expect(await audit(lake, { fix: false }, OPTIONS)).toMatchObject({ unbalanced: 0, findings: [] });
  });

  test('puts given lines of a source whose options the examples do not fit, under a key that the source takes', async () => {
    const lines = ['192.0.2.1|200|GET /a HTTP/1.1', '192.0.2.2|404|GET /b HTTP/1.1'];
    const proofs = await prove(lake, { sources: sourcesNamed('web'), lines }, () => {});
    expect(detailOf(proofs, 'input')).toMatch(/^s3:\/\/logs\/tributary-prove\/\w+\/.*\.txt: 2 rows, 1 rejected line$/);
    expect(proofs.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  });

  test('is run again without looking at the rows of the run before', async () => {
    const sources = sourcesNamed('app');
    const first = await prove(lake, { sources }, () => {});
    expect(outcomes(await prove(lake, { sources }, () => {}))).toEqual(outcomes(first));
  });

  test('does not judge the bad row of a proof that failed a moment before, which stays to be looked at', async () => {
    const sources = sourcesNamed('app');
    await prove({ ...lake, metricSum: async () => 0 }, { sources }, () => {});
    expect(filesIn('lake/errors')).toHaveLength(1);
    const proofs = await prove(lake, { sources }, () => {});
    expect(proofs.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(filesIn('lake/errors')).toHaveLength(1);
  });
});

describe('lake prove on the direct lane', () => {
  test('proves objects and payloads, whose rows Firehose does not convert', async () => {
    const direct = temporaryFolder();
    // Two sources have log groups: the streams of both have one name.
    const gateway = { name: 'gateway', format: 'kong', from: { logGroups: ['/demo/gateway'] } };
    const context = { ...CONTEXT, sources: [...CONTEXT.sources, gateway], delivery: 'direct' };
    synthesize({ context, outdir: join(direct, 'stack'), checked: false });
    writeFileSync(join(direct, CONTEXT_FILE), JSON.stringify(context));
    const opened = await openLocalLake({ dir: direct, work: false, progress: () => {} });
    try {
      const proofs = await prove(opened, { sources: opened.sources }, () => {});
      expect(proofs.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      for (const source of ['alb', 'app', 'gateway']) {
        expect(outcomes(proofs)).toContain(`${source} input proved`);
      }
      // Streams do not know a column that was promoted after the deployment; writers of batches do.
      const app = opened.sources.filter(({ settings }) => settings.name === 'app');
      await addColumn(opened, app[0] as Source, { name: 'tenant', type: 'string', from: 'tenant' });
      const evolved = await withPromoted(opened, opened.dynamodb);
      // Rows lie under the days of their events, and those of the examples are as old as these.
      const at = new Date(Date.now() - 10 * 86_400_000).toISOString();
      const lines = [JSON.stringify({ at, n: 1, tenant: 'acme' })];
      const sources = evolved.sources.filter(({ settings }) => settings.name === 'app');
      expect(sources[0]?.format.columns).toHaveProperty('tenant');
      const old = await prove({ ...opened, ...evolved }, { sources, lines }, () => {});
      expect(old.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      expect(outcomes(old)).toContain('app input proved');
      expect(await audit(opened, { fix: false }, OPTIONS)).toMatchObject({ unbalanced: 0, findings: [] });
    } finally {
      await opened.close();
    }
  });
});

describe('a proof fails', () => {
  test.each([
    [
      'a value is in another column',
      (row: ResultRow) => ({ ...row, n: row.big, big: row.n }),
      'row 1 differs in n, big',
    ],
    ['a value is missing', (row: ResultRow) => ({ ...row, text: null }), 'row 1 differs in text'],
    ['a time is another', (row: ResultRow) => ({ ...row, at: '2026-01-05 11:00:00' }), 'row 1 differs in at'],
    ['a value is where none was sent', (row: ResultRow) => ({ ...row, n: row.n ?? 0 }), 'row 4 differs in n'],
  ])('if %s', async (_, change, detail) => {
    const altered = whoseRows((row, sql) => (/FROM "\w+"\."app"/.test(sql) && 'n' in row ? change(row) : row));
    const proofs = await prove(altered, { sources: sourcesNamed('app') }, () => {});
    expect(outcomes(proofs)).toContain('app every_column failed');
    expect(detailOf(proofs, 'every_column')).toContain(detail);
  });

  test('if rows are missing, and what was put stays to be looked at', async () => {
    const altered = whoseRows((row, sql) => (/FROM "\w+"\."alb"/.test(sql) ? undefined : row));
    const proofs = await prove(altered, { sources: sourcesNamed('alb') }, () => {});
    expect(outcomes(proofs)).toEqual([
      ...['alb bad_row proved', 'alb encryption not_tried', 'alb errors proved', 'alb every_column failed'],
      ...['alb input failed', 'alb metrics proved', 'alb types failed'],
    ]);
    expect(detailOf(proofs, 'every_column')).toMatch(
      /^stream \S*alb\S*: expected 4 rows, got 0; stream \S*alb\S*: expected 4/,
    );
    expect(filesIn('landing/tributary-prove')).toHaveLength(1);
    expect(filesIn('lake/errors')).toHaveLength(1);
  });

  test.each([
    [
      'loads',
      (row: ResultRow) => ({ ...row, rejected: 0 }),
      /expected loads to say .*"rejected":1}, got .*"rejected":0}$/,
    ],
    ['rejected_lines', () => undefined, /expected 1 in rejected_lines, got 0$/],
    ['app', (row: ResultRow) => ('extra' in row ? { ...row, extra: null } : row), undefined],
  ])('of the input if %s does not have what the input had', async (table, change, detail) => {
    const altered = whoseRows((row, sql) => (sql.includes(`."${table}" WHERE`) ? change(row) : row));
    const proofs = await prove(altered, { sources: sourcesNamed('app') }, () => {});
    if (detail) expect(detailOf(proofs, 'input')).toMatch(detail);
    else expect(detailOf(proofs, 'every_column')).toContain('differs in extra');
  });

  test('if a metric has not come, a column has another type, or Firehose could not convert something else', async () => {
    const [app] = sourcesNamed('app');
    if (!app) throw new Error('the lake has no source app');
    await sendRecords(lake, app.settings.streams, [['{"0":"someone else","1":"no number"}']]);
    const altered = whoseRows((row, sql) => (sql.includes('typeof') ? { ...row, n: 'varchar' } : row));
    const proofs = await prove({ ...altered, metricSum: async () => 0 }, { sources: [app] }, () => {});
    expect(detailOf(proofs, 'metrics')).toBe('RowsAcknowledged is 0, expected at least 1');
    expect(detailOf(proofs, 'types')).toBe('n: varchar');
    expect(detailOf(proofs, 'errors')).toMatch(/^s3:\/\/lake\/errors\/app\//);
  });
});

test('the README says of every claim that lake prove settles it', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8').replace(/\s+/g, ' ');
  expect(Object.values(CLAIMS).filter((settles) => !readme.includes(settles))).toEqual([]);
});
