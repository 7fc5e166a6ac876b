// Written when this package was released: loads the WebAssembly modules that lie beside this file.
__SHIM_IMPORT__import { instantiate } from './__STEM__.js';

const SECTION = 'ferrule';
const MAIN = '__MAIN__';
const NAMES = __MODULES__;

export const identity = Object.freeze(__IDENTITY__);

export class InterfaceError extends Error {
    name = 'InterfaceError';
}

export async function load(given = {}) {
    const stranger = Object.keys(given).find((name) => !NAMES.includes(name));
    if (stranger !== undefined) {
        throw new TypeError(`there is no module ${stranger}; there are: ${NAMES.join(', ')}`);
    }
    const compiled = await Promise.all(NAMES.map(async (name) => compile((await given[name]) ?? place(name))));
    const modules = new Map(NAMES.map((name, index) => [name, compiled[index]]));
    check(modules.get(MAIN));
    const start = (imports, instance) => instantiate((name) => modules.get(name), unversioned(imports), instance);
    return Object.freeze({
        modules,
        instantiate: async (imports) => start(imports, WebAssembly.instantiate),
        instantiateSync: (imports) => start(imports, (module, links) => new WebAssembly.Instance(module, links)),
    });
}

// Each address is written out, as that is how bundlers find the files that belong to a module.
function place(name) {
    switch (name) {
__PLACES__
    }
}

async function compile(source) {
    if (source instanceof WebAssembly.Module) return source;
    if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return WebAssembly.compile(source);
    if (typeof source === 'string') return compile(new URL(source, globalThis.location?.href));
    if (source instanceof URL) return compile(source.protocol === 'file:' ? await read(source) : await fetch(source));
    if (!source.ok) throw new Error(`${source.url} could not be loaded: ${source.status} ${source.statusText}`);
    const type = source.headers.get('content-type') ?? '';
    if (/^application\/wasm\s*$/i.test(type)) return WebAssembly.compileStreaming(source);
    return WebAssembly.compile(await source.arrayBuffer());
}

async function read(url) {
    // A name that no bundler can follow: bundlers for browsers refuse the modules of Node.js.
    const name = ['node', 'fs/promises'].join(':');
    const files = await import(/* webpackIgnore: true */ /* @vite-ignore */ name);
    return files.readFile(url);
}

function check(module) {
    const [content] = WebAssembly.Module.customSections(module, SECTION);
    const ours = `this package is made for ${identity.interface} (version ${identity.version})`;
    const advice = 'install the whole package again, and let it load its own files';
    if (content === undefined) {
        throw new InterfaceError(`${MAIN} does not say which interface it has, and ${ours}: ${advice}`);
    }
    const found = JSON.parse(new TextDecoder().decode(content));
    if (found.interface !== identity.interface) {
        const theirs = `${MAIN} has the interface ${found.interface} (version ${found.version})`;
        throw new InterfaceError(`${theirs}, and ${ours}: ${advice}`);
    }
}

// The transpiled code asks for imports without their version, though its types name them with it.
function unversioned(imports = {}) {
    const all = { ...__SHIM__, ...imports };
    const both = Object.entries(all).flatMap(([name, value]) => [[name, value], [name.replace(/@.*/, ''), value]]);
    return Object.fromEntries(both);
}
