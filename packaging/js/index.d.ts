/**
 * Says whether an e-mail address is well formed and whether a sign-up form should take it.
 *
 * @example
 * const validator = await open({ blockedEmails: ['FREE'], lookups: { isFreeEmail: (domain) => free.has(domain) } });
 * validator.check('joe@example.com').allowed;
 */

/** Why an address can be refused. A decision names them in this order. */
export type EmailType =
    /** Anybody can open a mailbox at this domain free of charge. Asks `isFreeEmail`. */
    | 'FREE'
    /** The domain hands out mailboxes meant to be thrown away. Asks `isDisposableEmail`. */
    | 'DISPOSABLE'
    /** The domain does not say who receives its mail. Asks `hasMxRecords`. */
    | 'NO_MX_RECORDS'
    /** The address has no Gravatar picture. Asks `hasGravatar`. */
    | 'NO_GRAVATAR'
    /** The address is not well formed. Always refused, named or not. */
    | 'INVALID';

/**
 * The look-ups, which you supply: the library opens no connection and keeps no list.
 *
 * Each is called at most once for an address, only for a well-formed one, and only where `blockedEmails` names its type.
 * It answers at once: whoever has to ask somebody else asks before `check`. `domain` is the ASCII form in lower case
 * (`xn--…`), or the address literal in brackets; `email` is the local part as it was written, `@`, and that domain.
 */
export interface Lookups {
    isFreeEmail?(domain: string): boolean;
    isDisposableEmail?(domain: string): boolean;
    hasMxRecords?(domain: string): boolean;
    hasGravatar?(email: string): boolean;
}

/** Where messages go, such as `console`. None of them holds an address or a part of one. */
export interface Logger {
    debug?(message: string): void;
    log?(message: string): void;
    warn?(message: string): void;
    error?(message: string): void;
}

/** What to demand of an address, and whom to ask. */
export interface Options {
    /** Refuse a domain of a single label, such as `localhost`. By default it is accepted. */
    readonly requireTopLevelDomain?: boolean | undefined;
    /** Accept an address literal as the domain, such as `[192.0.2.1]`. By default it is refused. */
    readonly allowDomainLiteral?: boolean | undefined;
    /** The types to refuse. Order and repetition do not matter. */
    readonly blockedEmails?: Iterable<EmailType> | undefined;
    readonly lookups?: Lookups | undefined;
    readonly logger?: Logger | undefined;
    /**
     * The WebAssembly modules by file name, for a place where the package cannot load its own files: compiled, as
     * bytes, as a response, or where they are (`ModuleSource` of `ferrule-email-validator/component`).
     */
    readonly modules?: { readonly [name: string]: unknown } | undefined;
}

/** The answer about one address. */
export interface Decision {
    /** Whether the address is well formed and of none of the blocked types. */
    readonly allowed: boolean;
    /** Why it is not, each type once. */
    readonly blocked: readonly EmailType[];
    /** The library's own text, the same bytes in every language. */
    readonly json: string;
}

/** Options that were understood. */
export interface Validator {
    /**
     * Decides about one address.
     *
     * Throws TypeError for anything but a string, TooLongError and NotUtf8Error for a string that cannot be one, and
     * what a look-up or the logger threw.
     */
    check(address: string): Decision;
}

/** Which component this is. */
export interface BuildInfo {
    /** Version of the release. */
    readonly version: string;
    /** Stands for the sources and tools that the component was made of. */
    readonly fingerprint: string;
    /** Stands for the component's interface. */
    readonly interface: string;
}

/**
 * Makes a validator. The component is loaded and compiled by the first, and shared by all.
 *
 * Throws TypeError, UnknownEmailTypeError and MissingLookupError for options that cannot be used, InterfaceError for a
 * component of another release, and what reading, fetching or compiling it throws.
 */
export declare function open(options?: Options): Promise<Validator>;

export declare const buildInfo: BuildInfo;

/** Base of what is thrown. What look-ups throw passes through as it is. */
export declare class EmailValidatorError extends Error {}

/** `blockedEmails` names a type that does not exist; the message lists those that do. */
export declare class UnknownEmailTypeError extends EmailValidatorError {}

/** A blocked type needs a look-up that was not given. */
export declare class MissingLookupError extends EmailValidatorError {}

/** A string holds half of a surrogate pair, so it cannot be written as UTF-8. */
export declare class NotUtf8Error extends EmailValidatorError {}

/** A string has more than 1 MiB in UTF-8. */
export declare class TooLongError extends EmailValidatorError {}

/** A fault of the library. It was contained; the validator can still be used. */
export declare class InternalError extends EmailValidatorError {}

/** The WebAssembly module has another interface than this package was made for, or does not say which. */
export declare class InterfaceError extends Error {}
