"""Git dependencies of Cargo: whether this cargo can read any. That of Debian 1.96 misreads its libgit2."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.tools.problems import ToolProblem
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from ferrule.core.model import Tool
    from ferrule.tools.host import Host

_MANIFEST: Final = (
    '[package]\nname = "probe"\nversion = "0.0.0"\nedition = "2021"\n\n'
    '[dependencies]\nabsent = {{ git = "file://{folder}/absent" }}\n'
)
_BROKEN: Final = "git_proxy_options"


def git_crates(lock: str) -> tuple[str, ...]:
    r"""Names of the crates that a Cargo.lock takes from Git; none where it cannot be read, which others report.

    >>> git_crates('[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "git+https://a.example/a#0123"\n')
    ('a',)
    """
    try:
        packages = tomllib.loads(lock).get("package", [])
        return tuple(p["name"] for p in packages if str(p.get("source", "")).startswith("git+"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def check_git_support(cargo: Tool, host: Host, crates: tuple[str, ...]) -> ToolProblem | None:
    """What keeps a cargo from reading crates from Git, or None.

    It is asked for a repository that does not exist: one that works says so, without any network.
    """
    with tempfile.TemporaryDirectory(prefix="ferrule-probe-") as name:
        folder = Path(name)
        (folder / "src").mkdir()
        (folder / "src" / "lib.rs").touch()
        (folder / "Cargo.toml").write_text(_MANIFEST.format(folder=folder), encoding="utf-8")
        environment = host.children | {"CARGO_HOME": str(folder / "home")}
        try:
            capture([*cargo.argv, "generate-lockfile"], env=environment, cwd=folder, timeout=60)
        except ToolFailed as failed:
            is_broken = _BROKEN in failed.stderr
        else:
            is_broken = False
    if not is_broken:
        return None
    fix = "ferrule setup --rust-source rustup, or take these crates from a registry or a folder"
    problem = f"this cargo reads nothing from Git ({_BROKEN}), and Cargo.lock takes {', '.join(crates)} from there"
    return ToolProblem("cargo git", problem, fix, version=cargo.version, path=cargo.argv[0])
