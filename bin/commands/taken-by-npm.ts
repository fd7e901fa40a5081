/**
 * Notices options that npm has kept for itself. `npm run lake redrive --dry-run`, without the two hyphens before the options
 * of the script, gives the command no `--dry-run`: npm takes it for one of its own settings, and the command would do
 * in earnest what was to be counted only.
 */
import type { Command } from 'commander';

/** Scripts of package.json that start the command line, and how they are written. */
const SCRIPTS = new Map([
  ['lake', 'run lake'],
  ['start', 'start'],
]);

/**
 * Options whose names are also settings that npm has without being given them on the command line, or that somebody may have
 * in .npmrc or in the environment of a pipeline. A command that does not get one of these does less, or prints otherwise.
 */
const OF_NPM = ['audit', 'force', 'json', 'prefix', 'yes'];

/** npm's own long form of `-c`. */
const CALL = 'call';

/**
 * @param env the environment, in which npm tells its settings as `npm_config_dry_run=true`
 * @returns what to say of the first option of a command that npm has taken; undefined if it has taken none
 */
export function takenByNpm(commands: readonly Command[], env: NodeJS.ProcessEnv): string | undefined {
  const script = SCRIPTS.get(env.npm_lifecycle_event ?? '');
  if (script === undefined) return undefined;
  const isSet = (name: string) => Boolean(env[`npm_config_${name.replaceAll('-', '_')}`]);
  const names = allOf(commands).flatMap(({ options }) => options.map(({ long }) => long?.replace(/^--/, '') ?? ''));
  const name = names.find((each) => each !== '' && !OF_NPM.includes(each) && isSet(each));
  const taken = isSet(CALL) ? '-c' : name && `--${name}`;
  return (
    taken && `npm took ${taken} for an option of its own: write \`--\` before it, as in \`npm ${script} -- … ${taken}\``
  );
}

function allOf(commands: readonly Command[]): Command[] {
  return commands.flatMap((command) => [command, ...allOf(command.commands)]);
}
