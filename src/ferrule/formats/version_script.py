"""Version scripts of linkers, as far as GNU ld and lld agree on them (GNU ld manual, "VERSION Command").

Home-made: no library reads them. `extern "C++"` is refused, as a Rust library exports C.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_COMMENT: Final = re.compile(r"/\*.*?\*/|#[^\n]*", re.DOTALL)
_TOKEN: Final = re.compile(r"[{};:]|\"[^\"]*\"|[^\s{};:]+|:")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_PATTERN: Final = re.compile(r"[A-Za-z0-9_.$*?\[\]!-]+")


@dataclass(frozen=True, slots=True)
class VersionNode:
    """A version and the globs of the symbols that have it."""

    name: str
    symbols: tuple[str, ...]


def parse_version_script(text: str) -> tuple[VersionNode, ...]:
    """The versions of a script, in order; raises ValueError that names the line of what is not understood."""
    tokens = list(_tokens(text))
    nodes: list[VersionNode] = []
    local = False
    while tokens:
        name, line = tokens.pop(0)
        if not _NAME.fullmatch(name):
            what = "a version without a name" if name == "{" else repr(name)
            raise ValueError(f"line {line}: expected the name of a version, and not {what}")
        _expect(tokens, "{", line)
        symbols, hides = _patterns(tokens, line)
        local = local or hides
        if tokens and tokens[0][0] != ";":
            before, line = tokens.pop(0)
            if before not in (node.name for node in nodes):
                raise ValueError(f"line {line}: {name} is said to follow {before}, which is no version before it")
        _expect(tokens, ";", line)
        nodes.append(VersionNode(name, symbols))
    if not any(node.symbols for node in nodes):
        raise ValueError("it gives no symbol a version")
    if not local:
        raise ValueError("nothing is hidden: write `local: *;` in one of the versions")
    return tuple(nodes)


def version_problems(nodes: Collection[VersionNode], versions: Mapping[str, str | None]) -> list[str]:
    """What is not as the script says, as sentences; `versions` are those of each exported symbol, None for no version.

    An exact name counts more than a glob, whichever comes first.
    """
    problems = []
    for symbol, version in sorted(versions.items()):
        expected = _version_of(symbol, nodes)
        if expected is None:
            problems.append(f"it exports {symbol}, to which the version script gives no version")
        elif version != expected:
            problems.append(f"{symbol} has {version or 'no version'}, and the version script says {expected}")
    for node in nodes:
        problems += [
            f"the version script names {pattern} in {node.name}, and no exported symbol is called so"
            for pattern in node.symbols
            if not any(fnmatchcase(symbol, pattern) for symbol in versions)
        ]
    return problems


def _version_of(symbol: str, nodes: Collection[VersionNode]) -> str | None:
    exact = next((node.name for node in nodes if symbol in node.symbols), None)
    # Of globs the last that matches counts (lld); GNU ld takes the first, so a script should not let two match.
    globs = [node.name for node in nodes if any(fnmatchcase(symbol, pattern) for pattern in node.symbols)]
    return exact or (globs[-1] if globs else None)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    plain = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for number, line in enumerate(plain.splitlines(), 1):
        yield from ((token, number) for token in _TOKEN.findall(line))


def _expect(tokens: list[tuple[str, int]], token: str, line: int) -> None:
    if not tokens or tokens[0][0] != token:
        raise ValueError(f"line {tokens[0][1] if tokens else line}: expected {token}")
    tokens.pop(0)


def _patterns(tokens: list[tuple[str, int]], line: int) -> tuple[tuple[str, ...], bool]:
    """The globs of a version up to its closing bracket, and whether it hides everything else."""
    symbols: list[str] = []
    is_local = hides = False
    while tokens and tokens[0][0] != "}":
        pattern, line = tokens.pop(0)
        if pattern in ("global", "local") and tokens and tokens[0][0] == ":":
            tokens.pop(0)
            is_local = pattern == "local"
            continue
        if not _PATTERN.fullmatch(pattern) or pattern == "extern":
            raise ValueError(f"line {line}: {pattern} is not the name of a C symbol, or a glob of such")
        if tokens and tokens[0][0] == ";":
            tokens.pop(0)
        elif not tokens or tokens[0][0] != "}":
            raise ValueError(f"line {line}: expected ; after {pattern}")
        hides = hides or (is_local and pattern == "*")
        symbols += [] if is_local else [pattern]
    _expect(tokens, "}", line)
    return tuple(symbols), hides
