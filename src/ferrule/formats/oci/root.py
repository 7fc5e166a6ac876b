"""What the layers of an image make of its root, told without unpacking them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.core.errors import VerificationError
from ferrule.formats.decompress import Gunzip
from ferrule.formats.oci.documents import LAYER
from ferrule.formats.tar import SurveyedMember, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ferrule.formats.archive_member import Member
    from ferrule.formats.oci.documents import Layer

_LINKS = 40  # as many as Linux follows in one path (path_resolution(7))
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class Root:
    """The files of a root as the layers of an image leave them: names without a leading `/`, links with their targets.

    `files` maps every name to what a link leads to, and to None for all else.
    """

    files: Mapping[str, str | None]

    def find(self, path: str) -> str | None:
        """Where a path leads, all links followed as a kernel follows them; None if there is nothing."""
        rest, done, followed = [part for part in reversed(path.split("/")) if part], "", 0
        while rest:
            part = rest.pop()
            if part in (".", ".."):
                done = done.rpartition("/")[0] if part == ".." else done
                continue
            name = f"{done}/{part}" if done else part
            if name not in self.files:
                return None
            target = self.files[name]
            if target is None:
                done = name
                continue
            followed += 1
            if followed > _LINKS:
                return None
            done = "" if target.startswith("/") else done
            rest += [step for step in reversed(target.split("/")) if step]
        return done

    def named(self, base: str) -> str | None:
        """Where a path leads that ends with `base`, links followed as `find` does; None if none leads anywhere."""
        paths = (name for name in self.files if posixpath.basename(name) == base)
        return next(filter(None, map(self.find, paths)), None)


def read_root(layers: Iterable[Layer], top: Iterable[Member] = ()) -> Root:
    """The names that layers hold, lowest first, whiteouts applied (image-spec, "Layer", "Whiteouts").

    `top` are the members of one more, over all others, that need not be read again. Nothing is unpacked, so that no
    member is refused: what layers hold is for the engine to judge. Raises VerificationError for a layer that is no
    archive.
    """
    files: dict[str, str | None] = {}
    for layer in layers:
        _apply(files, {_root_name(member.name): member for member in _survey(layer)})
    _apply(files, {_root_name(m.name): SurveyedMember(m.name, m.folder, m.link, None) for m in top})
    return Root(files)


def read_file(layers: Sequence[Layer], name: str, top: Iterable[Member] = ()) -> bytes | None:
    """Content of a file, by its name as `Root.find` gives it, in the highest layer that has it; None if none does.

    `top` as for `read_root`. Raises VerificationError for a layer that is no archive.
    """
    for entry in top:
        if entry.regular and _root_name(entry.name) == name:
            return entry.read()
    for layer in reversed(layers):
        for member in _survey(layer, lambda other: _root_name(other) == name):
            if member.content is not None:
                return member.content
    return None


def _survey(layer: Layer, is_read: Callable[[str], bool] = lambda _: False) -> Iterator[SurveyedMember]:
    with layer.path.open("rb") as stream:
        source = Gunzip(stream, str(layer.path)) if layer.media_type == LAYER else stream
        try:
            yield from survey(source, is_read=is_read)
        except VerificationError as error:
            raise VerificationError(f"the layer {layer.digest.oci} cannot be read: {error.message}") from error


def _root_name(name: str) -> str:
    """What a member of a layer is called below the root."""
    return posixpath.normpath(name).lstrip("/")


def _apply(files: dict[str, str | None], members: Mapping[str, SurveyedMember]) -> None:
    """Put a layer over what is there; a whiteout hides what lower layers have, wherever it stands in its own."""
    added = {name: member for name, member in members.items() if name != "."}
    hidden: set[str] = set()
    below: list[str] = []
    for name in added:
        folder, last = posixpath.split(name)
        if last == _OPAQUE:
            below.append(f"{folder}/" if folder else "")
        elif last.startswith(_WHITEOUT):
            hidden.add(posixpath.join(folder, last.removeprefix(_WHITEOUT)))
    replaced = (name for name, member in added.items() if name in files and not member.folder)
    below += [f"{name}/" for name in (*hidden, *replaced)]
    for name in [n for n in files if n in hidden or n.startswith(tuple(below))]:
        del files[name]
    for name, member in added.items():
        if not posixpath.basename(name).startswith(_WHITEOUT):
            files[name] = member.link
