"""What a Cargo workspace needs elsewhere, and what Cargo would publish of it."""

from __future__ import annotations

import json
import subprocess  # noqa: TID251 - Cargo is the judge
from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import BuildError
from ferrule.tools.cargo_sources import PublishedFiles, local_sources, package_of

if TYPE_CHECKING:
    from pathlib import Path

HEAD = '[package]\nname = "a"\nversion = "1.0.0"\nedition = "2021"\n'
FILES = (
    *("src/lib.rs", "src/data/big.bin", "notes/a.txt", "tests/x.rs", "benches/b.rs", "README.md", "docs/a.md"),
    *("docs/deep/b.md", ".hidden", "build.rs", "odd/ba[r].txt", "odd/bar.txt", "odd/a b.txt", "odd/end ", "odd/end"),
    *("odd/{a,b}.txt", "odd/].txt", "odd/!no.txt", "odd/#no.txt"),
)


def held(manifest: str) -> set[str]:
    rules = PublishedFiles.of(HEAD + manifest)
    return {name for name in ("Cargo.toml", *FILES) if rules.hold(name)}


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        'exclude = ["/notes", "*.bin"]\n',
        'exclude = ["docs/*", "!docs/a.md", ".hidden"]\n',
        'include = ["/src", "README.md"]\n',
        'include = ["**/*.rs", "docs/**", "!docs/deep"]\nexclude = ["src"]\n',
        'exclude = ["a.txt", "deep/"]\n',
        r"exclude = ['ba\[r\].txt', 'a\ b.txt', 'odd/end\ ']",
        r"exclude = ['odd/end ', '[]x].txt', '\!no.txt', '\#no.txt']",
        r"exclude = ['odd/\{a,b\}.txt', 'b[!b-z]r.txt']",
        r"include = ['src/lib.r\s', 'ba[[]r*', '\odd/bar.txt']",
    ],
)
@pytest.mark.integration
def test_published_files_are_those_of_cargo(tmp_path: Path, manifest: str) -> None:
    text = f"{HEAD}{manifest}\n[workspace]\n"
    for name, content in {**dict.fromkeys(FILES, ""), "build.rs": "fn main() {}", "Cargo.toml": text}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    for command in (["git", "init", "--quiet"], ["git", "add", "."]):  # without Git, Cargo drops .hidden
        subprocess.run(command, cwd=tmp_path, check=True)
    command = ["cargo", "package", "--list", "--allow-dirty", "--offline"]
    listed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    generated = {"Cargo.toml.orig", "Cargo.lock", ".cargo_vcs_info.json"}
    assert held(manifest) | {"Cargo.toml"} == set(listed.splitlines()) - generated | {"Cargo.toml"}


def test_files_of_targets_that_the_manifest_names_stay() -> None:
    manifest = (
        'exclude = ["*"]\nbuild = "build.rs"\nreadme = "docs/a.md"\n[[test]]\nname = "x"\n[lib]\npath = "src/lib.rs"\n'
    )
    assert held(manifest) == {"Cargo.toml", "build.rs", "docs/a.md", "tests/x.rs", "src/lib.rs"}


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        (path / "Cargo.toml").write_text(text) if path.is_dir() else path.write_text(text)


def metadata(*folders: Path) -> str:
    packages = [{"name": f.name, "source": None, "manifest_path": str(f / "Cargo.toml")} for f in folders]
    return json.dumps(
        {"packages": [*packages, {"name": "x", "source": "registry+y", "manifest_path": "/x/Cargo.toml"}]}
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for folder in ("rust/ffi", "third/tiny", "patches/unused", "patches/old"):
        (root / folder).mkdir(parents=True)
        (root / folder / "Cargo.toml").write_text(f'[package]\nname = "{folder[-4:]}"\n')
    (root / "rust/Cargo.toml").write_text(
        '[workspace]\n[patch.x]\nunused = {path = "../patches/unused"}\n[replace]\n"o:1" = {path = "../patches/old"}\n'
    )
    (root / "third/Cargo.toml").write_text("[workspace]\n")
    return root


def test_everything_that_a_workspace_reads_from_folders(project: Path) -> None:
    (project / ".cargo").mkdir()
    (project / ".cargo/config.toml").write_text('[source.v]\ndirectory = "vendor"\n')
    sources = local_sources(metadata(project / "rust/ffi", project / "third/tiny"), project, "rust")
    assert set(sources.packages) == {"rust/ffi", "third/tiny", "patches/unused", "patches/old"}
    assert sources.folders == ("vendor",)
    assert sources.files == ("rust/Cargo.toml", "third/Cargo.toml")
    assert sources.settings == (".cargo/config.toml",)


def test_settings_that_name_no_folder_may_be_moved(project: Path) -> None:
    (project / ".cargo").mkdir()
    (project / ".cargo/config.toml").write_text("[build]\njobs = 1\n")
    assert local_sources(metadata(project / "rust/ffi"), project, "rust").settings == ()


@pytest.mark.parametrize("where", ["package", "patch", "vendor"])
def test_what_is_outside_of_the_project_is_refused(project: Path, where: str) -> None:
    packages = [project / "rust/ffi"]
    if where == "package":
        packages.append(project.parent / "outside")
    elif where == "patch":
        (project / "rust/Cargo.toml").write_text('[workspace]\n[patch.crates-io]\nx = {path = "../../outside"}\n')
    else:
        (project / ".cargo").mkdir()
        (project / ".cargo/config.toml").write_text('[source.v]\ndirectory = "../outside"\n')
    with pytest.raises(BuildError, match="from a folder outside of the project") as caught:
        local_sources(metadata(*packages), project, "rust")
    assert str(caught.value.where).endswith("outside")


def test_a_file_belongs_to_the_nearest_package() -> None:
    manifests = ["Cargo.toml", "inner/Cargo.toml", "fuzz/Cargo.toml"]
    packages = [".", "inner"]
    assert [package_of(n, packages, manifests) for n in ("src/a", "inner/src/a", "fuzz/x", "Cargo.toml")] == [
        ".",
        "inner",
        None,
        ".",
    ]
    assert package_of("x", ["a"], ["a/Cargo.toml"]) is None


def test_manifests_are_read_as_cargo_reads_them() -> None:
    rules = PublishedFiles.of('package = {\n  name = "demo", # TOML 1.1\n  exclude = ["*.tmp"],\n}\n')
    assert rules == PublishedFiles.of('package = { name = "demo", exclude = ["*.tmp"] }\n')


@pytest.mark.parametrize(
    ("key", "patterns", "expected"),
    [
        ("include", ["src", "!src/a/secret.txt"], "src/lib.rs src/a/b.rs"),
        ("include", ["*", "!src/a/secret.txt"], "src/lib.rs src/a/b.rs a.txt b.txt data/deep/z.txt tests/data/t.txt"),
        ("include", ["data", "!tests"], "data/deep/z.txt tests/data/t.txt"),
        ("include", ["!*.txt", "tests/*"], ""),
        ("include", ["{a,b}.txt", "src/**/*.rs"], "a.txt b.txt src/lib.rs src/a/b.rs"),
        ("include", ["/src/**"], "src/lib.rs src/a/b.rs src/a/secret.txt"),
        ("include", ["./src", "[ab].txt"], "a.txt b.txt"),
        ("exclude", ["{a,b}.txt", "/src/a/", "/data"], "src/lib.rs tests/data/t.txt"),
        ("exclude", ["*.txt", "!a.txt"], "a.txt src/lib.rs src/a/b.rs"),
        (
            "exclude",
            ["a.txt/", "# b.txt", ""],
            "a.txt b.txt src/lib.rs src/a/b.rs src/a/secret.txt data/deep/z.txt tests/data/t.txt",
        ),
    ],
)
def test_patterns_of_a_manifest_are_those_of_cargo(key: str, patterns: list[str], expected: str) -> None:
    names = ["a.txt", "b.txt", "src/lib.rs", "src/a/b.rs", "src/a/secret.txt", "data/deep/z.txt", "tests/data/t.txt"]
    rules = PublishedFiles.of(f'[package]\nname = "x"\n{key} = {json.dumps(patterns)}\n')  # as `cargo package --list`
    assert {name for name in names if rules.hold(name)} == set(expected.split())


def test_a_pattern_that_cargo_refuses_is_refused() -> None:
    with pytest.raises(BuildError, match="does not take 'a\\[z-b\\]' for a pattern"):
        PublishedFiles.of(HEAD + 'exclude = ["a[z-b]"]\n')


@pytest.mark.parametrize("name", ["README.md", "README.txt", "README"])
def test_a_readme_that_cargo_takes_by_itself_stays(name: str) -> None:
    assert PublishedFiles.of(f'{HEAD}exclude = ["README*"]\n').hold(name)
    assert not PublishedFiles.of(f'{HEAD}readme = "docs/a.md"\nexclude = ["README*"]\n').hold(name)
