// Measures calls of sealed-box by the npm package that is installed beside this file; prints nanoseconds, as JSON.
import { openBox } from 'ferrule-sealed-box';
import { nanoseconds } from './measure.mjs';

const ASSOCIATED = new TextEncoder().encode('to whom');
const [short, large] = [new Uint8Array(64), new Uint8Array(64 << 10)];

const box = await openBox();
const key = box.generateKey('xchacha20-poly1305', 1n);
const hashing = box.generateKey('hmac-sha256', 1n);
const sealed = box.seal(key, ASSOCIATED, short);
const calls = {
    seal: () => box.seal(key, ASSOCIATED, short),
    open: () => box.open(key, ASSOCIATED, sealed),
    hash: () => box.hash(hashing, short),
    large: () => box.seal(key, ASSOCIATED, large),
};
const costs = Object.entries(calls).map(([name, call]) => [name, { ns: nanoseconds(call) }]);
console.log(JSON.stringify(Object.fromEntries(costs)));
