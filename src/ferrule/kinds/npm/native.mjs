// Written when this package was released: finds the library of this machine, in the package that npm installed for it.
import { createRequire } from 'node:module';
import { arch, platform, report } from 'node:process';

const PACKAGES = __PACKAGES__;

const require = createRequire(import.meta.url);

export class NativeError extends Error {
    name = 'NativeError';
}

export function locate() {
    const machine = { os: platform, cpu: arch, libc: libc() };
    const fits = (row) => row.os === machine.os && row.cpu === machine.cpu && (row.libc ?? machine.libc) === machine.libc;
    const row = PACKAGES.find(fits);
    if (row === undefined) {
        const names = PACKAGES.map((other) => other.package).join(', ');
        const here = [machine.os, machine.cpu, machine.libc].filter(Boolean).join(' ');
        throw new NativeError(`there is no library for this machine (${here}); there are: ${names}`);
    }
    try {
        return require.resolve(`${row.package}/${row.file}`);
    } catch (cause) {
        const advice = 'install this package again, with optional dependencies and not from the folder of another machine';
        throw new NativeError(`${row.package}, which has the library of this machine, is not installed: ${advice}`, { cause });
    }
}

export function load() {
    return require(locate());
}

// Node.js names the glibc that it runs with; on Linux there is none but glibc and musl to ask about.
function libc() {
    if (platform !== 'linux') return undefined;
    const { header } = report.getReport();
    return header.glibcVersionRuntime ? 'glibc' : 'musl';
}
