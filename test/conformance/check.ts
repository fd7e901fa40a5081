/** What the checks of conformance have in common: their result, their folder, and the tools that they install. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Result of a check. */
export interface Checked {
  /** How much was checked, for people. */
  readonly measured: string;
  /** Empty if the check passes. */
  readonly problems: readonly string[];
}

export type Check = () => Checked | Promise<Checked>;

/** A tool that a check needs is not on this machine, and cannot be installed. */
export class Missing extends Error {
  override readonly name = 'Missing';
}

const ROOT = new URL('../..', import.meta.url).pathname;

/** Where tools are installed and lakes are made. Git ignores it. */
export const FOLDER = join(ROOT, '.conformance');

/** A file of this folder. */
export function beside(name: string): string {
  return join(ROOT, 'test/conformance', name);
}

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** Runs a program in the repository. @throws Error with the end of its output if it fails */
export function run(program: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: ROOT,
    input,
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args[0]}: ${error?.message ?? `exit code ${status}: ${stderr.slice(-2000)}`}`);
}

/** Runs a command of the lake, as a user does. */
export function lake(...args: readonly string[]): string {
  return run(process.execPath, [join(ROOT, 'bin/lake.ts'), ...args]);
}

/**
 * Installs Python packages into an environment of their own.
 *
 * @param packages each with its version: `cfn-lint==1.58.0`
 * @returns the folder of the environment's programs
 * @throws Missing if there is no Python 3, or a package cannot be installed
 */
export function pythonWith(name: string, packages: readonly string[]): string {
  const environment = join(FOLDER, name);
  const programs = join(environment, 'bin');
  const install = () => {
    if (!existsSync(programs)) execFileSync('python3', ['-m', 'venv', environment], { stdio: 'pipe' });
    execFileSync(join(programs, 'pip'), ['install', '--quiet', ...packages], { stdio: 'pipe' });
  };
  return installed(`Python 3 with ${packages.join(', ')}`, install) ?? programs;
}

/**
 * Downloads Java packages with Maven.
 *
 * @param artifact `group:name:version`
 * @returns the class path
 * @throws Missing if there is no Java or Maven, or the package cannot be downloaded
 */
export function javaWith(artifact: string): string {
  const [groupId, artifactId, version] = artifact.split(':');
  const folder = join(FOLDER, `${artifactId}-${version}`);
  const install = () => {
    if (existsSync(folder)) return;
    const pom =
      '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>' +
      '<groupId>tributary</groupId><artifactId>conformance</artifactId><version>1</version><dependencies><dependency>' +
      `<groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version>` +
      '</dependency></dependencies></project>';
    const file = join(FOLDER, `${artifactId}.pom.xml`);
    writeFileSync(file, pom);
    execFileSync('java', ['-version'], { stdio: 'pipe' });
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
    execFileSync('mvn', ['--quiet', '--batch-mode', '--file', file, ...copy], { stdio: 'pipe' });
  };
  return installed(`Java with Maven and ${artifact}`, install) ?? join(folder, '*');
}

function installed(what: string, install: () => void): undefined {
  try {
    install();
  } catch (error) {
    const { code, stderr, message } = error as Error & { readonly code?: string; readonly stderr?: Buffer };
    const why = code === 'ENOENT' ? 'not on this machine' : (stderr?.toString().trim().split('\n').at(-1) ?? message);
    throw new Missing(`needs ${what}: ${why}`);
  }
}
