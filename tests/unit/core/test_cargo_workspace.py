"""Cargo workspaces read without Cargo: members, what they inherit and depend on, and manifests that are mistaken."""

from __future__ import annotations

import json
import shutil
import subprocess  # noqa: TID251 - Cargo is the judge
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferrule.core.cargo_workspace import Crate, Workspace, read_workspace
from ferrule.core.errors import ConfigError

ROOT = Path(__file__).parents[3]


def package(name: str, more: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "1.0.0"\n{more}'


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def names(workspace: Workspace) -> dict[str, str]:
    return {crate.name: crate.folder for crate in workspace.crates.values()}


def test_members_and_what_they_inherit(tmp_path: Path):
    write(
        tmp_path,
        {
            "rust/Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n[workspace.package]\nversion = "2.1.0"\n'
            'license = "MIT"\nauthors = ["A <a@example.org>"]\nrepository = "https://example.org"\n',
            "rust/Cargo.lock": "",
            "rust/crates/one/Cargo.toml": '[package]\nname = "one-two"\nversion.workspace = true\n'
            "license.workspace = true\nauthors.workspace = true\nrepository = { workspace = true }\n",
            "rust/crates/one/src/lib.rs": "",
            "rust/crates/two/Cargo.toml": package(
                "two",
                'description = "Two."\nhomepage = "https://two"\n[lib]\nname = "second"\ncrate-type = ["cdylib"]\n',
            ),
            "rust/crates/bin/Cargo.toml": package("bin"),
            "rust/crates/macro/Cargo.toml": package("macro", "[lib]\nproc-macro = true\n"),
            "rust/crates/old/Cargo.toml": package("old", '[lib]\ncrate_type = ["staticlib"]\n'),
            "rust/crates/nothing/readme": "",
        },
    )
    workspace = read_workspace(tmp_path, "rust")
    assert (workspace.folder, workspace.manifest, workspace.locked, workspace.version) == (
        "rust",
        "rust/Cargo.toml",
        True,
        "2.1.0",
    )
    assert list(names(workspace).items()) == [
        ("bin", "rust/crates/bin"),
        ("macro", "rust/crates/macro"),
        ("old", "rust/crates/old"),
        ("one-two", "rust/crates/one"),
        ("two", "rust/crates/two"),
    ]
    assert workspace.crates["one-two"] == Crate(
        name="one-two",
        version="2.1.0",
        folder="rust/crates/one",
        library="one_two",
        types=("lib",),
        license="MIT",
        homepage="https://example.org",
        authors=("A <a@example.org>",),
        code=("rust/crates/one/src",),
    )
    two = workspace.crates["two"]
    assert (two.library, two.types, two.description, two.homepage) == ("second", ("cdylib",), "Two.", "https://two")
    assert (workspace.crates["bin"].library, workspace.crates["bin"].types) == (None, ())
    assert workspace.crates["macro"].types == ("proc-macro",)
    assert workspace.crates["old"].types == ("staticlib",)


def test_a_package_alone(tmp_path: Path):
    write(tmp_path, {"Cargo.toml": '[package]\nname = "alone"\n[dependencies]\nb = { path = "b" }\n', "src/lib.rs": ""})
    write(tmp_path, {"b/Cargo.toml": package("b")})
    workspace = read_workspace(tmp_path)
    assert names(workspace) == {"alone": "."}
    assert workspace.crates["alone"].version == "0.0.0"
    assert workspace.manifest == "Cargo.toml"
    assert not workspace.locked
    assert workspace.version is None


def test_a_root_package_is_a_member(tmp_path: Path):
    write(
        tmp_path, {"Cargo.toml": package("root", '[workspace]\nmembers = [".", "a"]\n'), "a/Cargo.toml": package("a")}
    )
    assert names(read_workspace(tmp_path)) == {"root": ".", "a": "a"}


def test_exclude_counts_for_globs_and_not_for_names(tmp_path: Path):
    write(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["a/*", "b/named"]\nexclude = ["a/x/", "b", "a/deep"]\n',
            **{f"{path}/Cargo.toml": package(path.replace("/", "-")) for path in ("a/x", "a/xy", "a/deep", "b/named")},
        },
    )
    assert names(read_workspace(tmp_path)) == {"a-xy": "a/xy", "b-named": "b/named"}


def test_path_dependencies_are_members_too(tmp_path: Path):
    write(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["app"]\nexclude = ["apart"]\n'
            '[workspace.dependencies]\nshared = { path = "shared" }\nserde = "1"\n',
            "app/Cargo.toml": package(
                "app",
                '[dependencies]\nserde.workspace = true\nrand = "1"\nshared.workspace = true\n'
                'near = { path = "near" }\n'
                'apart = { path = "../apart" }\noutside = { path = "../../outside" }\ngone = { path = "../gone" }\n'
                '[dev-dependencies]\ntesting = { path = "../testing" }\n'
                "[target.'cfg(unix)'.build-dependencies]\nmaking = { path = \"../making\" }\n",
            ),
            "app/near/Cargo.toml": package("near"),
            **{f"{n}/Cargo.toml": package(n) for n in ("shared", "apart", "testing", "making")},
            "shared/src/lib.rs": "",
            "shared/Cargo.toml": package("shared", '[dependencies]\napp = { path = "../app" }\n'),
        },
    )
    workspace = read_workspace(tmp_path)
    assert sorted(workspace.crates) == ["app", "making", "near", "shared", "testing"]
    assert workspace.crates["app"].paths == ("apart", "app/near", "gone", "making", "shared")
    assert workspace.sources("app") == ("Cargo.toml", "app", "app/near", "making", "shared")
    assert workspace.sources("near") == ("Cargo.toml", "app/near")


def test_what_a_build_reads_is_code_and_manifests(tmp_path: Path):
    write(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["app", "lib", "flat", "odd", "tools"]\n',
            "Cargo.lock": "",
            "app/Cargo.toml": package("app", '[dependencies]\nlib = { path = "../lib" }\nodd = { path = "../odd" }\n'),
            "app/build.rs": "",
            "app/src/lib.rs": "",
            "app/tests/all.rs": "",
            "app/README.md": "",
            "lib/Cargo.toml": package("lib", 'build = "make.rs"\n[lib]\npath = "code/lib.rs"\n'),
            "lib/make.rs": "",
            "lib/code/lib.rs": "",
            "flat/Cargo.toml": package("flat", 'build = false\n[lib]\npath = "lib.rs"\n'),
            "flat/build.rs": "",
            "flat/lib.rs": "",
            "odd/Cargo.toml": package(
                "odd", 'build = ["a.rs", "../../b.rs", "gone.rs"]\n[lib]\npath = "../../x/l.rs"\n'
            ),
            "odd/a.rs": "",
            "tools/Cargo.toml": package("tools"),
        },
    )
    workspace = read_workspace(tmp_path)
    every = ("Cargo.toml", "Cargo.lock", *(f"{name}/Cargo.toml" for name in ("app", "flat", "lib", "odd", "tools")))
    own = ("app/build.rs", "app/src")
    assert workspace.compiled("app", alone=True) == (*every, *own)
    assert workspace.compiled("app") == (*every, *own, "lib/code", "lib/make.rs", "odd", "odd/a.rs")
    assert workspace.compiled("flat") == (*every, "flat")
    assert set(workspace.code) == {*workspace.compiled("app"), "flat", "tools"}
    assert read_workspace(write(tmp_path / "empty", {"Cargo.toml": "[workspace]\n"})).code == (".",)


def test_settings_are_those_that_cargo_and_rustup_look_for(tmp_path: Path):
    write(
        tmp_path,
        {
            "rust-toolchain.toml": "",
            "deep/.cargo/config.toml": "",
            "deep/rust/.cargo/config": "",
            "deep/rust/Cargo.lock": "",
            "deep/rust/Cargo.toml": package("a"),
        },
    )
    assert read_workspace(tmp_path, "deep/rust").settings == (
        "deep/rust/Cargo.toml",
        "deep/rust/Cargo.lock",
        "deep/rust/.cargo/config",
        "deep/.cargo/config.toml",
        "rust-toolchain.toml",
    )


def test_a_member_stands_for_its_workspace(tmp_path: Path):
    write(
        tmp_path,
        {
            "rust/Cargo.toml": '[workspace]\nmembers = ["in/*"]\n',
            "rust/in/a/Cargo.toml": package("a"),
            "rust/out/b/Cargo.toml": package("b"),
        },
    )
    assert read_workspace(tmp_path, "rust/in/a").folder == "rust"
    assert names(read_workspace(tmp_path, "rust/out/b")) == {"b": "rust/out/b"}


def test_members_beside_the_workspace(tmp_path: Path):
    write(tmp_path, {"rust/Cargo.toml": '[workspace]\nmembers = ["../a"]\n', "a/Cargo.toml": package("a")})
    assert names(read_workspace(tmp_path, "rust")) == {"a": "a"}


def test_a_member_that_is_a_workspace_without_a_package(tmp_path: Path):
    write(tmp_path, {"Cargo.toml": '[workspace]\nmembers = ["a"]\n', "a/Cargo.toml": "[workspace]\n"})
    assert names(read_workspace(tmp_path)) == {}


WORKSPACE = '[workspace]\nmembers = ["a"]\n'


@pytest.mark.parametrize(
    ("root", "member", "where", "message"),
    [
        ("workspace = 1", "", "Cargo.toml", "workspace is not a table"),
        ("[workspace]\nmembers = 'a'", "", "Cargo.toml", "workspace.members is not a list of texts"),
        ("[workspace]\nmembers = [1]", "", "Cargo.toml", "workspace.members is not a list of texts"),
        ("[workspace]\nmembers = ['a', 'b']", package("a"), "Cargo.toml", "the member b has no Cargo.toml"),
        ("[workspace]\nmembers = ['Cargo.toml']", "", "Cargo.toml", "the member Cargo.toml has no Cargo.toml"),
        ("[workspace]\nmembers = ['../a']", "", "Cargo.toml", "the member '../a' is outside the project"),
        ("[workspace]\nmembers = ['/a']", "", "Cargo.toml", "the member '/a' is outside the project"),
        ("[workspace]\nmembers = ['/*']", "", "Cargo.toml", "the member '/*' is not a usable glob"),
        ("[workspace]\nmembers = ['linked']", "", "linked/Cargo.toml", "this Cargo manifest is outside"),
        ("[workspace]\nmembers = ['ring']", "", "ring/Cargo.toml", "this Cargo manifest cannot be read: it leads to"),
        ("[workspace]\nmembers = ['a']\nexclude = 1", package("a"), None, ""),
        ("[workspace]\nmembers = ['*']\nexclude = 1", package("a"), "Cargo.toml", "workspace.exclude is not a list"),
        ("[workspace]\npackage = 1", "", "Cargo.toml", "workspace.package is not a table"),
        ("[workspace]\npackage.version = 1", "", "Cargo.toml", "workspace.package.version is not text"),
        (WORKSPACE, "=", "a/Cargo.toml", "this Cargo manifest cannot be read: "),
        (WORKSPACE, "\xff", "a/Cargo.toml", "this Cargo manifest cannot be read: it is not UTF-8"),
        (WORKSPACE, "a = " + "[" * 9999, "a/Cargo.toml", "this Cargo manifest is nested too deeply"),
        (WORKSPACE, "a = " + "9" * 9999, "a/Cargo.toml", "this Cargo manifest cannot be read: "),
        (WORKSPACE, "#" * ((1 << 20) + 1), "a/Cargo.toml", "this Cargo manifest is larger than 1 MiB"),
        (WORKSPACE, "package = 1", "a/Cargo.toml", "package is not a table"),
        (WORKSPACE, "[package]", "a/Cargo.toml", "'' is not the name of a package"),
        (WORKSPACE, package("-a"), "a/Cargo.toml", "'-a' is not the name of a package"),
        (WORKSPACE, package("a b"), "a/Cargo.toml", "'a b' is not the name of a package"),
        (WORKSPACE, "[package]\nname = 1", "a/Cargo.toml", "package.name is not text"),
        (WORKSPACE, package("a", "[lib]\nname = '../a'"), "a/Cargo.toml", "'../a' is not the name of a library"),
        (WORKSPACE, package("a", "[lib]\ncrate-type = 'lib'"), "a/Cargo.toml", "lib.crate-type is not a list"),
        (WORKSPACE, package("a", "lib = 1"), None, ""),
        (WORKSPACE, "lib = 1\n" + package("a"), "a/Cargo.toml", "lib is not a table"),
        (WORKSPACE, package("a", "license = 1"), "a/Cargo.toml", "package.license is not text"),
        (WORKSPACE, package("a", "authors = [1]"), "a/Cargo.toml", "package.authors is not a list of texts"),
        (WORKSPACE, package("a", "[dependencies]\nb.path = 1"), "a/Cargo.toml", "dependencies.b.path is not text"),
        (WORKSPACE, "dependencies = 1\n" + package("a"), "a/Cargo.toml", "dependencies is not a table"),
        (WORKSPACE, "target = 1\n" + package("a"), "a/Cargo.toml", "target is not a table"),
        (WORKSPACE, "target.x = 1\n" + package("a"), "a/Cargo.toml", "target.x is not a table"),
        ("[workspace]\nmembers = ['a', 'c']", package("c"), "a/Cargo.toml", "the package c is also in c"),
    ],
)  # fmt: skip
def test_mistaken_manifests(tmp_path: Path, root: str, member: str, where: str | None, message: str):
    project = tmp_path / "project"
    write(tmp_path, {"outside/Cargo.toml": package("outside"), "project/Cargo.toml": root})
    write(project, {"c/Cargo.toml": package("c")})
    (project / "a").mkdir()
    (project / "a" / "Cargo.toml").write_bytes(member.encode("latin-1"))
    (project / "linked").symlink_to("../outside")
    (project / "ring").symlink_to("ring")
    if where is None:
        read_workspace(project)
        return
    with pytest.raises(ConfigError) as caught:
        read_workspace(project)
    assert str(caught.value.where).split(":")[0] == where
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_a_manifest_that_is_a_folder(tmp_path: Path):
    (tmp_path / "Cargo.toml").mkdir()
    with pytest.raises(ConfigError, match="this Cargo manifest is not a file"):
        read_workspace(tmp_path)


PIECES = ["[", "]", "=", '"', "'", "\n", "package", "workspace", "lib", "true", "1", "{", "}", ".", "*", "..", "/", "#"]
MANIFEST = (
    '[workspace]\nmembers = ["a", "b*"]\nexclude = ["c"]\n[workspace.package]\nversion = "1"\n'
    '[package]\nname = "r"\nversion.workspace = true\n[dependencies]\na = { path = "a" }\n[lib]\ncrate-type = ["lib"]\n'
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(MANIFEST)), st.integers(0, 8), st.sampled_from(PIECES)), min_size=1, max_size=4
    )
)
def test_nothing_but_config_errors_comes_of_a_mutated_manifest(tmp_path: Path, edits: list[tuple[int, int, str]]):
    text = MANIFEST
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    write(tmp_path, {"Cargo.toml": text, "a/Cargo.toml": package("a"), "b1/Cargo.toml": package("b")})
    try:
        read_workspace(tmp_path)
    except ConfigError as error:
        assert error.where  # noqa: PT017 - manifests that are taken are as good


@pytest.mark.integration
def test_cargo_sees_the_same_workspace():
    cargo = shutil.which("cargo")
    assert cargo
    command = [cargo, "metadata", "--no-deps", "--offline", "--format-version", "1"]
    done = subprocess.run(command, cwd=ROOT / "rust", capture_output=True, check=True)
    theirs = json.loads(done.stdout)
    ours = read_workspace(ROOT, "rust")
    assert {p["name"]: p["version"] for p in theirs["packages"]} == {c.name: c.version for c in ours.crates.values()}
    libraries = {
        p["name"]: (t["name"], tuple(t["crate_types"]))
        for p in theirs["packages"]
        for t in p["targets"]
        if {"lib", "cdylib", "staticlib"} & set(t["kind"])
    }
    assert libraries == {c.name: (c.library, c.types) for c in ours.crates.values()}


@pytest.mark.parametrize(
    ("manifest", "position"),
    [
        ('[package]\nname = "a"\nversion = = "1"\n', "Cargo.toml:3:11"),
        ('[package]\nname = "a"\n\n  license = 1\n', "Cargo.toml:4:3"),
        ('[package]\nname = "a"\n[lib]\ncrate-type = "cdylib"\n', "Cargo.toml:4:1"),
        ('[package]\nname = "-a"\n', "Cargo.toml:2:1"),
        ('package.name = "a"\npackage.license = 1\n', "Cargo.toml:2:1"),
    ],
)
def test_problems_have_line_and_column(tmp_path: Path, manifest: str, position: str):
    write(tmp_path, {"Cargo.toml": manifest, "src/lib.rs": ""})
    with pytest.raises(ConfigError) as caught:
        read_workspace(tmp_path)
    assert caught.value.where == position


def test_toml_1_1_and_a_byte_order_mark(tmp_path: Path):
    text = package("a", '[package.metadata]\ndocs = {\n  all-features = true,\n  note = "\\e\\x41",\n}\n')
    (tmp_path / "Cargo.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert list(read_workspace(tmp_path).crates) == ["a"]


def test_features_profiles_and_requirements(tmp_path: Path):
    manifest = package(
        "a",
        '[features]\ndefault = []\nlite = ["dep:hidden"]\n'
        '[dependencies]\nhidden = { version = "1", optional = true }\nshown = { version = "2", optional = true }\n'
        'near = { path = "near" }\n'
        '[target."cfg(unix)".dev-dependencies]\nold = { package = "itoa", version = "=1.0" }\n'
        "[profile.dist]\ninherits = 'release'\n",
    )
    write(tmp_path, {"Cargo.toml": manifest, "src/lib.rs": ""})
    workspace = read_workspace(tmp_path)
    crate = workspace.crates["a"]
    assert crate.features == ("default", "lite", "shown")
    assert crate.requires == (("hidden", "1"), ("shown", "2"), ("near", None), ("itoa", "=1.0"))
    assert crate.version_at == "Cargo.toml:3:1"
    assert workspace.profiles == ("dev", "release", "test", "bench", "dist")


def test_a_dependency_that_says_nothing_requires_nothing(tmp_path: Path):
    text = (
        "[dependencies]\nb = '1'\nc.workspace = true\nd = 1\ne = {version = '2', package = 'f'}\ng = {path = '../g'}\n"
    )
    write(tmp_path, {"Cargo.toml": package("a", text), "src/lib.rs": ""})
    assert read_workspace(tmp_path).crates["a"].requires == (("b", "1"), ("f", "2"), ("g", None))


def test_what_settings_include_is_a_setting_too(tmp_path: Path) -> None:
    for name, content in {
        "rust/Cargo.toml": '[package]\nname = "a"\nversion = "1.0.0"\n',
        "rust/src/lib.rs": "",
        "rust/.cargo/config.toml": 'include = ["more.toml", "../../flags.toml"]\n',
        "rust/.cargo/more.toml": 'include = [{path = "missing.toml", optional = true}]\n',
        "flags.toml": '[build]\nrustflags = ["--cfg", "x"]\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    settings = read_workspace(tmp_path, "rust").settings
    assert set(settings) == {"rust/Cargo.toml", "rust/.cargo/config.toml", "rust/.cargo/more.toml", "flags.toml"}
    (tmp_path / "flags.toml").unlink()
    assert "rust/.cargo/config.toml" in read_workspace(tmp_path, "rust").settings


def test_what_settings_include_from_outside_of_the_project_is_none_of_its_files(tmp_path):
    (tmp_path / "flags.toml").write_text("")
    project = tmp_path / "project"
    (project / ".cargo").mkdir(parents=True)
    (project / ".cargo" / "config.toml").write_text('include = ["../../flags.toml", "own.toml"]\n')
    (project / ".cargo" / "own.toml").write_text("")
    (project / "Cargo.toml").write_text('[package]\nname = "a"\nversion = "1.0.0"\nedition = "2024"\n')
    (project / "src").mkdir()
    (project / "src" / "lib.rs").write_text("")
    settings = read_workspace(project, ".").settings
    assert {".cargo/config.toml", ".cargo/own.toml"} <= {*settings}
    assert not any("flags" in name for name in settings)


def test_dependencies_by_their_old_names_are_dependencies(tmp_path: Path):
    text = "[dev_dependencies]\nb = '1'\n[build_dependencies]\nc = '2'\n"
    write(tmp_path, {"Cargo.toml": package("a", text), "src/lib.rs": ""})
    assert {*read_workspace(tmp_path).crates["a"].requires} == {("b", "1"), ("c", "2")}


def test_a_member_may_name_a_workspace_that_is_not_above_it(tmp_path: Path):
    member = '[package]\nname = "a"\nversion = "1.0.0"\nedition.workspace = true\nworkspace = "../rust"\n'
    root = "[workspace]\nmembers = ['../a']\n[workspace.package]\nedition = '2021'\n"
    write(
        tmp_path,
        {"rust/Cargo.toml": root, "a/Cargo.toml": member, "a/src/lib.rs": "", "rust/Cargo.lock": "version = 4\n"},
    )
    workspace = read_workspace(tmp_path, "a")
    assert (workspace.folder, [*workspace.crates], workspace.problems) == ("rust", ["a"], ())


def test_a_library_that_cargo_does_not_look_for_is_none(tmp_path: Path):
    text = '[package]\nname = "a"\nversion = "1.0.0"\nedition = "2021"\nautolib = false\n'
    write(tmp_path, {"Cargo.toml": text, "src/lib.rs": ""})
    assert read_workspace(tmp_path).crates["a"].library is None


def test_a_workspace_that_is_named_and_not_there_is_a_mistake(tmp_path: Path):
    write(tmp_path, {"Cargo.toml": package("a", "workspace = 'nowhere'\n"), "src/lib.rs": ""})
    with pytest.raises(ConfigError, match=r"there is no Cargo\.toml in nowhere"):
        read_workspace(tmp_path)
