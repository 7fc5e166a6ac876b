"""cibuildwheel, which builds extension modules in the images of the PyPA: its finding, command line, what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError, FerruleError, ToolchainError, VerificationError
from ferrule.tools.command import Command
from ferrule.tools.definition import EXACT_VERSION, ToolDefinition
from ferrule.tools.installers import pip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.model import Tool
    from ferrule.core.platforms import Platform
    from ferrule.tools.host import Host
    from ferrule.tools.problems import ToolProblem
    from ferrule.tools.run import ToolFailed

NAME: Final = "cibuildwheel"

IMAGES: Final = {(2, 17): "manylinux2014", (2, 28): "manylinux_2_28", (2, 34): "manylinux_2_34"}
"""The images that a cibuildwheel of version 4 knows, by their glibc; each version has a digest of its own for each."""

# Its failures have codes (cibuildwheel/errors.py); what is not here is told by its last lines alone.
_MEANINGS: Final[Mapping[int, tuple[type[FerruleError], str, str]]] = {
    2: (
        BuildError,
        "it does not understand what it was told",
        "correct [tool.cibuildwheel] in the package's pyproject.toml",
    ),
    3: (
        BuildError,
        "this cibuildwheel builds for no such Python",
        "raise requires-python in pyproject.toml to a Python that it knows, or name another version of it",
    ),
    5: (
        BuildError,
        "the package has nothing compiled in it",
        "a wheel without an extension module needs no cibuildwheel: use kind wheel, or look at the build backend",
    ),
    7: (ToolchainError, "the container engine is too old or does not work", "docker 20.10 or podman 3 will do"),
    9: (
        VerificationError,
        "an audit of the wheel failed",
        "the extension asks for more than the stable interface of the Python that it names: look at its features",
    ),
}


def find(host: Host, version: str) -> Tool | ToolProblem:
    """The cibuildwheel of the pinned wheel, with the packages that it needs itself."""
    modules = pip.folder(host, NAME, version)
    # In one process with its own modules first, and nothing in the environment that its children would find.
    argv = _argv(host, modules, "from cibuildwheel.__main__ import main; main()")
    question = _argv(host, modules, "import cibuildwheel; print(cibuildwheel.__version__)")
    return pip.program(host, NAME, pip.PinnedWheel(NAME, version, extra="uv", alone=False), argv, question)


def _argv(host: Host, modules: Path, program: str) -> tuple[str, ...]:
    return (str(host.python), "-I", "-c", f"import sys; sys.path.insert(0, {str(modules)!r}); {program}")


def image_for(glibc: tuple[int, int]) -> str:
    """The newest image whose programs run with that glibc; raises ValueError where there is none.

    >>> image_for((2, 31))
    'manylinux_2_28'
    """
    fitting = [version for version in IMAGES if version <= glibc]
    if not fitting:
        raise ValueError(f"no image makes programs for glibc {glibc[0]}.{glibc[1]}")
    return IMAGES[max(fitting)]


def identifier(python: str, platform: Platform) -> str:
    """The name of a build, as cibuildwheel has it: `cp311-manylinux_x86_64`, `cp311-macosx_arm64`."""
    return f"{python}-{platform.cibuildwheel}"


def remapped_crates(environment: Mapping[str, str] | None) -> dict[str, str]:
    """A variable by which messages of crates say `/cargo/…`, and not where Cargo unpacked them.

    Cargo adds it to what `[build] rustflags` says; flags of a target come first ("Configuration", build.rustflags).
    In an image (no environment) Cargo's home is root's. Nothing for a folder whose path has spaces, which split flags.
    """
    home = "/root" if environment is None else environment.get("HOME")
    folder = (environment or {}).get("CARGO_HOME") or (f"{home}/.cargo" if home else None)
    usable = folder is not None and not re.search(r"\s", folder)
    return {"CARGO_BUILD_RUSTFLAGS": f"--remap-path-prefix={folder}=/cargo"} if usable else {}


def command(
    tool: Tool,
    *,
    build: str,
    package: Path,
    project: Path,
    output: Path,
    variables: Mapping[str, str],
    engine: Tool | None,
    image: str | None,
    macos: str | None,
    epoch: int,
) -> Command:
    """Make the wheel of one `identifier` from a folder with pyproject.toml in `project`, all of which it may read.

    On Linux in an `image` (a name of `IMAGES`, or a digest) by a container `engine`, which sees nothing of the machine;
    on macOS for that version of `macos`. `variables` is what the build finds in its environment besides.
    """
    environment = {"SOURCE_DATE_EPOCH": str(epoch)}
    if engine is not None and image is not None:
        # Not by environment-pass, which would take the place of what the package itself asks for.
        passed = " ".join(f"--env={name}={value}" for name, value in sorted(variables.items()))
        name, machine = Path(engine.argv[0]).name, build.partition("_")[2].upper()
        environment |= {
            "CIBW_CONTAINER_ENGINE": f"{name}; create_args: {passed}; disable_host_mount: true",
            f"CIBW_MANYLINUX_{machine}_IMAGE": image,
        }
    else:
        environment |= {**variables, **({"MACOSX_DEPLOYMENT_TARGET": macos} if macos else {})}
    argv = (*tool.argv, "--only", build, "--output-dir", str(output), str(package))
    return Command(argv, environment, project)


def explain(failed: ToolFailed, source: str) -> FerruleError:
    """What a failure means and what to do about it; `source` is the package."""
    if "exec format error" in failed.stdout + failed.stderr:
        return ToolchainError(
            "the image is of a machine whose programs do not run here",
            output=failed.output,
            where=source,
            hint="ferrule setup --with emulation, or make this target on a runner of its own",
        )
    kind, meaning, hint = _MEANINGS.get(failed.code, (BuildError, "the build failed", failed.hint))
    return kind(f"cibuildwheel: {meaning}", where=source, hint=hint, output=failed.output)


TOOL: Final = ToolDefinition(
    name=NAME,
    version="4.3.3",
    setting="Version of cibuildwheel, which makes wheels with extension modules: exactly this one, as it pins the "
    "images that they are built in.",
    pattern=EXACT_VERSION,
    find=lambda search: [find(search.host, search.versions[NAME])],
)
