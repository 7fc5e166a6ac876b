"""Targets that are linked on another system, where Ferrule does not run: a script for there, and what it leaves.

The script needs Cargo and Git's bash alone. It refuses sources other than those that it was written for, and links what
it makes with a mark that says by which inputs; what carries another mark is not taken.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ferrule.core import facts
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Compiled, Digest, Machine, Output
from ferrule.core.safe_files import STATE
from ferrule.engine.key import canonical
from ferrule.formats import magic
from ferrule.formats.header_declarations import Declaration
from ferrule.kinds.base import LINK_SCRIPT
from ferrule.kinds.linked_code import audit_data as audit
from ferrule.tools import cargo
from ferrule.tools.cargo_builds import CargoArtifact, CargoBuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.declared_interface import DeclaredInterface

STATEMENT: Final = "linked.txt"
"""What the script says of the files that it leaves beside this one."""

FOLDER: Final = f"{STATE}/linked"
"""Where the script leaves files, below the root of the project; a folder for each target, in it one an artifact.

It is no source, whatever the project has Git ignore.
"""

_INTERFACE: Final = "interface.json"
_CRATES: Final = "crates"
_OBJECT_SUFFIX: Final = "-${FERRULE_FINGERPRINT:0:12}.o"
"""Ends the name of the object, as Cargo would not link again if only its content were another."""
_PROFILE_FOLDERS: Final = {"dev": "debug", "test": "debug", "bench": "release"}
"""Where Cargo puts what it makes by a profile, as far as that is not called as the profile ("Build cache")."""


@dataclass(frozen=True, slots=True)
class LinkedElsewhere:
    """The files that the script of an action leaves in a folder, once it is known which they are.

    `names` are all of them, `folder` is theirs below the one that is handed in. `files` are their digests, and None as
    long as nobody has handed any in.
    """

    script: ActionInterface
    folder: str
    names: tuple[str, ...]
    files: tuple[tuple[str, Digest], ...] | None = None


def linked_elsewhere(action: Action) -> LinkedElsewhere | None:
    """The files that an action takes over from another machine; None for one that makes its own."""
    linked = getattr(action.recipe, "linked", None)
    return linked if isinstance(linked, LinkedElsewhere) else None


@dataclass(frozen=True, slots=True)
class LinkScript:
    """Write the script that links a crate's library, or a program of it, where its target is linked.

    `library` and `program` are the names that Cargo gives to what it makes. `header` is the action whose headers
    declare the interface of a library.
    """

    artifact: str
    workspace: str
    package: str
    platform: Platform
    profile: str
    features: tuple[str, ...]
    default_features: bool
    rustflags: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    commit: str
    auditable: bool
    names: tuple[str, ...]
    types: tuple[str, ...] = ()
    program: str | None = None
    interface: DeclaredInterface | None = None

    @property
    def folder(self) -> str:
        """Where the files are left, below the folder of all."""
        return f"{self.platform.triple}/{self.artifact}"

    def make(self, context: ActionContext) -> None:
        """Write the script, and what has to be known where its files are taken; raises BuildError."""
        declared: tuple[Declaration, ...] = ()
        if self.interface is not None:
            self.interface.compile(context)
            declared = self.interface.declarations(context)
        rows = [[one.name, one.file, one.line, one.is_function] for one in declared]
        context.output("interface").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        crates = self._crates(context)
        context.output(_CRATES).write_bytes(crates)

        commands = self._commands(context)
        fingerprint = Digest.of(canonical({"commands": commands, "crates": Digest.of(crates).hex})).hex
        interface = context.recorded(self.interface.header).identity.interface if self.interface else None
        identity = facts.BuildIdentity(fingerprint, interface)
        encoded = ""
        if self._is_linked:
            mark = json.dumps({"fingerprint": fingerprint, "target": self.platform.triple}, sort_keys=True)
            encoded = base64.encodebytes(audit.write_marked_object(context, self.platform, crates, mark)).decode()
        text = _with_identity(commands, identity.values(), encoded)
        context.output(LINK_SCRIPT).write_text(text, encoding="utf-8", newline="\n")
        context.record_facts(facts.Facts((identity,)))

    @property
    def _is_linked(self) -> bool:
        """Whether a linker makes it: a static library is not, and carries no mark."""
        return self.program is not None or "cdylib" in self.types

    def _crates(self, context: ActionContext) -> bytes:
        """The list of the crates that is linked in; empty where none is to be."""
        if not (self.auditable and self._is_linked):
            return b""
        compiled = Compiled("", self.platform.triple, self.features, self.default_features, self.package)
        return audit.of_build(context, context.project / self.workspace, compiled)

    def _commands(self, context: ActionContext) -> str:
        """The script but for what it says of itself."""
        toolchain, environment = context.toolchain, context.site.environment
        workspace = context.project / self.workspace
        family, triple = self.platform.family, self.platform.triple
        configured = cargo.configured_flags(context.run, toolchain, workspace, triple, environment)
        own = family.rustflags if self.program is None else family.program_rustflags
        flags = (*own, *configured, *self.rustflags)
        up = posixpath.relpath(".", self.workspace)
        out = f"{FOLDER}/{self.folder}"
        manifest = posixpath.normpath(posixpath.join(self.package.rpartition("#")[0], "Cargo.toml"))
        arguments = [
            *("rustc", "--locked", "--manifest-path", manifest, "--target", triple, "--profile", self.profile),
            *(["--bin", self.program] if self.program else ["--lib", "--crate-type", ",".join(self.types)]),
            *([] if self.default_features else ["--no-default-features"]),
            *(["--features", ",".join(self.features)] if self.features else []),
            *("--", *(["--print", "native-static-libs"] if "staticlib" in self.types else [])),
        ]
        built = f"{triple}/{_PROFILE_FOLDERS.get(self.profile, self.profile)}"
        variables = {**dict(self.env), "FERRULE_COMMIT": self.commit, "CARGO_TERM_COLOR": "never"}
        variables |= {} if self.profile == "dev" else {"CARGO_INCREMENTAL": "0"}
        return _SCRIPT.format(
            artifact=self.artifact,
            triple=triple,
            rust=toolchain.tool("rustc").version,
            sources="\n".join(_sources(context)),
            out=shlex.quote(out),
            object=shlex.quote(posixpath.normpath(f"{up}/{out}/ferrule")) + _OBJECT_SUFFIX,
            link_object=' -C "link-arg=$object"' if self._is_linked else "",
            workspace=shlex.quote(self.workspace),
            variables="\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())),
            flags=shlex.join(flags),
            arguments=shlex.join(arguments),
            copies="\n".join(f'cp "$made"/{shlex.quote(name)} "$out"' for name in self.names),
            built=built,
            statement=STATEMENT,
        )


_SCRIPT: Final = r"""#!/usr/bin/env bash
# Links {artifact} for {triple}: run it on Windows, in the bash that comes with Git, at the root of the project.
# It needs rustup and the build tools of Visual Studio. What it makes comes into {out}.
set -euo pipefail

out=$PWD/{out}
native() {{ if command -v cygpath > /dev/null; then cygpath -w "$1"; else printf '%s\n' "$1"; fi; }}

if ! sha256sum --check --quiet - <<'END'; then
{sources}
END
  echo "these are not the sources that this script was written for: check out the same commit," >&2
  echo "with 'git config core.autocrlf false' so that Git changes no line" >&2
  exit 1
fi

rm -rf "$out"
mkdir -p "$out"
#IDENTITY
rustup toolchain install {rust} --profile minimal --target {triple} --no-self-update

# Settings of this machine are no part of the release.
home=${{CARGO_HOME:-$HOME/.cargo}}
unset "${{!CARGO_@}}" RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTFLAGS CFLAGS CXXFLAGS CL _CL_ LINK _LINK_
export CARGO_HOME=$home
{variables}

target=$PWD/target/ferrule
sysroot=$(rustup run {rust} rustc --print sysroot)
commit=$(rustup run {rust} rustc -vV | sed -n 's/^commit-hash: //p')
flags=()
flags+=("--remap-path-prefix=$(native "$PWD")=/project")
cd {workspace}
object={object}
flags+=("--remap-path-prefix=$(native "$PWD")=/workspace")
flags+=("--remap-path-prefix=$(native "$target")=/target")
flags+=("--remap-path-prefix=$(native "$CARGO_HOME")=/cargo")
flags+=("--remap-path-prefix=$(native "$sysroot/lib/rustlib/src/rust")=/rustc/$commit")
flags+=({flags})
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; printf '%s' "${{flags[*]}}")
CARGO_TARGET_DIR=$(native "$target")
export CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR
# Git's bash would take what follows an equals sign there for one of its own paths.
export MSYS2_ENV_CONV_EXCL=CARGO_ENCODED_RUSTFLAGS MSYS2_ARG_CONV_EXCL='*'

mkdir -p "$target"
rustup run {rust} cargo {arguments}{link_object} 2>&1 | tee "$target.log"

made=$target/{built}
{copies}
{{
  echo "fingerprint: $FERRULE_FINGERPRINT"
  echo "rustc: $(rustup run {rust} rustc --version)"
  echo "link: $(sed -n 's/^.*native-static-libs: //p' "$target.log" | tail -n 1)"
  echo "folder: $(native "$PWD")"
  echo "folder: $(native "$CARGO_HOME")"
}} > "$out/{statement}"
rm -f "$object"
"""


def _sources(context: ActionContext) -> Iterator[str]:
    """The sources with their digests, as sha256sum reads them; raises BuildError for a name that it would not."""
    for file in {file.name: file for file in context.source_files(*context.action.sources)}.values():
        if not re.fullmatch(r"[^\\\x00-\x1f]+", file.name):
            raise BuildError(
                f"{file.name!r} cannot be a source of what is linked on Windows", hint="give it a name without \\"
            )
        yield f"{Digest.of_file(context.project / file.name).hex} *{file.name}"


def _with_identity(commands: str, identity: dict[str, str], encoded: str) -> str:
    """The script with what its files are to say of themselves: variables, and an object that is linked in."""
    exports = [f"export FERRULE_{name.upper()}={value}" for name, value in identity.items()]
    objects = (
        [f"base64 --decode > \"$out/ferrule{_OBJECT_SUFFIX}\" <<'END'", encoded.rstrip("\n"), "END"] if encoded else []
    )
    return commands.replace("#IDENTITY", "\n".join((*exports, *objects)), 1)


def split(
    action: Action,
    platform: Platform,
    *,
    types: tuple[str, ...] = (),
    program: str | None = None,
    interface: DeclaredInterface | None = None,
) -> tuple[Action, ...]:
    """A compilation as it is planned for every target, in two where this one is linked elsewhere: script and taking.

    The second has no tools: it takes what the script has left on another machine.
    """
    recipe: Any = action.recipe
    if platform.family.linked_on is None:
        return (action,)
    files = tuple(output.name for output in action.outputs if not output.folder)
    script = Action(
        id=f"{action.artifact}:script@{platform.triple}",
        artifact=action.artifact,
        kind=action.kind,
        target=platform.triple,
        recipe=LinkScript(
            artifact=action.artifact,
            workspace=recipe.workspace,
            package=recipe.package,
            platform=platform,
            profile=recipe.profile,
            features=recipe.features,
            default_features=recipe.default_features,
            rustflags=recipe.rustflags,
            env=recipe.env,
            commit=recipe.commit,
            auditable=recipe.auditable,
            names=files,
            types=types,
            program=program,
            interface=interface,
        ),
        outputs=(
            Output("link.sh", LINK_SCRIPT),
            Output(_INTERFACE, "interface"),
            Output(_CRATES, _CRATES),
        ),
        needs=action.needs,
        sources=action.sources,
        tools=("rustc", "cargo", "zig"),
    )
    linked = LinkedElsewhere(script.interface, f"{platform.triple}/{action.artifact}", (*files, STATEMENT))
    taking = replace(
        action,
        recipe=replace(recipe, linked=linked),
        needs=(*action.needs, script.id),
        sources=(),
        tools=(),
        machine=Machine(platform.family.linked_on, "a script links it there, and --linked takes the files over"),
    )
    return script, taking


def declarations(context: ActionContext, linked: LinkedElsewhere) -> tuple[Declaration, ...]:
    """What the headers of a library declare, as they were read where the script was written."""
    rows = json.loads(context.input(linked.script, "interface").read_bytes())
    return tuple(Declaration(*row) for row in rows)


def build_of(context: ActionContext, linked: LinkedElsewhere, package: str, kinds: tuple[str, ...]) -> CargoBuild:
    """What the script left, in the words of a build here.

    Raises VerificationError for files of other inputs than those that the script names, or with paths of their machine.
    """
    folder = (context.site.linked or context.site.project / FOLDER) / linked.folder
    identity, statement = context.recorded(linked.script.id).identity, _read_statement(folder / STATEMENT)
    crates = context.input(linked.script, _CRATES).read_bytes()
    where, names = context.action.id, [name for name in linked.names if name != STATEMENT]
    if statement.get("fingerprint") != [identity.fingerprint]:
        raise VerificationError(
            "what was linked elsewhere is of other sources or settings than this checkout",
            where=str(folder / STATEMENT),
            hint="run the script that `ferrule script` writes now on Windows, and hand its files in",
        )
    for name in names:
        _check_linked(folder / name, identity.fingerprint or "", statement.get("folder", []), where)
    context.record_facts(facts.Facts((facts.LinkedFacts(*(statement.get("rustc") or ["unknown"])),)))
    options = " ".join(statement.get("link", [])).split()
    return CargoBuild(
        built=(CargoArtifact(package, kinds, tuple(folder / name for name in names)),),
        read=(),
        # A word that begins with a slash would be the path of a library to CMake.
        native_libraries=tuple(re.sub(r"^/(?=[A-Za-z]+:)", "-", option) for option in options),
        digests={folder / name: digest.hex for name, digest in linked.files or ()},
        audit_data=crates or None,
    )


def _check_linked(file: Path, fingerprint: str, folders: list[str], where: str) -> None:
    """Raise VerificationError for what a linker made without the mark, or with a path of its machine."""
    content = file.read_bytes()
    if not content.startswith(magic.PE):
        return
    if fingerprint.encode() not in content:
        raise VerificationError(
            f"{file.name} does not carry the fingerprint of what it should be linked from",
            where=where,
            hint="hand in the files as the script left them; does .cargo/config.toml have the linker drop sections?",
        )
    for folder in folders:
        if folder and folder.encode() in content:
            raise VerificationError(
                f"{file.name} holds a path of the machine that linked it: {folder}",
                where=where,
                hint="find what writes it there, a build script or env!() for example, and let it do without",
            )


def _read_statement(file: Path) -> dict[str, list[str]]:
    """The values that the script wrote, by name; raises VerificationError."""
    values: dict[str, list[str]] = {}
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(": ")
            values.setdefault(name, []).append(value)
    except (OSError, ValueError) as error:
        raise VerificationError(
            f"this cannot be read: {error}", where=str(file), hint="run the script again"
        ) from error
    return values
