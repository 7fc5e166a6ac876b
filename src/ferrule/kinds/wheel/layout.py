"""Where the Python package lies that loads the library: under src/, or beside pyproject.toml."""

from __future__ import annotations

from typing import Final

from ferrule.kinds.base import (
    Context,
    PlanProblem,
)
from ferrule.kinds.wheel.package_sources import (
    join,
)

_BESIDE: Final = frozenset({"tests", "test", "docs", "doc", "examples", "scripts", "build", "dist", "target", "src"})
"""Folders beside pyproject.toml that are not the package, in a layout without src/."""


def find_package(
    context: Context, source: str, name: str, stated: str | None, only: tuple[str, ...] = ()
) -> tuple[str, str]:
    """The folder that the packages lie in, and the one that loads the library; raises PlanProblem.

    `source` is the folder of pyproject.toml, `name` the project's, `stated` the package that targets.yaml names, `only`
    the folders that the build backend packs.
    """
    under_src = [folder for folder in context.folders(join(source, "src")) if folder.isidentifier()]
    if only:
        under_src = [folder for folder in under_src if f"src/{folder}" in only]
    root = join(source, "src") if under_src else source
    packages = under_src or [
        folder
        for folder in context.folders(source)
        if folder.isidentifier()
        and (folder in only or not (only or folder in _BESIDE))
        and context.has_file(join(join(source, folder), "__init__.py"))
    ]
    if stated is not None:
        *above, last = stated.split(".")
        folder = "/".join([root, *above] if root != "." else above) or "."
        if last in context.folders(folder):
            return root, stated
        raise PlanProblem(
            "package",
            f"there is no package {stated!r} in {root}",
            f"there are: {', '.join(packages)}" if packages else "make the folder, with an __init__.py in it",
        )
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


def _innermost(context: Context, root: str, package: str) -> str:
    """The package itself, or the only regular one in a namespace: packages/namespace packages have no __init__.py."""
    inner = package
    while not context.has_file(join(join(root, inner.replace(".", "/")), "__init__.py")):
        folders = [f for f in context.folders(join(root, inner.replace(".", "/"))) if f.isidentifier()]
        if len(folders) != 1:
            return package
        inner = f"{inner}.{folders[0]}"
    return inner
