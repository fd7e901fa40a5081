/** What the checks of conformance have in common: their result, their folder, and the tools that they install. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';

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

/** Says what a check that takes minutes does, with the seconds since the start. */
export function progress(line: string): void {
  console.error(`${(performance.now() / 1000).toFixed(1).padStart(7)} s  ${line}`);
}

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

/**
 * Runs a program while this process goes on, so that the program can ask endpoints of this process.
 *
 * @returns what it writes to standard output
 * @throws Error with the end of its errors if it fails
 */
export async function runBeside(program: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] });
  // A program that ends early closes its input, and says why.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [output, errors, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended]);
  if (code === 0) return output;
  throw new Error(`${program} ${args[0]}: exit code ${code}: ${errors.slice(-3000)}`);
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
 * A Java of a version, or of a newer one: `java` itself, or another one where Debian's packages lie.
 *
 * @returns the program
 * @throws Missing if there is none
 */
export function javaSince(version: number): string {
  const found = ['java', ...globSync('/usr/lib/jvm/*/bin/java')].find((program) => {
    const { stderr } = spawnSync(program, ['-version'], { encoding: 'utf8' });
    return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0) >= version;
  });
  if (found === undefined) throw new Missing(`needs Java ${version} or newer: not on this machine`);
  return found;
}

/**
 * Downloads Java packages with Maven.
 *
 * @param artifacts each `group:name:version`, or `group:name:version:classifier`
 * @returns the class path
 * @throws Missing if there is no Java or Maven, or a package cannot be downloaded
 */
export function javaWith(...artifacts: readonly string[]): string {
  const name = artifacts.map((artifact) => artifact.split(':').slice(1).join('-')).join('+');
  const folder = join(FOLDER, name);
  javaInto(folder, artifacts);
  return join(folder, '*');
}

/**
 * Downloads Java packages and those that they need with Maven into a folder, unless it is there.
 *
 * @param artifacts each `group:name:version`, or `group:name:version:classifier`
 * @throws Missing if there is no Java or Maven, or a package cannot be downloaded
 */
export function javaInto(folder: string, artifacts: readonly string[]): void {
  const install = () => {
    if (existsSync(folder)) return;
    execFileSync('java', ['-version'], { stdio: 'pipe' });
    maven(basename(folder), artifacts, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`);
  };
  installed(`Java with Maven and ${artifacts.join(', ')}`, install);
}

/**
 * Downloads a zip with Maven and unpacks it.
 *
 * @param artifact `group:name:version`; the zip contains one folder, `name-version`
 * @param into the folder that shall contain that folder
 * @throws Missing if there is no Maven, or the zip cannot be downloaded
 */
export function unpacked(artifact: string, into: string): void {
  const [, name, version] = artifact.split(':');
  const install = () => {
    if (existsSync(join(into, `${name}-${version}`))) return;
    // Maven would believe a mark of its own that the zip is unpacked already.
    const options = [`-Dartifact=${artifact}:zip`, `-DoutputDirectory=${into}`, '-Dmdep.overWriteReleases=true'];
    maven(`${name}-${version}-zip`, [], 'dependency:unpack', ...options);
  };
  installed(`Maven and ${artifact}`, install);
}

/** Runs a goal of Maven for a project that needs some artifacts. */
function maven(name: string, artifacts: readonly string[], ...args: readonly string[]): void {
  const dependencies = artifacts.map((artifact) => {
    const [groupId, artifactId, version, classifier] = artifact.split(':');
    const coordinates = { groupId, artifactId, version, ...(classifier && { classifier }) };
    const elements = Object.entries(coordinates).map(([element, text]) => `<${element}>${text}</${element}>`);
    return `<dependency>${elements.join('')}</dependency>`;
  });
  const pom =
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>' +
    '<groupId>tributary</groupId><artifactId>conformance</artifactId><version>1</version>' +
    `<dependencies>${dependencies.join('')}</dependencies></project>`;
  const file = join(FOLDER, `${name}.pom.xml`);
  writeFileSync(file, pom);
  execFileSync('mvn', ['--quiet', '--batch-mode', '--file', file, ...args], { stdio: 'pipe' });
}

/** A program that could not be started, or ended with an error. */
type Failure = Error & { readonly code?: string; readonly stdout?: Buffer; readonly stderr?: Buffer };

function installed(what: string, install: () => void): undefined {
  try {
    install();
  } catch (error) {
    const { code, stdout, stderr, message } = error as Failure;
    // Maven writes its errors to standard output.
    const [line = ''] = [stderr, stdout].flatMap((output) => output?.toString().trim().split('\n').at(-1) || []);
    const why = code === 'ENOENT' ? 'not on this machine' : line || message;
    throw new Missing(`needs ${what}: ${why}`);
  }
}
