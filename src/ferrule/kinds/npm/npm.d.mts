// Written when this package was released: types of the loader of the component.
import type { instantiate } from './__STEM__.js';

export type * from './__STEM__.js';

/** What the component imports, by the name of the interface: `package:name/interface@version`. */
export type Imports = __IMPORTS__;

/** What the component exports. */
export type Exports = Awaited<ReturnType<typeof instantiate>>;

/** File names of the component's core modules. */
export type ModuleName = __MODULE_NAMES__;

/** A core module: compiled, as bytes, as a response, or where it is (a text is relative to the page). */
export type ModuleSource = WebAssembly.Module | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Response | URL | string;

/** A component whose modules are compiled; every instance of it has a memory of its own. */
export interface Component {
    /** The compiled modules, which can be handed to a worker and given to its `load`. */
    readonly modules: ReadonlyMap<ModuleName, WebAssembly.Module>;
    /** Makes an instance. */
    instantiate(imports: Imports): Promise<Exports>;
    /** Makes an instance at once. The main thread of a browser refuses that for modules of several megabytes. */
    instantiateSync(imports: Imports): Exports;
}

/** What the component says of itself. */
export interface Identity {
    /** Version of the release. */
    readonly version: string;
    /** Stands for the sources and tools that the component was made of. */
    readonly fingerprint: string;
    /** Stands for the component's interface. */
    readonly interface: string;
}

export declare const identity: Identity;

/** The core module has another interface than this package was made for, or does not say which. */
export declare class InterfaceError extends Error {
    override name: 'InterfaceError';
}

/**
 * Loads and compiles the modules of the component: from beside this file, or those that are given.
 *
 * Throws InterfaceError, and what reading, fetching or compiling throws.
 */
export declare function load(given?: {
    readonly [name in ModuleName]?: ModuleSource | PromiseLike<ModuleSource>;
}): Promise<Component>;
