import { describe, expect, test } from 'vitest';
import {
  ENV,
  icebergSettings,
  loaderSettings,
  SettingsError,
  trackerSettings,
} from '../../../lambdas/core/settings.ts';

const SOURCE = { name: 'web', format: 'alb', lane: 'objects', bucket: 'logs', streams: ['web'], keepRaw: 'never' };

const LOADER = {
  [ENV.sources]: JSON.stringify([SOURCE]),
  [ENV.loadsStream]: 'loads',
  [ENV.rejectedStream]: 'rejected',
  [ENV.ledgerTable]: 'ledger',
  [ENV.ledgerDays]: '400',
};

const TRACKER = {
  [ENV.trackedSources]: JSON.stringify([SOURCE]),
  [ENV.duplicatesTable]: 'duplicates',
  [ENV.duplicatesSampleRate]: '0.1',
  [ENV.duplicatesWindowHours]: '72',
};

describe('loaderSettings', () => {
  test('reads what the stack sets', () => {
    expect(loaderSettings(LOADER)).toEqual({
      sources: [SOURCE],
      loadsStream: 'loads',
      rejectedStream: 'rejected',
      ledgerTable: 'ledger',
      ledgerDays: 400,
    });
  });

  test.each(Object.keys(LOADER))('throws a SettingsError that names %s when it is not set', (name) => {
    expect(() => loaderSettings({ ...LOADER, [name]: undefined })).toThrow(SettingsError);
    expect(() => loaderSettings({ ...LOADER, [name]: '' })).toThrow(`environment variable ${name} is not set`);
  });

  test('throws a SettingsError for sources that are not JSON', () => {
    expect(() => loaderSettings({ ...LOADER, [ENV.sources]: '[{' })).toThrow(`${ENV.sources}: expected JSON, got [{`);
  });
});

describe('trackerSettings', () => {
  test('reads what the stack sets', () => {
    expect(trackerSettings(TRACKER)).toEqual({
      sources: [SOURCE],
      table: 'duplicates',
      sampleRate: 0.1,
      windowHours: 72,
    });
  });
});

describe('icebergSettings', () => {
  test('reads what the stack sets, and names what is missing', () => {
    const settings = {
      ...{ url: 'https://glue.us-east-1.amazonaws.com/iceberg', signingName: 'glue', region: 'us-east-1' },
      ...{ warehouse: '123456789012', database: 'tributary_iceberg', commitSeconds: 300 },
    };
    expect(icebergSettings({ [ENV.iceberg]: JSON.stringify(settings) })).toEqual(settings);
    expect(() => icebergSettings({})).toThrow(`environment variable ${ENV.iceberg} is not set`);
  });

  test('has the URL of what stands for Glue', () => {
    const settings = { url: 'https://glue.us-east-1.amazonaws.com/iceberg', signingName: 'glue' };
    const env = { [ENV.iceberg]: JSON.stringify(settings), AWS_ENDPOINT_URL_GLUE: 'http://127.0.0.1:8000' };
    expect(icebergSettings(env)).toEqual({ ...settings, url: 'http://127.0.0.1:8000/iceberg' });
  });
});

describe('a number from the environment', () => {
  test.each(['many', 'NaN', '4OO', 'Infinity', '-1', '0'])(
    '%j is refused, and never becomes an expiry of NaN',
    (text) => {
      const message = `expected a number above 0, got ${text}`;
      expect(() => loaderSettings({ ...LOADER, [ENV.ledgerDays]: text })).toThrow(`${ENV.ledgerDays}: ${message}`);
      expect(() => trackerSettings({ ...TRACKER, [ENV.duplicatesSampleRate]: text })).toThrow(message);
      expect(() => trackerSettings({ ...TRACKER, [ENV.duplicatesWindowHours]: text })).toThrow(message);
    },
  );
});
