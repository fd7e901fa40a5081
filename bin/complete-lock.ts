/**
 * Completes package-lock.json after an install: a registry mirror may lack the binaries of other
 * platforms, npm then leaves them out of the lock, and `npm ci` refuses that lock everywhere.
 * Run it after every install that changes the lock: `node bin/complete-lock.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  readonly version?: string;
  readonly dev?: boolean;
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
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stderr.write(`package-lock.json: optional packages of other platforms added: ${added}\n`);
