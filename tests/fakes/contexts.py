"""What a kind around a program may know while it plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.cargo_workspace import Workspace
from ferrule.core.errors import ConfigError
from ferrule.core.model import Target
from ferrule.kinds.base import Context, ReleaseInfo, Spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ferrule.core.model import Action

PROJECT = ReleaseInfo(
    "demo",
    "1.2.3",
    license="MIT",
    description="Adds two numbers",
    homepage="https://demo.example",
    license_files=("LICENSE",),
)


def context(
    actions: Sequence[Action],
    *,
    targets: Sequence[str] | None = None,
    project: ReleaseInfo = PROJECT,
    ship: bool = True,
    files: Mapping[str, str] | None = None,
) -> Context:
    """The context of the artifact `this`, around actions of others; by default for all of their targets."""
    triples = [action.target for action in actions if action.target] if targets is None else targets

    def read_text(name: str) -> str:
        if name not in (files or {}):
            raise ConfigError("there is no such file", where=name)
        return (files or {})[name]

    return Context(
        artifact="this",
        project=project,
        workspace=Workspace(".", {}, locked=True),
        targets=tuple(Target(triple) for triple in dict.fromkeys(triples)),
        spec_for=lambda _: Spec(kind="this"),
        actions_of=lambda _: tuple(actions),
        action_for=lambda *_: None,
        shipping=tuple,
        read_text=read_text,
        folders=lambda _: (),
        ship=ship,
    )
