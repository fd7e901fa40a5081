/**
 * Completes package-lock.json after an install: a registry mirror may lack the binaries of other
 * platforms, npm then leaves them out of the lock, and `npm ci` refuses that lock everywhere.
 * What is added has the registry's hash of its content, as all that npm locks itself.
 * Run it after every install that changes the lock: `node bin/complete-lock.ts`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  readonly version?: string;
  readonly dev?: boolean;
  /** Hash of the package's archive: https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
  readonly integrity?: string;
  /** True for a package within the archive of another. */
  readonly inBundle?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  packages: Record<string, Entry & Record<string, unknown>>;
}

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openbsd', 'sunos', 'win32'];
const CPU = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/** The platform that a package's name states, in npm's own fields: `cli-linux-x64-musl` → os, cpu, libc. */
function platformOf(name: string): Record<string, string[]> {
  const words = name.split(/[-/]/);
  const os = OS.filter((each) => words.includes(each));
  const cpu = CPU.filter((each) => words.includes(each));
  if (os.length !== 1 || cpu.length !== 1) {
    throw new Error(
      `package-lock.json: ${name} is missing and its name does not state exactly one platform: install it by hand`,
    );
  }
  return { cpu, ...(words.includes('musl') ? { libc: ['musl'] } : {}), os };
}

/** What the registry says of a package's archive. */
function integrityOf(what: string): string {
  const text = execFileSync('npm', ['view', what, 'dist.integrity', '--json'], { encoding: 'utf8' });
  const integrity: unknown = JSON.parse(text || 'null');
  if (typeof integrity === 'string') return integrity;
  throw new Error(
    `package-lock.json: ${what}: expected the registry to have its hash, got ${text.trim() || 'nothing'}`,
  );
}

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8')) as Lock;
const present = Object.keys(lock.packages);
let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    // A nested copy counts as present too: npm hoists only where versions agree.
    if (present.some((each) => each === key || each.endsWith(`/${key}`))) continue;
    lock.packages[key] = { version, ...platformOf(name), ...(entry.dev ? { dev: true } : {}), optional: true };
    added++;
  }
}
const hashed: string[] = [];
for (const [key, entry] of Object.entries(lock.packages)) {
  if (key === '' || entry.inBundle || entry.integrity !== undefined) continue;
  const name = key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const { version, ...rest } = entry;
  lock.packages[key] = { version, integrity: integrityOf(`${name}@${version}`), ...rest };
  hashed.push(name);
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added > 0 || hashed.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stderr.write(
  `package-lock.json: optional packages of other platforms added: ${added}, hashes added: ${hashed.length}\n`,
);
