"""Which files of a folder npm publishes, by the rules of its package.json and its .npmignore files.

The rules are those of npm-packlist, the program that `npm pack` asks (lib/index.js, and ignore-walk and minimatch below
it). They differ from those of .gitignore: a pattern without a slash counts only in folders that another one enters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.frozen import dataclass
from ferrule.core.globs import MOST_PATTERNS, expanded, matches
from ferrule.core.ignore_files import IgnoreFiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# What npm never packs, whatever `files` says; .npmrc may hold a token.
_NEVER: Final = (
    *("/node_modules/", "/package-lock.json", "/npm-shrinkwrap.json", "/yarn.lock", "/pnpm-lock.yaml", "/bun.lockb"),
    *(".npmrc", ".npmignore", ".gitignore", "npm-debug.log", ".DS_Store", "._*", ".*.swp", "*.orig"),
    *(".git", ".svn", ".hg", "CVS", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "/archived-packages/"),
)
_ALWAYS: Final = re.compile(r"(?:readme|licen[cs]e|copying)(?:\..*)?", re.IGNORECASE)
_UNKNOWN: Final = re.compile(r"\\|[@+?*!]\(|\{[^{},]*\}|\{[^}]*\{|\[\[?:")
"""Signs of forms of a pattern that are not read here: escapes, extended globs, nested braces, ranges, classes."""


def pattern_problem(pattern: object) -> str | None:
    """What is wrong with an entry of `files`; None for one that is read here as npm reads it."""
    if not isinstance(pattern, str) or not pattern.strip("!"):
        return "is not a name or a pattern"
    if pattern.strip("!./") == "" and ".." not in pattern:
        return "names the whole folder"
    if re.search(r"(^|/)\.\.(/|$)", pattern):
        return "leads out of the package"
    if _UNKNOWN.search(pattern) or len(expanded(pattern)) > MOST_PATTERNS:
        return "is a pattern of a form that Ferrule does not read"
    return None


def packed_names(
    names: tuple[str, ...], manifest: Mapping[str, Any], ignore_files: Mapping[str, str], own: tuple[str, ...]
) -> Iterator[str]:
    """Which files npm would publish; `own` are folders that others fill, whose files are left out.

    `ignore_files` are the texts of .npmignore files by their names; `files` of package.json overrides the first.
    """
    files = manifest.get("files")
    selection = None if files is None else _Selection.of(files, names)
    never, ignored = IgnoreFiles(), IgnoreFiles()
    never.read("", _NEVER)
    for name, text in ignore_files.items():
        if files is None or "/" in name:
            ignored.read(name.removesuffix(".npmignore"), text.splitlines())
    required = {"package.json", *_required(manifest)}
    for name in names:
        if name.partition("/")[0] in own or never.ignore_any(name):
            continue
        always = name in required or ("/" not in name and _ALWAYS.fullmatch(name))
        is_ignored = ignored.ignore_any(name)
        if always or (not is_ignored if selection is None else selection.takes(name, is_ignored=is_ignored)):
            yield name


def names_nothing(files: Iterable[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """Which entries of `files` select none of the names; one for what is packed anyway, or left out, is no mistake."""
    return tuple(
        pattern
        for pattern in files
        if not (pattern.startswith("!") or _ALWAYS.fullmatch(pattern.lstrip("./")))
        and not any(map(_Selection.of((pattern,), names).takes, names))
    )


def _required(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Files that npm packs because package.json names them: `main`, `browser`, and every program."""
    programs = manifest.get("bin")
    paths = programs.values() if isinstance(programs, dict) else [programs]
    for path in (manifest.get("main"), manifest.get("browser"), *paths):
        if isinstance(path, str):
            yield path.removeprefix("./").removeprefix("/")


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern by its parts between slashes, and whether it takes or leaves out what it matches."""

    takes: bool
    parts: tuple[str, ...]
    anywhere: bool = False

    def matches(self, path: tuple[str, ...], *, is_folder: bool) -> bool:
        """Whether it matches a path, or, of a folder, may match something below it."""
        if self.anywhere and matches(self.parts, path[-1:], fold_case=True):
            return True
        return matches(self.parts, path, partial=is_folder and self.takes, fold_case=True) or (
            is_folder and matches(self.parts, (*path, ""), fold_case=True)
        )


@dataclass(frozen=True, slots=True)
class _Selection:
    """`files` of a package.json as rules, of which the last that matches counts; `strict` are those that name a file.

    What a strict rule says holds whatever a nested .npmignore says.
    """

    rules: tuple[_Rule, ...]
    strict: tuple[_Rule, ...]

    @classmethod
    def of(cls, files: Iterable[str], names: tuple[str, ...]) -> _Selection:
        rules: list[_Rule] = []
        strict: list[_Rule] = []
        for entry in files:
            body = entry.lstrip("!")
            takes = (len(entry) - len(body)) % 2 == 0
            name = body.removeprefix("./").strip("/")
            anywhere = "/" not in body.rstrip("/")
            if name in names:
                strict.insert(0, _Rule(takes, tuple(name.split("/")), anywhere))
                continue
            is_folder = any(other.startswith(f"{name}/") for other in names)
            for pattern in expanded(f"{name}*" if name.endswith("/*") else name):
                parts = tuple(pattern.split("/"))
                rules.append(_Rule(takes, parts, anywhere))
                if is_folder:
                    rules.append(_Rule(takes, (*parts, "**")))
        return cls(tuple(rules), tuple(strict))

    def takes(self, name: str, *, is_ignored: bool = False) -> bool:
        """Whether a file is packed that a nested .npmignore leaves out, or not, and each folder above it is entered."""
        path = tuple(name.split("/"))
        folders = (path[:end] for end in range(1, len(path)))
        if not all(self._enters(folder) for folder in folders):
            return False
        verdict = _verdict(self.rules, path, start=False) and not is_ignored
        return _verdict(self.strict, path, start=verdict)

    def _enters(self, folder: tuple[str, ...]) -> bool:
        return _verdict((*self.rules, *self.strict), folder, start=False, is_folder=True)


def _verdict(rules: tuple[_Rule, ...], path: tuple[str, ...], *, start: bool, is_folder: bool = False) -> bool:
    verdict = start
    for rule in rules:
        if rule.takes != verdict and rule.matches(path, is_folder=is_folder):
            verdict = rule.takes
    return verdict
