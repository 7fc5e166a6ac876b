"""What a wheel and its source distribution are made of: the package's files, its project, licences, its library."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError, ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.ignore_files import IgnoreFiles
from ferrule.core.toml_file import parse
from ferrule.formats import deflate
from ferrule.formats.archive_member import Member
from ferrule.formats.package_selection import Selection
from ferrule.formats.python_metadata import PythonProject
from ferrule.kinds.base import BINDINGS
from ferrule.kinds.generated_bindings import packed

if TYPE_CHECKING:
    from ferrule.core.model import ActionInterface
    from ferrule.engine.context import ActionContext

EVERYTHING: Final = Selection()

NATIVE: Final = "_native"
"""Name of the folder, inside the Python package, that holds the library and what the loader needs to know of it."""

_OUTPUTS: Final = frozenset({"dist", "build"})


@dataclass(frozen=True, slots=True)
class PackageSources:
    """`source` is the folder of pyproject.toml, `root` the one that packages lie in, `package` a dotted name.

    `read` are files of the project, `license_files` among them, that the metadata is made of. `left_out`, `kept_back`
    are patterns of what pyproject.toml leaves out of wheels and of source distributions, relative to `source`; `chosen`
    is what it chooses, and `beside` the other packages beside it, where they lie there; `bindings` is what makes
    generated ones.
    """

    source: str
    root: str
    package: str
    name: str
    version: str
    license_files: tuple[str, ...]
    read: tuple[str, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR
    left_out: tuple[str, ...] = ()
    chosen: Selection = EVERYTHING
    beside: tuple[str, ...] = ()
    kept_back: tuple[str, ...] = ()
    bindings: ActionInterface | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The action that makes the bindings, where they are generated."""
        return (self.bindings.id,) if self.bindings else ()

    @property
    def native(self) -> str:
        """The folder of the library in the wheel."""
        return f"{self.package.replace('.', '/')}/{NATIVE}"

    @property
    def packed(self) -> tuple[str, ...]:
        """The folders whose files go into the wheel: all packages under src/, or those beside pyproject.toml."""
        beside = (self.package.partition(".")[0], *self.beside)
        return (self.root,) if self.root != self.source else tuple(join(self.root, folder) for folder in beside)

    @property
    def sources(self) -> tuple[str, ...]:
        """All files and folders that the wheel is made of."""
        return tuple(dict.fromkeys((self.source, *self.read)))

    def holds(self, name: str) -> bool:
        """Whether a file, by its name below `root`, is in one of its packages, or a module that is named."""
        if self.root != self.source or name.partition("/")[0] in (self.package.partition(".")[0], *self.beside):
            return True
        return name.endswith(".py") and name.removesuffix(".py") in self.chosen.modules

    def is_packed(self, name: str) -> bool:
        """Whether a file, by its name below `root`, belongs to a package; others are leftovers of builds."""
        leftover = name.partition("/")[0].endswith((".egg-info", ".dist-info")) or name.endswith(".pyc")
        return not (leftover or name.startswith(f"{self.native}/"))

    def is_source(self, name: str) -> bool:
        """Whether a file, by its name below `source`, belongs into the source distribution."""
        top, below = name.partition("/")[0], relative(self.root, self.source)
        output = top in _OUTPUTS and self.package.partition(".")[0] != top
        return not output and self.is_packed(name if self.root == self.source else name.removeprefix(f"{below}/"))


def join(folder: str, name: str) -> str:
    """A name in a folder of the project; the project itself is `.`."""
    return name if folder == "." else f"{folder}/{name}"


def relative(name: str, folder: str) -> str:
    """A name relative to a folder that it is in."""
    return name if folder == "." else name.removeprefix(f"{folder}/")


def read_project(context: ActionContext, common: PackageSources) -> PythonProject:
    """The project that pyproject.toml describes."""
    file = join(common.source, "pyproject.toml")
    text = text_of(context, file)
    return PythonProject(file, text, parse(text.encode(), file)["project"], common.version)


def text_of(context: ActionContext, name: str) -> str:
    """The text of a file of the project; raises ConfigError where it cannot be read."""
    try:
        return (context.project / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"this file cannot be read: {error}", where=name) from error


def licence_files(context: ActionContext, common: PackageSources, project: PythonProject) -> dict[str, Path]:
    """Licence files by their names in the distribution: those of the release, and those that pyproject.toml names.

    Raises BuildError where two of one name differ.
    """
    files = {file.rpartition("/")[2]: context.project / file for file in common.license_files}
    names = (relative(file.name, common.source) for file in context.source_files(common.source))
    for name in project.license_files(names if project.table.get("license-files") else ()):
        path = context.project / common.source / name
        if name in files and files[name].read_bytes() != path.read_bytes():
            raise BuildError(
                f"{join(common.source, name)} and the licence file {name} of the release differ",
                where=project.file,
                hint="rename one of the two",
            )
        files.setdefault(posixpath.normpath(name).replace("../", ""), path)
    return files


def library_identity(context: ActionContext, library: ActionInterface, common: PackageSources) -> dict[str, str]:
    """What the loader can compare with what the library says of itself."""
    identity = context.recorded(library.id).identity
    return {"VERSION": common.version, **{name.upper(): value for name, value in identity.values().items()}}


def package_files(context: ActionContext, common: PackageSources) -> list[Member]:
    """The files of the wheel's packages, but for those that pyproject.toml leaves out."""
    left_out = IgnoreFiles()
    left_out.read("", common.left_out)

    def is_chosen(name: str) -> bool:
        path = relative(join(common.root, name), common.source)
        is_module = name.endswith(".py") and name.removesuffix(".py") in common.chosen.modules
        return (is_module or common.chosen.has_file(path, name)) and not left_out.ignore_any(path)

    folders = dict.fromkeys((*common.packed, *([common.root] if common.chosen.modules else [])))
    members = {file.name: file for folder in folders for file in files_below(context, folder, common.root)}
    files = [file for name, file in members.items() if common.holds(name)]
    chosen = [m for m in files if common.is_packed(m.name) and is_chosen(m.name)]
    if common.bindings is None:
        return chosen
    name = relative(common.bindings.trait(BINDINGS), common.root)
    content = packed(context, common.bindings)
    return [*(m for m in chosen if m.name != name), Member(name, content)]


def files_below(context: ActionContext, folder: str, root: str) -> list[Member]:
    """All source files below a folder, by their names relative to `root`."""
    return [
        Member(relative(file.name, root), Path(file.path), executable=file.executable)
        for file in context.source_files(folder)
    ]
