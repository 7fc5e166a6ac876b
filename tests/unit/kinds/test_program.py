"""Programs in Rust: what is refused before anything is built, and what is planned."""

from __future__ import annotations

import json
import tarfile
import zipfile
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from fakes.pretended import executable
from fakes.program_project import with_program
from fakes.toolchain import lay_out
from fakes.triples import ARM, X86
from ferrule.config.checking import check as checked
from ferrule.config.nodes import read
from ferrule.config.problems import Problems
from ferrule.core.cargo_workspace import read_workspace
from ferrule.core.errors import BuildError
from ferrule.core.model import Action, Output, Target
from ferrule.core.planned_actions import PlannedActions
from ferrule.core.platforms import PLATFORMS, WINDOWS_GNULLVM, X86_64, Platform
from ferrule.formats.wasm import custom_sections
from ferrule.kinds.base import Context, PlanProblem, ReleaseInfo
from ferrule.kinds.program import CargoProgram, PrintedFiles, ProgramArchive, ProgramSpec, check, plan
from ferrule.tools.cargo_builds import CargoBuild

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo

WINDOWS = "x86_64-pc-windows-gnullvm"
PACKAGE = '[package]\nname = "demo"\nversion = "1.2.3"\nedition = "2021"\n'
CLI = PACKAGE + '[features]\ncli = []\nall = ["cli"]\n[[bin]]\nname = "x"\nrequired-features = ["cli"]\n'


def spec(**fields: Any) -> ProgramSpec:
    """The section as targets.yaml has it; raises ConfigErrors."""
    problems = Problems("targets.yaml")
    values = {"kind": "program", "crate": "demo", **fields}
    section = checked(ProgramSpec, read(json.dumps(values).encode(), problems), (), problems)
    problems.check()
    assert section is not None
    return section


def context(
    folder: Path, manifest: str, section: ProgramSpec, *files: str, planned: tuple[Action, ...] = (), ship: bool = True
) -> Context:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")
    (folder / "Cargo.toml").write_text(manifest)
    windows = Platform(WINDOWS, WINDOWS_GNULLVM, X86_64)

    def text(name: str) -> str:
        from ferrule.core.errors import ConfigError  # noqa: PLC0415

        try:
            return (folder / name).read_text()
        except OSError as error:
            raise ConfigError(str(error)) from error

    return Context(
        artifact="cli",
        project=ReleaseInfo("demo", "1.2.3", license_files=("LICENSE",)),
        workspace=read_workspace(folder),
        targets=(Target(X86, glibc="2.17"), Target(WINDOWS)),
        spec_for=lambda _: section,
        actions_of=lambda _: (),
        action_for=lambda *_: None,
        shipping=tuple,
        read_text=text,
        folders=lambda _: (),
        ship=ship,
        platforms={**PLATFORMS, WINDOWS: windows},
        planned=PlannedActions(lambda: planned),
    )


@pytest.mark.parametrize(
    ("manifest", "files", "fields", "key", "message", "hint"),
    [
        (
            PACKAGE,
            ("src/lib.rs",),
            {},
            "crate",
            "the crate demo has no program",
            "add src/main.rs, or a table [[bin]] to",
        ),
        (PACKAGE, ("src/bin/a.rs", "src/bin/b.rs"), {}, "crate", "demo has several programs", "with `bin`: a and b"),
        (PACKAGE, ("src/main.rs",), {"bin": "dmeo"}, "bin", "demo has no program 'dmeo'", "Cargo.toml are: demo"),
        (
            PACKAGE + '[[bin]]\nname = "x"\n',
            (),
            {},
            "crate",
            "the source of the program x is not there",
            "src/bin/x.rs",
        ),
        (CLI, ("src/bin/x.rs",), {"bin": "x"}, "bin", "the feature cli (required-features)", "write features: [cli]"),
        (
            CLI,
            ("src/bin/x.rs",),
            {"features": ["cli"], "default-features": False, "bin": "y"},
            "bin",
            "has no program 'y'",
            "Cargo.toml are: x",
        ),
    ],
)
def test_what_cargo_would_not_build(
    tmp_path: Path, manifest: str, files: tuple[str, ...], fields: dict[str, Any], key: str, message: str, hint: str
) -> None:
    section = spec(**fields)
    (problem,) = check(section, context(tmp_path, manifest, section, *files))
    assert problem.key == (key,)
    assert message in problem.message
    assert hint in (problem.hint or "")
    with pytest.raises(PlanProblem, match=problem.message[:20]):
        plan(section, context(tmp_path, manifest, section))


@pytest.mark.parametrize("feature", ["cli", "all"])
def test_a_feature_may_be_turned_on_by_another(tmp_path: Path, feature: str) -> None:
    section = spec(features=[feature])
    assert not list(check(section, context(tmp_path, CLI, section, "src/bin/x.rs")))


def test_what_is_planned(tmp_path: Path) -> None:
    section = spec(generated={"man/man1": ["*.1"]}, files={"doc/x": "x"})
    files = ("src/main.rs", "README.md", "x", "LICENSE")
    actions = plan(section, context(tmp_path, PACKAGE, section, *files))
    assert [(action.id, [(o.name, o.role, o.ships) for o in action.outputs]) for action in actions] == [
        (f"cli@{X86}", [("demo", "program", None), ("generated", "generated", None)]),
        (f"cli:contents@{X86}", [("crates.json", "crates", None), ("licences.json", "licences", None)]),
        (f"cli:archive@{X86}", [(f"demo-1.2.3-{X86}.tar.gz", "archive", f"demo-1.2.3-{X86}.tar.gz")]),
        (f"cli@{WINDOWS}", [("demo.exe", "program", None), ("generated", "generated", None)]),
        (f"cli:contents@{WINDOWS}", [("crates.json", "crates", None), ("licences.json", "licences", None)]),
        (f"cli:archive@{WINDOWS}", [(f"demo-1.2.3-{WINDOWS}.zip", "archive", f"demo-1.2.3-{WINDOWS}.zip")]),
    ]
    assert actions[2].needs == (actions[0].id, actions[1].id)
    assert actions[2].sources == ("LICENSE", "README.md", "x")
    assert actions[0].interface.trait("program") == "demo"
    assert [a.id for a in plan(section, context(tmp_path, PACKAGE, section, ship=False))] == [
        f"cli@{X86}",
        f"cli@{WINDOWS}",
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../x", "rustc takes letters, digits, _ and - alone"),
        ("a b", "rustc takes letters"),
        ("a.b", "rustc takes letters"),
        ("a\\nb", "rustc takes letters"),
        ("-x", "it would be an option"),
        ("deps", "Cargo has a folder of that name"),
    ],
)
def test_a_name_that_no_program_can_have(tmp_path: Path, name: str, reason: str) -> None:
    section = spec()
    known = context(tmp_path, PACKAGE + f'[[bin]]\nname = "{name}"\npath = "x.rs"\n', section, "x.rs")
    (problem,) = check(section, known)
    assert f"no program can be called '{name}'" in problem.message
    assert reason in problem.message
    hint = "write a [[bin]] with another `name`, and the `path` of its file, in Cargo.toml"
    assert (problem.where, problem.hint) == ("Cargo.toml:5:1", hint)
    (problem,) = check(section, context(tmp_path, PACKAGE, section, "src/bin/x y.rs"))
    assert (problem.where, problem.hint) == ("src/bin/x y.rs", hint)


def test_a_name_that_windows_reserves(tmp_path: Path) -> None:
    section, manifest = spec(), PACKAGE + '[[bin]]\nname = "Con"\npath = "x.rs"\n'
    known = context(tmp_path, manifest, section, "x.rs", "LICENSE", ship=False)
    with pytest.raises(PlanProblem, match="Windows keeps the name Con for a device") as caught:
        plan(section, known)
    assert (caught.value.key, caught.value.where) == (("crate",), "Cargo.toml:5:1")
    assert plan(section, replace(known, targets=(Target(X86),)))


def test_two_programs_of_one_name(tmp_path: Path) -> None:
    section = spec()
    (first, *_) = plan(section, context(tmp_path, PACKAGE, section, "src/main.rs", "LICENSE"))
    other = replace(first, id=f"other@{X86}", artifact="other")
    with pytest.raises(PlanProblem, match=f"other and cli are both called demo on {X86}"):
        plan(section, context(tmp_path, PACKAGE, section, planned=(other,)))
    elsewhere = replace(other, target=ARM)
    assert plan(section, context(tmp_path, PACKAGE, section, planned=(elsewhere,)))


def test_two_files_of_one_name(tmp_path: Path) -> None:
    section = spec(files={"LICENSE": "x"})
    with pytest.raises(PlanProblem, match="two files of the archive would be called LICENSE") as caught:
        plan(section, context(tmp_path, PACKAGE, section, "src/main.rs", "LICENSE", "x"))
    assert caught.value.key == ("files", "LICENSE")


@pytest.mark.parametrize(
    ("keys", "key", "message"),
    [
        ({"files": {"a": "x", "A": "x"}}, ("files", "A"), "A and a would be one file on macOS and Windows"),
        ({"prints": {"a": ("x",), "A": ("y",)}}, ("prints", "A"), "A and a would be one file on macOS and Windows"),
        ({"files": {"A": "x"}, "prints": {"a": ("y",)}}, ("prints", "a"), "a and A would be one file"),
        ({"files": {"DEMO": "x"}}, ("files", "DEMO"), "DEMO and demo would be one file on macOS and Windows"),
        ({"files": {"DEMO.EXE": "x"}}, ("files", "DEMO.EXE"), "DEMO.EXE and demo.exe would be one file"),
        ({"files": {"a": "x", "a/b": "x"}}, ("files", "a/b"), "a/b cannot be packed below a, which is not a folder"),
        ({"files": {"a/b": "x", "a": "x"}}, ("files", "a"), "a/b cannot be packed below a, which is not a folder"),
        ({"files": {"a": "x"}, "prints": {"a/b": ("x",)}}, ("prints", "a/b"), "cannot be packed below a"),
        ({"prints": {"demo/x": ("x",)}}, ("prints", "demo/x"), "demo/x cannot be packed below demo"),
        ({"files": {"man/aux.1": "x"}}, ("files", "man/aux.1"), f"no file of {WINDOWS} can be called man/aux.1"),
    ],
)
def test_files_that_no_archive_can_hold_together(
    tmp_path: Path, keys: dict[str, Any], key: tuple[str, str], message: str
) -> None:
    section = spec(**keys)
    with pytest.raises(PlanProblem, match=message) as caught:
        plan(section, context(tmp_path, PACKAGE, section, "src/main.rs", "LICENSE", "x"))
    assert caught.value.key == key


def failure(demo: Demo) -> str:
    return "".join(str(outcome.error or outcome.reason) for outcome in demo.run().failed)


def test_it_is_built_measured_and_packed(tmp_path: Path) -> None:
    demo = with_program(lay_out(tmp_path))
    assert failure(demo) == ""
    assert f"demo-cli-1.2.3-{ARM}.tar.gz" in demo.files()


def test_what_is_not_for_the_target_is_refused(tmp_path: Path) -> None:
    demo = with_program(lay_out(tmp_path), "cli: {kind: program, crate: demo-cli}")
    (demo.home / f"tamper-{X86}").write_bytes(executable("arm64"))
    assert "demo-cli does not match its declaration:\n  - it is a" in failure(demo)


def test_a_program_for_wasi_is_a_module_with_the_list_of_its_crates(tmp_path: Path) -> None:
    demo = with_program(lay_out(tmp_path))
    demo.edit("wasm32-unknown-unknown: {}", "wasm32-wasip1: {}")
    assert demo.run().failed == ()
    with tarfile.open(demo.dist / "demo-cli-1.2.3-wasm32-wasip1.tar.gz") as archive:
        packed = archive.extractfile("demo-cli-1.2.3-wasm32-wasip1/demo-cli.wasm")
        assert packed is not None
        module = packed.read()
    assert custom_sections(module, ".dep-v0")
    measured = json.loads((demo.dist / "manifest.json").read_bytes())["facts"]["cli@wasm32-wasip1"]["program"]
    assert (measured["format"], measured["machine"]) == ("wasm", "wasm32")
    (demo.home / "tamper-wasm32-wasip1").write_bytes(b"\x02\x09\x01\x03env\x01f\0\0")
    (demo.project / "rust" / "demo-cli" / "src" / "main.rs").write_text("fn main() { f() }\n")
    messages = "".join(str(outcome.error or "") for outcome in demo.run().failed)
    assert "it imports env.f, which WebAssembly with WASI 0.1 does not have" in messages


def generated(folder: Path, out: Path | None, *globs: str) -> None:
    recipe = CargoProgram(
        *(".", "demo", "demo", PLATFORMS[X86], None, "release", (), True, ()),
        generated=tuple((".", (glob,)) for glob in globs),
        commit="",
        env=(),
        package="",
        rustflags=(),
    )
    context: Any = SimpleNamespace(output=lambda role: folder / role, action=SimpleNamespace(artifact="cli", id="cli"))
    recipe._take_generated(context, CargoBuild((), (), (), out_folders={"demo": out} if out else {}))


def test_what_the_build_script_wrote_is_taken_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("a/x", "b/x", "y"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(name)
    generated(tmp_path, out, "y", "a/*", "a/x")
    assert sorted(path.name for path in (tmp_path / "generated").iterdir()) == ["x", "y"]
    with pytest.raises(BuildError, match="two files that would be packed as x"):
        generated(tmp_path, out, "*/x")
    with pytest.raises(BuildError, match=r"writes nothing into OUT_DIR that matches \*\.1"):
        generated(tmp_path, out, "*.1")
    with pytest.raises(BuildError, match="the crate demo has no build script"):
        generated(tmp_path, None, "y")


def test_an_archive_for_windows_is_a_zip(bench: Bench) -> None:
    result, files = bench.made(
        "cli", {"x.exe": b"program", "generated/completions/x": b"c"}, (Output("x.exe", "program"),), program="x"
    )
    bench.source("LICENSE", "licence")
    recipe = ProgramArchive("x-1", result, (("LICENSE", "LICENSE"),), 315_532_800)
    done = bench.make(recipe, Output("x-1.zip", "archive"), needed={result.id: files})
    with zipfile.ZipFile(done.output("archive")) as archive:
        assert {i.filename: (i.external_attr >> 16 & 0o777, archive.read(i)) for i in archive.infolist()} == {
            "x-1/LICENSE": (0o644, b"licence"),
            "x-1/completions/x": (0o644, b"c"),
            "x-1/x.exe": (0o755, b"program"),
        }


def printed(bench: Bench, script: bytes, **files: tuple[str, ...]) -> dict[str, bytes]:
    """What the program prints into files."""
    program, result = bench.made("cli", {"x": script}, (Output("x", "program"),), program="x")
    recipe = PrintedFiles(program, X86, tuple((name.replace("_", "/"), arguments) for name, arguments in files.items()))
    context = bench.make(recipe, Output("printed", "printed", folder=True), needed={program.id: result})
    folder = context.output("printed")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_the_program_prints_becomes_files(bench: Bench) -> None:
    files = printed(bench, b'#!/bin/sh\necho "for $*"\n', man=("man",), completions_x=("completions", "a b"))
    assert files == {"man": b"for man\n", "completions/x": b"for completions a b\n"}


@pytest.mark.parametrize(
    ("script", "content"),
    [
        (rb"printf 'a\r\nb\rc\n'", b"a\r\nb\rc\n"),
        (rb"printf 'd\351j\340 \377\000'", b"d\xe9j\xe0 \xff\0"),
        (rb"printf '\033[1mno end'", b"\x1b[1mno end"),
        (b"head -c 3000000 /dev/zero | tr '\\0' x", b"x" * 3_000_000),
    ],
    ids=["carriage returns", "no UTF-8", "no last line", "a long line"],
)
def test_every_byte_that_the_program_prints_is_kept(bench: Bench, script: bytes, content: bytes) -> None:
    script = b"#!/bin/sh\necho aside >&2\n" + script
    assert printed(bench, script, man=("man",))["man"] == content


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (b"#!/bin/sh\necho 1>&2\n", "`x a` printed nothing for man"),
        (b"\x7fELF of another machine", f"x for {X86} cannot be started here, and is to print man"),
        (b"#!/bin/sh\nexit 3\n", "ended with exit code 3"),
    ],
)
def test_a_program_that_prints_nothing(bench: Bench, script: bytes, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        printed(bench, script, man=("a",))


def test_the_first_linux_is_started(tmp_path: Path) -> None:
    section = spec(prints={"man/x.1": ["man"]})
    known = context(tmp_path, PACKAGE, section, "src/main.rs", "LICENSE")
    compiled, contents, archive, *_, prints = plan(section, replace(known, targets=(Target(WINDOWS), Target(X86))))
    assert (compiled.id, prints.id, prints.needs) == (f"cli@{WINDOWS}", f"cli:prints@{X86}", (f"cli@{X86}",))
    assert archive.needs == (f"cli@{WINDOWS}", prints.id, contents.id)
    assert plan(section, replace(known, targets=(Target(WINDOWS),)))[-1].id == f"cli:prints@{WINDOWS}"
    assert [one.id for one in plan(section, replace(known, ship=False))] == [f"cli@{X86}", f"cli@{WINDOWS}"]
    with pytest.raises(PlanProblem, match=r"two files of the archive would be called LICENSE") as caught:
        plan(spec(prints={"LICENSE": ["x"]}), replace(known, spec_for=lambda _: spec(prints={"LICENSE": ["x"]})))
    assert caught.value.key == ("prints", "LICENSE")


def test_what_was_printed_is_packed(bench: Bench) -> None:
    result, files = bench.made("cli", {"x": b"program"}, (Output("x", "program"),), program="x")
    prints, texts = bench.made("cli:prints", {"printed/man/x.1": b"m"}, (Output("printed", "printed", folder=True),))
    recipe = ProgramArchive("x-1", result, (), 315_532_800, (prints,))
    done = bench.make(recipe, Output("x-1.zip", "archive"), needed={result.id: files, prints.id: texts})
    with zipfile.ZipFile(done.output("archive")) as archive:
        assert archive.namelist() == ["x-1/man/x.1", "x-1/x"]
