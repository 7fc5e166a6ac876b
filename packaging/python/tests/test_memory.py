"""What the library allocates is freed: the memory of a process does not grow with its work."""

from __future__ import annotations

from pathlib import Path

import pytest

import ferrule_email_validator as ev

PROGRAM = """
import os, subprocess, sys
from ferrule_email_validator import *

def resident():
    # The peak that getrusage gives is inherited from the process that started this one.
    return 1024 * int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())]))

def fail(_):
    raise LookupError

free = EmailValidationConfig(blocked_emails=["FREE"])
shared = Validator(free, Lookups(is_free_email=lambda _: True))
failing = Validator(free, Lookups(is_free_email=fail))
batch = ["joe@example.com"] * 50
unknown = EmailValidationConfig(blocked_emails=["SPAM" * 20])

def check():
    shared.check("joe@example.com")

def check_batch():
    shared.check_batch(batch)

def make():
    Validator(free, Lookups(is_free_email=lambda _: True), observe=lambda _: None).check("joe@example.com")

def raise_():
    try:
        failing.check("joe@example.com")
    except LookupError:
        pass

def refuse():
    try:
        Validator(unknown)
    except UnknownEmailTypeError:
        pass

def leak():
    # What a forgotten free would cost: the test has to notice it.
    leaked.append(bytes(200))

leaked = []
work, turns = globals()[sys.argv[1]], int(sys.argv[2])
for _ in range(turns // 4):
    work()
before = resident()
for _ in range(turns):
    work()
print(resident() - before)
"""


def growth(run_python, work: str, turns: int) -> int:
    folder = Path(ev.__file__).parent.parent
    done = run_python(f"import sys; sys.argv = ['', {work!r}, {turns}]\n{PROGRAM}", folder)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(
    ("work", "turns"),
    [("check", 100_000), ("check_batch", 5_000), ("make", 20_000), ("raise_", 30_000), ("refuse", 30_000)],
)
def test_memory_stays(run_python, work, turns):
    assert growth(run_python, work, turns) < 1_500_000


def test_a_leak_would_be_noticed(run_python):
    assert growth(run_python, "leak", 20_000) > 3_000_000
