import { globSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Has two builds of each bundle of a cloud assembly run at once, as after a deployment: every second process of a function
 * runs the other one.
 *
 * @param change makes the other build of the code of `index.mjs`
 */
export function runTwoBuilds(assembly: string, change: (code: string) => string): void {
  for (const file of globSync(join(assembly, 'asset.*/index.mjs'))) {
    const builds = [join(dirname(file), 'build-0.mjs'), join(dirname(file), 'build-1.mjs')] as const;
    renameSync(file, builds[0]);
    writeFileSync(builds[1], change(readFileSync(builds[0], 'utf8')));
    writeFileSync(
      file,
      `import { readFileSync, writeFileSync } from 'node:fs';
      const counter = new URL('processes', import.meta.url);
      let started = 0;
      try { started = Number(readFileSync(counter)); } catch {}
      writeFileSync(counter, String(started + 1));
      export const { handler } = await import(\`./build-\${started % 2}.mjs\`);`,
    );
  }
}
