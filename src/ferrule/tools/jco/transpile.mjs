// Turns a component into an ES module, its core modules and its types:
//     node transpile.mjs JCO COMPONENT FOLDER NAME
// JCO is the folder that jco was installed into.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [jco, component, folder, name] = process.argv.slice(2);
const entry = createRequire(join(jco, 'asked-from-here.js')).resolve('@bytecodealliance/jco-transpile');
const { transpileBytes } = await import(pathToFileURL(entry));
const { files } = await transpileBytes(await readFile(component), {
    name,
    instantiation: 'async', // imports and core modules are handed over by whoever uses it
    nodejsCompat: false, // so nothing in it names a module of Node.js, which bundlers for browsers refuse
});
for (const [path, content] of Object.entries(files)) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content);
}
