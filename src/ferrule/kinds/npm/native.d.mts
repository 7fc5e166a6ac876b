// Written when this package was released: types of what finds the library of a machine.

/** There is no library for this machine, or the package that has it is not installed. */
export declare class NativeError extends Error {
    override name: 'NativeError';
}

/** Path of the library for this machine, as a foreign function interface opens it. Throws NativeError. */
export declare function locate(): string;

/**
 * The exports of the addon for this machine, by Node-API.
 *
 * Throws NativeError, and what Node.js throws of a file that is no addon.
 */
export declare function load(): unknown;
