// A program in TypeScript that uses the package; every expected error is one that the types have to find.
import { type Decision, type EmailType, InterfaceError, UnknownEmailTypeError, buildInfo, open } from 'ferrule-email-validator';

const free: ReadonlySet<string> = new Set(['gmx.example']);
const validator = await open({
    requireTopLevelDomain: true,
    blockedEmails: new Set<EmailType>(['FREE', 'NO_MX_RECORDS']),
    lookups: { isFreeEmail: (domain) => free.has(domain), hasMxRecords: (domain: string) => domain !== '' },
    logger: { debug: (message) => message.length, error() {} },
});
const decision: Decision = validator.check('joe@example.com');
export const answers: [boolean, readonly EmailType[], string] = [decision.allowed, decision.blocked, decision.json];
export const versions: string[] = [buildInfo.version, buildInfo.fingerprint, buildInfo.interface];
export const none: Promise<unknown>[] = [open(), open({}), open({ lookups: undefined })];

export function explain(error: unknown): string {
    if (error instanceof UnknownEmailTypeError || error instanceof InterfaceError) return error.message;
    throw error;
}

// @ts-expect-error - there is no such type of address
await open({ blockedEmails: ['SPAM'] });
// @ts-expect-error - one type is not a list of them
await open({ blockedEmails: 'FREE' });
// @ts-expect-error - a look-up answers at once
await open({ lookups: { isFreeEmail: async () => true } });
// @ts-expect-error - there is no such option
await open({ requireTLD: true });
// @ts-expect-error - an address is a string
validator.check(5);
// @ts-expect-error - a decision is not changed
decision.allowed = true;
// @ts-expect-error - nor is its list
decision.blocked.push('FREE');
