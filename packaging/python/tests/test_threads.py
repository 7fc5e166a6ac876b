"""Threads: a call leaves the interpreter to others, and many callers at once get what each would get alone."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ferrule_email_validator import Validator
from ferrule_email_validator._library import LIBRARY, Text, texts
from test_vectors import answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

THREADS = 16


@pytest.fixture
def beats() -> Iterator[list[int]]:
    """A count that another thread raises whenever it gets the interpreter's lock.

    Nobody is made to give the lock away meanwhile: it only changes hands where a thread lets go of it by itself.
    """
    counted, stop = [0], threading.Event()

    def beat() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)  # lets go of the lock

    interval = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    thread = threading.Thread(target=beat)
    thread.start()
    while not counted[0]:
        time.sleep(0)
    yield counted
    stop.set()
    thread.join()
    sys.setswitchinterval(interval)


def other_threads_run_during(function: object, beats: list[int], calls: int) -> bool:
    """Whether the count changes within one of so many calls, each of which keeps a core busy for milliseconds."""
    array = texts(["joe.q.public@example.com"] * 10_000)
    arguments = (ctypes.POINTER(Text)(array), ctypes.c_size_t(len(array)))
    with Validator() as validator, validator._handle as pointer:
        for _ in range(calls):
            text, length = ctypes.c_void_p(), ctypes.c_size_t()
            results = (ctypes.byref(text), ctypes.byref(length))
            before = beats[0]
            status = function(pointer, *arguments, *results)
            after = beats[0]
            LIBRARY._string_free(text)
            assert status == 0
            if after != before:
                return True
    return False


def test_other_threads_run_while_the_library_works(beats):
    assert other_threads_run_during(LIBRARY._check_batch, beats, calls=1000)


def test_a_call_that_keeps_the_lock_would_be_noticed(beats, library: Path):
    keeping = ctypes.PyDLL(str(library)).email_validator_check_batch
    assert not other_threads_run_during(keeping, beats, calls=20)


def test_every_vector_in_many_threads_at_once(vectors):
    ready = threading.Barrier(THREADS, timeout=60)

    def work(number: int) -> list[str]:
        start = number * len(vectors) // THREADS
        ready.wait()
        return [v.name for v in vectors[start:] + vectors[:start] if answer(v) != v.expected]

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, range(THREADS))) == [[]] * THREADS
