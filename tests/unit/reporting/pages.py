"""Subjects of pages: a whole release, and one in which every text is hostile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any

from fakes.triples import MAC, X86
from ferrule.core.downloads import CheckSummary, Download, DownloadPackage, DownloadPage, ReleasedFile
from ferrule.core.facts import Facts, MeasuredFile
from ferrule.core.manifest import Manifest, ManifestFile, ManifestToolchain, manifest_from
from ferrule.core.model import Action, Digest, Output, Plan, State
from ferrule.reporting.html import PageContent
from ferrule.reporting.journal import JournalFile, JournalRun, JournalStep

KEY = Digest.of(b"key").hex


@dataclass(frozen=True)
class Nothing:
    def make(self, context: object) -> None: ...


def action(name: str, target: str | None, output: Output, *needs: str) -> Action:
    action_id = f"{name}@{target}" if target else name
    return Action(action_id, name, f"kind of {name}", Nothing(), (output,), target, needs)


def step(
    of: Action, state: State = "built", *, start: float = 0.0, seconds: float = 0.0, reason: str = "never built here"
) -> JournalStep:
    ran = state in {"built", "failed"}
    files = (
        (JournalFile(of.outputs[0].name, of.outputs[0].role, of.outputs[0].ships, 1000, KEY),)
        if state == "built"
        else ()
    )
    return JournalStep(
        id=of.id,
        artifact=of.artifact,
        kind=of.kind,
        target=of.target,
        needs=of.needs,
        state=state,
        reason=reason,
        key=KEY,
        start=start,
        end=start + seconds,
        seconds=seconds if ran else 0.0,
        expected=None,
        files=files,
    )


def run(*steps: JournalStep, number: int = 1, release: str = "1.2.3", command: str = "release") -> JournalRun:
    seconds = max((s.end for s in steps), default=0.0)
    return JournalRun(number, command, "demo", release, 1_700_000_000, 2, seconds, (), steps)


HEADER = action("header", None, Output("demo.h", "header", None))
NATIVE = action("native", X86, Output("libdemo.so", "cdylib", None), "header")
NATIVE_MAC = action("native", MAC, Output("libdemo.dylib", "cdylib", None), "header")
SDK = action("sdk", X86, Output("demo.tar.gz", "archive", "demo-1.2.3.tar.gz"), f"native@{X86}", "header")
IMAGE = action("image", None, Output("image", "layout", "image", folder=True), f"native@{X86}")
SUMS = action("sums", None, Output("SHA256SUMS", "checksums", "SHA256SUMS"), f"sdk@{X86}", "image")
PLAN = Plan("demo", "1.2.3", (HEADER, NATIVE, NATIVE_MAC, SDK, IMAGE, SUMS))

COLD = run(
    step(HEADER, start=0.0, seconds=1.0),
    step(NATIVE, start=1.0, seconds=20.0),
    step(NATIVE_MAC, start=1.0, seconds=22.0),
    step(SDK, start=21.0, seconds=2.0),
    step(IMAGE, start=23.0, seconds=3.0),
    step(SUMS, start=26.0, seconds=0.5),
)


def digest(text: str) -> str:
    return Digest.of(text.encode()).hex


def manifest(**changes: Any) -> dict[str, Any]:
    """The manifest of the plan's release, as it is read from JSON."""
    packed = [
        ("header", None, "demo.h", 300),
        ("native", X86, "libdemo.so", 9000),
        ("native", MAC, "libdemo.dylib", 8000),
    ]
    shipped = [
        ("sdk", X86, "archive", "demo-1.2.3.tar.gz", 5000),
        ("image", None, "layout", "image/index.json", 290),
        ("image", None, "layout", "image/blobs/sha256/aa", 7000),
        ("sums", None, "checksums", "SHA256SUMS", 70),
    ]
    return {
        "version": 1,
        "project": "demo",
        "release": "1.2.3",
        "source": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": True},
        "toolchain": {
            "rust-source": "distribution",
            "tools": {"rustc": "rustc 1.96.0; LLVM version: 22", "zig": "zig 0.17.0"},
            "std": {X86: "prebuilt"},
        },
        "artifacts": [
            {"artifact": a, "kind": "k", "target": t, "role": r, "file": f, "size": s, "sha256": digest(f), "key": KEY}
            for a, t, r, f, s in shipped
        ],
        "packed": [
            {"artifact": a, "kind": "k", "target": t, "name": n, "size": s, "sha256": digest(n), "key": KEY}
            for a, t, n, s in packed
        ],
        "facts": {
            f"native@{X86}": {
                "cdylib": {
                    "format": "elf",
                    "sections": {".text": 5000, ".rodata": 2000, ".eh_frame": 700, ".bss": 4096},
                }
            },
            f"native@{MAC}": {"cdylib": {"format": "macho", "sections": {"__TEXT,__text": 4000, "__DATA,__data": 100}}},
        },
        **changes,
    }


WHOLE = PageContent(
    plan=PLAN,
    targets=(X86, MAC),
    absent={("sdk", MAC): "its targets are *-linux-gnu"},
    release=manifest_from(manifest(), "manifest.json"),
    runs=(COLD,),
)

HOSTILE = (
    "<script>window.reached=1</script>",
    "\"><img src=x onerror='window.reached=2'>",
    "</style></title></script><svg onload=window.reached=3>",
    "' onmouseover=window.reached=4 x='",
    "]]><!--",
    "&lt;b&gt;&#60;",
    "javascript:window.reached=5",
    "\u202egnp.exe\u2066",
    "a\x00b\x07\r\n\x1b[2J",
    "\ud800",
    "x" * 300,
    "",
)


def hostile(text: str) -> PageContent:
    """A subject in which everything that may be a text is this one."""
    one = action(text, text, Output(text, text, text))
    two = action(f"{text}2", None, Output(f"{text}2", text, f"{text}2", folder=True), one.id)
    plan = Plan(text, text, (one, two))
    first = replace(
        run(step(one, seconds=3.0, reason=text), step(two, start=3.0, seconds=1.0)), project=text, release=text
    )
    other = replace(
        first.steps[1], files=tuple(replace(result, size=result.size + 1) for result in first.steps[1].files)
    )
    grown = replace(first, number=2, notes=(text,), steps=(first.steps[0], other))
    last = replace(
        first,
        number=3,
        command=text,
        steps=(step(one, "failed", seconds=9.0, reason=text), step(two, "skipped", reason=text)),
    )
    document = Manifest(
        project=text,
        release=text,
        commit=text,
        dirty=False,
        toolchain=ManifestToolchain(text, {text: f"{text}; {text}"}, {text: text}),
        files=(ManifestFile(text, text, text, text, 9, Digest(KEY), Digest(KEY), text),),
        facts={one.id: Facts(compiled={text: MeasuredFile(text, sections={text: 5, f"{text}.text": 3})})},
    )
    return PageContent(plan, (text, MAC), {(text, MAC): text}, document, (first, grown, last), (text,))


def hostile_downloads(text: str) -> DownloadPage:
    """The page of a release in which everything that may be a text is this one."""
    file = ReleasedFile(text, 9, Digest(KEY))
    folder = Download(
        *(text, (file,), (text,), (text,), (text,), (text,), (text,), text),
        image=f"sha256:{text}",
        folder=True,
    )
    return DownloadPage(
        *(text, text, text, True),
        packages=(DownloadPackage(text, text, (folder, replace(folder, folder=False, image=None))),),
        describing=(file,),
        checksums=(text,),
        provenance=(f"{text}2",),
        bundles={text: text, f"{text}3": f"{text}2"},
        check=CheckSummary({text: 1}, 1),
        signer=text,
        license=(text,),
        parts={text: (text,)},
        changelog=f"{text}\n\n- {text}\n\n[a]({text})\n\n![b]({text})\n",
    )


VOID = {"br", "hr", "input", "meta"}


class Parsed(HTMLParser):
    """A page, read strictly: every element must end where it should."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"there is a comment: {data}")

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())
