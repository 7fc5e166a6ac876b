// Measures calls by the npm package that is installed beside this file; prints nanoseconds, as JSON.
import { open } from 'ferrule-email-validator';
import { nanoseconds } from './measure.mjs';

const SHORT = 'joe.doe@example.com';

const validator = await open({ requireTopLevelDomain: true, blockedEmails: ['INVALID'] });
const ns = nanoseconds(() => {
    if (!validator.check(SHORT).allowed) throw new Error('a valid address was refused');
});
console.log(JSON.stringify({ short: { ns } }));
