/** `npm run golden`: writes the `.rows.json` of golden inputs that have none, as today's readers read them, for review. */
import { writeMissingAnswers } from './helpers/golden.ts';

const written = writeMissingAnswers();
for (const file of written) process.stdout.write(`written: ${file}: check every value against its line\n`);
if (written.length === 0) process.stdout.write('every golden input has its answer\n');
