"""Shards built in copies of a project, and what merging makes of their bundles, of good ones and of bad."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.toolchain import Demo, lay_out
from ferrule.app.distributed import bundle, shards
from ferrule.app.distributed import merge as merging
from ferrule.app.release import run as release
from ferrule.core.errors import StorageError, VerificationError
from ferrule.core.model import Digest, Tool
from ferrule.core.toolchain import Toolchain
from ferrule.engine.key import canonical
from ferrule.engine.sources import StatIndex
from ferrule.engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

SHARDS = 4


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    demo = lay_out(tmp_path_factory.mktemp("one"))
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    return demo


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """The bundles of all shards, each made in a copy of the project with tools of its own."""
    folder = tmp_path_factory.mktemp("bundles")
    for number in range(1, SHARDS + 1):
        demo = lay_out(tmp_path_factory.mktemp(f"shard{number}"))
        path = folder / f"{number}-of-{SHARDS}"
        done = demo.ferrule("build", "--shard", f"{number}/{SHARDS}", "--bundle", str(path))
        assert done.returncode == 0, done.stderr
        assert f"shard {number} of {SHARDS} in " in done.stdout
    return tuple(sorted(folder.iterdir()))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A copy of the project on a machine without any compiler but Go's."""
    demo = lay_out(tmp_path_factory.mktemp("bare"))
    for program in (demo.root / "bin").iterdir():
        program.unlink()
    for tool in (demo.root / "cache" / "tools").iterdir():
        if not tool.name.startswith("go-"):
            shutil.rmtree(tool)
    return demo


def merge(demo: Demo, *folders: Path) -> None:
    config = release.load(demo.project)
    plan = release.make_plan(config, demo.context)
    report = merging.merge(config, plan, demo.context, lambda _: None, folders=folders, output=demo.dist)
    assert report.failed == ()


# What is good


def test_merged_shards_are_the_release_of_one_machine(
    built: tuple[Path, ...], one_machine: Demo, bare: Demo, tmp_path: Path
) -> None:
    copies = [Path(shutil.copytree(b, tmp_path / b.name)) for b in reversed(built)]
    done = bare.ferrule("merge", *map(str, copies))
    assert done.returncode == 0, done.stderr
    assert bare.files() == one_machine.files()
    assert {call.split()[0] for call in bare.calls} == {"go"}
    modes = {oct(stat.S_IMODE(p.stat().st_mode)) for p in bare.dist.rglob("*") if p.is_file()}
    assert modes == {"0o644"}
    again = bare.ferrule("merge", "--quiet", *map(str, built))
    assert again.returncode == 0, again.stderr
    assert bare.files() == one_machine.files()


def test_a_shard_leaves_the_same_bytes_each_time(built: tuple[Path, ...], demo: Demo) -> None:
    done = demo.ferrule("build", "--shard", "1-of-4")
    assert done.returncode == 0, done.stderr
    assert contents(demo.project / ".ferrule" / "bundles" / "1-of-4") == contents(built[0])
    modes = {p.stat().st_mode & 0o777 for p in built[0].rglob("*") if p.is_file()}
    assert modes == {0o644}
    assert not list(built[0].parent.glob(".*"))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_an_entry_of_the_matrix_is_a_shard(demo: Demo, tmp_path: Path) -> None:
    done = demo.ferrule("matrix", "--shards", "3")
    entries = json.loads(done.stdout)["include"]
    assert (len(entries), done.stderr) == (3, "")
    entry = next(e for e in entries if any(name.startswith("native@x86_64") for name in e["actions"]))
    path = tmp_path / "made"
    done = demo.ferrule("build", "--shard", json.dumps(entry, indent=2), "--bundle", str(path))
    assert done.returncode == 0, done.stderr
    result = bundle.read(path)
    assert (result.shard, result.of, result.split.hex) == (entry["shard"], 3, entry["split"])
    assert sorted(result.results) == sorted(entry["actions"])


def test_a_failed_shard_leaves_no_bundle(demo: Demo, tmp_path: Path) -> None:
    (demo.home / "fail-x86_64-unknown-linux-gnu").touch()
    done = demo.ferrule("build", "--shard", "1", "--of", "1", "--bundle", str(tmp_path / "b"))
    assert done.returncode == 5, done.stderr
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(("b", ".aside"))]


def test_a_folder_with_other_things_is_left_alone(demo: Demo, tmp_path: Path, built: tuple[Path, ...]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    store = Store(demo.root / "store", StatIndex(None, lambda: 0), lambda _: None)
    with pytest.raises(StorageError, match="holds something that is no bundle"):
        bundle.write(tmp_path / "mine", bundle.read(built[0]), store)
    assert (tmp_path / "mine" / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--shard", "5/4"), "is out of range"),
        (("--shard", "0/4"), "is out of range"),
        (("--shard", "3"), "is out of range"),
        (("--shard", "1/4", "--of", "3"), "is out of range"),
        (("--shard", "1/4", "sdk-c"), "--shard cannot be combined"),
        (("--of", "4"), "require --shard"),
        (("--shard", "900/999"), "has work for"),
    ],
)
def test_mistaken_shards_on_the_command_line_are_told(bare: Demo, arguments: tuple[str, ...], said: str) -> None:
    done = bare.ferrule("build", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_shard_of_another_plan_is_not_begun(demo: Demo) -> None:
    entry = json.loads(demo.ferrule("matrix", "--shards", "2").stdout)["include"][0]
    demo.edit("version: 1\n", "version: 1\n# the same\n")
    demo.edit('exports: ["demo_*"]', 'exports: ["demo_*", "other"]')
    done = demo.ferrule("build", "--shard", json.dumps(entry))
    assert done.returncode == 6
    assert "of another plan" in done.stderr


def test_a_shard_that_asks_for_more_than_shards_make_is_not_begun(demo: Demo) -> None:
    config = release.load(demo.project)
    plan = release.make_plan(config, demo.context)
    (whole,) = merging.split(config, plan, 1, {})
    for actions in (
        ("sums",),
        (),
        ("nothing",),
        whole.actions[1:] if whole.actions[0] == "header" else ("header", "go"),
    ):
        with pytest.raises(VerificationError, match="names actions that no shard of this plan can build"):
            merging.narrowed(plan, replace(whole, actions=actions))


def test_git_is_asked_for_commit_and_changes(demo: Demo, tmp_path: Path) -> None:
    git = shutil.which("git")
    assert git
    (demo.root / "bin" / "git").symlink_to(git)
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "first"]):
        os.spawnve(os.P_WAIT, git, [git, "-C", str(demo.project), *arguments], {"HOME": str(tmp_path)})
    path = tmp_path / "clean"
    assert demo.ferrule("build", "--shard", "1/1", "--bundle", str(path)).returncode == 0
    clean = bundle.read(path)
    assert clean.dirty is False
    assert clean.commit
    demo.edit("Adds two numbers", "Adds three numbers")
    done = demo.ferrule("merge", str(path))
    assert (done.returncode, "changes that no shard has seen" in done.stderr) == (6, True)
    assert demo.ferrule("build", "--shard", "1/1", "--bundle", str(tmp_path / "dirty")).returncode == 0
    assert bundle.read(tmp_path / "dirty").dirty is True


# What is bad


@dataclass(frozen=True)
class Bundles:
    """Copies of all bundles, to be spoilt."""

    folder: Path

    def __getitem__(self, number: int) -> Path:
        return self.folder / f"{number}-of-{SHARDS}"

    def all(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def reseal(self, number: int, change: Callable[[dict[str, Any]], object], *, seal: bool = True) -> None:
        """Change what a bundle says of itself; with `seal`, as somebody who writes a right checksum too."""
        path = self[number] / bundle.DOCUMENT
        document = json.loads(path.read_bytes())
        change(document["body"])
        path.write_bytes(bundle.seal(document["body"]) if seal else json.dumps(document).encode())

    def objects(self, number: int) -> list[Path]:
        return sorted((self[number] / bundle.OBJECTS).iterdir(), key=lambda p: -p.stat().st_size)

    def record(self, number: int, action: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change what a bundle says of an action, all checksums included."""

        def changed(body: dict[str, Any]) -> None:
            record = body["actions"][action]["record"]
            change(record["body"])
            record["sha256"] = Digest.of(canonical(record["body"])).hex

        self.reseal(number, changed)


@pytest.fixture
def bundles(built: tuple[Path, ...], tmp_path: Path) -> Bundles:
    for one in built:
        shutil.copytree(one, tmp_path / "bundles" / one.name)
    return Bundles(tmp_path / "bundles")


# Digests of tools: those of the demo are scripts, which nobody publishes


def published(b: Bundles, **digests: str) -> None:
    """As if these tools were programs wherever a bundle was made with them."""
    for number in range(1, SHARDS + 1):

        def change(body: dict[str, Any]) -> None:
            used = body["toolchain"]["tools"]
            body["toolchain"]["published"] = {name: digest for name, digest in digests.items() if name in used}

        b.reseal(number, change)


def digests_of_tools(demo: Demo) -> dict[str, str]:
    statement = json.loads((demo.dist / "provenance.intoto.jsonl").read_text())
    output = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {one["name"]: one["digest"]["sha256"] for one in output if "annotations" in one and "digest" in one}


def test_digests_of_tools_come_from_where_the_tools_are(bundles: Bundles, demo: Demo) -> None:
    published(bundles, zig="1" * 64, rustc="2" * 64)
    merge(demo, *bundles.all())
    assert digests_of_tools(demo) == {"zig": "1" * 64, "rustc": "2" * 64}


def test_a_tool_that_differs_between_machines_has_no_digest(bundles: Bundles, demo: Demo) -> None:
    published(bundles, zig="1" * 64, rustc="2" * 64)
    bundles.reseal(3, lambda body: body["toolchain"]["published"].update(rustc="3" * 64))
    merge(demo, *bundles.all())
    assert digests_of_tools(demo) == {"zig": "1" * 64}


def test_a_program_as_it_was_published_has_a_digest(tmp_path: Path) -> None:
    program, script = tmp_path / "bin" / "a", tmp_path / "bin" / "b"
    program.parent.mkdir()
    program.write_bytes(b"\x7fELF and more")
    script.write_text("#!/bin/sh\n")
    tools = {p.name: Tool(p.name, "1", (str(p),), f"{p.name} 1") for p in (program, script)}
    result = bundle.Tools.of(Toolchain("system", tools, {}, tmp_path))
    assert result.published == {"a": Digest.of_file(program).hex}
    (tmp_path / ".crates.toml").touch()  # Cargo compiled them here
    assert bundle.Tools.of(Toolchain("system", tools, {}, tmp_path)).published == {}


def setting(name: str, value: Any) -> Callable[[Bundles], None]:
    return lambda b: b.reseal(2, lambda body: body.update({name: value}))


def other_tool(b: Bundles) -> None:
    def change(body: dict[str, Any]) -> None:
        body["toolchain"]["tools"]["rustc"] = ["1.96.1", "rustc 1.96.1"]

    b.reseal(3, change)


def other_std(b: Bundles) -> None:
    triple = next(iter(json.loads((b[3] / bundle.DOCUMENT).read_bytes())["body"]["toolchain"]["std"]))
    b.reseal(3, lambda body: body["toolchain"]["std"].update({triple: "build-std"}))
    b.reseal(4, lambda body: body["toolchain"]["std"].update({triple: "prebuilt"}))


def missing(b: Bundles) -> None:
    shutil.rmtree(b[3])


def duplicate(b: Bundles) -> None:
    shutil.copytree(b[3], b.folder / "again")


def extra(b: Bundles) -> None:
    shutil.copytree(b[3], b.folder / f"5-of-{SHARDS}")
    b.reseal(5, lambda body: body.update(shard=5))


def of_other_split(b: Bundles) -> None:
    b.reseal(3, lambda body: body.update(split="0" * 64))


def with_header(b: Bundles) -> list[int]:
    """Shards that made the header, which several do."""
    return [n for n in range(1, SHARDS + 1) if "header" in bundle.read(b[n]).results]


def same_name_other_bytes(b: Bundles) -> None:
    content = b"int demo_subtract(int a, int b);\n"
    digest = Digest.of(content).hex
    last = with_header(b)[-1]

    def change(record: dict[str, Any]) -> None:
        (file,) = record["files"]
        (b[last] / bundle.OBJECTS / file[1]).unlink()
        file[1:3] = [digest, len(content)]

    b.record(last, "header", change)
    (b[last] / bundle.OBJECTS / digest).write_bytes(content)


def other_facts(b: Bundles) -> None:
    b.record(with_header(b)[-1], "header", lambda record: record["facts"].update(interface="0" * 64))


def other_inputs(b: Bundles) -> None:
    last = with_header(b)[-1]
    b.record(last, "header", lambda record: record.update(key="0" * 64))
    b.reseal(last, lambda body: body["actions"]["header"].update(key="0" * 64))


def tampered_bytes(b: Bundles) -> None:
    path = b.objects(2)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def tampered_metadata(b: Bundles) -> None:
    b.reseal(2, lambda body: body.update(commit="0" * 40), seal=False)


def link(b: Bundles) -> None:
    path = b.objects(2)[0]
    kept = Path(shutil.copy(path, b.folder.parent / "elsewhere"))
    path.unlink()
    path.symlink_to(kept)


def linked_folder(b: Bundles) -> None:
    (b[2] / bundle.OBJECTS).rename(b.folder.parent / "objects")
    (b[2] / bundle.OBJECTS).symlink_to(b.folder.parent / "objects")


def linked_document(b: Bundles) -> None:
    path = b[2] / bundle.DOCUMENT
    path.rename(b.folder.parent / "document")
    path.symlink_to(b.folder.parent / "document")


def fifo(b: Bundles) -> None:
    path = b.objects(2)[0]
    path.unlink()
    os.mkfifo(path)


def named(name: str) -> Callable[[Bundles], None]:
    def change(record: dict[str, Any]) -> None:
        record["files"][0][0] = name

    return lambda b: b.record(with_header(b)[0], "header", change)


def cut_document(b: Bundles) -> None:
    path = b[2] / bundle.DOCUMENT
    path.write_bytes(path.read_bytes()[:-100])


def cut_object(b: Bundles) -> None:
    path = b.objects(2)[0]
    path.write_bytes(path.read_bytes()[:-1])


def lost_object(b: Bundles) -> None:
    b.objects(2)[0].unlink()


def lost_document(b: Bundles) -> None:
    (b[2] / bundle.DOCUMENT).unlink()


def stray(b: Bundles) -> None:
    (b[2] / "install.sh").write_text("#!/bin/sh\n")


def stray_object(b: Bundles) -> None:
    (b[2] / bundle.OBJECTS / ("0" * 64)).write_text("more")


def unmade(b: Bundles) -> None:
    """An action that nobody claims to have made, and nobody else needs."""

    def change(body: dict[str, Any]) -> None:
        for name in [n for n in body["actions"] if n.startswith("npm@")]:
            for _, digest, _, _ in body["actions"].pop(name)["record"]["body"]["files"]:
                (b[number] / bundle.OBJECTS / digest).unlink()

    (number,) = [n for n in range(1, SHARDS + 1) if any(a.startswith("npm@") for a in bundle.read(b[n]).results)]
    b.reseal(number, change)


def assembled(b: Bundles) -> None:
    b.reseal(2, lambda body: body["actions"].update(sums=next(iter(body["actions"].values()))))


BAD: dict[str, tuple[Callable[[Bundles], None], str]] = {
    "other commit": (setting("commit", "0" * 40), "is of the commit 0{40}, not of unknown"),
    "dirty tree": (setting("dirty", True), "with changes that were not committed"),
    "other plan": (setting("plan", "0" * 64), "of another plan than the one of this checkout"),
    "other lock": (setting("lock", "0" * 64), "with another Cargo.lock"),
    "other toolchain": (other_tool, "rustc was 'rustc 1.96"),
    "other standard library": (other_std, "the standard library for .* was 'prebuilt' here, but 'build-std'"),
    "missing shard": (missing, "1 of 4 shards missing: 3"),
    "duplicate shard": (duplicate, "shard 3-of-4 is here twice"),
    "extra shard": (extra, "shard 5-of-4 does not belong to the 4 shards"),
    "other split": (of_other_split, "shard 3-of-4 does not belong to the 4 shards"),
    "same name, other bytes": (same_name_other_bytes, "demo.h of header is another here than in"),
    "same name, other facts": (other_facts, "what was measured of header is another here than in"),
    "same name, other inputs": (other_inputs, "header was made from other inputs here than in"),
    "tampered bytes": (tampered_bytes, "is not what the shard made: its digest is another"),
    "tampered metadata": (tampered_metadata, "bundle.json was changed after it was written"),
    "link": (link, "objects/[0-9a-f]{64} is a link"),
    "linked folder": (linked_folder, "objects is a link"),
    "linked document": (linked_document, "bundle.json is a link"),
    "fifo": (fifo, "is neither a file nor a folder"),
    "traversal": (named("../../../../.bashrc"), "which leads out of its folder"),
    "absolute name": (named("/etc/passwd"), "which leads out of its folder"),
    "undeclared name": (named("other.h"), "demo.h of header is missing"),
    "newer schema": (setting("version", bundle.VERSION + 1), "of version 3, newer than 2"),
    "replay of an older release": (setting("release", "1.2.2"), "of the release 1.2.2, not of 1.2.3"),
    "other project": (setting("project", "other"), "of the project other, not of demo"),
    "cut document": (cut_document, "bundle.json is truncated or not JSON"),
    "cut content": (cut_object, "is cut off after"),
    "lost content": (lost_object, "is missing: this bundle is not whole"),
    "lost document": (lost_document, "there is no bundle.json"),
    "stray file": (stray, "install.sh is not part of a bundle"),
    "stray content": (stray_object, "objects/0{64} is not part of this bundle"),
    "unmade action": (unmade, "no shard made npm@"),
    "assembled action": (assembled, "it holds sums, which no shard makes"),
    "no list of actions": (setting("actions", []), "not as this version writes it"),
    "no toolchain": (setting("toolchain", None), "not as this version writes it"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_shards_are_refused_each_in_its_own_words(kind: str, bundles: Bundles, bare: Demo) -> None:
    spoil, output = BAD[kind]
    before = bare.files()
    spoil(bundles)
    with pytest.raises(VerificationError, match=output) as refused:
        merge(bare, *bundles.all())
    assert refused.value.exit_code == 6
    assert bare.files() == before


def test_refusals_leave_with_their_code_and_message(bundles: Bundles, bare: Demo) -> None:
    missing(bundles)
    done = bare.ferrule("merge", *map(str, bundles.all()))
    assert done.returncode == 6
    assert "1 of 4 shards missing: 3" in done.stderr
    assert bare.ferrule("merge", str(bundles.folder / "none")).returncode == 2
    assert bare.ferrule("merge").returncode == 2


def test_no_compiler_is_started_for_what_no_shard_saw(bundles: Bundles, demo: Demo) -> None:
    calls = len(demo.calls)
    demo.edit("a + b", "b + a", "rust/demo-ffi/src/lib.rs")
    with pytest.raises(VerificationError, match="would have to be built again, with compilers"):
        merge(demo, *bundles.all())
    assert not any("rustc" in call for call in demo.calls[calls:])


def test_a_result_of_this_machine_does_not_stand_in_for_a_shards(bundles: Bundles, demo: Demo) -> None:
    assert demo.ferrule("release").returncode == 0
    missing(bundles)
    with pytest.raises(VerificationError, match="shards missing"):
        merge(demo, *bundles.all())


def test_contents_are_taken_over_without_being_held_in_memory(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(64 << 20)
    digest = Digest.of_file(large)
    store = Store(tmp_path / "store", StatIndex(None, lambda: 0), lambda _: None)
    tracemalloc.start()
    assert store.adopt(large, digest)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    assert store.object(digest).stat().st_size == 64 << 20
    assert not store.adopt(large, Digest.of(b"other"))
    assert list((tmp_path / "store" / "aside").iterdir()) == []


def test_matrix_of_the_demo_covers_what_shards_make(demo: Demo) -> None:
    config = release.load(demo.project)
    plan = release.make_plan(config, demo.context)
    result = {name for shard in merging.split(config, plan, SHARDS, {}) for name in shard.actions}
    assert result == shards.foundation(plan)
    assert {a.id for a in plan.actions if a.tools} - result <= {
        *(a.id for a in plan.actions if a.kind in {"goprogram", "provenance"})
    }
