"""What a package index says of its files: the simple API in JSON (PEP 691) and in HTML (PEP 503)."""

from __future__ import annotations

import html.parser
import re
import urllib.parse
from typing import Any, Final

from ferrule.app.publish import answers, web
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest

JSON: Final = "application/vnd.pypi.simple.v1+json"
"""The type of its answers in JSON."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file on an index: its address, its digest if that is stated, and where its attestations are (PEP 740)."""

    url: str
    digest: Digest | None
    provenance: str = ""


def project_of(file: str) -> str:
    """The normalized name of the project that a file is of (PEP 503; PEP 427 and 625 have one dash after the name)."""
    name = file.partition("-")[0] if file.endswith(".whl") else file.rpartition("-")[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def of_json(document: Any, name: str, base: str) -> ListedFile | None:  # noqa: ANN401 - any JSON
    """The file of a name in a document; None if it has none. Raises UploadFailed for another document."""
    rows = answers.rows(answers.mapping(document).get("files"))
    row = next((row for row in rows if answers.text(row, "filename") == name), None)
    if row is None:
        return None
    digest, provenance = _digest(answers.text(answers.part(row, "hashes"), "sha256")), answers.text(row, "provenance")
    return ListedFile(
        web.join(base, answers.text(row, "url")), digest, web.join(base, provenance) if provenance else ""
    )


def _digest(hexadecimal: str) -> Digest | None:
    return Digest(hexadecimal) if re.fullmatch(r"[0-9a-f]{64}", hexadecimal) else None


class _Anchors(html.parser.HTMLParser):
    """The addresses of all links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.addresses += [value for key, value in attrs if key == "href" and value]


def of_html(text: str, name: str, base: str) -> ListedFile | None:
    """The file of a name on a page; None if it has none."""
    parser = _Anchors()
    parser.feed(text)
    for address in parser.addresses:
        file = urllib.parse.unquote(re.sub(r"[?#].*", "", address, flags=re.DOTALL)).rpartition("/")[2]
        if file == name:
            url, fragment = urllib.parse.urldefrag(web.join(base, address))
            return ListedFile(url, _digest(fragment.removeprefix("sha256=")))
    return None
