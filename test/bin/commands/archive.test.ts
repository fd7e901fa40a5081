import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { addArchive } from '../../../bin/commands/archive.ts';
import { clientEnvironment } from '../../helpers/client-options.ts';
import { openFakeService } from '../../helpers/fake-service.ts';
import { FakeCloudWatch } from '../archive/fake-cloudwatch.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function archive(...args: readonly string[]): Promise<void> {
  const lake = new Command('lake').exitOverride().configureOutput({ writeErr: () => {} });
  addArchive(lake);
  await lake.parseAsync(['node', 'lake', 'archive', ...args]);
}

describe('lake archive', () => {
  test.each([
    ['no place', ['/ecs/app', '--older-than', '30'], '--to <s3://bucket/prefix>'],
    [
      'a place that is no bucket',
      ['/ecs/app', '--older-than', '30', '--to', 'old-logs'],
      'expected s3://bucket/prefix',
    ],
    [
      'events that are too young',
      ['/ecs/app', '--older-than', '14', '--to', 's3://old-logs'],
      'expected at least 15 days',
    ],
    [
      'a retention that CloudWatch does not have',
      ['/ecs/app', '--older-than', '30', '--to', 's3://old-logs', '--then-retention', '31'],
      "CloudWatch's own steps",
    ],
    [
      'a retention that deletes what is not exported',
      ['/ecs/app', '--older-than', '60', '--to', 's3://old-logs', '--then-retention', '30'],
      'CloudWatch would delete events that are not exported',
    ],
  ])('refuses %s', async (_, args, message) => {
    await expect(archive(...args)).rejects.toThrow(message);
  });

  test('says with --dry-run what would be exported', async () => {
    const cloudWatch = new FakeCloudWatch();
    cloudWatch.createdAt = Date.now() - 100 * 86_400_000;
    cloudWatch.groups.set('/ecs/app', []);
    const service = await openFakeService(cloudWatch.answer);
    for (const [name, value] of Object.entries(clientEnvironment(service.url))) vi.stubEnv(name, value);
    let printed = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
    await archive('/ecs/app', '--older-than', '30', '--to', 's3://old-logs/cw', '--dry-run', '--json');
    await service.close();
    expect(JSON.parse(printed)).toMatchObject({
      dryRun: true,
      groups: [{ logGroup: '/ecs/app', tasks: 3, tasksDone: 0, storedBytes: 1024, retentionDays: null }],
    });
    expect(cloudWatch.tasks).toEqual([]);
  });
});
