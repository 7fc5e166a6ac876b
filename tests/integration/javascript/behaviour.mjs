// How the package behaves beyond its answers: behaviour.mjs CORE TRAPPING
// CORE is the package's core module, TRAPPING one of its interface that traps with the third call.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import * as component from 'ferrule-email-validator/component';
import {
    EmailValidatorError,
    InterfaceError,
    InternalError,
    MissingLookupError,
    NotUtf8Error,
    TooLongError,
    UnknownEmailTypeError,
    buildInfo,
    open,
} from 'ferrule-email-validator';

const MAIN = 'email-validator.core.wasm';
const ALLOWED = '{"decision":"Allowed"}';
const core = await readFile(process.argv[2]);
const trapping = await readFile(process.argv[3]);
const asking = (isFreeEmail) => open({ blockedEmails: ['FREE'], lookups: { isFreeEmail } });
const altered = (bytes, old, other) => Buffer.from(bytes.toString('latin1').replace(old, other), 'latin1');

test('a decision says why, and nobody can change it', async () => {
    const validator = await asking((domain) => domain === 'free.example');
    const decision = validator.check('joe@free.example');
    assert.deepEqual({ ...decision }, { allowed: false, blocked: ['FREE'], json: '{"decision":"Denied","blocked":["FREE"]}' });
    assert.deepEqual({ ...validator.check('joe@example.com') }, { allowed: true, blocked: [], json: ALLOWED });
    assert.throws(() => decision.blocked.push('INVALID'), TypeError);
    assert.throws(() => (decision.allowed = true), TypeError);
});

test('validators do not know of each other', async () => {
    const [one, other] = await Promise.all([asking(() => true), asking(() => false)]);
    for (let i = 0; i < 3; i++) {
        assert.equal(one.check('joe@example.com').allowed, false);
        assert.equal(other.check('joe@example.com').allowed, true);
    }
});

test('what a look-up throws is thrown, and the next call is undisturbed', async () => {
    let fails = true;
    const mine = new Error('no connection');
    const validator = await asking(() => {
        if (fails) throw mine;
        return false;
    });
    assert.throws(() => validator.check('joe@example.com'), (error) => error === mine);
    fails = false;
    assert.equal(validator.check('joe@example.com').json, ALLOWED);
});

test('after a look-up that threw, no other is asked', async () => {
    const asked = [];
    const lookups = {
        isFreeEmail() {
            asked.push('free');
            throw new Error('first');
        },
        hasGravatar() {
            asked.push('gravatar');
            throw new Error('second');
        },
    };
    const validator = await open({ blockedEmails: ['NO_GRAVATAR', 'FREE'], lookups });
    assert.throws(() => validator.check('joe@example.com'), /first/);
    assert.deepEqual(asked, ['free']);
});

test('a look-up answers true or false, at once', async () => {
    for (const [answer, what] of [[Promise.resolve(true), 'a promise'], [undefined, 'undefined'], [1, 'number'], [null, 'null']]) {
        const validator = await asking(() => answer);
        assert.throws(() => validator.check('joe@example.com'), (error) => {
            return error instanceof TypeError && error.message.startsWith(`lookups.isFreeEmail gave ${what}: `);
        });
    }
});

test('a look-up may ask for another address, also of its own validator', async () => {
    const validator = await asking((domain) => domain !== 'inner.example' && validator.check('joe@inner.example').allowed);
    assert.equal(validator.check('joe@outer.example').allowed, false);
});

test('functions are called as methods of their objects', async () => {
    class Known {
        #domains = new Set(['free.example']);
        isFreeEmail(domain) {
            return this.#domains.has(domain);
        }
    }
    const validator = await open({ blockedEmails: ['FREE'], lookups: new Known() });
    assert.equal(validator.check('joe@free.example').allowed, false);
});

test('the logger hears of an address that is not well formed, without the address', async () => {
    const messages = [];
    const validator = await open({ logger: { debug: (message) => messages.push(message) } });
    validator.check('secret@@example.com');
    assert.equal(messages.length, 1);
    assert.match(messages[0], /^not well formed: /);
    assert.doesNotMatch(messages[0], /secret/);
    const failing = await open({ logger: { debug() { throw new Error('disk full'); } } });
    assert.throws(() => failing.check('joe@'), /disk full/);
});

test('options that cannot be used are refused when the validator is made', async () => {
    await assert.rejects(open({ blockedEmails: ['SPAM'] }), (error) => {
        assert.ok(error instanceof UnknownEmailTypeError && error instanceof EmailValidatorError);
        assert.match(error.message, /"SPAM"; the types are FREE, DISPOSABLE, NO_MX_RECORDS, NO_GRAVATAR, INVALID$/);
        return true;
    });
    await assert.rejects(open({ blockedEmails: ['NO_MX_RECORDS'] }), (error) => {
        assert.equal(error.message, 'blockedEmails holds NO_MX_RECORDS, which is only known by lookups.hasMxRecords');
        return error instanceof MissingLookupError;
    });
    await assert.rejects(open({ requireTopLevelDomain: 'yes' }), { name: 'TypeError', message: /not string$/ });
    await assert.rejects(open({ blockedEmails: 'FREE' }), { name: 'TypeError', message: /is a list of types/ });
    await assert.rejects(open({ blockedEmails: [5] }), { name: 'TypeError', message: /is a string, not number$/ });
    await assert.rejects(open({ lookups: { isFreeEmail: true } }), { name: 'TypeError', message: /^lookups.isFreeEmail/ });
    await assert.rejects(open({ logger: null }), { name: 'TypeError', message: /^logger is an object/ });
});

test('options that are changed later change nothing', async () => {
    const blockedEmails = ['INVALID'];
    const validator = await open({ blockedEmails });
    blockedEmails.push('SPAM');
    assert.equal(validator.check('joe@example.com').json, ALLOWED);
});

test('a text that can be no address is refused', async () => {
    const validator = await open();
    assert.throws(() => validator.check(undefined), { name: 'TypeError', message: 'an address is a string, not undefined' });
    assert.throws(() => validator.check('joe\ud800@example.com'), NotUtf8Error);
    assert.equal(validator.check('joe😀@example.com').json, ALLOWED);
    assert.equal(validator.check('ö'.repeat(512 * 1024)).allowed, false);
    assert.throws(() => validator.check('ö'.repeat(512 * 1024) + 'x'), TooLongError);
});

test('a module of another interface is refused in words', async () => {
    const zeros = '0'.repeat(64);
    const foreign = altered(altered(core, buildInfo.interface, zeros), '"version":"0.1.0"', '"version":"9.9.9"');
    await assert.rejects(open({ modules: { [MAIN]: foreign } }), (error) => {
        assert.ok(error instanceof InterfaceError);
        assert.equal(
            error.message,
            `${MAIN} has the interface ${zeros} (version 9.9.9), and this package is made for ${buildInfo.interface} ` +
                `(version ${buildInfo.version}): install the whole package again, and let it load its own files`,
        );
        return true;
    });
    const silent = altered(core, '\x07ferrule', '\x07elurref');
    await assert.rejects(open({ modules: { [MAIN]: silent } }), { name: 'InterfaceError', message: /does not say which/ });
});

test('modules may be given in every form', async () => {
    const headers = { 'content-type': 'application/wasm' };
    const forms = [core, await WebAssembly.compile(core), new Response(core, { headers }), new Response(core)];
    forms.push(Promise.resolve(core), new URL(`data:application/wasm;base64,${core.toString('base64')}`));
    for (const form of forms) {
        const validator = await open({ modules: { [MAIN]: form } });
        assert.equal(validator.check('joe@example.com').json, ALLOWED);
    }
    await assert.rejects(open({ modules: { 'other.wasm': core } }), { name: 'TypeError', message: /there are: email-validator/ });
    await assert.rejects(open({ modules: { [MAIN]: new Response('', { status: 404 }) } }), /could not be loaded: 404/);
    assert.equal((await open()).check('joe@example.com').json, ALLOWED);
});

test('a component that traps does no harm to the calls that follow', async () => {
    const validator = await open({ modules: { [MAIN]: trapping } });
    assert.equal(validator.check('joe@example.com').json, ALLOWED);
    assert.throws(() => validator.check('joe@example.com'), (error) => {
        return error instanceof InternalError && error.cause instanceof WebAssembly.RuntimeError;
    });
    assert.equal(validator.check('joe@example.com').json, ALLOWED);
});

test('memory stays as it is, whatever is asked', async () => {
    const validator = await asking((domain) => {
        if (domain.endsWith('fails.example')) throw new Error('no');
        return domain.startsWith('f');
    });
    const ask = (count) => {
        for (let i = 0; i < count; i++) {
            for (const address of [`joe${i}@example.com`, `joe${i}@`, `${'x'.repeat(1000)}@f${i}.example`]) {
                validator.check(address);
            }
            assert.throws(() => validator.check(`joe@${i}.fails.example`));
        }
    };
    ask(1000);
    const before = process.memoryUsage().rss;
    ask(5000);
    assert.ok(process.memoryUsage().rss - before < 30e6, 'the process grows');
});

test('the component itself can be used, with the names of its WIT', async () => {
    const { instantiate, instantiateSync, modules } = await component.load();
    const imports = {
        'ferrule:email-validator/overrides@0.1.0': { isFreeEmail: () => true, isDisposableEmail() {}, hasMxRecords() {}, hasGravatar() {} },
        'ferrule:email-validator/logger@0.1.0': { debug() {}, error() {} },
    };
    const options = { requireTopLevelDomain: false, allowDomainLiteral: false, blockedEmails: ['FREE'] };
    for (const made of [await instantiate(imports), instantiateSync(imports)]) {
        assert.equal(made.isValidEmail('joe@example.com', options), '{"decision":"Denied","blocked":["FREE"]}');
    }
    assert.equal(modules.size, 3);
    assert.deepEqual(component.identity, buildInfo);
});
