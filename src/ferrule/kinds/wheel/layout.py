"""Where the Python package lies that loads the library: under src/, or beside pyproject.toml."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ferrule.formats.package_selection import Selection, only_module, selection
from ferrule.kinds.base import Context, PlanProblem
from ferrule.kinds.wheel.package_sources import EVERYTHING, join

if TYPE_CHECKING:
    from collections.abc import Mapping

_BESIDE: Final = frozenset({"tests", "test", "docs", "doc", "examples", "scripts", "build", "dist", "target", "src"})
"""Folders beside pyproject.toml that are not the package, in a layout without src/."""


def find_package(
    context: Context, source: str, name: str, stated: str | None, chosen: Selection = EVERYTHING
) -> tuple[str, str]:
    """The folder that the packages lie in, and the one that loads the library; raises PlanProblem.

    `source` is the folder of pyproject.toml, `name` the project's, `stated` the package that targets.yaml names,
    `chosen` what the build backend packs.
    """
    base = chosen.root or "src"
    below = [folder for folder in context.folders(join(source, base)) if folder.isidentifier()] if base != "." else []
    under_src = [folder for folder in below if chosen.has_top(f"{base}/{folder}", folder)]
    root = join(source, base) if under_src else source
    packages = under_src or _flat_packages(context, source, chosen)
    if stated is not None:
        *above, last = stated.split(".")
        folder = "/".join([root, *above] if root != "." else above) or "."
        name = f"{stated.replace('.', '/')}/__init__.py"
        if last not in context.folders(folder):
            raise PlanProblem(
                "package",
                f"there is no package {stated!r} in {root}",
                f"there are: {', '.join(packages)}" if packages else "make the folder, with an __init__.py in it",
            )
        if not chosen.has_file(name if root == source else f"{base}/{name}", name):
            raise PlanProblem(
                "package",
                f"the build backend does not pack {stated}, as pyproject.toml is written",
                "choose it in pyproject.toml too, or name a package that is packed",
            )
        return root, stated
    own = name.replace("-", "_").replace(".", "_").lower()
    if len(packages) > 1 and own in packages:
        return root, own
    if len(packages) != 1:
        hint = "name the one that loads the library with `package`"
        raise PlanProblem(
            "source",
            f"{root} holds {len(packages) or 'no'} packages",
            hint if packages else f"make {join(source, 'src')}/{own}/__init__.py",
        )
    return root, _innermost(context, root, packages[0])


def chosen_packages(context: Context, source: str, document: Mapping[str, Any], name: str) -> Selection:
    """What pyproject.toml chooses, or the one module that its build backend packs where nothing is said."""
    chosen = selection(document)
    own = only_module(document, name) if chosen == Selection(root=chosen.root) else None
    base = chosen.root or "src"
    for folder in (f"{base}/{own}", own) if own else ():
        if context.has_file(join(join(source, folder), "__init__.py")):
            return replace(chosen, folders=(posixpath.normpath(folder),))
    return chosen


def packages_beside(context: Context, source: str, root: str, package: str, chosen: Selection) -> tuple[str, ...]:
    """The other packages that the build backend packs where they lie beside pyproject.toml."""
    if root != source or chosen == EVERYTHING:
        return ()
    return tuple(one for one in _flat_packages(context, source, chosen) if one != package.partition(".")[0])


def _flat_packages(context: Context, source: str, chosen: Selection) -> list[str]:
    """Regular packages beside pyproject.toml: those that are chosen, or all but what has a usual other use."""
    return [
        folder
        for folder in context.folders(source)
        if folder.isidentifier()
        and chosen.has_top(folder, folder)
        and (chosen.folders or chosen.names or folder not in _BESIDE)
        and context.has_file(join(join(source, folder), "__init__.py"))
    ]


def _innermost(context: Context, root: str, package: str) -> str:
    """The package itself, or the only regular one in a namespace: packages/namespace packages have no __init__.py."""
    inner = package
    while not context.has_file(join(join(root, inner.replace(".", "/")), "__init__.py")):
        folders = [f for f in context.folders(join(root, inner.replace(".", "/"))) if f.isidentifier()]
        if len(folders) != 1:
            return package
        inner = f"{inner}.{folders[0]}"
    return inner
