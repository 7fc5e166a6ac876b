// Answers every vector of sealed-box by bindings of its library that lie beside this file: a line of JSON for each.
import { readFile } from 'node:fs/promises';
import { Algorithm, RejectedError, SealedBox, SealedBoxError } from './native/bindings.js';

const ALGORITHMS = {
    'AES-256-GCM': [Algorithm.AES256_GCM, seal],
    'ChaCha20-Poly1305': [Algorithm.CHACHA20_POLY1305, seal],
    'XChaCha20-Poly1305': [Algorithm.XCHACHA20_POLY1305, seal],
    'AES-256-GCM-SIV': [Algorithm.AES256_GCM_SIV, seal],
    'HMAC-SHA-256': [Algorithm.HMAC_SHA256, hash],
    'HMAC-SHA-512': [Algorithm.HMAC_SHA512, hash],
    'HKDF-SHA-256': [Algorithm.HKDF_SHA256, (key, { salt, info, length }) => [box.derive(key, salt, info, length)]],
    Ed25519: [Algorithm.ED25519, verify],
    X25519: [Algorithm.X25519, agree],
};

// With callbacks, so that everything borrowed is copied.
const audit = (use) => used.add(use.operation);
const used = new Set();
const algorithms = Object.values(ALGORITHMS).map(([number]) => number);
const box = new SealedBox({ allowCallerNonces: 1, allowExport: 1, algorithms }, process.argv[3] ? { audit } : null);

function seal(key, { nonce, associated, message, sealed }) {
    return [box.decrypt(key, nonce, associated, sealed), box.encrypt(key, nonce, associated, message)];
}

function hash(key, { message, tag }) {
    const part = Buffer.from(box.hash(key, message)).subarray(0, tag.length);
    if (part.length !== tag.length || !part.equals(tag)) throw new RejectedError('another tag');
    if (box.hash(key, message).length === tag.length) box.hashCheck(key, message, tag);
    return [part];
}

function verify(key, { message, signature }) {
    box.verify(key, message, signature);
    return [];
}

function agree(key, vector) {
    const shared = box.agree(key, vector.public, 1);
    const exported = box.keyExport(shared);
    shared.close();
    return [exported];
}

function answer(row) {
    const [algorithm, work] = ALGORITHMS[row.algorithm];
    const texts = Object.entries(row).filter(([, value]) => typeof value === 'string');
    const vector = { ...row, ...Object.fromEntries(texts.map(([name, value]) => [name, Buffer.from(value, 'hex')])) };
    let key;
    try {
        key =
            work === verify
                ? box.keyImportPublic(algorithm, row.number, vector.public)
                : box.keyImport(algorithm, row.number, vector.key);
        return [0, ...work(key, vector).map((bytes) => Buffer.from(bytes).toString('hex'))];
    } catch (error) {
        if (!(error instanceof SealedBoxError)) throw error;
        return [error.status];
    } finally {
        key?.close();
    }
}

for (const row of JSON.parse(await readFile(process.argv[2], 'utf-8'))) {
    process.stdout.write(`${JSON.stringify(answer(row))}\n`);
}
box.close();
if (process.argv[3] && used.size === 0) throw new Error('no use of a key was audited');
