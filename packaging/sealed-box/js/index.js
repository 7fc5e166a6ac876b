// The box as JavaScript wants it: the component that a release puts into ./component, with the platform's random bytes.
import { InterfaceError, identity, load } from './component/index.js';

export { InterfaceError, identity as buildInfo };

const DRAW_LIMIT = 65536; // of crypto.getRandomValues

export class SealedBoxError extends Error {
    name = 'SealedBoxError';

    constructor(code) {
        super(`no result: ${code}`);
        this.code = code;
    }
}

export async function openBox(options = {}) {
    const { algorithms, allowCallerNonces = false, allowExport = false, audit, modules } = options;
    for (const [name, value] of Object.entries({ allowCallerNonces, allowExport })) {
        if (typeof value !== 'boolean') throw new TypeError(`${name} is true or false, not ${typeof value}`);
    }
    if (audit !== undefined && typeof audit !== 'function') {
        throw new TypeError(`audit is a function, not ${typeof audit}`);
    }
    const exports = await (await load(modules)).instantiate({
        'ferrule:sealed-box/entropy': { fill: randomBytes },
        'ferrule:sealed-box/audit': { used: audit === undefined ? () => {} : contained(audit) },
    });
    const { configure, ...box } = Object.fromEntries(Object.entries(exports).map(([name, call]) => [name, refusing(call)]));
    configure({ algorithms: algorithms && [...algorithms], allowCallerNonces, allowExport });
    return Object.freeze(box);
}

// The error of a WIT result is a text, thrown as it is or as the payload of an error.
function refusing(call) {
    return (...given) => {
        try {
            return call(...given);
        } catch (error) {
            const code = error?.payload ?? error;
            throw typeof code === 'string' ? new SealedBoxError(code) : error;
        }
    };
}

// No bytes are a failure of their source, which the component turns into `entropy-failed`.
function randomBytes(length) {
    const bytes = new Uint8Array(length);
    try {
        for (let start = 0; start < length; start += DRAW_LIMIT) {
            globalThis.crypto.getRandomValues(bytes.subarray(start, start + DRAW_LIMIT));
        }
    } catch {
        return new Uint8Array();
    }
    return bytes;
}

// An exception through the component would leave it half-way. This one is thrown as if nobody had called the audit.
function contained(audit) {
    return (use) => {
        try {
            audit(use);
        } catch (error) {
            queueMicrotask(() => {
                throw error;
            });
        }
    };
}
