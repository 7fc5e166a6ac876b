"""Generated bindings in Python: what they answer for libraries of strangers, and what can never happen in them."""

from __future__ import annotations

import ast
import re
import textwrap

import pytest
from bound import python, python_package
from judges import CHECKOUT

pytestmark = pytest.mark.integration

FREE = "import os, signal, threading, time\nfrom bound_events import *\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bound")
    for name in ("counter", "pixels", "store", "events"):
        python_package(name, folder)
    return folder


def answers(folder, program: str) -> list[object]:
    """The lines that a program prints, as Python's values."""
    return [ast.literal_eval(line) for line in python(textwrap.dedent(program), folder).splitlines()]


def test_a_handle_without_a_status(packages):
    program = """
        from bound_counter import *
        with Counter(5) as counter, Counter(1) as other:
            print(counter.add(lambda_=3, chan=True), counter.add(1, False), counter.peek(), sep=",")
            other.import_(counter)
            print(other.peek(), step(200, 0.5), sep=",")
        def refused(kind, work):
            try:
                work()
            except kind as error:
                print(repr(str(error)))
        refused(ClosedError, counter.peek)
        refused(ClosedError, lambda: other.import_(counter))
        for stranger in (5, None, other._handle, Counter):
            refused(TypeError, lambda: other.import_(stranger))
        refused(CounterError, lambda: Counter(-1))
        refused(OverflowError, lambda: Counter(2**31))
        refused(OverflowError, lambda: step(-1, 1.0))
    """
    assert answers(packages, program) == [
        (8, 7, 7),
        (7, 100),
        "the counter was closed",
        "the counter was closed",
        *(f"expected Counter, not {kind}" for kind in ("int", "NoneType", "Handle", "type")),
        "the library could not make it",
        "2147483648 does not fit into int",
        "-1 does not fit into ubyte",
    ]


def test_what_is_open_already_is_no_new_handle(packages):
    program = """
        from bound_counter import *
        counter = Counter(5)
        for _ in range(2):
            try:
                counter.clone(deep=False)
            except RuntimeError as error:
                print(repr(str(error)))
        with counter.clone(deep=True) as other:
            print(other.add(1, True), counter.peek(), sep=",")
        counter.close()
        print(Counter(6).peek())
    """
    refused = "the library returned a counter that is open already, and not a new one"
    assert answers(packages, program) == [refused, refused, (6, 5), 6]


def test_buffers_are_borrowed_and_not_copied(packages):
    program = """
        import array
        from bound_pixels import *
        data, out = bytes(range(4)), bytearray(4)
        invert(data, out)
        print(bytes(out))
        invert(memoryview(data)[1:3], memoryview(out)[2:])
        print(bytes(out))
        values = array.array("f", [1.0, 2.0])
        scale(values, 4.0)
        print(values.tolist())
        print(mean(array.array("d", [1.0, 2.0])), mean(array.array("d")), sep=",")
        print(repeat(b"ab", 3), repeat(b"", 3), sep=",")
        print(extent(array.array("i", [3, -1])))
        for kind, work in (
            (TypeError, lambda: mean(array.array("f", [1.0]))),
            (BufferError, lambda: scale(memoryview(values).toreadonly(), 1.0)),
            (BufferError, lambda: invert(memoryview(data)[::2], out)),
            (TypeError, lambda: invert("text", out)),
        ):
            try:
                work()
            except kind:
                print(True)
        values.append(1.0)  # nothing holds it any more
    """
    assert answers(packages, program) == [
        b"\xff\xfe\xfd\xfc",
        b"\xff\xfe\xfe\xfd",
        [4.0, 8.0],
        (1.5, 0.0),
        ((3, b"ababab"), (3, b"")),
        (1, -1, 3),
        True,
        True,
        True,
        True,
    ]


def test_two_handles_texts_and_errors(packages):
    program = """
        import copy, pickle
        from bound_store import *
        db = Db("here")
        db.put("clé", "valeur\\0é")
        print(repr(db.get("clé")), db.stats().keys, db.stats().load, sep=",")
        cursor = db.cursor()
        db.close()  # the cursor keeps it: the library would abort
        try:
            db.get("clé")
        except ClosedError as error:
            print(repr(str(error)), error.status == Status.CLOSED, sep=",")
        print(cursor.next())
        for kind, work in (
            (InternalOrWorst, cursor.next),
            (NotFoundError, lambda: Db("x").get("no")),
            (BrokenError, lambda: Db("x" * 30)),
            (ValueError, lambda: Db("a\\0b")),
            (TypeError, Cursor),
            *(
                (TypeError, lambda f=f, o=o: f(o))
                for f in (copy.copy, copy.deepcopy, pickle.dumps)
                for o in (db, db._handle)
            ),
        ):
            try:
                work()
            except kind as error:
                print(repr(str(error)))
        print(BUILD_INFO)
        cursor.close()
    """.replace("InternalOrWorst", "BrokenError")
    refusals = [f"a {kind} cannot be copied or pickled; make another one" for kind in ("Db", "Handle")]
    assert answers(packages, program) == [
        ("valeur", 1, 0.5),
        ("the db was closed", True),
        ("clé", 0),
        "the library returned 77, which is no failure it may return",
        "no such key: é",
        "the path is too long",
        "the text holds a NUL, at which the library would end it",
        "a Cursor is made by other functions",
        *refusals * 3,
        {"name": "store", "interface": "unreleased"},
    ]


def test_callbacks_stay_until_they_are_released(packages):
    """Also those of several handles at once; and what calls back to what has it is garbage like anything else."""
    program = """
        import gc, sys, weakref
        from bound_events import *
        from bound_events._bindings import _alive_handlers
        said = []
        class Owner:
            def __init__(self, limit=1):
                self.loop = Loop(Handlers.of(limit=limit, on_event=self.answer, log=said.append))
            def answer(self, name):
                return 1
        def objects():
            gc.collect()
            return sum(isinstance(one, (Owner, Loop, Handlers)) for one in gc.get_objects())
        owner = Owner()
        seen = weakref.ref(owner)
        print(owner.loop.emit("x"), objects(), len(_alive_handlers), sep=",")
        del owner
        gc.collect()
        print(seen() is None, objects(), len(_alive_handlers), said, sep=",")
        # A structure of several handles, one of which cannot be made.
        handlers = Handlers.of(limit=1, on_event=lambda name: 1, log=said.append)
        first, second = Loop(handlers), Loop(handlers)
        handlers.limit = -1
        try:
            Loop(handlers)
        except InternalError:
            print(len(_alive_handlers))
        del handlers
        first.close()
        gc.collect()
        print(second.emit("x"), len(_alive_handlers), sep=",")
        second.close()
        print(objects(), len(_alive_handlers), len(said), sep=",")
        # What a caller made by itself is its own.
        own = Handlers(limit=1)
        own.user_data = 5
        with Loop(own):
            print(len(_alive_handlers))
        closed = [Owner() for _ in range(100)]
        for one in closed:
            one.loop.close()
        del closed, one
        print(objects(), len(_alive_handlers), len(said), sep=",")
    """
    assert answers(packages, program) == [
        (1, 3, 1),
        (True, 0, 0, ["freed"]),
        2,
        (1, 1),
        (2, 0, 3),
        0,
        (3, 0, 103),
    ]


def test_callbacks(packages):
    program = """
        import gc, sys, weakref
        from bound_events import *
        from bound_events._bindings import _alive_handlers
        said = []
        def on_event(name):
            return {"yes": 1, "no": 0, "many": 7}.get(name)
        handlers = Handlers.of(
            limit=3, on_event=on_event, weigh=lambda data: len(data) / 2, veto=lambda level: Status.OK, log=said.append
        )
        loop = Loop(handlers)
        del handlers
        gc.collect()
        print(loop.emit("yes"), loop.weigh(b"abc"), loop.ask(Level.HIGH), sep=",")
        for kind, name in ((TypeError, "none"), (InternalError, "many")):
            try:
                loop.emit(name)
            except kind as error:
                print(repr(str(error)))
        print(loop.emit_elsewhere("yes"), len(_alive_handlers), sep=",")
        reported = []
        sys.unraisablehook = lambda args: reported.append(str(args.exc_value))
        try:
            loop.emit_elsewhere("none")
        except CallbackFailedError:
            print(reported)
        loop.close()
        print(said, len(_alive_handlers), sep=",")
        def fail(level):
            raise LookupError(level)
        with Loop(Handlers.of(veto=fail)) as other:
            try:
                other.ask(Level.LOW)
            except LookupError as error:
                print(error.args[0].value)
        for bad in (None, Handlers.of(limit=-1)):
            try:
                Loop(bad)
            except InternalError as error:
                print(repr(str(error)), len(_alive_handlers), sep=",")
    """
    assert answers(packages, program) == [
        (3, 1.5, None),
        "on_event returned NoneType, not a number",
        "internal",
        (3, 1),
        ["on_event returned NoneType, not a number"],
        (["freed"], 0),
        -1,
        ("internal", 0),
        ("internal", 0),
    ]


def test_a_wrong_library_is_refused(tmp_path):
    python_package("pixels", tmp_path)
    python_package("store", tmp_path, INTERFACE="f" * 64)
    module = tmp_path / "bound_pixels" / "_bindings.py"
    module.write_text(module.read_text().replace("ABI_VERSION = 3", "ABI_VERSION = 4"))
    c_file = tmp_path / "bound_store" / "_bindings.py"
    c_file.write_text(c_file.read_text().replace("kv_db_put", "kv_db_pot"))
    program = """
        for name in ("bound_pixels", "bound_store"):
            try:
                __import__(name)
            except ImportError as error:
                print(repr(str(error).partition(":")[0]))
    """
    assert answers(tmp_path, program) == [
        "libpixels.so has version 3 of the C interface, and this package needs 4",
        "libstore.so is not the library of store",
    ]


def test_the_example_of_the_guide(tmp_path):
    page = (CHECKOUT / "docs" / "how-to" / "bindings.md").read_text(encoding="utf-8")
    (header,) = re.findall(r"^```c\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    program, derived = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers" / "thermo.h").write_text(header, encoding="utf-8")
    python_package("thermo", tmp_path, "thermo", tmp_path / "headers")
    (tmp_path / "thermo" / "__init__.py").write_text("")
    said = python(program, tmp_path)
    assert textwrap.indent(said, "    ") in page
    own = program.replace("TooColdError, ", "")  # the package's own, which it derives
    assert python(f"{derived}\n{own}", tmp_path) == said


# What can never happen.


def test_a_signal_handler_may_use_and_close_what_its_own_thread_is_using(packages):
    program = f"""{FREE}
loop, count = None, 0
def handle(*_):
    global count
    count += 1
    try:
        loop.emit("inside")
    except ClosedError:
        pass
    if count % 3 == 0:
        loop.close()
signal.signal(signal.SIGALRM, handle)
for turn in range(1500):
    loop = Loop(Handlers.of(limit=1, on_event=lambda name: 1))
    signal.setitimer(signal.ITIMER_REAL, 0.0001 + turn % 40 * 0.00002)
    try:
        for _ in range(3):
            loop.emit("x")
    except ClosedError:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    loop.close()
    assert loop._handle._pointer.value is None, loop._handle._uses
print(count > 0)
"""
    assert answers(packages, program) == [True]


def test_an_interrupt_in_a_callback_is_raised_and_never_a_failure_of_it(packages):
    program = f"""{FREE}
import sys
dropped = []
sys.unraisablehook = lambda args: dropped.append(args.exc_value)
raised = wrong = lost = 0
loop = Loop(Handlers.of(limit=20, on_event=lambda name: 1))
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
for turn in range(600):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0001 + turn % 60 * 0.00004)
        wrong += loop.emit("x") != 20
        for _ in range(100):  # it has yet to come
            time.sleep(0.01)
        lost += 1
    except KeyboardInterrupt:
        raised += 1
    except EvError:
        wrong += 1
print((raised, wrong, lost, len(dropped)))
"""
    assert answers(packages, program) == [(600, 0, 0, 0)]


def test_a_forked_child_uses_and_closes_what_other_threads_were_using(packages):
    program = f"""{FREE}
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
loop = Loop(Handlers.of(limit=1, on_event=lambda name: 1))
stop = threading.Event()
def work():
    while not stop.is_set():
        loop.emit("x")
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
done = 0
for _ in range(100):
    child = os.fork()
    if not child:
        signal.alarm(5)
        assert loop.emit("x") == 1
        loop.close()
        os._exit(0)
    done += os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
print(done)
"""
    assert answers(packages, program) == [100]


def test_contexts_that_take_turns_in_one_thread_get_their_own_exceptions(packages):
    """As greenlets do: each has a context of its own, and they leave a callback by going on in another one."""
    program = f"""{FREE}
import contextvars
loop = Loop(Handlers.of(limit=1, on_event=lambda name: later.pop()(name)))
class Inner(Exception): pass
class Outer(Exception): pass
def inner(name):
    raise Inner(name)
def outer(name):
    later.append(inner)
    # Another call, of another context, that begins and fails while this one waits in its callback.
    try:
        contextvars.Context().run(loop.emit, "inner")
    except Inner as error:
        got.append(str(error))
    raise Outer(name)
got, later = [], [outer]
try:
    loop.emit("outer")
except Outer as error:
    got.append(str(error))
print(got)
"""
    assert answers(packages, program) == [["inner", "outer"]]


def test_many_threads_share_a_handle_and_one_closes_it(packages):
    program = f"""{FREE}
class Own(Exception): pass
def on_event(name):
    if name.startswith("raise"):
        raise Own(name)
    return 1
def work(number):
    try:
        while True:
            try:
                loop.emit(f"raise{{number}}")
            except Own as error:
                if str(error) != f"raise{{number}}":
                    wrong.append(error)
            loop.emit("x")
    except ClosedError:
        pass
wrong = []
for _ in range(20):
    loop = Loop(Handlers.of(limit=1, on_event=on_event))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.01)
    loop.close()
    for thread in threads:
        thread.join()
    assert loop._handle._pointer.value is None
print(wrong)
"""
    assert answers(packages, program) == [[]]


def test_the_end_of_the_interpreter_waits_for_callbacks_and_begins_no_call(packages):
    program = """
        import atexit, threading, time
        from threading import Event, Thread
        begun = Event()
        def late():
            Thread(target=lambda: print(loop.emit("no")), daemon=True).start()
            time.sleep(0.2)
            print(loop.emit("yes"))
        atexit.register(late)  # before that of the bindings, so after it
        from bound_events import *
        def on_event(name):
            if threading.current_thread() is threading.main_thread():
                return 0
            begun.set()
            time.sleep(0.3)
            print('"ended"', flush=True)
            return 1
        loop = Loop(Handlers.of(limit=1, on_event=on_event))
        Thread(target=lambda: loop.emit("yes"), daemon=True).start()
        begun.wait()
    """
    assert answers(packages, program) == ["ended", 0]
