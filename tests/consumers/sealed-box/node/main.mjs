// Answers every vector of sealed-box by the npm package that is installed beside this file: a line of JSON for each.
import { readFile } from 'node:fs/promises';
import { SealedBoxError, openBox } from 'ferrule-sealed-box';

const ALGORITHMS = {
    'AES-256-GCM': ['aes256-gcm', seal],
    'ChaCha20-Poly1305': ['chacha20-poly1305', seal],
    'XChaCha20-Poly1305': ['xchacha20-poly1305', seal],
    'AES-256-GCM-SIV': ['aes256-gcm-siv', seal],
    'HMAC-SHA-256': ['hmac-sha256', hash],
    'HMAC-SHA-512': ['hmac-sha512', hash],
    'HKDF-SHA-256': ['hkdf-sha256', derive],
    Ed25519: ['ed25519', verify],
    X25519: ['x25519', agree],
};
const STATUSES = { 'invalid-key': 19, 'invalid-nonce': 20, 'invalid-length': 21, rejected: 24 };

const box = await openBox({
    algorithms: Object.values(ALGORITHMS).map(([name]) => name),
    allowCallerNonces: true,
    allowExport: true,
});

function seal(key, { nonce, associated, message, sealed }) {
    return [box.decrypt(key, nonce, associated, sealed), box.encrypt(key, nonce, associated, message)];
}

function hash(key, { message, tag }) {
    const whole = box.hash(key, message);
    if (whole.length === tag.length) box.checkHash(key, message, tag);
    else if (!box.equal(whole.subarray(0, tag.length), tag)) throw new SealedBoxError('rejected');
    return [whole.subarray(0, tag.length)];
}

function derive(key, { salt, info, length }) {
    return [box.derive(key, salt, info, length)];
}

function verify(key, { message, signature }) {
    box.verify(key, message, signature);
    return [];
}

function agree(key, vector) {
    const shared = box.agree(key, vector.public, 1n);
    const exported = box.exportKey(shared);
    box.closeKey(shared);
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
                ? box.importPublicKey(algorithm, BigInt(row.number), vector.public)
                : box.importKey(algorithm, BigInt(row.number), vector.key);
        return [0, ...work(key, vector).map((bytes) => Buffer.from(bytes).toString('hex'))];
    } catch (error) {
        if (STATUSES[error.code] === undefined) throw error;
        return [STATUSES[error.code]];
    } finally {
        if (key !== undefined) box.closeKey(key);
    }
}

for (const row of JSON.parse(await readFile(process.argv[2], 'utf-8'))) {
    process.stdout.write(`${JSON.stringify(answer(row))}\n`);
}
