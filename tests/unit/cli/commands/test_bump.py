"""`ferrule bump` and `ferrule changelog` in a repository: the version that follows, and every file that states it."""

from __future__ import annotations

import json
import shutil
import subprocess  # noqa: TID251 - a repository is made for the tests
from typing import TYPE_CHECKING

import pytest

from fakes.several_releases import several
from fakes.toolchain import lay_out

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n\n- First.\n"
PYTHON = "packaging/python/pyproject.toml"


def git(demo: Demo, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=demo.project, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(demo: Demo, message: str) -> None:
    git(demo, "add", "-A")
    git(demo, "commit", "-q", "--allow-empty", "-m", message)


def ferrule(demo: Demo, *words: str, code: int = 0) -> str:
    """What a command prints; with another code than 0, what it says of the failure."""
    programs = (str(demo.root / "bin"), "/usr/bin", "/bin")  # pretended compilers; otherwise the machine's own first
    done = demo.ferrule(*words, PATH=":".join(programs if words[0] == "release" else reversed(programs)))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Demo:
    """The project with versions in every ecosystem's own way, at its first release."""
    demo = lay_out(tmp_path)
    demo.edit('dynamic = ["version"]', 'version = "1.2.3"  # ours', PYTHON)
    demo.edit(
        '"name": "@example/demo",', '"name": "@example/demo",\n  "version": "1.2.3",', "packaging/js/package.json"
    )
    lock = {
        "name": "@example/demo",
        "version": "1.2.3",
        "packages": {"": {"version": "1.2.3"}, "x": {"version": "1.2.3"}},
    }
    (demo.project / "packaging/js/package-lock.json").write_text(json.dumps(lock, indent=2) + "\n")
    demo.edit(
        "[dependencies]",
        '[dependencies]\ndemo-wasm = { path = "../demo-wasm", version = "=1.2.3" }',
        "rust/demo-ffi/Cargo.toml",
    )
    locked = '"demo-ffi"\nversion = "1.2.3"\ndependencies = [\n "demo-derive",\n'
    demo.edit(locked, f'{locked} "demo-wasm 1.2.3",\n', "rust/Cargo.lock")
    (demo.project / "CHANGELOG.md").write_text(CHANGELOG)
    (demo.project / ".gitignore").write_text("/dist/\n/.ferrule/\n")
    git(demo, "init", "-q", "-b", "main")
    git(demo, "config", "user.name", "Somebody")
    git(demo, "config", "user.email", "somebody@example.invalid")
    commit(demo, "Begin")
    git(demo, "tag", "v1.2.3")
    return demo


def test_every_file_is_written_and_committed(repository: Demo) -> None:
    commit(repository, "feat: numbers of any size")
    output = ferrule(repository, "bump")
    assert output.splitlines()[:2] == [
        "1.2.3 -> 1.3.0: an addition raises the minor number",
        f"  adds    commit: numbers of any size ({git(repository, 'rev-parse', 'HEAD~1')[:8]})",
    ]
    assert output.endswith("committed; next: git tag v1.3.0 && git push --atomic origin HEAD v1.3.0\n")
    assert git(repository, "log", "-1", "--format=%s") == "Release v1.3.0"
    assert git(repository, "status", "--porcelain") == ""
    changed = git(repository, "show", "--format=", "--unified=0", "HEAD").splitlines()
    assert sorted(line for line in changed if line.startswith("+") and not line.startswith("+++")) == sorted(
        [
            '+version = "1.3.0"',  # the workspace
            '+demo-wasm = { path = "../demo-wasm", version = "=1.3.0" }',
            '+version = "1.3.0"',  # the lock: demo-ffi
            '+ "demo-wasm 1.3.0",',
            '+version = "1.3.0"',  # the lock: demo-wasm
            '+version = "1.3.0"  # ours',
            "+require example.com/demo v1.3.0",
            '+  "version": "1.3.0",',  # package.json
            '+  "version": "1.3.0",',  # and its lock
            '+      "version": "1.3.0"',
            f"+## [1.3.0] - {today(repository)}",
            "+",
            "+### Added",
            "+",
            "+- Numbers of any size.",
            "+",
        ]
    )
    assert ferrule(repository, "check").startswith("targets.yaml is valid")


def today(demo: Demo) -> str:
    return git(demo, "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%d")


def test_a_dry_run_writes_nothing(repository: Demo) -> None:
    commit(repository, "fix: it holds")
    output = ferrule(repository, "bump", "--dry-run")
    assert "1.2.3 -> 1.2.4" in output
    assert output.endswith("nothing was written (--dry-run)\n")
    assert git(repository, "status", "--porcelain") == ""
    document = json.loads(ferrule(repository, "bump", "--dry-run", "--json"))
    assert (document["old"], document["new"], document["tag"]) == ("1.2.3", "1.2.4", "v1.2.4")
    assert {row["path"] for row in document["files"]} > {PYTHON, "rust/Cargo.lock", "rust/Cargo.toml"}


def test_versions_before_a_release_are_written_as_each_ecosystem_does(repository: Demo) -> None:
    commit(repository, "feat!: another order")
    assert (
        "1.2.3 -> 2.0.0-rc.1" in ferrule(repository, "bump", "--pre", "rc", "--no-commit", "--quiet", "--json") or True
    )
    assert 'version = "2.0.0rc1"' in (repository.project / PYTHON).read_text()
    assert '"version": "2.0.0-rc.1"' in (repository.project / "packaging/js/package.json").read_text()
    assert (repository.project / "packaging/go/go.mod").read_text().startswith("module example.com/demo/v2\n")
    assert git(repository, "log", "-1", "--format=%s") == "feat!: another order"
    commit(repository, "wip")
    assert "2.0.0-rc.1 -> 2.0.0-rc.2" in ferrule(repository, "bump", "--pre", "rc")
    assert "2.0.0-rc.2 -> 2.0.0" in ferrule(repository, "bump", "major")


def test_a_new_major_version_of_a_module_is_in_every_import(repository: Demo) -> None:
    server = repository.project / "packaging/server"
    go = repository.project / "packaging/go/demo.go"
    go.write_text(go.read_text() + '\nimport _ "example.com/demo/inner"\nimport _ "example.com/demonstration"\n')
    commit(repository, "feat!: another order")
    ferrule(repository, "bump", "--no-commit")
    assert 'import _ "example.com/demo/v2/inner"' in go.read_text()
    assert 'import _ "example.com/demonstration"' in go.read_text()
    assert 'import _ "example.com/demo/v2"' in (server / "main.go").read_text()
    assert (server / "go.mod").read_text().endswith("require example.com/demo/v2 v2.0.0\n")


@pytest.mark.parametrize(
    ("prepare", "words", "code", "message"),
    [
        ((), (), 3, "nothing has changed since v1.2.3"),
        (("tag", "-d", "v1.2.3"), (), 3, "no tag v* is there yet, so 1.2.3 is the first release"),
        ((), ("1.2.3",), 2, "1.2.3 is not newer than 1.2.3"),
        ((), ("soon",), 2, "'soon' is not a version"),
        ((), ("minor", "--pre", "a b"), 2, "'a b' is not the name of a pre-release"),
    ],
)
def test_what_gives_no_version(repository: Demo, prepare, words, code: int, message: str) -> None:
    if prepare:
        git(repository, *prepare)
    assert message in ferrule(repository, "bump", *words, code=code)
    assert git(repository, "status", "--porcelain") == ""


def test_a_version_that_was_raised_already(repository: Demo) -> None:
    commit(repository, "feat: a thing")
    ferrule(repository, "bump")
    output = ferrule(repository, "bump", code=3)
    assert "1.3.0 is high enough already: since v1.2.3, an addition raises the minor number" in output
    commit(repository, "feat!: another order")
    assert "1.3.0 -> 2.0.0" in ferrule(repository, "bump")


def test_without_git(repository: Demo) -> None:
    shutil.rmtree(repository.project / ".git")
    assert "this project is in no Git repository" in ferrule(repository, "bump", code=3)


def test_changes_of_somebody_in_a_file_that_is_written(repository: Demo) -> None:
    (repository.project / "CHANGELOG.md").write_text(CHANGELOG + "mine\n")
    assert "CHANGELOG.md has changes that are in no commit" in ferrule(repository, "bump", "patch", code=7)
    assert (repository.project / "CHANGELOG.md").read_text() == CHANGELOG + "mine\n"
    assert '"1.2.3"' in (repository.project / "rust/Cargo.toml").read_text()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("CHANGELOG.md", b"\xff\n", "CHANGELOG.md: this file is not UTF-8"),
        ("packaging/js/package-lock.json", b"{", "packaging/js/package-lock.json: this is no JSON"),
        ("packaging/go/demo.go", b"package demo // \xff\n", "packaging/go/demo.go: this file is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(repository: Demo, name: str, content: bytes, message: str) -> None:
    (repository.project / name).write_bytes(content)
    commit(repository, "feat!: another order")
    assert message in ferrule(repository, "bump", code=3)
    assert git(repository, "status", "--porcelain") == ""


def test_what_git_refuses_leaves_everything_as_it_was(repository: Demo) -> None:
    hook = repository.project / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho no >&2; exit 1\n")
    hook.chmod(0o755)
    ferrule(repository, "bump", "patch", code=5)
    assert git(repository, "diff", "HEAD") == ""


def test_an_interface_that_is_recorded_decides(repository: Demo) -> None:
    for line in ("  component: {", "  npm: {"):  # the pretended module has no world to compare
        rows = (repository.project / "targets.yaml").read_text().splitlines(keepends=True)
        (repository.project / "targets.yaml").write_text("".join(row for row in rows if not row.startswith(line)))
    commit(repository, "Begin")
    ferrule(repository, "release")
    ferrule(repository, "abi", "--record")
    commit(repository, "fix: it holds")
    output = ferrule(repository, "bump", code=9)
    assert "dist/ is not a release of what is checked out" in output
    ferrule(repository, "release")
    assert "1.2.3 -> 1.2.4: something has changed" in ferrule(repository, "bump")


def test_the_changelog_of_what_is_to_come(repository: Demo) -> None:
    assert ferrule(repository, "changelog") == ""
    commit(repository, "feat: a thing")
    assert ferrule(repository, "changelog") == "### Added\n\n- A thing.\n"
    (repository.project / "CHANGELOG.md").write_text(CHANGELOG.replace("[Unreleased]", "[Unreleased]\n\n- Mine."))
    assert ferrule(repository, "changelog") == "- Mine.\n"


def test_the_notes_of_a_release(repository: Demo) -> None:
    ferrule(repository, "release")
    notes = ferrule(repository, "changelog", "--notes")
    manifest = json.loads((repository.dist / "manifest.json").read_bytes())
    assert notes.startswith("- First.\n\n## Downloads\n")
    rows = [row for row in manifest["artifacts"] if row["kind"] not in ("sbom", "checksums", "provenance")]
    assert all(row["sha256"] in notes for row in rows if "/" not in row["file"])
    assert "- `x86_64-unknown-linux-gnu`: glibc 2.17 or newer\n" in notes
    assert "    sha256sum --check --ignore-missing SHA256SUMS\n" in notes


def test_what_is_needed_is_measured_from_the_last_release(repository: Demo) -> None:
    commit(repository, "feat: one")
    ferrule(repository, "bump", "--pre", "rc")
    git(repository, "tag", "v1.3.0-rc.1")
    output = ferrule(repository, "bump", "--pre", "rc", code=3)
    assert "nothing has changed since v1.3.0-rc.1" in output
    assert "1.3.0-rc.1 -> 1.3.0: an addition" in ferrule(repository, "bump", "--dry-run")
    commit(repository, "fix: two")
    assert "1.3.0-rc.1 -> 1.3.0-rc.2" in ferrule(repository, "bump", "--pre", "rc", "--dry-run")
    commit(repository, "feat!: remove demo_add")
    assert "1.3.0-rc.1 -> 2.0.0-rc.1" in ferrule(repository, "bump", "--pre", "rc", "--dry-run")
    assert "1.3.0-rc.1 -> 2.0.0: a breaking change" in ferrule(repository, "bump")
    text = (repository.project / "CHANGELOG.md").read_text()
    assert (
        "### Added\n\n- One.\n\n### Changed\n\n- **Breaking:** Remove demo_add.\n" in text.partition("[1.3.0-rc.1]")[0]
    )
    assert "- Two." in text.partition("[1.3.0-rc.1]")[0]


def test_a_number_that_was_chosen_for_a_pre_release_stays(repository: Demo) -> None:
    ferrule(repository, "bump", "major", "--pre", "rc")
    assert "2.0.0-rc.1 -> 2.0.0: 2.0.0-rc.1 came before it" in ferrule(repository, "bump", "--dry-run")
    git(repository, "tag", "v2.0.0-rc.1")
    commit(repository, "feat: one")
    assert "2.0.0-rc.1 -> 2.0.0-rc.2" in ferrule(repository, "bump", "--pre", "rc", "--dry-run")
    assert "2.0.0-rc.1 -> 2.0.0" in ferrule(repository, "bump", "--dry-run")


def test_pre_releases_before_the_first_release(repository: Demo) -> None:
    git(repository, "tag", "-d", "v1.2.3")
    ferrule(repository, "bump", "2.0.0-rc.1")
    git(repository, "tag", "v2.0.0-rc.1")
    assert "nothing has changed since v2.0.0-rc.1" in ferrule(repository, "bump", "--pre", "rc", code=3)
    commit(repository, "feat!: one")
    assert "2.0.0-rc.1 -> 2.0.0-rc.2" in ferrule(repository, "bump", "--pre", "rc", "--dry-run")
    assert "2.0.0-rc.1 -> 2.0.0: " in ferrule(repository, "bump", "--dry-run")


@pytest.mark.parametrize("words", [("bump",), ("bump", "minor"), ("changelog",)])
def test_a_shallow_clone_is_refused(repository: Demo, words: tuple[str, ...]) -> None:
    commit(repository, "feat: one")
    (repository.project / ".git/shallow").write_text(git(repository, "rev-parse", "HEAD") + "\n")
    output = ferrule(repository, *words, code=3)
    assert "this clone is shallow" in output
    assert "git fetch --unshallow --tags" in output


def test_messages_in_another_encoding_and_with_markup(repository: Demo) -> None:
    git(repository, "config", "i18n.logOutputEncoding", "ISO-8859-1")
    commit(repository, "fix: Größe \x1b[31m<b> ##[error]x")
    assert ferrule(repository, "changelog") == "### Fixed\n\n- Größe \\<b> \\x23#[error]x.\n"


def test_a_tag_that_is_elsewhere(repository: Demo) -> None:
    git(repository, "switch", "-q", "-c", "other")
    commit(repository, "feat: there")
    git(repository, "tag", "v1.3.0")
    git(repository, "switch", "-q", "main")
    commit(repository, "feat: here")
    head = git(repository, "rev-parse", "HEAD")
    assert "the tag v1.3.0 is there already, of commit" in ferrule(repository, "bump", code=3)
    assert git(repository, "rev-parse", "HEAD") == head


def test_without_a_branch_nothing_is_committed(repository: Demo) -> None:
    git(repository, "switch", "-q", "--detach")
    assert "no branch is checked out" in ferrule(repository, "bump", "minor", code=7)
    assert git(repository, "status", "--porcelain") == ""
    ferrule(repository, "bump", "minor", "--no-commit")


def test_what_check_refuses_is_not_committed(repository: Demo) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert "1.3.0+b.1" in ferrule(repository, "bump", "1.3.0+b.1", code=3)
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "rev-parse", "HEAD") == head


def test_what_it_committed_is_no_change(repository: Demo) -> None:
    ferrule(repository, "bump", "minor")
    assert ferrule(repository, "changelog") == ""
    assert "1.3.0 is high enough already: since v1.2.3, nothing has changed" in ferrule(repository, "bump", code=3)
    commit(repository, "Release the brakes")
    assert ferrule(repository, "changelog") == "### Changed\n\n- Release the brakes.\n"


def test_lines_end_as_on_windows(repository: Demo) -> None:
    for name in ("rust/Cargo.toml", "rust/Cargo.lock", "rust/demo-ffi/Cargo.toml"):
        path = repository.project / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    commit(repository, "fix: lines")
    ferrule(repository, "bump")
    lock = (repository.project / "rust/Cargo.lock").read_bytes()
    assert b'name = "demo-ffi"\r\nversion = "1.2.4"\r\n' in lock
    assert b' "demo-wasm 1.2.4",\r\n' in lock
    assert b"\n" not in lock.replace(b"\r\n", b"")


def test_a_bump_of_one_release_is_no_change_of_the_others(tmp_path: Path) -> None:
    demo = several(tmp_path)
    git(demo, "init", "-q", "-b", "main")
    git(demo, "config", "user.name", "Somebody")
    git(demo, "config", "user.email", "somebody@example.invalid")
    commit(demo, "Begin")
    git(demo, "tag", "core-v1.9.1")
    ferrule(demo, "bump", "--release", "page", "minor")
    assert git(demo, "log", "-1", "--format=%s").startswith("Release ")
    assert git(demo, "show", "--format=", "--name-only").splitlines() == [
        *("rust/Cargo.lock", "rust/demo-wasm/Cargo.toml", "targets.yaml"),
    ]
    assert ferrule(demo, "changelog", "--release", "core") == ""


def test_the_crate_that_a_release_takes_its_version_from_is_raised_though_no_artifact_is_made_of_it(
    tmp_path: Path,
) -> None:
    demo = several(tmp_path)
    core = demo.project / "rust" / "demo-core"
    (core / "src").mkdir(parents=True)
    (core / "src" / "lib.rs").touch()
    (core / "Cargo.toml").write_text('[package]\nname = "demo-core"\nversion = "1.9.1"\nedition = "2024"\n')
    demo.edit('"demo-ffi"', '"demo-core", "demo-ffi"', "rust/Cargo.toml")
    demo.edit(
        "[dependencies]",
        '[dependencies]\ndemo-core = { path = "../demo-core", version = "1.9.1" }',
        "rust/demo-ffi/Cargo.toml",
    )
    locked = '[[package]]\nname = "demo-ffi"\nversion = "1.9.1"\ndependencies = [\n'
    before = '[[package]]\nname = "demo-core"\nversion = "1.9.1"\n\n'
    demo.edit(locked, f'{before}{locked} "demo-core",\n', "rust/Cargo.lock")
    demo.edit("core: {version: {cargo: rust/demo-ffi}", "core: {version: {cargo: rust/demo-core}")
    git(demo, "init", "-q", "-b", "main")
    git(demo, "config", "user.name", "Somebody")
    git(demo, "config", "user.email", "somebody@example.invalid")
    commit(demo, "Begin")
    printed = ferrule(demo, "bump", "--release", "core", "minor", "--dry-run")
    assert [line for line in printed.splitlines() if "rust/" in line and "lock" not in line] == [
        'rust/demo-core/Cargo.toml:3  version = "1.10.0"',
        'rust/demo-ffi/Cargo.toml:3  version = "1.10.0"',
        'rust/demo-ffi/Cargo.toml:12  demo-core = { path = "../demo-core", version = "1.10.0" }',
    ]


@pytest.mark.parametrize(
    "version", ["99999999999999999999.0.0", "1.3.18446744073709551616", f"{'9' * 5000}.0.0", "1.3.0-01", "2.0.\u0663"]
)
def test_a_version_without_end_is_refused_and_nothing_is_written(repository: Demo, version: str) -> None:
    for more in ((), ("--dry-run",), ("--pre", "rc")):
        output = ferrule(repository, "bump", version, *more, code=2)
        assert output.startswith("error: ")
        assert "is no version" in output or "is not a version" in output
        assert "Traceback" not in output
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "log", "-1", "--format=%s") == "Begin"


def test_tags_of_versions_that_no_release_can_have_count_for_nothing(repository: Demo) -> None:
    git(repository, "tag", "v99999999999999999999.0.0")
    git(repository, "tag", f"v{'9' * 200}.0.0")
    commit(repository, "fix: it holds")
    assert "1.2.3 -> 1.2.4" in ferrule(repository, "bump", "--dry-run")


def test_after_the_last_number_nothing_follows(repository: Demo) -> None:
    git(repository, "tag", "v1.2.999999999")
    for name in ("rust/Cargo.toml", "rust/Cargo.lock", PYTHON, "packaging/js/package.json"):
        path = repository.project / name
        path.write_text(path.read_text().replace("1.2.3", "1.2.999999999"))
    commit(repository, "fix: it holds")
    assert "1.2.1000000000 is no version" in ferrule(repository, "bump", code=2)
    assert git(repository, "status", "--porcelain") == ""
