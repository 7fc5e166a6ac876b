"""Names of tags and branches, with Git itself as the judge."""

from __future__ import annotations

import random
import subprocess  # noqa: TID251 - Git is the judge

import pytest

from ferrule.core.git_names import ref_problem

PARTS = [*"a.-/@{}~^:?*[\\ é", "..", ".lock", "HEAD", "@{", "v1", "\x7f", "lock"]


def git_takes(name: str) -> bool:
    """Whether Git has a reference for a tag of the name; `git tag` refuses two of them besides, and `@` means HEAD."""
    argv = ["git", "check-ref-format", f"refs/tags/{name}"]
    taken = subprocess.run(argv, capture_output=True, check=False).returncode == 0
    return taken and not name.startswith("-") and name not in ("HEAD", "@")


@pytest.mark.parametrize(
    "name",
    [
        *("v1.2.3", "a/v1", "a-b", "a.b", "a@b", "{name}", "a.locked", "x/HEAD", "lock"),
        *("", "-v1", "a b", "a\tb", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{b", "@", "HEAD"),
        *("/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a."),
    ],
)
def test_a_name_is_one_as_git_says(name: str) -> None:
    assert (ref_problem(name) is None) == git_takes(name)


def test_names_at_random() -> None:
    chance = random.Random(16)
    names = {"".join(chance.choices(PARTS, k=chance.randrange(1, 5))) for _ in range(150)}
    wrong = {name: ref_problem(name) for name in names if (ref_problem(name) is None) != git_takes(name)}
    assert wrong == {}
