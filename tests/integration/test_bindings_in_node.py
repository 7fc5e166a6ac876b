"""Generated bindings in JavaScript: what they answer for libraries of strangers, and what can never happen in them."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from typing import TYPE_CHECKING

import pytest
from bound import HEADERS, SOURCES, generated, node_package
from judges import CHECKOUT, run
from node_programs import judges_of_javascript

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

TSC = "node_modules/typescript/bin/tsc"
STRICTLY = (
    *("--strict", "--noEmit", "--module", "nodenext", "--lib", "esnext,dom"),
    *("--types", "", "--skipLibCheck", "false"),
)
REFUSED = """
const refused = (work) => {
    try {
        return ['nothing was thrown', work()];
    } catch (error) {
        return `${error.name}: ${error.message}`;
    }
};
"""


@pytest.fixture(scope="module")
def folder(programs, tmp_path_factory) -> Path:
    """Where packages find koffi, and the compiler of TypeScript."""
    place_of_modules = tmp_path_factory.mktemp("bound")
    (place_of_modules / "package.json").write_text('{"private": true, "type": "module"}')
    (place_of_modules / "node_modules").symlink_to(judges_of_javascript(programs["node"]) / "node_modules")
    return place_of_modules


@pytest.fixture(scope="module")
def answers(programs, folder):
    """What a program logs, as JSON's values; BigInts as texts with an n. The packages are made once."""

    def asked(name: str, program: str, *options: str, imported: bool = True) -> list[object]:
        if not (folder / name).exists():
            node_package(name, folder / name, HEADERS if (HEADERS / f"{name}.h").exists() else SOURCES)
        code = f"import * as bound from './{name}/native/bindings.js';\n" if imported else ""
        code += REFUSED
        code += "const big = (key, value) => (typeof value === 'bigint' ? `${value}n` : value);\n"
        code += "const log = (...values) => console.log(JSON.stringify(values, big));\n"
        file = folder / "program.mjs"
        file.write_text(code + textwrap.dedent(program), encoding="utf-8")
        return [json.loads(line) for line in run(programs["node"], *options, file, cwd=folder).stdout.splitlines()]

    return asked


def test_a_handle_without_a_status(answers):
    program = """
        const { Counter, step } = bound;
        const [counter, other] = [new Counter(5), new Counter(1)];
        log(counter.add(3, true), counter.add(1, false), counter.peek());
        other.import(counter);
        log(other.peek(), step(200, 0.5));
        counter.close();
        const wrong = [
            () => counter.peek(), () => other.import(counter), () => new Counter(-1), () => new Counter(2 ** 31),
            () => step(-1, 1), () => step(NaN, 1), () => step(1.5, 1), () => step(2n, 1), () => step(1, 1e39),
            () => step(1, '1'), () => other.add(1, 1), () => other.import({}), () => other.import(other),
            () => Counter.prototype.peek.call(step),
        ];
        for (const work of wrong) log(refused(work));
    """
    assert answers("counter", program) == [
        [8, 7, "7n"],
        ["7n", 100],
        ["ClosedError: the counter was closed"],
        ["ClosedError: the counter was closed"],
        ["CounterError: the library could not make it"],
        ["RangeError: from is 2147483648, which does not fit into int32_t"],
        ["RangeError: range is -1, which does not fit into uint8_t"],
        ["RangeError: range is NaN, which does not fit into uint8_t"],
        ["RangeError: range is 1.5, which does not fit into uint8_t"],
        ["TypeError: range is no number"],
        ["RangeError: func is 1e+39, which does not fit into float"],
        ["TypeError: func is no number"],
        ["TypeError: chan is neither true nor false"],
        ["TypeError: class_ is no Counter"],
        ["BusyError: the counter is used by a call that has not returned"],
        ["TypeError: this is no Counter"],
    ]


def test_buffers_are_borrowed_and_not_copied(answers):
    program = """
        const { invert, scale, mean, repeat, extent } = bound;
        const out = new Uint8Array(4);
        invert(Uint8Array.of(0, 1, 2, 3), out);
        log([...out]);
        invert(Buffer.from([0, 1, 2, 3]).subarray(1, 3), out.subarray(2));
        log([...out]);
        const values = Float32Array.of(1, 2);
        scale(values, 4);
        log([...values], mean(Float64Array.of(1, 2)), mean(new Float64Array()));
        const [times, bytes] = repeat(new TextEncoder().encode('ab'), 3);
        log(times, [...bytes], repeat(new Uint8Array(), 3)[1].length, extent(Int32Array.of(3, -1)));
        const moved = new Float64Array(2);
        structuredClone(moved, { transfer: [moved.buffer] });
        const wrong = [
            () => mean(Float32Array.of(1)), () => mean([1]), () => invert('text', out), () => invert(out.buffer, out),
            () => mean(moved), () => mean(new Float64Array(new SharedArrayBuffer(8))),
            () => mean(new Float64Array(new ArrayBuffer(8, { maxByteLength: 16 }))),
        ];
        for (const work of wrong) log(refused(work));
    """
    assert answers("pixels", program) == [
        [[255, 254, 253, 252]],
        [[255, 254, 254, 253]],
        [[4, 8], 1.5, 0],
        [3, [*b"ababab"], 0, [1, -1, 3]],
        ["TypeError: values is no Float64Array"],
        ["TypeError: values is no Float64Array"],
        ["TypeError: data is no Uint8Array"],
        ["TypeError: data is no Uint8Array"],
        ["TypeError: Cannot perform Construct on a detached ArrayBuffer"],
        ["TypeError: values is shared with other threads, which could write to it meanwhile"],
        ["TypeError: values has memory that can be resized"],
    ]


def test_two_handles_texts_and_errors(answers):
    program = """
        const { Db, Cursor, BUILD_INFO, NotFoundError, Status } = bound;
        const db = new Db('here');
        db.put('clé', 'valeur\\0é');
        log(db.get('clé'), db.stats());
        const cursor = db.cursor();
        db.close(); // the cursor keeps it: the library would abort
        log(refused(() => db.get('clé')), cursor.next(), refused(() => cursor.next()));
        for (const [key, value] of [['a', '\\ufeff b'], ['', ''], ['long', 'x'.repeat(60)]]) {
            const one = new Db('x');
            one.put(key, value);
            log(one.get(key) === value);
        }
        const wrong = [
            () => new Db('x').get('no'), () => new Db('x'.repeat(30)), () => new Db('a\\0b'), () => new Cursor(),
            () => new Db('x').get('\\ud800'), () => new Db(undefined), () => Cursor.prototype.next.call(db),
            () => structuredClone(db).get('x'),
        ];
        for (const work of wrong) log(refused(work));
        try {
            new Db('x').get('no');
        } catch (error) {
            log(error instanceof NotFoundError, error.status === Status.NOT_FOUND);
        }
        cursor.close();
        cursor.close();
        log(BUILD_INFO);
    """
    assert answers("store", program) == [
        ["valeur", {"keys": "1n", "load": 0.5}],
        [
            "ClosedError: the db was closed",
            ["clé", 0],
            "BrokenError: the library returned 77, which is no failure it may return",
        ],
        *[[True]] * 3,
        ["NotFoundError: no such key: é"],
        ["BrokenError: the path is too long"],
        ["TypeError: path holds a NUL, at which the library would end it"],
        ["TypeError: a Cursor is made by other functions"],
        ["TypeError: key holds half of a surrogate pair, which UTF-8 has not"],
        ["TypeError: path is no text"],
        ["TypeError: this is no Cursor"],
        ["TypeError: structuredClone(...).get is not a function"],
        [True, True],
        [{"name": "store", "interface": "unreleased"}],
    ]


def test_callbacks(answers):
    program = """
        const { Loop, Level, Status } = bound;
        const said = [];
        const answers = { yes: 1, no: 0, many: 7 };
        const loop = new Loop({
            limit: 3,
            onEvent: (name) => answers[name],
            weigh: (data) => data.length / 2,
            veto: () => Status.OK,
            log: (message) => said.push(message),
        });
        log(loop.emit('yes'), loop.weigh(Uint8Array.of(1, 2, 3)), loop.ask(Level.HIGH) ?? null);
        log(refused(() => loop.emit('none')), refused(() => loop.emit('many')));
        loop.close();
        log(said);
        const other = new Loop({ veto(level) { throw new RangeError(`level ${level}`); } });
        log(refused(() => other.ask(Level.LOW)));
        const wrong = [{ limit: -1 }, { onEvnt: null }, { veto: 1 }].map((one) => () => new Loop(one));
        wrong.unshift(() => new Loop());
        for (const work of wrong) log(refused(work));
        for (const answer of [NaN, 2 ** 31, -(2 ** 31) - 1, 1n, '1', null, Promise.resolve(1)]) {
            log(refused(() => new Loop({ limit: 1, onEvent: () => answer }).emit('x')).replace(/.*returned /, ''));
        }
        let calls = 0;
        const once = new Loop({ limit: 9, onEvent: () => { calls += 1; throw new Error('mine'); } });
        log(refused(() => once.emit('x')), calls, refused(() => once.emit('x')), calls);
        const last = new Loop({ log: () => { throw new Error('freed'); } });
        log(refused(() => last.close()), refused(() => last.ask(Level.LOW)));
    """
    whole = "which does not fit into int32_t"
    assert answers("events", program) == [
        [3, 1.5, None],
        ["TypeError: what onEvent returned is no number", "InternalError: internal"],
        [["freed"]],
        ["RangeError: level -1"],
        ["InternalError: internal"],
        ["InternalError: internal"],
        ["TypeError: Handlers has no onEvnt; it has limit, onEvent, weigh, veto, log"],
        ["TypeError: veto is no function"],
        [f"is NaN, {whole}"],
        [f"is 2147483648, {whole}"],
        [f"is -2147483649, {whole}"],
        *[["is no number"]] * 4,
        ["Error: mine", 1, "Error: mine", 2],
        ["Error: freed", "ClosedError: the loop was closed"],
    ]


def test_numbers_on_the_stack_and_structures(answers):
    program = """
        const { Desk, half, sum, weigh, Side } = bound;
        const desk = new Desk({ onLevel: (level, gain) => (log(level, gain), 1) }, 2);
        const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        log(desk.gain(), half(3), sum(...numbers, 10), weigh(-1, ...numbers.slice(1), 300, Side.RIGHT));
        log(desk.blend('mixed', 1, 2, true));
        const values = Float64Array.of(1, 2);
        log(desk.scale(3, values), [...values]);
    """
    assert answers("mixer", program) == [
        [2, 1.5, 385, "4283n"],
        [{"left": 1, "right": 2, "peak": 2}, 2],
        [[12, "mixed 12.00"]],
        [{"length": "2n", "sum": 18}, [6, 12]],
    ]


# What can never happen.


def test_a_handle_is_not_used_or_closed_by_its_own_callbacks_where_the_library_may_write_to_it(answers):
    program = """
        const { Loop } = bound;
        let loop;
        for (const work of [() => loop.close(), () => loop.emit('again')]) {
            loop = new Loop({ limit: 1, onEvent: () => (work(), 1) });
            log(refused(() => loop.emit('x')));
            loop.close();
        }
        const inner = new Loop({ limit: 1, onEvent: () => 1 });
        log(new Loop({ limit: 1, onEvent: () => inner.emit('x') }).emit('x'));
    """
    busy = "BusyError: the loop is used by a call that has not returned"
    assert answers("events", program) == [[busy], [busy], [1]]


def test_memory_that_a_callback_takes_away_is_not_the_librarys(answers):
    program = """
        const { Loop } = bound;
        const data = Uint8Array.of(1, 2, 3);
        const loop = new Loop({ weigh: (got) => (structuredClone(data, { transfer: [data.buffer] }), got.length) });
        log(loop.weigh(data), data.length, refused(() => loop.weigh(data)));
    """
    detached = "TypeError: Cannot perform Construct on a detached ArrayBuffer"
    assert answers("events", program) == [[3, 0, detached]]


def test_64_bits_are_whole(answers):
    program = """
        const { most, least } = bound;
        log(most(), least(2n ** 64n - 1n, -(2n ** 63n)));
        const wrong = [[-1, 0], [2n ** 64n, 0n], [2 ** 53, 0], [1.5, 0], [0, 2n ** 63n], ['1', 0], [NaN, 0]];
        for (const [a, b] of wrong) log(refused(() => least(a, b)));
    """
    assert answers("elsewhere", program) == [
        ["18446744073709551615n", "-9223372036854775808n"],
        ["RangeError: a is -1, which does not fit into uint64_t"],
        ["RangeError: a is 18446744073709551616, which does not fit into uint64_t"],
        ["RangeError: a is 9007199254740992, which may be another number by rounding: give a BigInt"],
        ["RangeError: a is 1.5, which does not fit into uint64_t"],
        ["RangeError: b is 9223372036854775808, which does not fit into int64_t"],
        ["TypeError: a is no whole number"],
        ["RangeError: a is NaN, which does not fit into uint64_t"],
    ]


def test_threads_of_the_librarys_call_back_even_after_it_was_freed(answers):
    program = """
        const { Box } = bound;
        const failures = [];
        process.on('uncaughtException', (error) => failures.push(error.message));
        const until = async (done) => { while (!done()) await new Promise((next) => setTimeout(next, 1)); };
        const doubling = new Box({ on: (n) => n * 2 });
        doubling.start(1);
        await until(() => doubling.last() !== 0);
        const failing = new Box({ on: () => { throw new Error('elsewhere'); } });
        failing.start(1);
        await until(() => failing.last() !== 0 && failures.length === 1);
        log(doubling.last(), failing.last(), failures);
        const freed = new Box({ on: () => 1 });
        freed.start(50);
        freed.close();
        await until(() => failures.length === 2);
        log(failures[1]);
        let nested;
        nested = new Box({ on: (n) => (n > 0 ? nested.call(n - 1) + 1 : 0) });
        log(nested.call(5));
        let closing;
        closing = new Box({ on: () => closing.close() });
        log(refused(() => closing.call(1)));
    """
    assert answers("elsewhere", program) == [
        [14, -1, ["elsewhere"]],
        ["the library called on after it was freed"],
        [5],
        ["BusyError: the box is used by a call that has not returned"],
    ]


def test_what_nobody_refers_to_is_freed_and_callbacks_have_no_limit(answers):
    program = """
        const { Loop } = bound;
        let freed = 0;
        for (let turn = 0; turn < 10; turn += 1) {
            for (let one = 0; one < 1000; one += 1) new Loop({ limit: 0, log: () => { freed += 1; } });
            global.gc();
            await new Promise((done) => setTimeout(done, 5));
        }
        log(freed);
    """
    assert answers("events", program, "--expose-gc") == [[10_000]]


def test_calls_in_callbacks_end_where_the_stack_does(answers):
    program = """
        const { Loop } = bound;
        let depth = 0;
        const nest = () => {
            depth += 1;
            const loop = new Loop({ limit: 1, onEvent: nest });
            try {
                return loop.emit('x');
            } finally {
                loop.close();
            }
        };
        log(refused(nest), depth > 20);
        const loop = new Loop({ limit: 1, onEvent: () => 1 });
        const down = () => { try { return down(); } catch { return refused(() => loop.emit('x')); } };
        down();
        log(loop.emit('x'));
    """
    assert answers("events", program) == [["RangeError: Maximum call stack size exceeded", True], [1]]


def test_each_worker_has_its_own(answers):
    program = """
        import { Worker } from 'node:worker_threads';
        const { Loop } = bound;
        const work = `
            import(${JSON.stringify(new URL('./events/native/bindings.js', import.meta.url))}).then(({ Loop }) => {
                const { parentPort, workerData } = require('node:worker_threads');
                let sum = 0;
                const loop = new Loop({ limit: 1, onEvent: () => workerData });
                for (let turn = 0; turn < 100 || workerData === 0; turn += 1) sum += loop.emit('x');
                parentPort.postMessage(sum);
            });`;
        const started = [1, 1, 1].map((workerData) => new Worker(work, { eval: true, workerData }));
        const loop = new Loop({ limit: 1, onEvent: () => 1 });
        const own = Array.from({ length: 50 }, () => loop.emit('x')).length;
        const sum = (one) => new Promise((done, failed) => one.on('message', done).on('error', failed));
        log(await Promise.all(started.map(sum)), own);
        const endless = new Worker(work, { eval: true, workerData: 0 });
        await new Promise((done) => setTimeout(done, 150));
        await endless.terminate();
        log(loop.emit('x'));
    """
    assert answers("events", program) == [[[100, 100, 100], 50], [1]]


def test_an_exception_that_no_call_waits_for_reaches_the_process(answers):
    program = """
        const { Loop } = bound;
        process.on('uncaughtException', (error) => log(error.message));
        new Loop({ log: () => { throw new Error('freed'); } });
        await new Promise((done) => setTimeout(done, 1));
        global.gc();
        await new Promise((done) => setTimeout(done, 20));
    """
    assert answers("events", program, "--expose-gc") == [["freed"]]


def test_a_thread_of_the_librarys_that_still_calls_back_ends_no_program_otherwise(programs, folder):
    if not (folder / "elsewhere").exists():
        node_package("elsewhere", folder / "elsewhere", SOURCES)
    program = """
        import { Box } from './elsewhere/native/bindings.js';
        const boxes = Array.from({ length: 64 }, () => new Box({ on: () => 1 }));
        boxes.forEach((box, number) => box.start(number));
        process.on('exit', () => console.log('ends'));
        process.exitCode = 7;
    """
    (folder / "ends.mjs").write_text(textwrap.dedent(program), encoding="utf-8")
    done = run(programs["node"], "ends.mjs", cwd=folder, ok=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "ends\n", "")


def test_every_module_is_javascript(programs, tmp_path):
    """Also of the libraries that no test calls."""
    for path in (*HEADERS.glob("*.h"), *SOURCES.glob("*.h")):
        text = generated(path, tmp_path / "work", "node", path.stem).text
        (tmp_path / f"{path.stem}.mjs").write_text(text, encoding="utf-8")
    program = """
        const { readdirSync, readFileSync } = require('node:fs');
        const { SourceTextModule } = require('node:vm');
        const names = readdirSync('.').filter((one) => one.endsWith('.mjs'));
        for (const identifier of names) new SourceTextModule(readFileSync(identifier, 'utf8'), { identifier });
        console.log(names.length);
    """
    done = run(programs["node"], "--experimental-vm-modules", "--no-warnings", "-e", program, cwd=tmp_path)
    assert int(done.stdout) == len([*tmp_path.glob("*.mjs")]) > 0


def test_what_is_legal_in_c_and_awkward_in_javascript(answers):
    program = """
        process.env.AWKWARD_INFO = '{}';
        const awkward = await import('./awkward/native/bindings.js');
        const { AwkwardError, AwkwardRecord, ERRORS } = awkward;
        log([...ERRORS].map(([status, one]) => [status, one.name]), AwkwardError.status);
        class Hooks { toString() { return 1; } }
        const made = [{}, { toString: (value) => value }, new Hooks(), { __proto__: null, constructor: 7 }];
        for (const hooks of made) log(new AwkwardRecord(hooks).callbacks(), new AwkwardRecord(hooks).length_());
        const record = new AwkwardRecord({ moved: (to) => log(to), said: log });
        record.move(0);
        const wrong = [
            () => record.move(1), () => record.say(), () => record.fail(-1), () => record.fail(-3),
            () => record.fail(9), () => record.add(1), () => new AwkwardRecord({ constructor: 'x' }),
            () => awkward.none({ a: 1 }), () => awkward.size(2 ** 60),
        ];
        for (const work of wrong) log(refused(work));
        const { awkwardMessageOf: messageOf } = awkward;
        log(record.length_(), awkward.first({ _0: 5, _1: 6 }), messageOf(2, { read: 3 }), awkward.none({}));
        log(awkward.total(['a', 'bc']), awkward.awkwardOpenLibrary(4), awkward.size(2n ** 60n));
        record.close();
        log(refused(() => record.move(0)));
        for (const [turn, information] of [undefined, 'none', '4', '[1'].entries()) {
            if (information === undefined) delete process.env.AWKWARD_INFO;
            else process.env.AWKWARD_INFO = information;
            const failed = await import(`./awkward/native/bindings.js?${turn}`).catch((error) => error);
            log(failed.name, failed.message.split(':')[0]);
        }
    """
    no_library = ["LibraryError", "libawkward.so is not the library of awkward"]
    assert answers("awkward", program, imported=False) == [
        [[["-1n", "ErrIoError"], ["-2n", "ClosedError"], ["-3n", "AwkwardClosedError"]], "-1n"],
        [0, 0],
        [1, 0],
        [1, 0],
        [0, 7],
        [{"x": 1, "y": 2}],
        ["TypeError: to of moved is null, and no structure"],
        ["TypeError: text of said is no UTF-8"],
        ["ErrIoError: err io"],
        ["AwkwardClosedError: closed"],
        ["ErrIoError: the library returned 9, which is no failure it may return"],
        ["LibraryError: the library gave a record that is open as a new record"],
        ["TypeError: constructor is no number"],
        ["TypeError: Nothing has no a; it has none"],
        ["RangeError: size is 1152921504606847000, which may be another number by rounding: give a BigInt"],
        [1, 5, 5, 16],
        ["3n", 4, "1152921504606846976n"],
        ["ClosedError: the record was closed"],
        *[no_library] * 4,
    ]


def test_what_is_awkward_has_types_of_its_own(programs, folder):
    """A handle is none of another type, a text no list of texts, and nothing an object with properties."""
    if not (folder / "awkward").exists():
        node_package("awkward", folder / "awkward", SOURCES)
    program = """
        import { AwkwardReadonly, AwkwardRecord, Box, first, none, total } from './awkward/native/bindings.js';
        const hooks = { constructor: 1, toString: (value: number) => value, valueOf: () => 1 };
        const record: AwkwardRecord = new AwkwardRecord(hooks);
        const read: AwkwardReadonly = { read: first({ _0: 1 }) };
        console.log(record.length_(), read, none({}), total(['a', 'b']), total(new Set(['a'])));
        // @ts-expect-error
        const other: Box = record;
        // @ts-expect-error
        total('ab');
        // @ts-expect-error
        none({ a: 1 });
    """
    (folder / "awkward.mts").write_text(textwrap.dedent(program), encoding="utf-8")
    run(programs["node"], folder / TSC, *STRICTLY, "awkward.mts", cwd=folder)


def test_a_wrong_library_is_refused(programs, folder):
    node_package("pixels", folder / "older")
    node_package("store", folder / "other", interface="f" * 64)
    node_package("counter", folder / "foreign")
    for name, old, new in (("older", ", 3, path", ", 4, path"), ("foreign", "'counter_add'", "'counter_odd'")):
        module = folder / name / "native" / "bindings.js"
        module.write_text(module.read_text().replace(old, new))
    (folder / "other" / "native" / "libstore.so").write_bytes(b"no library")
    program = "for (const name of ['older', 'foreign', 'other']) await import(`./${name}/native/bindings.js`).catch("
    program += "(error) => console.log(error.name, error.message.split(':')[0]));"
    (folder / "wrong.mjs").write_text(program)
    assert run(programs["node"], "wrong.mjs", cwd=folder).stdout.splitlines() == [
        "LibraryError libpixels.so has version 3 of the C interface, and this package needs 4",
        "LibraryError libcounter.so is not the library of counter",
        "LibraryError the native library of store cannot be loaded",
    ]


def test_the_example_of_the_guide(programs, folder):
    page = (CHECKOUT / "docs" / "how-to" / "bindings.md").read_text(encoding="utf-8")
    (header,) = re.findall(r"^```c\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (program,) = re.findall(r"^```js\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    package = folder / "thermo"
    (package / "headers").mkdir(parents=True)
    (package / "headers" / "thermo.h").write_text(header, encoding="utf-8")
    node_package("thermo", package, package / "headers")
    (package / "main.mjs").write_text(program, encoding="utf-8")
    shutil.copy(package / "main.mjs", package / "main.mts")
    said = run(programs["node"], "main.mjs", cwd=package).stdout
    assert textwrap.indent(said, "    ") in page
    (package / "main.mts").write_text(program + "// @ts-expect-error\nlog.add([1]);\n", encoding="utf-8")
    run(programs["node"], folder / TSC, *STRICTLY, "main.mts", cwd=package)
