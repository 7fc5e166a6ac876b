// What the npm package answers to vectors: the same in Node.js and in a page.
import { UnknownEmailTypeError, open } from 'ferrule-email-validator';

async function answer({ candidate, options, overrides }) {
    const known = (list) => (text) => list.includes(text);
    try {
        const validator = await open({
            requireTopLevelDomain: options.require_top_level_domain,
            allowDomainLiteral: options.allow_domain_literal,
            blockedEmails: options.blocked_emails,
            lookups: {
                isFreeEmail: known(overrides.free),
                isDisposableEmail: known(overrides.disposable),
                hasMxRecords: known(overrides.mx),
                hasGravatar: known(overrides.gravatar),
            },
        });
        return { ok: validator.check(candidate).json };
    } catch (error) {
        if (error instanceof UnknownEmailTypeError) return { err: error.message };
        throw error;
    }
}

/** One line of JSON for each vector, in order. */
export async function lines(vectors) {
    const answers = await Promise.all(vectors.map(answer));
    return answers.map((one) => `${JSON.stringify(one)}\n`).join('');
}
