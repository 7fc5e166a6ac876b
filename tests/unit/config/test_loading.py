"""A project's targets.yaml to a Config: what is taken, what follows from it, and where mistakes point."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest

from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.core import safe_files as places
from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.core.model import Action, Target
from ferrule.core.platforms import PLATFORMS, Platform
from ferrule.core.section import Field, Section
from ferrule.kinds.base import ArtifactRef, CrateRef, Kind, ProjectPath, RelativePath, Spec, selected
from work import calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Library(Spec):
    kind: Literal["library"]
    crate: Annotated[str, CrateRef(("cdylib",))]
    types: tuple[Literal["cdylib", "staticlib"], ...] = ("cdylib",)
    header: Annotated[str, ArtifactRef(("header",))] | None = None
    jobs: Annotated[int, Field(ge=1)] = 1
    share: float = Field(default=0.5, le=1)
    level: Literal[1, 2] = 1
    strip: bool = True


class Header(Spec):
    kind: Literal["header"]
    crate: Annotated[str, CrateRef()] | None = None
    library: Annotated[str, ArtifactRef(("library",))] | None = None


class Copied(Section):
    source: Annotated[RelativePath, ProjectPath()] = Field(alias="from")
    to: Annotated[str, Field(pattern="^[a-z]+$", max_length=8)]


class Bundle(Spec):
    kind: Literal["bundle"]
    packs: tuple[Annotated[str, ArtifactRef(("library", "header"))], ...] = Field(default=(), max_length=2)
    copies: tuple[Copied, ...] = ()
    main: Copied | None = None
    files: dict[Annotated[str, Field(pattern="^[a-z]+$")], Annotated[RelativePath, ProjectPath("file")]] = Field(
        default_factory=dict
    )
    base: Annotated[RelativePath, ProjectPath("file", unless="@")] | None = None


def no_plan(*_: object) -> list[Action]:
    return []


KINDS = {
    kind.name: kind
    for kind in (
        Kind("library", Library, no_plan, "a library", frozenset({"linux", "macos"})),
        Kind("header", Header, no_plan, "a header"),
        Kind("bundle", Bundle, no_plan, "a bundle"),
    )
}

HEAD = 'version: 1\nproject: {name: demo, version: "1.2.3", workspace: rust}\n'
LINUX, ARM, MAC, WASM = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "wasm32-unknown-unknown",
)
TARGETS = f"targets:\n  {LINUX}:\n  {ARM}: {{}}\n  {MAC}: {{}}\n  {WASM}: {{}}\n"
NATIVE = "artifacts:\n  native: {kind: library, crate: ffi}\n"

Write = dict[str, str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "rust/Cargo.toml": '[workspace]\nmembers = ["core", "ffi"]\n[workspace.package]\nversion = "2.0.0"\n',
        "rust/core/Cargo.toml": '[package]\nname = "demo"\nversion.workspace = true\nlicense = "MIT/Apache-2.0"\n'
        'description = "A demo."\nrepository = "https://example.org/demo"\n',
        "rust/core/src/lib.rs": "",
        "rust/ffi/src/lib.rs": "",
        "rust/ffi/Cargo.toml": '[package]\nname = "ffi"\nversion = "0.1.0"\nlicense = "MIT"\n'
        '[lib]\ncrate-type = ["cdylib", "staticlib"]\n',
        "LICENSE": "",
        "some.lock": "",
    }
    write(tmp_path, files)
    return tmp_path


def write(root: Path, files: Write) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def load(project: Path) -> Callable[[str], config.Config]:
    def load_text(text: str, **options: Any) -> config.Config:
        (project / "targets.yaml").write_text(text)
        return config.load(project, KINDS, DESTINATIONS, **options)

    return load_text


@pytest.fixture
def mistakes(load: Callable[..., config.Config]) -> Callable[[str], list[str]]:
    def refuse(text: str) -> list[str]:
        with pytest.raises(ConfigErrors) as caught:
            load(text)
        return [
            f"{m.where}: {m.message} | {m.hint}".removeprefix("targets.yaml:")
            for m in caught.value.errors
            if "Cargo.lock" not in m.message and "of which" not in m.message
        ]

    return refuse


# what is taken


def test_a_whole_file(load: Callable[..., config.Config], project: Path):
    loaded = load(
        HEAD
        + 'toolchain: {rust: "1.95.0"}\n'
        + f'targets:\n  {LINUX}: {{glibc: "2.28", runner: big}}\n  {MAC}: {{macos: "12.3"}}\n'
        + "artifacts:\n  native:\n    kind: library\n    crate: ffi\n    types: [cdylib, staticlib]\n"
        + "  all: {kind: bundle, packs: [native], ship: false}\n"
    )
    assert loaded.root == project
    assert (loaded.project.name, loaded.project.version) == ("demo", "1.2.3")
    assert loaded.toolchain == {
        "rust": "1.95.0",
        "zig": "0.17.0",
        "cargo-zigbuild": "0.24.0",
        "cbindgen": "0.29.4",
        "go": "1.27.3",
        "jco": "0.15.0",
        "maturin": "1.16.0",
        "nfpm": "2.48.0",
        "cibuildwheel": "4.3.3",
    }
    assert loaded.targets == (Target(LINUX, glibc="2.28", runner="big"), Target(MAC, macos="12.3"))
    assert [(a.name, a.kind.name, a.by_target) for a in loaded.artifacts] == [
        ("native", "library", {}),
        ("all", "bundle", {}),
    ]
    assert loaded.artifacts[0].spec == Library(kind="library", crate="ffi", types=("cdylib", "staticlib"))
    assert loaded.artifacts[1].spec.ship is False
    assert loaded.artifacts[1].spec.references() == (("packs", "native"),)
    assert sorted(loaded.workspace.crates) == ["demo", "ffi"]


@pytest.mark.parametrize("toolchain", ["", "toolchain:\n", "toolchain: {}\n"])
def test_tools_have_versions_of_their_own(load: Callable[..., config.Config], toolchain: str):
    assert load(HEAD + toolchain + TARGETS + NATIVE).toolchain["rust"] == "1.96"


ASKED = '[toolchain]\nchannel = "1.95.0"\n'


@pytest.mark.parametrize(
    ("asked", "toolchain", "rust"),
    [
        (ASKED, "", "1.95.0"),
        (ASKED, 'toolchain: {rust: "1.95"}\n', "1.95"),
        (ASKED, 'toolchain: {rust: "1.95.0"}\n', "1.95.0"),
        (ASKED.replace("1.95.0", "stable"), 'toolchain: {rust: "1.94"}\n', "1.94"),
    ],
)
def test_the_file_of_rustup_says_which_rust(
    load: Callable[..., config.Config], project: Path, asked: str, toolchain: str, rust: str
):
    write(project, {"rust-toolchain.toml": asked})
    assert load(HEAD + toolchain + TARGETS + NATIVE).toolchain["rust"] == rust


def test_two_versions_of_rust_are_a_mistake(mistakes: Callable[[str], list[str]], project: Path):
    write(project, {"rust-toolchain.toml": ASKED})
    (mistake,) = mistakes(HEAD + 'toolchain: {rust: "1.94"}\n' + TARGETS + NATIVE)
    assert mistake.startswith("rust-toolchain.toml:2:1: this asks for Rust 1.95.0, and toolchain.rust in targets.yaml")
    assert "for 1.94 |" in mistake


def test_the_crate_of_the_same_name_describes_the_project(load: Callable[..., config.Config]):
    project = load(HEAD + TARGETS + NATIVE).project
    assert project.license == "MIT OR Apache-2.0"
    assert project.description == "A demo."
    assert project.homepage == "https://example.org/demo"


def test_what_the_file_says_of_the_project_counts_more(load: Callable[..., config.Config]):
    text = 'project: {name: other, version: "1.2.3-rc.1", workspace: rust, license: mit, description: Mine.,\n'
    project = load(
        f"version: 1\n{text}  homepage: 'https://example.org', license-files: [LICENSE]}}\n{TARGETS}{NATIVE}"
    ).project
    assert (project.license, project.description, project.homepage) == ("MIT", "Mine.", "https://example.org")
    assert project.license_files == ("LICENSE",)


def test_texts_of_crates_that_no_lock_file_has(load: Callable[..., config.Config], project: Path):
    text = HEAD.replace(
        "workspace: rust", "workspace: rust,\n  license-texts: {serde: LICENSE, sedre: LICENSE, x: LICENSE}"
    )
    assert [e.message for e in load(text + TARGETS + NATIVE).problems if "licence" in e.message] == []
    write(project, {"rust/Cargo.lock": 'version = 4\n[[package]]\nname = "serde"\nversion = "1.0.0"\n'})
    errors = [error for error in load(text + TARGETS + NATIVE).problems if "licence" in error.message]
    assert [(str(error.where).partition(":")[2][:2], error.message, error.hint) for error in errors] == [
        ("3:", 'rust/Cargo.lock has no crate "sedre", whose licence this would be', "did you mean serde?"),
        ("3:", 'rust/Cargo.lock has no crate "x", whose licence this would be', "remove it"),
    ]


def test_crates_that_differ_say_nothing_of_a_project_of_another_name(load: Callable[..., config.Config]):
    project = load(HEAD.replace("demo", "other") + TARGETS + NATIVE).project
    assert (project.license, project.description, project.homepage) == (None, None, None)


def test_an_only_crate_describes_the_project(load: Callable[..., config.Config], project: Path):
    write(project, {"rust/Cargo.toml": '[workspace]\nmembers = ["ffi"]\n'})
    assert load(HEAD + TARGETS + NATIVE).project.license == "MIT"


@pytest.mark.parametrize(
    ("workspace", "version"),
    [
        ('[workspace]\nmembers = ["core", "ffi"]\n[workspace.package]\nversion = "2.0.0"\n', "0.1.0"),
        ('[workspace]\nmembers = ["ffi"]\n', "0.1.0"),
        ('[workspace]\nmembers = ["ffi", "one", "two"]\n', "0.1.0"),
    ],
)
def test_the_version_of_the_cargo_workspace(
    load: Callable[..., config.Config], project: Path, workspace: str, version: str
):
    third = '[package]\nname = "{}"\nversion = "3.0.0"\n'
    write(project, {"rust/Cargo.toml": workspace})
    write(project, {f"rust/{n}/Cargo.toml": third.format(n) for n in ("one", "two")})
    loaded = load(f"version: 1\nproject: {{name: demo, version: {{cargo: rust}}}}\n{TARGETS}{NATIVE}")
    assert loaded.project.version == version


def test_the_version_that_all_crates_have_where_none_is_released(load: Callable[..., config.Config], project: Path):
    write(project, {"rust/Cargo.toml": '[workspace]\nmembers = ["ffi"]\n'})
    text = f"version: 1\nproject: {{name: demo, version: {{cargo: rust}}}}\n{TARGETS}artifacts: {{h: {{kind: header}}}}"
    assert load(text).project.version == "0.1.0"


def test_a_member_leads_to_its_workspace(load: Callable[..., config.Config]):
    loaded = load(f"version: 1\nproject: {{name: demo, version: {{cargo: rust/ffi}}}}\n{TARGETS}{NATIVE}")
    assert (loaded.workspace.folder, loaded.project.version) == ("rust", "0.1.0")


def test_overrides_by_target(load: Callable[..., config.Config]):
    loaded = load(
        HEAD
        + TARGETS
        + "artifacts:\n  header: {kind: header}\n"
        + "  native: {kind: library, crate: ffi, jobs: 2, targets: ['*-gnu', '*-darwin'], per-target: {\n"
        + "    '*-gnu': {jobs: 3, types: [staticlib]}, 'aarch64-*': {jobs: 4, header: header}}}\n"
    )
    native = loaded.artifacts[1]
    base = Library(kind="library", crate="ffi", jobs=2, targets=("*-gnu", "*-darwin"))
    assert native.spec == base
    assert native.by_target == {
        LINUX: base.replaced(jobs=3, types=("staticlib",)),
        ARM: base.replaced(jobs=4, types=("staticlib",), header="header"),
        MAC: base.replaced(jobs=4, header="header"),
    }


def test_an_override_of_some_targets_leaves_the_others(load: Callable[..., config.Config]):
    loaded = load(
        HEAD + TARGETS + "artifacts: {native: {kind: library, crate: ffi, per-target: {'*-darwin': {jobs: 3}}}}"
    )
    assert set(loaded.artifacts[0].by_target) == {MAC}


def test_paths_in_lists_mappings_and_sections(load: Callable[..., config.Config]):
    loaded = load(
        HEAD
        + TARGETS
        + "artifacts: {all: {kind: bundle, base: some.lock, files: {a: LICENSE}, main: {from: rust, to: x},\n"
        + "  copies: [{from: LICENSE, to: a}]}}"
    )
    assert loaded.artifacts[0].spec.document()["main"] == {"from": "rust", "to": "x"}


def test_a_marker_may_leave_other_texts_alone(load: Callable[..., config.Config]):
    loaded = load(HEAD + TARGETS + "artifacts: {all: {kind: bundle, base: 'registry/image@sha256:0'}}")
    assert loaded.artifacts[0].spec.document()["base"] == "registry/image@sha256:0"


def test_another_name_and_other_platforms(project: Path):
    rows = {"x86_64-demo-linux": replace(PLATFORMS[LINUX], triple="x86_64-demo-linux")}
    (project / "other.yaml").write_text(HEAD + 'targets: {x86_64-demo-linux: {glibc: "2.17"}}\n' + NATIVE)
    loaded = config.load(project, KINDS, DESTINATIONS, file="other.yaml", platforms=rows)
    assert loaded.targets == (Target("x86_64-demo-linux", glibc="2.17"),)
    assert loaded.location(("version",)) == "other.yaml:1:10"


# places


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), "1:1"),
        (("version",), "1:10"),
        (("artifacts", "native"), "8:3"),
        (("artifacts", "native", "crate"), "9:28"),
        (("artifacts", "native", "targets"), "10:5"),
        (("artifacts", "native", "targets", 0), "10:15"),
        (("artifacts", "native", "targets", 7), "10:5"),
        (("artifacts", "native", "absent", "deeper"), "8:3"),
        (("targets", LINUX), "4:3"),
    ],
)
def test_places(load: Callable[..., config.Config], path: tuple[str | int, ...], place: str):
    text = "artifacts:\n  native: \n    {kind: library, crate: ffi,\n    targets: ['*-gnu']}\n"
    loaded = load(HEAD + TARGETS.replace(f"  {WASM}: {{}}\n", "") + text)
    assert loaded.location(path) == f"targets.yaml:{place}"


@pytest.mark.parametrize(
    ("triple", "keys", "place"),
    [
        (MAC, ("jobs",), "10:37"),
        (MAC, ("crate",), "9:28"),
        (MAC, ("jobs", "deeper"), "9:39"),
        (LINUX, ("jobs",), "9:39"),
        (None, ("jobs",), "9:39"),
    ],
)
def test_places_of_what_one_target_states(
    load: Callable[..., config.Config], triple: str | None, keys: tuple[str, ...], place: str
) -> None:
    native = "  native: \n    {kind: library, crate: ffi, jobs: 2,\n    per-target: {'*-darwin': {jobs: 3}}}\n"
    loaded = load(HEAD + TARGETS.replace(f"  {WASM}: {{}}\n", "") + "artifacts:\n" + native)
    assert loaded.location_for(triple, "native", *keys) == f"targets.yaml:{place}"


def test_where_a_release_is_put(load: Callable[..., config.Config]) -> None:
    loaded = load(HEAD + TARGETS + "artifacts: {h: {kind: header}}")
    assert loaded.dist == loaded.root / "dist"


# the effective matrix


def test_the_document_says_the_same_again(load: Callable[..., config.Config], project: Path):
    first = load(
        f"version: 1\nproject: {{name: demo, version: {{cargo: rust}}, license-files: [LICENSE]}}\n{TARGETS}"
        "artifacts: {native: {kind: library, crate: ffi, per-target: {'*-darwin': {jobs: 3}}}, h: {kind: header}}"
    )
    document = config.document(first)
    assert isinstance(document, dict)
    assert document["artifacts"]["native"]["per-target"] == {MAC: {"jobs": 3}}  # type: ignore[index,call-overload]
    (project / "again.json").write_text(json.dumps(document))
    again = config.load(project, KINDS, DESTINATIONS, file="again.json")
    assert config.document(again) == document
    assert (again.project, again.targets, again.toolchain) == (first.project, first.targets, first.toolchain)


def test_the_document_states_the_version_of_an_artifact_that_has_another(load: Callable[..., config.Config]):
    loaded = load(
        f"version: 1\nproject: {{name: demo, version: {{cargo: rust}}}}\n{TARGETS}"
        "artifacts: {native: {kind: library, crate: ffi}, h: {kind: header, crate: demo}}"
    )
    document = config.document(loaded)
    assert isinstance(document, dict)
    assert loaded.project.version == "2.0.0"
    assert document["artifacts"]["native"]["version"] == "0.1.0"  # type: ignore[index,call-overload]
    assert "version" not in document["artifacts"]["h"]  # type: ignore[operator,index,call-overload]


# mistakes that no document alone can show


def test_one_file_with_many_mistakes(mistakes: Callable[[str], list[str]]):
    errors = mistakes(
        "version: 1\n"
        "project: {name: demo, version: {cargo: rust}, workspace: rust}\n"
        f"targets: {{{LINUX}: {{glibc: '2.17'}}}}\n"
        "artifacts:\n"
        "  native: {kind: library, crate: fii, header: heder, jobs: 0, share: much, level: 3, strip: 1}\n"
        "  demo: {kind: library, crate: demo}\n"
        "  header: {kind: header, library: native}\n"
        "  all: {kind: bundle, packs: [native, all, header], copies: [{to: A, form: x}, 3], files: {A: LICENCE},"
        " main: [1]}\n"
    )
    assert errors == [
        "2:58: the workspace is named twice, here and by `version` | remove this key",
        '5:34: there is no crate "fii" | did you mean ffi?',
        '5:47: there is no artifact "heder" | did you mean header?',
        (
            '5:60: artifacts.native.jobs: the number "0" is refused: Input should be greater than or equal to 1'
            " | docs/targets.md describes every key"
        ),
        *errors[4:],
    ]
    assert [m.partition(": ")[0] for m in errors[4:]] == [
        "5:70", "5:83", "5:93", "6:32", "8:23", "8:39", "8:39", "8:62", "8:67", "8:70", "8:80", "8:92", "8:95", "8:105",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "floor", "only"),
    [
        (MAC, 'glibc: "2.28"', "only …-linux-gnu targets have one; remove it"),
        (LINUX, 'macos: "11.0"', "only …-apple-darwin targets have one; remove it"),
    ],
)
def test_a_floor_of_another_system(mistakes: Callable[[str], list[str]], target: str, floor: str, only: str):
    (mistake,) = mistakes(f"{HEAD}targets: {{{target}: {{{floor}}}}}\n{NATIVE}")
    assert mistake.partition(": ")[2] == f"{target} has no {floor.partition(':')[0]} floor | {only}"


def test_the_hint_names_the_manifest_of_the_crate(mistakes: Callable[[str], list[str]], project: Path):
    text = "artifacts: {native: {kind: library, crate: demo}}"
    (mistake,) = mistakes(HEAD + TARGETS + text)
    assert mistake.endswith('no cdylib | add crate-type = ["cdylib", "lib"] to [lib] in rust/core/Cargo.toml')
    write(project, {"Cargo.toml": '[package]\nname = "demo"\nversion = "1.2.3"\n', "src/lib.rs": ""})
    (mistake,) = mistakes(HEAD.replace("workspace: rust", "workspace: .") + TARGETS + text)
    assert mistake.endswith(" to [lib] in Cargo.toml")


def test_the_hint_names_artifacts_that_would_do(mistakes: Callable[[str], list[str]]):
    text = f"{HEAD}{TARGETS}artifacts: {{other: {{kind: header}}, h: {{kind: header, library: other}}"
    refused = 'the artifact "other" is of kind header, where library is needed'
    assert mistakes(f"{text}}}")[0].endswith(f"{refused} | add an artifact of kind library")
    (mistake,) = mistakes(f"{text}, native: {{kind: library, crate: ffi}}}}")
    assert mistake.endswith(f"{refused} | artifacts of kind library are: native")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("share: much", 'expected a number, found "much"'),
        ("share: 2.5", 'share: the number "2.5" is refused: Input should be less than or equal to 1'),
        ("jobs: 0", 'jobs: the number "0" is refused: Input should be greater than or equal to 1'),
        ("level: true", 'expected a whole number, found the switch "true"'),
        ("level: 1.0", 'expected 1 or 2, found the number "1.0"'),
        ("level: 3", 'expected 1 or 2, found the number "3"'),
        ("strip: 1", 'expected true or false, found the number "1"'),
        ("jobs: 1.5", 'expected a whole number, found the number "1.5"'),
        ("jobs: ~", "expected a whole number, found nothing"),
        ("types: {a: b}", "expected a list, found a mapping"),
        ("types: {}", "expected a list, found an empty mapping"),
        ("types: [[]]", "expected cdylib or staticlib, found an empty list"),
    ],
)
def test_values_of_the_wrong_type(mistakes: Callable[[str], list[str]], values: str, message: str):
    (error,) = mistakes(f"{HEAD}{TARGETS}artifacts: {{native: {{kind: library, crate: ffi, {values}}}}}")
    assert message in error


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ("packs: native", 'expected a list, found "native"', "write it as a list: [native]"),
        ("packs: [a, b, c]", "expected at most 2 entries, found a list", "docs/targets.md"),
        ("main: {from: LICENSE, to: abcdefghi}", "expected at most 8 characters", "docs/targets.md"),
        ("main: {from: LICENSE, to: ''}", 'expected text like "^[a-z]+$", found ""', "docs/targets.md"),
        ("main: {from: LICENSE, too: a}", 'artifacts.all.main: unknown key "too"', "did you mean to?"),
        ("copies: [{from: LICENSE}]", "artifacts.all.copies[0]: the key to is missing", "docs/targets.md"),
        ("files: {A: LICENSE}", 'expected text like "^[a-z]+$", found "A"', "docs/targets.md"),
        ("files: {a: 5}", 'expected text, found the number "5"', 'write it in quotes: "5"'),
        ("files: {a: LICENCE}", '"LICENCE" does not exist', "did you mean LICENSE?"),
        ("files: {a: rust}", '"rust" is not a file', "name a file"),
        ("main: {from: rust/nothing, to: a}", '"rust/nothing" does not exist', 'rust/ has no "nothing"'),
        ("main: {from: xyz, to: a}", '"xyz" does not exist', 'the project has no "xyz"'),
        ("packs: [nothing]", 'there is no artifact "nothing"', "add an artifact of kind library or header"),
        ("packs: [all]", "is of kind bundle, where library or header is needed", "add an artifact"),
    ],
)  # fmt: skip
def test_values_inside_lists_mappings_and_sections(
    mistakes: Callable[[str], list[str]], values: str, message: str, hint: str
):
    errors = mistakes(f"{HEAD}{TARGETS}artifacts: {{all: {{kind: bundle, {values}}}}}")
    assert any(message in m and hint in m for m in errors)


def test_a_folder_that_cannot_be_looked_into(mistakes: Callable[[str], list[str]], project: Path):
    (project / "closed").symlink_to("closed")
    (error,) = mistakes(f"{HEAD}{TARGETS}artifacts: {{all: {{kind: bundle, base: closed/x}}}}")
    assert "cannot be followed: it leads to itself" in error


def test_a_device_is_neither_file_nor_folder(mistakes: Callable[[str], list[str]], project: Path):
    os.mkfifo(project / "pipe")
    (error,) = mistakes(f"{HEAD}{TARGETS}artifacts: {{all: {{kind: bundle, main: {{from: pipe, to: a}}}}}}")
    assert '"pipe" is not a file or folder' in error


def test_cycles_are_shown_whole(mistakes: Callable[[str], list[str]]):
    (error,) = mistakes(
        f"{HEAD}{TARGETS}artifacts:\n  a: {{kind: library, crate: ffi, header: b}}\n  b: {{kind: header, library: a}}\n"
    )
    assert "these artifacts need each other: " in error
    assert error.count("a -> b") == 1
    assert "b -> a" in error


def test_a_cycle_through_an_override(mistakes: Callable[[str], list[str]]):
    (error,) = mistakes(
        f"{HEAD}{TARGETS}artifacts:\n  a: {{kind: library, crate: ffi, per-target: {{'*-gnu': {{header: b}}}}}}\n"
        "  b: {kind: header, library: a}\n"
    )
    assert "need each other" in error


def test_a_mistake_of_the_section_is_told_once_for_all_overrides(mistakes: Callable[[str], list[str]]):
    errors = mistakes(
        f"{HEAD}{TARGETS}artifacts: {{a: {{kind: library, crate: fii, jobs: x, per-target: {{'*': {{strip: 3}}}}}}}}"
    )
    assert len(errors) == 3


def test_an_override_may_mend_nothing_that_the_section_lacks(mistakes: Callable[[str], list[str]]):
    errors = mistakes(f"{HEAD}{TARGETS}artifacts: {{a: {{kind: library, per-target: {{'*': {{crate: ffi}}}}}}}}")
    assert errors == ["8:13: artifacts.a: the key crate is missing | docs/targets.md describes every key"]


def test_globs_that_match_nothing(mistakes: Callable[[str], list[str]]):
    errors = mistakes(
        f"{HEAD}targets: {{{LINUX}: }}\n"
        "artifacts: {a: {kind: header, targets: [aarch64-*], per-target: {'*-darwin': {crate: ffi}}}}"
    )
    assert [m.partition(": ")[2].partition(" |")[0] for m in errors] == [
        '"aarch64-*" matches no target',
        '"*-darwin" matches no target',
    ]


DEMO = '[package]\nname = "demo"\n'


def test_a_version_that_is_none_is_corrected_where_it_stands(mistakes: Callable[[str], list[str]], project: Path):
    write(
        project,
        {"rust/Cargo.toml": '[workspace]\nmembers = ["core"]\n', "rust/core/Cargo.toml": f'{DEMO}version = "1"\n'},
    )
    head = "version: 1\nproject: {name: demo, version: {cargo: rust}}\n"
    errors = mistakes(f"{head}{TARGETS}artifacts: {{h: {{kind: header, crate: demo}}}}")
    (mistake,) = (error for error in errors if "is not a version" in error)
    assert mistake.endswith('"1" is not a version | write version = "1.2.3" under [package] in rust/core/Cargo.toml')


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"rust/Cargo.toml": "[workspace]\n"}, "rust/Cargo.toml states no version"),
        ({"rust/Cargo.toml": '[workspace]\npackage.version = "1"\n'}, '"1" is not a version'),
        ({"rust/Cargo.toml": "[workspace]\npackage.version = 1\n"}, "workspace.package.version is not text"),
        ({"rust/Cargo.toml": "=\n"}, "rust/Cargo.toml:1:1: this Cargo manifest cannot be read"),
        (
            {"rust/Cargo.toml": '[workspace]\nmembers = ["core", "ffi"]\n', "rust/core/Cargo.toml": DEMO},
            "rust/Cargo.toml does not say which version is the release's: demo 0.0.0 and ffi 0.1.0",
        ),
        ({"rust/core/Cargo.toml": DEMO + 'license = "Mine"\n'}, 'rust/Cargo.toml: "Mine" is not an SPDX'),
    ],
)  # fmt: skip
def test_mistakes_of_the_cargo_workspace(
    mistakes: Callable[[str], list[str]], project: Path, files: Write, message: str
):
    write(project, files)
    errors = mistakes(
        f"version: 1\nproject: {{name: demo, version: {{cargo: rust}}}}\n{TARGETS}artifacts: {{h: {{kind: header}}}}"
    )
    assert len(errors) == 1
    assert message in errors[0]


def test_a_mistaken_project_leaves_its_crates_known(mistakes: Callable[[str], list[str]]):
    errors = mistakes(HEAD.replace("demo", "Demo") + TARGETS + "artifacts: {a: {kind: library, crate: core}}")
    assert len(errors) == 2
    assert 'there is no crate "core"' in errors[1]


def test_without_a_workspace_crates_are_not_judged(mistakes: Callable[[str], list[str]]):
    assert len(mistakes(HEAD.replace("rust", "dust") + TARGETS + NATIVE)) == 1
    assert len(mistakes(HEAD.replace("rust", "[rust]") + TARGETS + NATIVE)) == 1


# size


def many_targets(count: int) -> tuple[str, dict[str, Platform]]:
    """A file of `count` targets and twenty libraries for all of them, and the rows that its targets need."""
    rows = {f"x86_64-demo{i:03}-linux-gnu": PLATFORMS[LINUX] for i in range(count)}
    targets = "".join(f'  {triple}: {{glibc: "2.17", runner: ubuntu-24.04}}\n' for triple in rows)
    artifacts = "".join(
        f"  a{i}: {{kind: library, crate: ffi, targets: ['*-linux-gnu'], per-target: {{'*{i:02}-*': {{jobs: 2}}}}}}\n"
        for i in range(20)
    )
    return f"{HEAD}targets:\n{targets}artifacts:\n{artifacts}", rows


def test_ten_times_the_targets_cost_ten_times_as_much(load: Callable[..., config.Config]):
    (few, few_rows), (many, many_rows) = many_targets(100), many_targets(1000)
    load(few, platforms=few_rows)
    assert calls(lambda: load(many, platforms=many_rows)) < 11 * calls(lambda: load(few, platforms=few_rows))
    loaded = load(many, platforms=many_rows)
    assert len(loaded.targets) == 1000
    assert len(loaded.artifacts[7].by_target) == 10


# files


def test_no_file(project: Path):
    with pytest.raises(ConfigErrors, match=r"targets\.yaml:1:1: this file cannot be read: No such file"):
        config.load(project, KINDS, DESTINATIONS)


def test_a_folder_in_place_of_the_file(project: Path):
    (project / "targets.yaml").mkdir()
    with pytest.raises(ConfigErrors, match=r"targets\.yaml:1:1: this is not a file"):
        config.load(project, KINDS, DESTINATIONS)


def test_find_project_from_below(project: Path):
    (project / "targets.yaml").write_text("")
    assert places.find_project(project) == project
    assert places.find_project(project / "rust" / "ffi") == project


def test_find_project_says_what_to_do(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"there is no targets\.yaml here") as caught:
        places.find_project(tmp_path)
    assert caught.value.where == str(tmp_path)
    assert "docs/targets.md" in str(caught.value.hint)


def test_find_project_passes_over_folders_it_may_not_see(tmp_path: Path):
    assert places.find_project(_with_file(tmp_path) / ("x" * 300)) == tmp_path


def _with_file(folder: Path) -> Path:
    (folder / "targets.yaml").write_text("")
    return folder


# errors and selectors


def test_mistakes_read_as_a_list():
    one = ConfigError("wrong", where="a:1:2", hint="right")
    assert str(ConfigErrors((one, ConfigError("bad", where="a:3:4")))) == "a:1:2: wrong\n  hint: right\na:3:4: bad"
    assert ConfigErrors((one,)).message == "one error in the configuration"
    assert ConfigErrors((one, one)).message == "2 errors in the configuration"
    assert ConfigErrors.exit_code == 3


def test_selected_keeps_the_order_of_the_file():
    assert selected(("*-darwin", "x86_64-*"), (LINUX, ARM, MAC)) == (LINUX, MAC)
    assert selected(None, (LINUX, ARM)) == (LINUX, ARM)


@pytest.mark.parametrize(
    ("version", "native", "problems"),
    [
        ("1.2.3", "", 1),
        ("1.2.3", ', version: "1.2.3"', 0),
        ("0.1.0", "", 0),
        ("0.1.0+build.7", "", 0),
    ],
)
def test_a_stated_version_that_is_not_the_crates_is_a_mistake(
    load: Callable[..., config.Config], version: str, native: str, problems: int
):
    text = (HEAD + TARGETS + NATIVE).replace("1.2.3", version).replace("crate: ffi", f"crate: ffi{native}")
    result = [problem for problem in load(text).problems if "of which" in problem.message]
    assert [problem.message for problem in result] == ["this is 1.2.3, and ffi, of which native is built, is 0.1.0"][
        :problems
    ]
    assert [problem.where for problem in result] == ["targets.yaml:2:32"][:problems]


def test_licence_files_of_one_name_are_a_mistake(mistakes: Callable[[str], list[str]], project: Path):
    write(project, {"legal/licence/LICENSE": "another", "legal/NOTICE": ""})
    text = HEAD.replace(
        "workspace: rust}", "workspace: rust, license-files: [LICENSE, legal/NOTICE, legal/licence/LICENSE]}"
    )
    (line,) = (line for line in mistakes(text + TARGETS + NATIVE) if "side by side" in line)
    assert "LICENSE and legal/licence/LICENSE have one name" in line
