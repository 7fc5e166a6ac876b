"""The page of a release for those who download it: its files, what they need, how to check them, what changed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ferrule.reporting.page import words
from ferrule.reporting.page.document import document
from ferrule.reporting.page.markup import Html, joined, tag
from ferrule.reporting.page.prose import prose
from ferrule.reporting.page.subject import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ferrule.core.downloads import Download, DownloadPackage, DownloadPage, ReleasedFile
    from ferrule.reporting.page.markup import Node

_PARTS: Final = {"files": "Files", "verify": "Verify", "licences": "Licences", "changes": "Changes"}
_MANY: Final = 24
"""Downloads of a page from which on packages with several are folded."""
_SEVERAL: Final = 4
"""Downloads of a package that are shown even on such a page."""


def page(about: DownloadPage, base: str) -> str:
    """The whole page. The same values always give the same text.

    `base` is the folder of the release as seen from that of the page: empty, or a relative path that ends with `/`.
    """
    title = f"{about.project} {about.version}"
    sections = {
        "files": _files(about, base),
        "verify": _verify(about, base),
        "licences": _licences(about),
        "changes": _changes(about),
    }
    return document(
        title,
        {anchor: name for anchor, name in _PARTS.items() if sections[anchor]},
        tag("header", tag("h1", title), _source(about), _summary(about)),
        sections.values(),
        "Written by ferrule page from the files of the release.",
        styles=("page.css", "downloads.css"),
        script="downloads.js",
    )


def _source(about: DownloadPage) -> Html:
    if about.commit is None:
        return words.paragraph("Built from sources outside of a Git repository.")
    changed = ", with uncommitted changes" if about.dirty else ""
    return words.paragraph("Built from commit ", tag("code", about.commit), changed, ".")


def _summary(about: DownloadPage) -> Html:
    downloads = [download for package in about.packages for download in package.downloads]
    platforms = dict.fromkeys(short(name) for download in downloads for name in download.platforms)
    targets = [name for name in platforms if "/" not in name] or [*platforms]  # others name them as OCI and Go do
    figures: list[tuple[str, Node]] = [
        ("downloads", joined(str(len(downloads)), ", ", words.exact(sum(download.size for download in downloads)))),
        *([("platforms", ", ".join(targets))] if targets else []),
        *([("licence", ", ".join(about.license))] if about.license else []),
        ("verified", f"{sum(about.check.claims.values())} checks on {about.check.files} files passed"),
        ("signed", _signed(about)),
    ]
    return tag("dl", (tag("div", tag("dt", name), tag("dd", value)) for name, value in figures))


def _signed(about: DownloadPage) -> str:
    if not about.bundles:
        return "no"
    return "yes, and checked with its public key" if about.signer else "yes; by whom was not checked"


# Files


def _files(about: DownloadPage, base: str) -> Html:
    count = sum(len(package.downloads) for package in about.packages)
    return words.section(
        "files",
        "Files",
        *(_package(package, base, fold=count >= _MANY) for package in about.packages),
        tag(
            "details",
            tag("summary", tag("h3", "Checksums, provenance, bills of materials"), _count(about.describing)),
            tag("ul", (_row(file, base) for file in about.describing), class_="files"),
            class_="package",
            open=count < _MANY or len(about.describing) <= _SEVERAL,
        ),
    )


def _package(package: DownloadPackage, base: str, *, fold: bool) -> Html:
    files = [file for download in package.downloads for file in download.files]
    return tag(
        "details",
        tag("summary", tag("h3", package.artifact), _count(files), tag("p", package.summary)),
        tag("ul", (_download(download, base) for download in package.downloads), class_="files"),
        class_="package",
        open=not fold or len(package.downloads) <= _SEVERAL,
    )


def _count(files: Sequence[ReleasedFile]) -> Html:
    number = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    return tag("span", f"{number}, ", words.exact(sum(file.size for file in files)))


def _download(download: Download, base: str) -> Html:
    if not download.folder:
        return _row(download.files[0], base, _facts(download, base))
    rows = (_row(file, base) for file in download.files)
    return tag(
        "li",
        tag("div", tag("code", f"{download.path}/"), words.exact(download.size), class_="name"),
        _facts(download, base),
        _digest("index", download.image.removeprefix("sha256:")) if download.image else None,
        tag("details", tag("summary", f"{len(download.files)} files in this folder"), tag("ul", rows, class_="files")),
    )


def _row(file: ReleasedFile, base: str, facts: Html | None = None) -> Html:
    link = tag("a", file.path, href=href(base, file.path))
    name = tag("div", link, words.exact(file.size), class_="name")
    return tag("li", name, facts, _digest("SHA-256", file.digest.hex))


def href(base: str, path: str) -> str:
    """The address of a file of the release, relative to the page; nothing in a name can make it another kind of one.

    >>> href("../dist/", "a b/javascript:1")
    '../dist/a%20b/javascript%3A1'
    """
    return quote(base + path, safe="/", errors="backslashreplace")


def _facts(download: Download, base: str) -> Html:
    bill = tag("a", "bill of materials", href=href(base, download.bill)) if download.bill else None
    licenses = ", ".join(download.licenses)
    rows: list[tuple[str, Node]] = [
        ("for", ", ".join(map(short, download.platforms)) or "every platform"),
        ("needs", ", ".join(download.floors)),
        ("loads", ", ".join(download.loads)),
        ("requires", ", ".join(download.requires)),
        ("licences", joined(licenses, " (" if licenses else "", bill, ")" if licenses else "") if bill else licenses),
    ]
    return tag("dl", (tag("div", tag("dt", name), tag("dd", value)) for name, value in rows if value), class_="facts")


def _digest(name: str, hexadecimal: str) -> Html:
    return tag("div", tag("span", name), tag("code", hexadecimal), _COPY, class_="copied")


_COPY: Final = tag("button", "Copy", type="button", hidden=True)


# Verify


def _verify(about: DownloadPage, base: str) -> Html:
    claims = (f"{claim} ({count})" for claim, count in about.check.claims.items())
    return words.section(
        "verify",
        "Verify what you downloaded",
        words.paragraph("In the folder with the files:"),
        *(joined(tag("h3", purpose), _command(command)) for purpose, command in _commands(about)),
        tag("h3", "Signature"),
        *_signature(about, base),
        tag("h3", "What was verified"),
        words.paragraph(
            f"Before this page was written, {sum(about.check.claims.values())} checks on {about.check.files} files "
            f"passed: {', '.join(claims)}."
        ),
    )


def _commands(about: DownloadPage) -> Iterator[tuple[str, str]]:
    for name in about.checksums:
        yield "The files that you have, on Linux", f"sha256sum --ignore-missing -c {_word(name)}"
        yield "The same on macOS", f"shasum -a 256 --ignore-missing -c {_word(name)}"
    if not about.checksums:
        yield "One file; compare with the digest on this page", "sha256sum FILE"
    yield "One file on Windows; compare with the digest on this page", "certutil -hashfile FILE SHA256"
    key = " --key release.pub" if about.bundles else ""
    yield "The whole release: digests, contents, floors, bills of materials, provenance", f"ferrule verify .{key}"
    for bundle, file in about.bundles.items():
        options = f"--key release.pub --insecure-ignore-tlog=true --bundle {_word(bundle)}"
        if file in about.provenance:
            command = f"cosign verify-blob-attestation --type slsaprovenance1 {options} FILE"
            yield "The signed statement of where a file comes from", command
        elif file in about.checksums:
            yield "The signature of the checksums", f"cosign verify-blob {options} {_word(file)}"


def _word(name: str) -> str:
    """A file's name as a word of a shell, which cannot be an option."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def _signature(about: DownloadPage, base: str) -> Iterator[Html]:
    if not about.bundles:
        yield words.paragraph("This release is not signed: digests tell that files arrived whole, not who made them.")
        return
    pairs = about.bundles.items()
    yield tag("ul", (tag("li", tag("a", name, href=href(base, name)), f" signs {file}") for name, file in pairs))
    if about.signer is None:
        yield words.paragraph("By whom was not checked for this page. ", _KEY)
        return
    yield words.paragraph(
        "All were checked with the public key whose digest (SHA-256 of its DER, in base 64) is below. ", _KEY
    )
    yield tag("ul", tag("li", _digest("SHA-256", about.signer)), class_="files")


_KEY: Final = "Take the public key, release.pub above, from somewhere else than this page."


def _command(text: str) -> Html:
    return tag("div", tag("code", text), _COPY, class_="copied command")


# Licences


def _licences(about: DownloadPage) -> Html | None:
    if about.parts is None:
        return None
    entries = (
        tag(
            "details",
            tag("summary", tag("b", name or "none stated"), f", {len(parts)} part{'' if len(parts) == 1 else 's'}"),
            tag("p", ", ".join(parts)),
        )
        for name, parts in about.parts.items()
    )
    text = "Of everything in the files, by their bills of materials."
    return words.section("licences", "Licences", words.paragraph(text), *entries)


# Changes


def _changes(about: DownloadPage) -> Html | None:
    if not about.changelog:
        return None
    return words.section("changes", f"Changes in {about.version}", tag("div", prose(about.changelog), class_="prose"))
