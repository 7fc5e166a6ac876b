"""The tutorial is run by tests/integration/test_tutorial.py; here is what runs it."""

from __future__ import annotations

import subprocess  # noqa: TID251 - the shell is the reader
from pathlib import Path

import pytest

import tutorial

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")

DEMO = """\
`a/x.txt`:

```text
one
```

```console
$ cat a/x.txt
one
$ echo took 1.2 s and 3 KiB; echo two; echo three
took 99 s  and 1.0 MiB
…
$ cd a
```

It wrote `x.txt`:

```text
one
```
"""


def run(page: str, folder: Path) -> list[str]:
    todo = tutorial.steps(page)
    done = subprocess.run(
        ["bash", "-c", tutorial.script(todo)], cwd=folder, capture_output=True, text=True, check=False
    )
    return tutorial.differences(todo, done.stdout)


def test_every_block_of_the_tutorial_is_a_file_or_commands() -> None:
    todo = tutorial.steps(PAGE)
    assert [step.path for step in todo if isinstance(step, tutorial.File)][-1] == "hello.c"
    commands = [step.line for step in todo if isinstance(step, tutorial.Command)]
    assert {"ferrule init", "ferrule release", "ferrule verify"} < set(commands)
    assert "    $ " not in PAGE, "an indented block would not be run"


def test_a_page_that_is_right(tmp_path: Path) -> None:
    assert run(DEMO, tmp_path) == []


@pytest.mark.parametrize(
    ("line", "other", "problem"),
    [
        ("$ cat a/x.txt\none", "$ cat a/x.txt\nwrong", "$ cat a/x.txt\none\nexit code 0\n"),
        ("$ cat a/x.txt\none", "$ cat a/x.txt", "$ cat a/x.txt\none\nexit code 0\n"),
        ("$ cd a", "$ false", "$ false\nexit code 1\n"),
    ],
)
def test_a_command_that_prints_something_else(tmp_path: Path, line: str, other: str, problem: str) -> None:
    assert problem in run(DEMO.replace(line, other), tmp_path)


def test_a_file_that_is_different_ends_the_run(tmp_path: Path) -> None:
    page = DEMO.removesuffix("one\n```\n") + "two\n```\n\n```console\n$ true\n```\n"
    assert run(page, tmp_path) == ["$ cd a\nexit code 0\n1c1\n< one\n---\n> two\n", "$ true\nwas not reached"]


def test_a_block_that_nobody_would_run() -> None:
    with pytest.raises(ValueError, match="neither a file nor commands"):
        tutorial.steps("Do this:\n\n```sh\nrm -r x\n```\n")
