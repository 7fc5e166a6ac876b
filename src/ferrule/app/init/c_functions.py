"""C functions in the sources of a crate: where the first is, and which feature or condition they are behind."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.app.init.project_files import ProjectFiles
    from ferrule.core.cargo_workspace import Crate

_EXPORT: Final = re.compile(
    rb'\b(?:no_mangle|export_name\s*=)[^;{}]{0,400}?\bextern\s*(?:"C(?:-unwind)?"\s*)?fn\s+([\w$]+)', re.DOTALL
)
_EXPORTING: Final = (b"no_mangle", b"export_name")
_COMMENT: Final = re.compile(rb"//[^\n]*")


def exported(files: ProjectFiles, crate: Crate) -> tuple[str | None, bool]:
    """Where a C function stands that a crate exports under a name of its own, and whether only a macro writes such."""
    if crate.library is None or "proc-macro" in crate.types:
        return None, False
    by_macro: str | None = None
    folders = [folder for folder in crate.code if not folder.endswith(".rs")]
    for name in (name for folder in folders for name in files.below(folder, ".rs")):
        data = files.source(name)
        if not any(word in data for word in _EXPORTING):  # most files
            continue
        code = _COMMENT.sub(lambda match: b" " * len(match[0]), data)
        for match in _EXPORT.finditer(code):
            before = code[: match.start()]
            where = f"{name}:{before.count(10) + 1}:{match.start() - (before.rfind(10) + 1) + 1}"
            if not match[1].startswith(b"$"):
                return where, False
            by_macro = by_macro or where
    return by_macro, by_macro is not None


def gate(files: ProjectFiles, crate: Crate, features: Mapping[str, Any], where: str, *, is_capi: bool) -> str | None:
    """The feature that a module with exported functions needs, unless it is on by default.

    cargo-c turns the feature `capi` on by itself, where a crate has one.
    """
    name = where.rsplit(":", 2)[0]
    source = next((folder for folder in crate.code if name.startswith(f"{folder}/")), crate.folder)
    module = re.escape(posixpath.relpath(name, source).split("/")[0].removesuffix(".rs").encode())
    root = posixpath.normpath(posixpath.join(source, "lib.rs"))
    condition = rb'cfg\(\s*feature\s*=\s*"([^"]+)"\s*\)\]'
    gates = [
        re.search(rb"\A[^{;]*?#!\[" + condition, files.source(name)),
        re.search(rb"#\[" + condition + rb"\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+" + module + rb"\b", files.source(root))
        if files.has(root) and root != name
        else None,
    ]
    named = {match[1].decode("utf-8", "replace") for match in gates if match}
    if is_capi and "capi" in crate.features:
        named.add("capi")
    missing = named & {*crate.features} - _by_default(features)
    return min(missing, default=None)


def _by_default(features: Mapping[str, Any]) -> set[str]:
    """The features that are on unless somebody turns them off."""
    seen: set[str] = set()
    waiting = ["default"]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            following = features.get(name)
            waiting += [one for one in following if isinstance(one, str)] if isinstance(following, list) else []
    return seen


def uses_cargo_c(files: ProjectFiles, crate: Crate) -> bool:
    """Whether its sources use the condition that cargo-c sets."""
    folders = [folder for folder in crate.code if not folder.endswith(".rs")]
    sources = (name for folder in folders for name in files.below(folder, ".rs"))
    return any(re.search(rb"\bcfg[!(][^\n]*\bcargo_c\b", files.source(name)) for name in sources)
