"""Changelogs (Keep a Changelog 1.1.0): the section of the next version, and the heading of one that is released."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.changelog import span
from ferrule.formats.interfaces import REMOVALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ferrule.app.versioning.commits import Described
    from ferrule.formats.interfaces import Change

_UNRELEASED: Final = r"^\[?Unreleased\]?"
_NEXT: Final = re.compile(r"^(?:## |\[[^\]\n]+\]: )", re.MULTILINE)
_LINK: Final = re.compile(r"^\[[^\]\n]+\]: ", re.MULTILINE)
_COMPARED: Final = re.compile(
    r"^\[Unreleased\]: (?P<base>\S+/compare/)(?P<old>\S+?)\.\.\.HEAD\s*$", re.MULTILINE | re.IGNORECASE
)
_CODE: Final = re.compile(r"((?<!`)`[^`]+`(?!`))")
_PRE: Final = re.compile(r"## \[?v?\d+\.\d+\.\d+-[0-9A-Za-z.-]+")
_BLOCK: Final = re.compile(r"^(?=### |[-*] )", re.MULTILINE)
_PARTS: Final = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_OF_TYPE: Final = {"feat": "Added", "fix": "Fixed", "perf": "Changed", "revert": "Changed"}


def unreleased(text: str) -> str:
    """What a changelog says of the next version, without its heading; empty where it says nothing."""
    part = _span(text)
    return text[slice(*part)].strip("\n") if part else ""


def _span(text: str) -> tuple[int, int] | None:
    part = span(text, _UNRELEASED)
    if part is None:
        return None
    link = _LINK.search(text, *part)  # below the last section are the links of all
    return part[0], link.start() if link else part[1]


def section(interface: Iterable[Change], commits: Iterable[Described]) -> str:
    """The text for a version of which nobody wrote one: what its commits say, and what its interface shows.

    Commits of types that users do not notice (docs, test, chore, ci, build, style, refactor) are left out.
    """
    parts: dict[str, list[str]] = {part: [] for part in _PARTS}
    for commit in commits:
        part = "Changed" if commit.breaking else _OF_TYPE.get(commit.type, "" if commit.type else "Changed")
        words = commit.breaking or commit.subject
        if part and words:
            mark = "**Breaking:** " if commit.breaking else ""
            parts[part].append(f"- {mark}{_sentence(words)}")
    for change in interface:
        part = "Added" if not change.breaking else "Removed" if change.what in REMOVALS else "Changed"
        parts[part].append(f"- {change.of}: `{change.item}` {change.what}.")
    blocks = [f"### {part}\n\n" + "\n".join(dict.fromkeys(lines)) for part, lines in parts.items() if lines]
    return "\n\n".join(blocks)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return _plain(text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…")) else "."))


def _plain(text: str) -> str:
    r"""Words of a commit in Markdown, as they were written (CommonMark 0.31, "Backslash escapes").

    Code stays code; HTML, images, fences and blocks are none, and nobody gets mail for being mentioned.

    >>> print(_plain("`Vec<T>` is no <b>, @team"))
    `Vec<T>` is no \<b>, `@team`
    """
    pieces = _CODE.split(text)
    for at in range(0, len(pieces), 2):
        plain = re.sub(r"[\\<`]|(?<=!)\[", r"\\\g<0>", pieces[at])
        pieces[at] = re.sub(r"(?<![\w./-])@\w[\w/-]*", r"`\g<0>`", plain)
    return re.sub(r"^(?:[#>~+=-]|\*(?=\s))", r"\\\g<0>", "".join(pieces))


def released(text: str, version: str, date: str, written: str, tags: tuple[str, str]) -> str:
    """A changelog in which the next version has become `version`: what stood under Unreleased, or `written`.

    `tags` are those of the version before and of this one; links that compare them are kept up, where there are some.
    """
    if text and not text.endswith("\n"):
        text += "\n"
    part = _span(text)
    if part is None:
        heading = _NEXT.search(text)
        at = heading.start() if heading else len(text)
        text = f"{text[:at].rstrip(chr(10))}\n\n## [Unreleased]\n\n{text[at:]}".lstrip("\n")
        part = _span(text)
        assert part is not None  # noqa: S101 - for the type checker: it was written a moment ago
    first, last = part
    rest = text[last:]
    body = text[first:last].strip("\n") or written
    if "-" not in version.partition("+")[0]:
        body = _joined([body, *_of_pre_releases(rest)])
    entry = f"\n## [{version}] - {date}\n" + (f"\n{body}\n" if body else "")
    return _links(f"{text[:first]}{entry}" + (f"\n{rest}" if rest else ""), version, tags)


def _of_pre_releases(text: str) -> Iterator[str]:
    """The sections of pre-releases since the last release, which a changelog begins with."""
    while _PRE.match(text):
        part = span(text, "")
        assert part is not None  # noqa: S101 - for the type checker: it begins with a heading
        body, text = text[slice(*part)], text[part[1] :]
        link = _LINK.search(body)
        yield (body[: link.start()] if link else body).strip("\n")


def _joined(bodies: list[str]) -> str:
    """Sections as one: each heading once, and below it each item once."""
    bodies = [body for body in bodies if body]
    if not bodies[1:] or any(fence in body for body in bodies for fence in ("```", "~~~")):
        return "\n\n".join(bodies)
    parts: dict[str, dict[str, None]] = {"": {}}
    for body in bodies:
        heading = ""
        for block in _BLOCK.split(body):
            title, _, below = block.partition("\n") if block.startswith("### ") else (heading, "", block)
            heading = title.strip()
            if below.strip():
                parts.setdefault(heading, {})[below.strip("\n")] = None
    texts = (("\n".join(blocks), heading) for heading, blocks in parts.items() if blocks)
    return "\n\n".join(f"{heading}\n\n{text}" if heading else text for text, heading in texts)


def _links(text: str, version: str, tags: tuple[str, str]) -> str:
    match = _COMPARED.search(text)
    if match is None:
        return text
    base = match["base"]
    lines = f"[Unreleased]: {base}{tags[1]}...HEAD\n[{version}]: {base}{match['old']}...{tags[1]}"
    return text[: match.start()] + lines + text[match.end() :]
