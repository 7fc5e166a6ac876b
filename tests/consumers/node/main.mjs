// Prints what the npm package that is installed beside this file answers to the vectors of a file.
import { readFile } from 'node:fs/promises';
import { lines } from './answers.mjs';

process.stdout.write(await lines(JSON.parse(await readFile(process.argv[2], 'utf8'))));
