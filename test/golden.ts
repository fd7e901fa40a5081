/**
 * `npm run golden`: writes the `.rows.json` of golden inputs that have none, as today's readers read them, for review,
 * and adds the keys of new columns to the frozen ones.
 */
import { appendNewKeys } from './helpers/frozen-keys.ts';
import { writeMissingAnswers } from './helpers/golden.ts';

const written = writeMissingAnswers();
for (const file of written) process.stdout.write(`written: ${file}: check every value against its line\n`);
if (written.length === 0) process.stdout.write('every golden input has its answer\n');
for (const line of appendNewKeys()) process.stdout.write(`added to keys.txt: ${line}\n`);
