// Measures calls by the npm package that is installed beside this file; prints nanoseconds, as JSON.
import { open } from 'ferrule-email-validator';

const SHORT = 'joe.doe@example.com';
const ENOUGH = 200_000_000n; // a fifth of a second

const validator = await open({ requireTopLevelDomain: true, blockedEmails: ['INVALID'] });

// Of one call, from as many as take long enough.
function nanoseconds() {
    for (let count = 1000; ; count *= 2) {
        const start = process.hrtime.bigint();
        for (let i = 0; i < count; i++) {
            if (!validator.check(SHORT).allowed) throw new Error('a valid address was refused');
        }
        const elapsed = process.hrtime.bigint() - start;
        if (elapsed >= ENOUGH) return Number(elapsed) / count;
    }
}

nanoseconds(); // until it has been compiled
console.log(JSON.stringify({ short: { ns: nanoseconds() } }));
