"""Hostile strings for every field of targets.yaml: which fields there are, the schema says; which strings, a seed."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import shutil
import traceback
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import yaml

from ferrule import config
from ferrule import plan as planning
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import run as release
from ferrule.config.publishing import schema
from ferrule.core.errors import ConfigErrors, FerruleError
from ferrule.core.model import to_json
from ferrule.formats.archive_member import checked_name
from ferrule.kinds import KINDS
from ferrule.kinds.base import ReleaseInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED = 20261121
PLACE = "targets.yaml:"
# Told to people, put into the environment or into an image's config: no program gets it as an argument or path of ours.
# `rustflags` are options of rustc, which reach it by a variable.
FREE = ("description", "homepage", "labels", "env", "cmd", "entrypoint", "health", "rustflags")
_LONGEST = 1 << 15
_HERE = "@@HERE@@"

FRAGMENTS: dict[str, tuple[str, ...]] = {
    "shell": (
        "$(touch x)",
        "`id`",
        "; rm -rf ~",
        "| sh",
        "&& x",
        "${IFS}",
        "$HOME",
        "> x",
        "'",
        '"',
        "\\",
        "!!",
        "*",
        "a b",
    ),
    "option": (
        "--help",
        "-o/tmp/x",
        "--config=x",
        "-C",
        "@x",
        "--target=x",
        "-Zx",
        "-",
        "--",
        "-Wl,-x",
        "+nightly",
        "/help",
    ),
    "line": ("a\nb", "a\r\nb: c", "\n---\n", "\u2028", "\u2029", "\x85", "\x0b", "\n", "x\n- y", "\r"),
    "control": ("\0", "\x1b[2J", "\x07", "\x7f", "\x9b31m", "\x08\x08", "\x1b]0;x\x07", "\x01", "\x1f"),
    "bidi": ("\u202e", "\u2066", "\u200f", "\ufeff", "\u200b", "\u00ad", "\u061c", "\u2069", "\ufff9"),
    "long": ("a" * 65, "a" * 513, "a/" * 3000, "ab." * 2000, "a" * 20_000, "*a" * 40, "1" * 400),
    "yaml": (
        *("no", "1.10", "12:30:45", "0x10", "1e3", "~", "null", "<<", "*a", "&a x", "%TAG", "? x", "- x", ".inf", "="),
        *(
            "!!python/object/apply:os.system [x]",
            "2026-11-21",
            "yes",
            "{a: b}",
            "[a]",
            "# x",
            "a: b",
            "| x",
            "0o7",
            "1_0",
        ),
    ),
    "path": (
        *("../x", "/etc/passwd", "~/x", "a/../../b", "C:\\x", "\\\\host\\share", "./.", "a//b", "//host/x", "..", "."),
        *(
            "file:///etc/passwd",
            "con",
            "nul",
            "outside",
            ".git/config",
            ".ferrule/x",
            "/dev/stdin",
            "x/",
            "a/./b",
            " x",
        ),
        *(
            "/proc/self/environ",
            "..\\x",
            "x ",
            "x.",
            "outside/passwd",
            "fifo",
            "ring",
            ".../x",
            "\u2025/x",
            "..\u2215x",
        ),
    ),
    "format": (
        *("%s%n", "{0.__class__}", "{version}", "%(x)s", "${{ github.token }}", "${{secrets.X}}", "::error::x", "%00"),
        *("##[command]", "<script>alert(1)</script>", "]]>", "{{ x }}", "${x}", "@{x}", "\\u0000", "%2e%2e%2f", "*/"),
    ),
    "unicode": (
        "e\u0301",
        "\uff46\uff55",
        "\u212a",
        "\ufb00",
        "\u0130",
        "\U0010ffff",
        "\u2173",
        "..\uff0fx",
        "\ud800",
        "\U000e0041",
    ),
}


@dataclass(frozen=True)
class Spot:
    """A place in the document: a value at a path, or a key of the mapping there."""

    path: tuple[str | int, ...]
    what: Literal["value", "key"]

    def __str__(self) -> str:
        return ".".join(map(str, self.path)) + (" (key)" if self.what == "key" else "")


@dataclass(frozen=True)
class Case:
    spot: Spot
    text: str
    style: Literal["quoted", "plain", "single"]


def project(folder: Path) -> Path:
    """Plant what a path could lead to: a link out, a link to itself, a FIFO."""
    (folder / "outside").symlink_to("/etc")
    (folder / "ring").symlink_to("ring")
    os.mkfifo(folder / "fifo")
    shutil.copyfile(folder / "targets.yaml", folder / "base.yaml")
    return folder


def base(project: Path) -> dict[str, Any]:
    """The demo's document."""
    document = yaml.load((project / "base.yaml").read_text(), yaml.BaseLoader)
    assert isinstance(document, dict)
    document["version"] = 1
    document["artifacts"]["component"]["ship"] = True
    return document


def _artifacts(document: dict[str, Any]) -> dict[str, str]:
    """Name and kind of each artifact, and of one more for each kind that has none."""
    output = {name: one["kind"] for name, one in document["artifacts"].items()}
    return output | {f"a-{kind}": kind for kind in KINDS if kind not in output.values()}


def spots(document: dict[str, Any]) -> list[Spot]:
    """Every value and every mapping's keys that the schema knows, and one that it does not."""
    whole = schema(KINDS, DESTINATIONS)
    result = [*_walk(whole, {k: v for k, v in whole.items() if k != "$defs"}, ())]
    for name, kind in _artifacts(document).items():
        result += _walk(whole, {"$ref": f"#/$defs/{kind}"}, ("artifacts", name))
        result += _walk(whole, {"$ref": f"#/$defs/{kind}"}, ("artifacts", name, "per-target", "*-gnu"))
    return list(dict.fromkeys(result))


def _walk(whole: dict[str, Any], node: Any, path: tuple[str | int, ...]) -> Iterator[Spot]:
    if not isinstance(node, dict) or len(path) > 9:
        return
    if "$ref" in node:
        yield from _walk(whole, whole["$defs"][node["$ref"].rpartition("/")[2]], path)
    for union in ("anyOf", "oneOf", "allOf"):
        for one in node.get(union, ()):
            yield from _walk(whole, one, path)
    if path and (path != ("version",)):
        yield Spot(path, "value")
    if "properties" in node or "additionalProperties" in node or "patternProperties" in node:
        yield Spot(path, "key")
    for step, inner in _inner(node, path):
        yield from _walk(whole, inner, (*path, step))


def _inner(node: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[tuple[str | int, Any]]:
    """What a schema says of the values inside, with a key or index for each."""
    yield from node.get("properties", {}).items()
    if path != ("artifacts",):  # these are walked by kind
        for inner in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
            yield "DEMO_X", inner
    if "items" in node:
        yield 0, node["items"]


def text(where: random.Random) -> str:
    """A hostile string; often with something around it that would do."""
    fragment = where.choice(FRAGMENTS[where.choice(tuple(FRAGMENTS))])
    good = where.choice(("demo", "demo-ffi", "native", "rust", "LICENSE", "packaging/python", "1.2.3", "*-gnu", "x"))
    other = where.choice(FRAGMENTS[where.choice(tuple(FRAGMENTS))])
    return where.choice((fragment, fragment, good + fragment, fragment + good, fragment + other, f"{good}/{fragment}"))


def cases(document: dict[str, Any], count: int, seed: int = SEED) -> Iterator[Case]:
    """So many cases, all spots in turn, always the same ones."""
    where, every = random.Random(seed), spots(document)
    for number in range(count):
        style = where.choices(("quoted", "plain", "single"), (8, 1, 1))[0]
        yield Case(every[number % len(every)], text(where), style)  # type: ignore[arg-type]


def written(document: dict[str, Any], case: Case) -> bytes:
    """The document with the string at its place; JSON is YAML."""
    changed = copy.deepcopy(document)
    if case.spot.path[:1] == ("artifacts",) and len(case.spot.path) > 2:
        name = str(case.spot.path[1])
        changed["artifacts"].setdefault(name, {"kind": _artifacts(document)[name]})
    _put(changed, case.spot)
    style = {
        "quoted": json.dumps(case.text),
        "plain": case.text,
        "single": "'" + case.text.replace("'", "''") + "'",
    }[case.style]
    return json.dumps(changed, indent=1).replace(json.dumps(_HERE), style).encode("utf-8", "surrogatepass")


def _put(document: dict[str, Any], spot: Spot) -> None:
    path: Any = document
    *context, last = spot.path or (None,)
    for step, following in zip(context, spot.path[1:], strict=True):
        expected = list if isinstance(following, int) else dict
        path = _entered(path, step, expected)
    if spot.what == "value":
        if isinstance(path, list):
            path[:] = [_HERE]
        else:
            path[last] = _HERE
        return
    inner = document if last is None else _entered(path, last, dict)
    inner[_HERE] = next(iter(inner.values()), "x")


def _entered(place: Any, step: Any, wanted: type) -> Any:
    if isinstance(place, list):
        if not place or not isinstance(place[0], wanted):
            place[:] = [wanted()]
        return place[0]
    if not isinstance(place.get(step), wanted):
        place[step] = wanted()
    return place[step]


def judge_all(project: Path, count: int, seed: int = SEED) -> tuple[Counter[str], list[str]]:
    """How many were refused and how many harmless, and what is wrong."""
    document, counts, problems = base(project), Counter[str](), list[str]()
    for case in cases(document, count, seed):
        try:
            what, problem = judge(project, written(document, case))
        except Exception as error:  # noqa: BLE001 - a bug, which is told with its case
            what, problem = "bugs", "".join(traceback.format_exception(error)[-3:])
        counts[what] += 1
        if problem:
            problems.append(f"{case.spot}, {case.style}: {case.text[:80]!r}: {problem}")
    (project / "targets.yaml").write_bytes((project / "base.yaml").read_bytes())
    return counts, problems


def judge(project: Path, document: bytes) -> tuple[str, str | None]:
    """What became of a case, `refused` or `harmless`, and what is wrong with that."""
    (project / "targets.yaml").write_bytes(document)
    try:
        loaded = config.load(project, KINDS, DESTINATIONS)
        read: list[str] = []
        disk = release.disk_of(project)

        def read_text(name: str) -> str:
            read.append(name)
            return disk.read_text(name)

        output = loaded.project
        described = ReleaseInfo(
            output.name, output.version, output.license, output.description, output.homepage, output.license_files
        )
        plan = planning.plan(loaded, described, planning.Disk(read_text, disk.folders))
    except ConfigErrors as errors:
        return "refused", next(filter(None, (_sentence(e) for e in errors.errors)), None)
    except FerruleError as error:
        return "refused", _sentence(error)
    return "harmless", _harm(project, loaded, plan, read)


def _sentence(error: FerruleError) -> str | None:
    if not re.fullmatch(r"targets\.yaml:[1-9][0-9]*:[1-9][0-9]*", error.where or "") and not (
        error.where or ""
    ).endswith(".toml"):
        return f"no place: {error.where}: {error.message}"
    shown = f"{error.message}{error.hint or ''}"
    return None if shown.isprintable() and len(shown) < 2000 else f"no sentence: {shown[:200]!r}"


def _harm(project: Path, loaded: config.Config, plan: Any, read: list[str]) -> str | None:
    for name in (*read, *(source for action in plan.actions for source in action.sources)):
        inside = (project / name).resolve().is_relative_to(project.resolve())
        if name.startswith(("/", "-", "~")) or ".." in name.split("/") or not inside:
            return f"the path {name!r}"
    for action in plan.actions:
        for output in action.outputs:
            for name in filter(None, (output.name, output.ships)):
                checked_name(name)
    values = [*_strings(to_json(loaded.targets)), *_strings(to_json(loaded.toolchain)), *_strings(loaded.ci.document())]
    values += [s for a in loaded.artifacts for s in _strings(a.spec.document())]
    for value in (*values, *_strings(to_json(loaded.project))):
        if not value.isprintable():
            return f"characters that cannot be printed in {value!r}"
        if len(value) > _LONGEST:
            return f"{len(value)} characters"
    bound = [s for a in loaded.artifacts for s in _strings(a.spec.document(), FREE)]
    bound += [s for part in (loaded.targets, loaded.toolchain, loaded.project) for s in _strings(to_json(part), FREE)]
    bound += _strings(loaded.ci.document())
    expression = next((f"an expression of a workflow: {value!r}" for value in bound if "${{" in value), None)
    return expression or next((f"an option: {value!r}" for value in bound if value.startswith("-")), None)


def _strings(value: Any, without: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in without:
                yield name
                yield from _strings(inner, without)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, without)
