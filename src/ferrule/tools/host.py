"""What the machine offers, as a value that is passed in: nothing here looks around by itself."""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass
from ferrule.core.platforms import host_triple
from ferrule.tools.run import base_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Host:
    """A machine. `system` and `machine` are those of Python's `platform`; `cache` is Ferrule's own folder.

    `path` are the folders searched for programs, in order, `environment` the variables of the caller, `python` an
    interpreter that installs wheels, `programs` where the distribution puts its programs, `kernel` the kernel's folder
    of facts about itself, `user` the number of the user who runs this.
    """

    path: tuple[Path, ...]
    environment: Mapping[str, str]
    cache: Path
    system: str
    machine: str
    is_root: bool
    offline: bool
    python: Path
    programs: Path = Path("/usr/bin")
    kernel: Path = Path("/proc")
    user: int = field(default_factory=os.geteuid)

    @property
    def triple(self) -> str:
        """Rust's name of this machine, or `unknown`."""
        return host_triple(self.system, self.machine) or "unknown"

    @property
    def children(self) -> dict[str, str]:
        """The environment of a child process."""
        # Cargo's settings may name a wrapper of rustc; caches are Ferrule's own affair, and others are refused.
        unwrapped = {"RUSTC_WRAPPER": "", "RUSTC_WORKSPACE_WRAPPER": ""}
        return base_environment(self.environment) | unwrapped | {"PATH": os.pathsep.join(map(str, self.path))}

    @property
    def home(self) -> Path | None:
        """The user's home folder, if the environment names one."""
        return Path(self.environment["HOME"]) if self.environment.get("HOME") else None

    @property
    def cargo_home(self) -> Path | None:
        """Where Cargo keeps what it fetched ("The Cargo Book", Cargo Home)."""
        return self._directory("CARGO_HOME", ".cargo")

    @property
    def rustup_home(self) -> Path | None:
        """Where rustup keeps toolchains ("The rustup book", environment variables)."""
        return self._directory("RUSTUP_HOME", ".rustup")

    def which(self, name: str) -> Path | None:
        """The first program of that name, or None."""
        return next(self.every(name), None)

    def every(self, name: str) -> Iterator[Path]:
        """All programs of that name, in the order of the search, the distribution's own folders last.

        Those of administration are searched too: root's PATH may lack them where it became root by `su`.
        """
        return (candidate for candidate in self.candidates(name) if is_program(candidate))

    def candidates(self, name: str) -> tuple[Path, ...]:
        """Where a program of that name is searched, in order."""
        folders = dict.fromkeys((*self.path, self.programs, self.programs.with_name("sbin")))
        return tuple(folder / name for folder in folders)

    def _directory(self, variable: str, fallback: str) -> Path | None:
        if self.environment.get(variable):
            return Path(self.environment[variable])
        return self.home / fallback if self.home else None


def is_program(path: Path) -> bool:
    """Whether the path is a file that may be executed."""
    return path.is_file() and os.access(path, os.X_OK)
