#!/usr/bin/env node
// Starts the program that npm has installed for this machine, as one of the optional dependencies of this package.
'use strict';
const { spawnSync } = require('node:child_process');
const os = require('node:os');

const packages = __PACKAGES__;

// Node.js says which glibc it runs with, and nothing of any other C library.
function libc() {
    if (process.platform !== 'linux') return undefined;
    process.report.excludeNetwork = true;
    return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}

function find() {
    const here = packages.filter((one) => one.os === process.platform && one.cpu === process.arch);
    const own = libc();
    for (const one of here.filter((one) => one.libc === undefined || one.libc === own)) {
        try {
            return require.resolve(`${one.name}/${one.file}`);
        } catch {
            // It was left out when this was installed.
        }
    }
    const names = here.map((one) => one.name);
    const reason = names.length
        ? `none of its packages for this machine is installed (${names.join(', ')}): install __NAME__ again, `
            + 'with its optional dependencies'
        : `it is for ${packages.map((one) => `${one.os} ${one.cpu}`).join(', ')}`;
    console.error(`__NAME__ does not run on ${process.platform} ${process.arch}: ${reason}`);
    process.exit(1);
}

const done = spawnSync(find(), process.argv.slice(2), { stdio: 'inherit' });
if (done.error) {
    console.error(`__NAME__ could not be started: ${done.error.message}`);
    process.exit(1);
}
// As a shell would say it, where the signal itself does not end this process too.
if (done.signal) {
    process.kill(process.pid, done.signal);
    process.exitCode = 128 + os.constants.signals[done.signal];
} else {
    process.exitCode = done.status;
}
