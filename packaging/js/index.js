// The validator as JavaScript wants it, on top of the component that a release puts into ./component.
import { InterfaceError, identity, load } from './component/index.js';

export { InterfaceError, identity as buildInfo };

const TEXT_LIMIT = 1024 * 1024;
const LOGGER = ['debug', 'log', 'warn', 'error'];
const NEEDED = {
    FREE: 'isFreeEmail',
    DISPOSABLE: 'isDisposableEmail',
    NO_MX_RECORDS: 'hasMxRecords',
    NO_GRAVATAR: 'hasGravatar',
};

export class EmailValidatorError extends Error {
    name = 'EmailValidatorError';
}

export class UnknownEmailTypeError extends EmailValidatorError {
    name = 'UnknownEmailTypeError';
}

export class MissingLookupError extends EmailValidatorError {
    name = 'MissingLookupError';
}

export class NotUtf8Error extends EmailValidatorError {
    name = 'NotUtf8Error';
}

export class TooLongError extends EmailValidatorError {
    name = 'TooLongError';
}

export class InternalError extends EmailValidatorError {
    name = 'InternalError';
}

export async function open(options = {}) {
    const settings = settingsOf(options);
    const calls = callsOf(options);
    const instances = await (options.modules === undefined ? shared() : instancesOf(options.modules));
    const validator = new Validator(instances, settings, calls);
    settings.blockedEmails.forEach((type) => requireLookup(type, options.lookups));
    return validator;
}

class Validator {
    #instances;
    #settings;
    #calls;

    constructor(instances, settings, calls) {
        this.#instances = instances;
        this.#settings = settings;
        this.#calls = calls;
        // An empty address needs no look-up, so this asks for nothing but an opinion of the options.
        instances.run(SILENT, '', settings);
        Object.freeze(this);
    }

    check(address) {
        const text = checkedText(address, 'an address');
        return decisionOf(this.#instances.run(this.#calls, text, this.#settings));
    }
}

// Instances of one component that nobody uses at the moment. A call occupies one, as a look-up may ask for another
// address, and an instance whose call did not come back by itself is not used again.
class Instances {
    #component;
    #free = [];

    constructor(component) {
        this.#component = component;
    }

    async prepare() {
        const calls = new Calls();
        this.#free.push({ calls, exports: await this.#component.instantiate(importsOf(calls)) });
        return this;
    }

    run(handlers, address, settings) {
        const instance = this.#free.pop() ?? this.#another();
        const { calls } = instance;
        calls.handlers = handlers;
        let answer;
        let refusal;
        try {
            answer = instance.exports.isValidEmail(address, settings);
        } catch (error) {
            refusal = messageOf(error);
            if (refusal === undefined) throw new InternalError('the component failed', { cause: error });
        }
        const { failures } = calls;
        calls.forget();
        this.#free.push(instance);
        if (failures.length > 0) throw failures[0];
        if (refusal !== undefined) throw new UnknownEmailTypeError(refusal);
        return answer;
    }

    #another() {
        const calls = new Calls();
        return { calls, exports: this.#component.instantiateSync(importsOf(calls)) };
    }
}

// What the component asks for during a call. The first function that throws is asked no more, nor is any other: the
// call comes to its end undisturbed, its answer is dropped, and the failure is thrown then.
class Calls {
    handlers = SILENT;
    failures = [];

    forget() {
        this.handlers = SILENT;
        this.failures = [];
    }

    ask(name, text) {
        return this.#attempt(() => {
            const answer = this.handlers.lookups[name](text);
            if (typeof answer === 'boolean') return answer;
            const what = typeof answer?.then === 'function' ? 'a promise' : describe(answer);
            throw new TypeError(`lookups.${name} gave ${what}: a look-up answers true or false, and at once`);
        });
    }

    tell(level, message) {
        this.#attempt(() => this.handlers.logger[level]?.(message));
    }

    #attempt(action) {
        if (this.failures.length > 0) return false;
        try {
            return action();
        } catch (error) {
            this.failures.push(error);
            return false;
        }
    }
}

const SILENT = Object.freeze({ lookups: {}, logger: {} });

function importsOf(calls) {
    const lookups = Object.values(NEEDED).map((name) => [name, (text) => calls.ask(name, text)]);
    const logger = LOGGER.map((level) => [level, (message) => calls.tell(level, message)]);
    return {
        'ferrule:email-validator/overrides': Object.fromEntries(lookups),
        'ferrule:email-validator/logger': Object.fromEntries(logger),
    };
}

let common;

function shared() {
    // What could not be loaded once, as while there was no network, is tried again by the next validator.
    common ??= instancesOf().catch((error) => {
        common = undefined;
        throw error;
    });
    return common;
}

async function instancesOf(modules) {
    return new Instances(await load(modules)).prepare();
}

function settingsOf({ requireTopLevelDomain = false, allowDomainLiteral = false, blockedEmails = [] }) {
    for (const [name, value] of Object.entries({ requireTopLevelDomain, allowDomainLiteral })) {
        if (typeof value !== 'boolean') throw new TypeError(`${name} is true or false, not ${describe(value)}`);
    }
    if (typeof blockedEmails === 'string' || typeof blockedEmails?.[Symbol.iterator] !== 'function') {
        throw new TypeError(`blockedEmails is a list of types, not ${describe(blockedEmails)}`);
    }
    const types = Array.from(blockedEmails, (type) => checkedText(type, 'a type in blockedEmails'));
    return Object.freeze({ requireTopLevelDomain, allowDomainLiteral, blockedEmails: Object.freeze(types) });
}

function callsOf({ lookups = {}, logger = {} }) {
    for (const [what, object, names] of [
        ['lookups', lookups, Object.values(NEEDED)],
        ['logger', logger, LOGGER],
    ]) {
        if (object === null || typeof object !== 'object') {
            throw new TypeError(`${what} is an object with functions, not ${describe(object)}`);
        }
        const wrong = names.find((name) => object[name] !== undefined && typeof object[name] !== 'function');
        if (wrong) throw new TypeError(`${what}.${wrong} is a function, not ${describe(object[wrong])}`);
    }
    return Object.freeze({ lookups, logger });
}

function requireLookup(type, lookups = {}) {
    const name = NEEDED[type];
    if (name !== undefined && lookups[name] === undefined) {
        throw new MissingLookupError(`blockedEmails holds ${type}, which is only known by lookups.${name}`);
    }
}

function checkedText(value, what) {
    if (typeof value !== 'string') throw new TypeError(`${what} is a string, not ${describe(value)}`);
    // Three bytes of UTF-8 at most stand for one unit of a string.
    if (value.length * 3 > TEXT_LIMIT && new TextEncoder().encode(value).length > TEXT_LIMIT) {
        throw new TooLongError(`${what} has more than ${TEXT_LIMIT} bytes in UTF-8`);
    }
    if (/\p{Surrogate}/u.test(value)) throw new NotUtf8Error(`${what} holds half of a surrogate pair`);
    return value;
}

function decisionOf(json) {
    const { decision, blocked = [] } = JSON.parse(json);
    return Object.freeze({ allowed: decision === 'Allowed', blocked: Object.freeze(blocked), json });
}

// The error of a WIT result is thrown as it is, or as the payload of an error.
function messageOf(error) {
    const message = error?.payload ?? error;
    return typeof message === 'string' ? message : undefined;
}

function describe(value) {
    return value === null ? 'null' : Array.isArray(value) ? 'an array' : `${typeof value}`;
}
