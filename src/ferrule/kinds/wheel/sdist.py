"""Packs a Python package and the Cargo workspace into a source distribution that Cargo can build from."""

from __future__ import annotations

import json
import posixpath
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferrule.core import facts
from ferrule.core.build_script import build_script
from ferrule.core.cargo_config import read_settings
from ferrule.core.errors import BuildError
from ferrule.core.frozen import dataclass
from ferrule.core.ignore_files import IgnoreFiles
from ferrule.core.toml_file import parse
from ferrule.formats import wheel
from ferrule.formats.archive_member import Member
from ferrule.formats.python_metadata import (
    PythonProject,
    entry_points_text,
    metadata_text,
)
from ferrule.kinds.base import BINDINGS
from ferrule.kinds.generated_bindings import packed as packed_bindings
from ferrule.kinds.wheel.package_sources import (
    PackageSources,
    files_below,
    join,
    library_identity,
    licence_files,
    package_files,
    read_project,
    relative,
    text_of,
)
from ferrule.tools import cargo, cargo_sources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.model import ActionInterface, Compiled
    from ferrule.engine.context import ActionContext
    from ferrule.tools.cargo_sources import LocalSources

_BACKEND: Final = "_build"
"""Folder of a source distribution with the build backend that Ferrule supplies."""


@dataclass(frozen=True, slots=True)
class Sdist:
    """Pack the package and the Cargo workspace, so that the library can be built from it.

    `settings` are the files that hold for the whole workspace, `compiled` what the library is built of; with
    `supply_backend` the project's own build backend does not compile, and Ferrule's takes its place.
    """

    common: PackageSources
    workspace: str
    settings: tuple[str, ...]
    library: ActionInterface
    compiled: Compiled
    library_name: str
    supply_backend: bool

    def make(self, context: ActionContext) -> None:
        """Write the source distribution; raises BuildError where Cargo could not build from it."""
        common, project = self.common, read_project(context, self.common)
        _refuse_ignored(context, project)
        rust, workspace = self._rust(context)
        licences = licence_files(context, common, project)
        kept_back = IgnoreFiles()
        kept_back.read("", common.kept_back)
        packed = {relative(join(common.root, member.name), common.source) for member in package_files(context, common)}
        entries = {
            member.name: member
            for member in files_below(context, common.source, common.source)
            if common.is_source(member.name) and (member.name in packed or not kept_back.ignore_any(member.name))
        }
        if common.bindings is not None:
            name = relative(common.bindings.trait(BINDINGS), common.source)
            entries[name] = Member(name, packed_bindings(context, common.bindings))
        entries |= {member.name: member for member in rust}
        entries |= {name: Member(name, path) for name, path in licences.items() if name not in entries}
        if self.supply_backend:
            entries |= {member.name: member for member in self._backend(context, project, licences, workspace)}
        self._check(context, rust, workspace)
        wheel.write_sdist(
            context.output("sdist"),
            name=common.name,
            version=common.version,
            metadata=metadata_text(project, lambda name: text_of(context, name), licences),
            entries=list(entries.values()),
            epoch=common.epoch,
        )

    def _rust(self, context: ActionContext) -> tuple[list[Member], str]:
        """The Cargo workspace and all that it reads from folders, and where its manifest is in the distribution.

        The workspace lies in `rust/`, or below it as deep as what it reads outside of its own folder asks for.
        """
        metadata = cargo.metadata(
            context.run,
            context.toolchain,
            context.project / self.workspace,
            context.site.environment,
            offline=context.site.host.offline,
        )
        local = cargo_sources.local_sources(metadata, context.project, self.workspace)
        reads = self._reads(context)
        folders = (*local.packages, *local.folders, *local.files, *reads)
        context.file_inputs(context.project / name for name in folders)
        in_place, moved = self._settings(local)
        names = {*in_place, *_published(context, local)}
        names |= {file.name for file in context.source_files(*local.folders, *local.files, *reads)}
        base = posixpath.commonpath([f"/{self.workspace}", *(f"/{posixpath.dirname(name)}" for name in names)])[1:]
        base = posixpath.normpath(base or ".")
        folder = posixpath.normpath(posixpath.join("rust", posixpath.relpath(self.workspace, base)))
        files = {f"rust/{relative(name, base)}": name for name in sorted(names)}
        files |= {f"{folder}/{name}": file for name, file in moved.items()}
        paths = {name: context.project / file for name, file in files.items()}
        return [Member(n, path, executable=bool(path.stat().st_mode & 0o100)) for n, path in paths.items()], folder

    def _settings(self, local: LocalSources) -> tuple[list[str], dict[str, str]]:
        """Settings that keep their place, and those above the workspace that can be put into it, by their names there.

        Cargo reads settings from the workspace upwards; those that name folders count from where they lie.
        """
        in_place = [name for name in self.settings if self.workspace == "." or name.startswith(f"{self.workspace}/")]
        taken = {relative(name, self.workspace) for name in in_place}
        moved: dict[str, str] = {}
        for name in self.settings:
            folder, _, file = name.rpartition("/")
            tail = f".cargo/{file}" if posixpath.basename(folder) == ".cargo" else file
            if name in in_place:
                continue
            if name in local.settings or tail in taken or tail in moved:
                in_place.append(name)
            else:
                moved[tail] = name
        return in_place, moved

    def _reads(self, context: ActionContext) -> tuple[str, ...]:
        """Files and folders outside of the crates that the build of the library was seen to read."""
        names: list[str] = []
        build = facts.LibraryFacts.from_json(context.facts_of[self.library.id], self.library.id)
        for name in build.reads:
            if context.site.sources.covers((".",), context.project / name):
                names.append(name)
            elif not _is_generated(context.project, name):
                raise BuildError(
                    "the build reads this, and Git ignores it, so nobody could build the source distribution",
                    where=name,
                    hint="let Git track it, let the build write it to OUT_DIR, or write sdist: false",
                )
        return tuple(names)

    def _check(self, context: ActionContext, members: list[Member], folder: str) -> None:
        """Let Cargo read the workspace where nothing else lies. Raises BuildError with what is missing."""
        context.report_progress("reading the source distribution with Cargo")
        with tempfile.TemporaryDirectory() as root:
            for member in members:
                copy = Path(root, member.name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(member.read())
            try:
                self._read_offline(context, Path(root, folder))
            except BuildError as error:
                raise BuildError(
                    f"Cargo cannot build from the source distribution: {error.message}".replace(root, ""),
                    where=context.action.id,
                    hint="add what is missing to the project, or write sdist: false",
                    output=error.output.replace(root, ""),
                ) from error

    def _read_offline(self, context: ActionContext, workspace: Path) -> None:
        offline = context.site.host.offline
        try:
            cargo.metadata(context.run, context.toolchain, workspace, context.site.environment, offline=True)
        except BuildError:
            if offline:
                raise
            # Crates of other targets were not needed yet: fetch them, and look again.
            context.run(cargo.fetch_command(context.toolchain, workspace, context.site.environment))
            cargo.metadata(context.run, context.toolchain, workspace, context.site.environment, offline=True)

    def _rustflags(self, context: ActionContext) -> list[str]:
        """Flags that Cargo does not find in the source distribution; those of `[build]` too, which these would hide."""
        flags = self.compiled.rustflags
        return [*read_settings(context.project, self.workspace).rustflags(""), *flags] if flags else []

    def _backend(
        self, context: ActionContext, project: PythonProject, licences: Mapping[str, Path], workspace: str
    ) -> list[Member]:
        """A build backend that compiles the library, what it has to know, and a pyproject.toml that names it."""
        common, compiled = self.common, self.compiled
        constants = library_identity(context, self.library, common)
        environment = {f"FERRULE_{name}": constants[name] for name in ("FINGERPRINT", "INTERFACE") if name in constants}
        about = {
            "stem": wheel.info_folder(common.name, common.version).removesuffix(".dist-info"),
            "native": common.native,
            "files": [
                [member.name, posixpath.relpath(join(common.root, member.name), common.source)]
                for member in package_files(context, common)
            ],
            "known": constants,
            "entry-points": entry_points_text(project),
            "licenses": [[name, name] for name in licences],
            "cargo": [
                *("--locked", "--lib", "--package", compiled.crate, "--profile", compiled.profile),
                *([] if compiled.default_features else ["--no-default-features"]),
                *(["--features", ",".join(compiled.features)] if compiled.features else []),
            ],
            "rustflags": self._rustflags(context),
            "environment": {**dict(compiled.env), **environment},
            "workspace": workspace,
            "library": self.library_name,
        }
        backend = (Path(__file__).parent / "sdist_backend.py.in").read_bytes()
        return [
            Member("pyproject.toml", _with_backend(project).encode()),
            Member(f"{_BACKEND}/sdist_backend.py", backend),
            Member(f"{_BACKEND}/wheel.json", (json.dumps(about, indent=1, sort_keys=True) + "\n").encode()),
        ]


def _refuse_ignored(context: ActionContext, project: PythonProject) -> None:
    """Raise BuildError for a readme that Git does not keep: nobody could make the metadata of what is published."""
    if project.readme is not None and not context.site.sources.covers((".",), context.project / project.readme):
        raise BuildError(
            "Git ignores this readme, so the source distribution would lack it",
            where=project.readme,
            hint="let Git track it, or take it out of pyproject.toml",
        )


def _published(context: ActionContext, local: LocalSources) -> set[str]:
    """Files of packages, as far as Cargo would publish them; those of packages inside belong to these."""
    manifests = context.site.sources.named(".", "Cargo.toml")
    names: set[str] = set()
    for folder, manifest in local.packages.items():
        rules = cargo_sources.PublishedFiles.of(manifest)
        for file in context.source_files(folder):
            package = cargo_sources.package_of(file.name, local.packages, manifests)
            if package == folder and rules.hold(relative(file.name, folder)):
                names.add(file.name)
    return names


def _with_backend(project: PythonProject) -> str:
    """The text of pyproject.toml with Ferrule's backend as [build-system]; all else stays as it is."""
    table = f'[build-system]\nrequires = []\nbuild-backend = "sdist_backend"\nbackend-path = ["{_BACKEND}"]\n'
    document: Any = parse(project.text.encode(), project.file)
    expected = {**document, "build-system": parse(table.encode(), project.file)["build-system"]}
    lines, inside = [], False
    for line in project.text.splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.partition("#")[0].strip() == "[build-system]" or (inside and not _is_header(stripped))
        if not inside:
            lines.append(line)
    text = "\n".join([*lines, "", table])
    if _loaded(text) != expected:
        raise BuildError(
            "the source distribution needs another [build-system], and this one could not be replaced",
            where=project.file,
            hint="write it as a table [build-system] with a line for each key, or write sdist: false",
        )
    return text


def _is_header(line: str) -> bool:
    return _loaded(line) is not None


def _loaded(text: str) -> dict[str, Any] | None:
    import tomllib  # noqa: PLC0415 - 2 ms, which planning does not wait for

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _is_generated(project: Path, name: str) -> bool:
    """Whether the build script of the package that holds a file names it: it writes it again where it is missing."""
    script = build_script(project, name)
    if script is None:
        return False
    return posixpath.basename(name) in (project / script).read_text(encoding="utf-8", errors="replace")
