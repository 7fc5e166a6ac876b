/**
 * Sealing, keyed hashes, derivation, signatures and key agreement, with keys that never show.
 *
 * @example
 * const box = await openBox();
 * const key = box.generateKey('xchacha20-poly1305', 1n);
 * const sealed = box.seal(key, associated, message);
 */
import type { Algorithm, Exports, load } from './component/index.js';
import type { Error as Failure, KeyUse } from './component/interfaces/ferrule-sealed-box-types.js';

export { InterfaceError, identity as buildInfo } from './component/index.js';
export type { Algorithm, Failure, KeyUse };
export type { Item, Operation } from './component/interfaces/ferrule-sealed-box-types.js';

/** What is allowed, and who is told. */
export interface BoxOptions {
    /** The algorithms; by default XChaCha20-Poly1305, HMAC-SHA-256, HKDF-SHA-256, Ed25519 and X25519. */
    readonly algorithms?: Iterable<Algorithm> | undefined;
    /** Lets a caller choose nonces, in `encrypt` and `decrypt`. Whoever uses a nonce twice loses the key. */
    readonly allowCallerNonces?: boolean | undefined;
    /** Lets keys and derived bytes leave, by `exportKey` and `derive`. */
    readonly allowExport?: boolean | undefined;
    /**
     * Told after each use of a key, also of those that were refused; nothing of it is secret. It must not call the box.
     * What it throws is thrown outside of the call, as from a timer.
     */
    readonly audit?: ((use: KeyUse) => void) | undefined;
    /** The WebAssembly modules by file name, for a place where the package cannot load its own files. */
    readonly modules?: Parameters<typeof load>[0];
}

/**
 * A box. Keys and streams are numbers that it alone knows; closing a key overwrites it in the box's memory, which whoever
 * holds the box can read.
 *
 * A function that has no result throws SealedBoxError.
 */
export type Box = Readonly<Omit<Exports, 'configure'>>;

/** Why there is no result: `code` is `'rejected'`, `'wrong-key'`, `'not-allowed'` and so on. Nothing of a key or a message is told. */
export declare class SealedBoxError extends Error {
    override name: 'SealedBoxError';
    readonly code: Failure;
}

/** Opens a box. Throws TypeError and SealedBoxError for options that are none, InterfaceError, and what loading the modules throws. */
export declare function openBox(options?: BoxOptions): Promise<Box>;
