// Transpiles a component, and prints what it answers to the vectors of a file, as JSON.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile, writeFiles } from '@bytecodealliance/jco-transpile';

const vectors = JSON.parse(await readFile(process.argv[3], 'utf8'));
const folder = await mkdtemp(join(tmpdir(), 'transpiled-'));
try {
    const { files } = await transpile(process.argv[2], { outDir: folder, name: 'validator', instantiation: 'async' });
    await writeFiles(files);
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    const { instantiate } = await import(pathToFileURL(join(folder, 'validator.js')));

    let overrides;
    const silent = () => {};
    const { isValidEmail } = await instantiate((path) => readFile(join(folder, path)).then(WebAssembly.compile), {
        'ferrule:email-validator/overrides': {
            isFreeEmail: (domain) => overrides.free.includes(domain),
            isDisposableEmail: (domain) => overrides.disposable.includes(domain),
            hasMxRecords: (domain) => overrides.mx.includes(domain),
            hasGravatar: (email) => overrides.gravatar.includes(email),
        },
        'ferrule:email-validator/logger': { debug: silent, log: silent, warn: silent, error: silent },
    });
    const answers = vectors.map(({ candidate, options, overrides: known }) => {
        overrides = known;
        try {
            return {
                ok: isValidEmail(candidate, {
                    requireTopLevelDomain: options.require_top_level_domain,
                    allowDomainLiteral: options.allow_domain_literal,
                    blockedEmails: options.blocked_emails,
                }),
            };
        } catch (error) {
            return { err: error.payload ?? error }; // jco throws the error of a result, in an object or as it is
        }
    });
    console.log(JSON.stringify(answers));
} finally {
    await rm(folder, { recursive: true });
}
