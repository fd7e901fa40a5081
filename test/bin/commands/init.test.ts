import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sharedFolder } from '../../helpers/folder.ts';

const LAKE = join(import.meta.dirname, '../../../bin/lake.ts');
const dir = sharedFolder();

function init(...args: readonly string[]) {
  const options = { cwd: dir, encoding: 'utf8' as const };
  return spawnSync(process.execPath, [LAKE, 'init', '--cdk-json', 'cdk.json', ...args], options);
}

const sourcesIn = () => JSON.parse(readFileSync(join(dir, 'cdk.json'), 'utf8')).context?.sources;

describe('lake init', () => {
  test('shows what it would read, writes the source, and replaces one only if it may', () => {
    writeFileSync(join(dir, 'cdk.json'), '{"app":"node bin/app.ts"}');
    const line = '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/8.9.1"';
    writeFileSync(join(dir, 'web access.log'), `${line}\n${line}\nprose\n`);

    const shown = init('--like', 'web access.log', '--name', 'web', '--dry-run');
    expect([shown.status, sourcesIn()]).toEqual([0, undefined]);

    const { status, stdout, stderr } = init('--like', 'web access.log', '--name', 'web', '--log-group', '/ecs/web');
    const source = { name: 'web', format: 'nginx', preset: 'combined', from: { logGroups: ['/ecs/web'] } };
    expect([status, sourcesIn()]).toEqual([0, [source]]);
    expect(stdout).toContain('web access.log is read by the format nginx with the preset combined. The first rows:');
    expect(stdout).toMatch(/\n {2}client_ip +192\.0\.2\.10\n/);
    expect(stdout).toContain('3 lines = 2 rows + 0 filtered + 1 rejected');
    expect(stdout).toContain("npm run lake -- run 'web access.log' --source web");
    expect(stderr).toContain('it could also be of the format kong: choose one with --format');
    expect(stderr).not.toContain('logFormat');

    const again = init('--like', 'web access.log', '--name', 'web', '--json');
    expect([again.status, JSON.parse(again.stdout).error.exitCode]).toEqual([2, 2]);
    const forced = init('--like', 'web access.log', '--name', 'web', '--force', '-f', 'kong', '--json');
    expect(JSON.parse(forced.stdout)).toMatchObject({ lines: 3, rows: 2, rejected: 1, written: 'cdk.json' });
    expect(sourcesIn()).toEqual([{ name: 'web', format: 'kong', preset: 'kong', from: { prefix: 'web/' } }]);
  });

  test('asks for the log_format of a server whose lines go on after those of a preset', () => {
    writeFileSync(join(dir, 'cdk.json'), '{"app":"node bin/app.ts"}');
    const line = '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/8.9.1"';
    writeFileSync(join(dir, 'more.log'), `${line} 0.010 "www.example.com"\n${line} 0.020 "www.example.com"\n${line}\n`);
    const { status, stderr } = init('--like', 'more.log', '--name', 'web', '--dry-run');
    expect([status, stderr]).toEqual([0, expect.stringContaining("--format nginx --option logFormat='…'")]);
  });

  test('says what to do with lines that no format reads', () => {
    writeFileSync(join(dir, 'cdk.json'), '{"app":"node bin/app.ts"}');
    writeFileSync(join(dir, 'prose.log'), 'Dear reader,\nthis is no log.\n');
    writeFileSync(join(dir, 'printed.json'), '{\n  "a": 1\n}\n');
    expect(init('--like', 'prose.log')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('prose.log: no format reads most of its first lines'),
    });
    writeFileSync(join(dir, 'list.json'), '[{"a":1},{"a":2}]\n');
    expect(init('--like', 'list.json').stderr).toContain('expected a JSON object on each line, got a list of JSON');
    expect(init('--like', 'printed.json').stderr).toContain('got JSON that is printed over several lines');
    expect(sourcesIn()).toBeUndefined();
  });
});
