"""Hostile and mistaken documents: each is refused with its places and what to do, quickly and in little memory.

The documents are in tests/golden/hostile, what is said of them in its expected.txt. To write that again, after a look
at the difference: python tests/unit/test_config_hostile.py
"""

from __future__ import annotations

import json
import re
import subprocess  # noqa: TID251 - limits of memory and time hold for a process
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.config.problems import MOST
from ferrule.core.errors import ConfigErrors, FerruleError
from ferrule.kinds import KINDS

GOLDEN = Path(__file__).parents[2] / "golden" / "hostile"
SMALL = sorted(GOLDEN.glob("*.yaml"))
CALLS = 1_000_000  # of functions: the dearest needs two thirds of them
MEBIBYTES = 100

_PLACE = re.compile(r"(?:[a-z0-9-]+\.yaml|broken/Cargo\.toml):[1-9][0-9]*:[1-9][0-9]*")
_MANIFEST = '[package]\nname = "{}"\nversion = "{}"\n{}'
_TYPES = '[lib]\ncrate-type = ["cdylib", "staticlib"]\n'


def _lock(*crates: tuple[str, str]) -> str:
    return "".join(f'[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in crates)


def project(root: Path) -> Path:
    """A small project for the documents to be about; beside it stands a file that is none of its business."""
    files = {
        "LICENSE": "",
        "python/README": "",
        "rust/Cargo.toml": '[workspace]\nmembers = ["*"]\n',
        "rust/core/Cargo.toml": _MANIFEST.format("demo", "1.2.3", ""),
        "rust/core/src/lib.rs": "",
        "rust/ffi/src/lib.rs": "",
        "rust/ffi/Cargo.toml": _MANIFEST.format("demo-ffi", "1.2.3", _TYPES),
        "rust/macro/Cargo.toml": _MANIFEST.format("demo-macro", "1.2.3", "[lib]\nproc-macro = true\n"),
        "rust/macro/src/lib.rs": "",
        "rust/tool/Cargo.toml": _MANIFEST.format("demo-tool", "1.2.3", ""),
        "rust/Cargo.lock": _lock(*((name, "1.2.3") for name in ("demo", "demo-ffi", "demo-macro", "demo-tool"))),
        "versions/Cargo.lock": _lock(("a", "1.0.0"), ("b", "2.0.0")),
        "broken/Cargo.toml": "[workspace\n",
        "nested/Cargo.toml": "x = " + "[" * 5000,
        "versions/Cargo.toml": '[workspace]\nmembers = ["*"]\n',
        "versions/a/Cargo.toml": _MANIFEST.format("a", "1.0.0", ""),
        "versions/b/Cargo.toml": _MANIFEST.format("b", "2.0.0", ""),
        "../LICENSE": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    links = {"outside": "../LICENSE", "ring": "ring", "dangling": "nowhere", "rust/up": "../.."}
    for name, target in links.items():
        (root / name).symlink_to(target)
    return root


def large() -> dict[str, bytes]:
    """Documents that would be tedious to read."""
    mebibyte = 1 << 20
    head = b"version: 1\nproject: {name: demo, version: '1.2.3', workspace: rust}\n"
    return {
        "large-file": b"#" * (mebibyte + 1),
        "large-depth": b"[" * 100_000,
        "large-depth-blocks": b"".join(b" " * i + b"a:\n" for i in range(1000)),
        "large-depth-dashes": b"- " * 100_000,
        "large-list": b"a: [" + b"1," * 400_000 + b"]",
        "large-mapping": b"".join(b"k%d: v\n" % i for i in range(60_000)),
        "large-unknown-keys": head + b"".join(b"artefacts%d: {}\n" % i for i in range(5_000)),
        "large-duplicates": head + b"project: {}\n" * 5_000,
        "large-surprises": b"a: [" + b"no, " * 9_000 + b"]",
        "large-anchors": b"a: [" + b"&x 1, " * 9_000 + b"]",
        "large-value": b"version: 1\nproject: {name: " + b"a" * (mebibyte - 100) + b"}\n",
        "large-number": b"version: " + b"1" * (mebibyte - 100) + b"\n",
        "large-almost-number": b"version: " + b"1" * (mebibyte - 100) + b"x\n",
        "large-almost-date": b"version: 2026-11-21 " + b"1" * (mebibyte - 100) + b"x\n",
        "large-key": b"? " + b"a" * (mebibyte - 100) + b"\n: 1\n",
        "large-quotes": b"version: '" + b"''" * 500_000 + b"\n",
        "large-escapes": b'version: "' + b"\\u202e" * 100_000 + b'"\n',
        "large-comments": b"# comment\n" * 100_000,
        "large-directives": b"".join(b"%%TAG !t%d! tag:x,2000:\n" % i for i in range(30_000)) + b"--- {}\n",
        "large-documents": b"---\n" * 200_000,
        "large-question-marks": b"? " * 400_000,
        "large-globs": head
        + b"targets: {x86_64-unknown-linux-gnu: {}}\nartifacts: {a: {kind: checksums, targets: ["
        + b", ".join(b'"%s*%d"' % (b"*a" * 20, i) for i in range(60))
        + b"]}}\n",
        "large-targets": head
        + b"targets:\n"
        + b"".join(b"  x86_64-unknown-linux-gn%d: {glibc: 2.17, runner: %d}\n" % (i, i) for i in range(2_000))
        + b"artifacts: {sums: {kind: checksums}}\n",
        "large-artifacts": head
        + b"targets: {x86_64-unknown-linux-gnu: {}}\nartifacts:\n"
        + b"".join(b"  a%d: {kind: sdk, library: a%d, header: %s}\n" % (i, i + 1, b"b" * 60) for i in range(2_000)),
        "large-cycle": head
        + b"targets: {x86_64-unknown-linux-gnu: {}}\nartifacts:\n"
        + b"".join(b"  a%d: {kind: library, crate: demo-ffi, header: a%d}\n" % (i, i + 1) for i in range(2_000)),
        "bytes-bom": b"\xef\xbb\xbfversion: 1\n",
        "bytes-utf-16": "version: 1\n".encode("utf-16"),
        "bytes-not-utf-8": b"version: 1\nproject: {name: caf\xe9}\n",
        "bytes-surrogate": b"version: 1\nproject: {name: \xed\xa0\x80}\n",
        "bytes-nul": b"version: 1\nproject: {name: de\x00mo}\n",
        "bytes-escape": b"version: 1\n# \x1b[2Jcleared\n",
        "bytes-carriage-returns": b"version: 1\r\nproject: {}\r\n",
        "bytes-bidi": "version: 1\n# \u202ereversed\u2066\n".encode(),
        "bytes-separator": "version: 1\u2028project: {}\n".encode(),
        "bytes-no-break-space": "version:\u00a01\n".encode(),
        "bytes-noise": bytes(range(256)) * 16,
    }


RUNNER = """
import json, os, resource, sys
from pathlib import Path
from ferrule.core import lazy_modules
lazy_modules.install("ferrule")  # as the program does
from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.core.errors import ConfigErrors
from ferrule.kinds import KINDS

sys.path.append(sys.argv[1])
from work import calls

def load(name):
    try:
        config.load(root, KINDS, DESTINATIONS, file=name)
    except ConfigErrors as error:
        said.extend((m.where, m.message, m.hint) for m in error.errors)

root = Path(sys.argv[2])
said = []
load(sys.argv[3])  # what reading needs is there from here on, and counts for none of them
for name in sys.argv[3:]:
    reading, writing = os.pipe()
    if os.fork() == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        said = []
        work = calls(lambda: load(name))
        used = resource.getrusage(resource.RUSAGE_SELF)
        unit = 1 if sys.platform == "darwin" else 1024
        result = {"calls": work, "memory": used.ru_maxrss * unit / (1 << 20), "said": said}
        with os.fdopen(writing, "w") as stream:
            json.dump(result, stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.wait()
    print(json.dumps([name, json.loads(text) if text else None]))
"""


def refuse_all(root: Path) -> dict[str, Any]:
    """Load every document in a process of its own, and say what it cost and what was said."""
    project(root)
    documents = {path.stem: path.read_bytes() for path in SMALL} | large()
    for name, content in documents.items():
        (root / f"{name}.yaml").write_bytes(content)
    names = [f"{name}.yaml" for name in documents]
    command = [sys.executable, "-c", RUNNER, Path(__file__).parents[2], root, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(line) for line in done.stdout.splitlines())


def written(results: dict[str, Any]) -> str:
    lines: list[str] = []
    for path in SMALL:
        lines.append(f"== {path.name}")
        lines += [f"{where}: {message}\n  hint: {hint}" for where, message, hint in results[path.name]["said"]]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return refuse_all(tmp_path_factory.mktemp("hostile") / "project")


@pytest.mark.parametrize("name", [*(p.name for p in SMALL), *(f"{n}.yaml" for n in large())])
def test_refused_with_place_and_hint_within_limits(name: str, results: dict[str, Any]):
    result = results[name]
    assert result, "the process died"
    assert result["said"], "the document was taken"
    for where, message, hint in result["said"]:
        assert _PLACE.fullmatch(where)
        assert message.isprintable()
        assert hint
        assert hint.isprintable()
        assert len(message) < 1000
    assert len(result["said"]) <= MOST + 1
    assert result["calls"] <= CALLS
    assert result["memory"] <= MEBIBYTES


def test_there_are_enough_of_them():
    assert len(SMALL) >= 60


def test_what_is_said(results: dict[str, Any]):
    expected = (GOLDEN / "expected.txt").read_text()
    assert written(results) == expected, (
        "run: python tests/unit/config/test_hostile_documents.py, and look at the difference"
    )


@pytest.mark.parametrize("path", SMALL, ids=lambda p: p.stem)
def test_the_parser_in_python_leads_to_the_same(path: Path, demo: Path, results: dict[str, Any]):
    """PyYAML without libyaml has a parser of its own, in Python; it words faults of syntax in another way."""
    (demo / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ConfigErrors) as caught:
        config.load(demo, KINDS, DESTINATIONS, file=path.name, loader=yaml.SafeLoader)
    ours = [(m.where, m.message, m.hint) for m in caught.value.errors]
    theirs = [tuple(output) for output in results[path.name]["said"]]
    assert ours == theirs or "this is not YAML" in theirs[0][1]


VALID = """version: 1
project: {name: demo, version: {cargo: rust}, license: MIT, license-files: [LICENSE]}
toolchain: {rust: "1.96"}
targets:
  x86_64-unknown-linux-gnu: {glibc: "2.17", runner: ubuntu-24.04}
  aarch64-apple-darwin: {macos: "11.0"}
artifacts:
  native: {kind: library, crate: demo-ffi, types: [cdylib], per-target: {"*-darwin": {types: [staticlib]}}}
  header: {kind: header, crate: demo-ffi}
  sdk: {kind: sdk, library: native, header: header, targets: ["*-gnu"]}
  sums: {kind: checksums}
"""
PIECES = [
    *(
        "&a",
        "*a",
        "!!str",
        "<<",
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "? ",
        "\n",
        "\t",
        "\r",
        '"',
        "'",
        "#",
        "|",
        ">",
        "%",
        "no",
    ),
    *(
        "~",
        "1.10",
        "0x1",
        "-",
        "---\n",
        "...",
        "\x00",
        "\u202e",
        "\ufeff",
        "../",
        "$(id)",
        "*",
        "per-target",
        "kind",
        "e",
    ),
    *("targets", "library", "native", "12:30:45", "2026-11-21", ".inf", ",", " ", "=", "a" * 70, "\U0010ffff"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("mutated") / "project")


def test_the_document_to_mutate_is_taken(demo: Path):
    (demo / "targets.yaml").write_text(VALID)
    assert [a.name for a in config.load(demo, KINDS, DESTINATIONS).artifacts] == ["native", "header", "sdk", "sums"]


def test_the_example_of_the_reference_is_taken(demo: Path):
    text = (GOLDEN.parents[2] / "docs" / "targets.md").read_text(encoding="utf-8")
    (demo / "example.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0])
    assert [a.name for a in config.load(demo, KINDS, DESTINATIONS, file="example.yaml").artifacts] == [
        "native",
        "header",
        "sdk",
        "sums",
    ]


EDITS = st.lists(
    st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), st.sampled_from(PIECES) | st.text(max_size=3)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_nothing_but_mistakes_comes_of_a_mutated_document(demo: Path, edits: list[tuple[int, int, str]]):
    text = VALID
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    _load_or_refuse(demo, text.encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_nothing_but_mistakes_comes_of_noise(demo: Path, content: bytes):
    _load_or_refuse(demo, content)


def _load_or_refuse(demo: Path, content: bytes) -> None:
    (demo / "targets.yaml").write_bytes(content)
    try:
        config.load(demo, KINDS, DESTINATIONS)
    except FerruleError as error:
        assert str(error)  # noqa: PT017 - documents that are taken are as good


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (GOLDEN / "expected.txt").write_text(written(refuse_all(Path(folder) / "project")))
