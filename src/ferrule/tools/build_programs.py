"""Programs that build scripts of well-known crates call: what they are called, who asks for them, where they come from.

Ferrule neither installs nor pins them: which one a build script takes, and whether it takes any, depends on features.
They are found on PATH as a build script finds them; what they make is measured like everything else that is compiled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.tools.host import Host
    from ferrule.tools.run import ToolFailed


@dataclass(frozen=True, slots=True)
class BuildProgram:
    """A program, or a library that stands for one.

    `crates` are those whose build scripts start it for others, `debian` and `homebrew` the packages that bring it,
    `words` what a build script says where it is missing, and `setting` a variable of `env` that names another one.
    """

    name: str
    crates: tuple[str, ...]
    debian: str
    homebrew: str
    words: str
    setting: str = ""

    @property
    def fix(self) -> str:
        """What to do where it is missing."""
        other = f", or name yours at the artifact, as `env: {{{self.setting}}}`" if self.setting else ""
        return f"apt-get install {self.debian} (Debian, Ubuntu) or brew install {self.homebrew} (macOS){other}"

    def find(self, host: Host) -> str | None:
        """Where it is on a machine, or None."""
        if self.name == "libclang":
            return next((str(path) for path in _libclang(host)), None)
        path = host.which(self.name)
        return str(path) if path else None


_ASKED: Final = (
    r"(?i)(?:is `?{0}`? (?:not )?installed\?|(?:command|program) '?\"?{0}'?\"? not found|failed to find tool \"{0}\""
    r"|could not find `?{0}`?|{0}: (?:command )?not found|unable to run {0}\b)"
)
BUILD_PROGRAMS: Final = (
    BuildProgram("cmake", ("cmake",), "cmake", "cmake", _ASKED.format("cmake")),
    BuildProgram(
        "libclang",
        ("bindgen", "clang-sys"),
        "libclang-dev",
        "llvm",
        r"Unable to find libclang|couldn't find any valid shared libraries matching: \['libclang",
        'LIBCLANG_PATH: "/usr/lib/llvm-19/lib"',
    ),
    BuildProgram(
        "pkg-config",
        ("pkg-config", "system-deps"),
        "pkg-config",
        "pkgconf",
        rf"{_ASKED.format('pkg-config')}|pkg-config command could not be (?:found|run)",
    ),
    BuildProgram("nasm", ("nasm-rs", "rav1e", "mozjpeg-sys", "turbojpeg-sys"), "nasm", "nasm", _ASKED.format("nasm")),
    BuildProgram(
        "protoc",
        ("prost-build", "tonic-build", "tonic-prost-build", "protobuf-codegen"),
        "protobuf-compiler",
        "protobuf",
        _ASKED.format("protoc"),
        'PROTOC: "/opt/protoc/bin/protoc"',
    ),
    BuildProgram("perl", ("openssl-src",), "perl", "perl", _ASKED.format("perl")),
    BuildProgram("make", ("openssl-src", "autotools", "tikv-jemalloc-sys"), "make", "make", _ASKED.format("make")),
)
_SCRIPT: Final = re.compile(r"failed to run custom build command for `([^`]+?)(?: \([^`]*\))?`")
_SYSTEM_LIBRARY: Final = re.compile(r"system library `([^`]+)` required by crate `([^`]+)` was not found")
_CROSS: Final = "pkg-config has not been configured to support cross-compilation"


def asked_for(packages: frozenset[str]) -> Iterator[tuple[BuildProgram, tuple[str, ...]]]:
    """The programs that some of these crates may call, with the crates."""
    for program in BUILD_PROGRAMS:
        if crates := tuple(name for name in program.crates if name in packages):
            yield program, crates


def explain_script(failed: ToolFailed) -> BuildError | None:
    """What a build script missed on this machine, and how it gets there; None where it failed for another reason."""
    script = _SCRIPT.search(failed.stderr)
    if script is None:
        return None
    program = next((one for one in BUILD_PROGRAMS if re.search(one.words, failed.stderr)), None)
    if program is not None:
        message, hint = f"the build script of {script[1]} needs {program.name}, which was not found", program.fix
    elif library := _SYSTEM_LIBRARY.search(failed.stderr):
        message = (
            f"the build script of {library[2]} looks for the library {library[1]} of the system, which is not there"
        )
        hint = (
            "turn on the crate's feature that builds it from source (often `vendored`, `bundled` or `static`): the "
            "library of this machine would be asked for on every other one too"
        )
    elif _CROSS in failed.stderr:
        message = f"the build script of {script[1]} looks for a library of the target by pkg-config, and there is none"
        hint = "turn on the crate's feature that builds it from source (often `vendored`, `bundled` or `static`)"
    else:
        return None
    return BuildError(message, hint=hint, output=failed.output)


def _libclang(host: Host) -> Iterator[Path]:
    """Where the crate clang-sys looks below the prefix of the distribution, newest first; on macOS beside clang."""
    if host.system == "Darwin" and (clang := host.which("clang")):
        yield clang
    prefix = host.programs.parent
    for folder in ("lib/llvm-*/lib", "lib/*-linux-gnu", "lib", "lib64", "local/lib"):
        yield from sorted(prefix.glob(f"{folder}/libclang*.so*"), reverse=True)
