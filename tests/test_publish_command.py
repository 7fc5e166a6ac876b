"""`ferrule publish` by the command line, with a release of pretended compilers: one sentence for each mistake."""

from __future__ import annotations

import json
import shutil
import subprocess  # noqa: TID251 - Git makes what is published
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import IndexServer, serving
from fakes.sigstore_instance import Form, SigstoreInstance, provenance_of
from fakes.toolchain import Demo, lay_out, sums_agree
from ferrule.core.model import Digest
from ferrule.formats import attestation, intoto

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A release of a clean commit with its tag; tests work on copies."""
    demo = lay_out(tmp_path_factory.mktemp("released"))
    (demo.project / ".gitignore").write_text("dist/\n.ferrule/\n")
    (demo.root / "bin" / "git").symlink_to(shutil.which("git") or "git")
    rows = "\npublish:\n  shelf: {to: folder, path: ../shelf}\n  other: {to: folder, path: ../other}\n"
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(rows)
    git(demo, "init", "-q")
    git(demo, "add", "-A")
    git(demo, "commit", "-q", "-m", "all of it")
    git(demo, "tag", "v1.2.3")
    done = demo.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr
    return demo


def git(demo: Demo, *arguments: str) -> str:
    options = ("-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "init.defaultBranch=main")
    argv = ["git", *options, *arguments]
    return subprocess.run(argv, cwd=demo.project, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def shop(released: Demo, tmp_path: Path) -> Demo:
    """A copy of the project and its release, and the folders that it publishes to."""
    demo = Demo(tmp_path)
    for name in ("project", "bin", "home", "cache"):
        shutil.copytree(released.root / name, tmp_path / name, symlinks=True)
    (tmp_path / "shelf").mkdir()
    (tmp_path / "other").mkdir()
    return demo


def published(demo: Demo) -> list[str]:
    folders = (demo.root / "shelf", demo.root / "other")
    return sorted(p.name for folder in folders for p in folder.rglob("*") if p.is_file())


def refused(demo: Demo, *arguments: str) -> str:
    done = demo.ferrule("publish", *arguments)
    assert done.returncode != 0, done.stdout
    assert published(demo) == []
    return done.stderr


def test_a_release_is_published_verified_and_published_no_more(shop: Demo) -> None:
    dry = shop.ferrule("publish", "--dry-run", "--json")
    rows = [json.loads(line) for line in dry.stdout.splitlines()]
    assert {row["state"] for row in rows} == {"absent"}
    assert all(row["detail"].startswith("copy ") for row in rows)
    assert published(shop) == []
    done = shop.ferrule("publish")
    assert done.returncode == 0, done.stderr
    assert "70 items at 2 destinations, 70 new" in done.stdout
    assert sums_agree(shop.root / "shelf" / "demo-1.2.3")
    shop.ferrule("publish")
    (shop.project / ".ferrule" / "publish.jsonl").unlink()
    git(shop, "tag", "-d", "v1.2.3")  # what is there needs no tag any more
    again = shop.ferrule("publish", "--to", "shelf")
    assert "35 items at 1 destination, 0 new" in again.stdout
    verified = shop.ferrule("verify", "--published")
    assert verified.returncode == 0, verified.stdout
    assert "shelf: verify: same" in verified.stdout
    (shop.root / "other" / "demo-1.2.3" / "SHA256SUMS").write_text("x")
    (shop.root / "shelf" / "demo-1.2.3" / "image" / "index.json").unlink()
    wrong = shop.ferrule("verify", "--published", "--quiet")
    assert wrong.returncode == 10
    assert "other: SHA256SUMS: it has other bytes there" in wrong.stdout
    assert "shelf: image/index.json: it cannot be read" in wrong.stdout


def test_a_release_that_does_not_verify(shop: Demo) -> None:
    with (shop.dist / "demo-1.2.3.wasm").open("ab") as stream:
        stream.write(b"x")
    assert "this release does not verify, so it is not published: demo-1.2.3.wasm: " in refused(shop)


def test_all_mistakes_are_said_at_once(shop: Demo) -> None:
    git(shop, "tag", "-f", "v1.2.3", git(shop, "commit-tree", "HEAD^{tree}", "-m", "another"))
    (shop.root / "other").rmdir()
    (shop.root / "other").touch()
    message = refused(shop)
    assert "nothing was published:" in message
    assert "the tag v1.2.3 is of commit" in message
    assert f"there is no folder {shop.root}/other" in message


def test_no_tag(shop: Demo) -> None:
    git(shop, "tag", "-d", "v1.2.3")
    message = refused(shop)
    assert "there is no tag v1.2.3 in this repository" in message
    assert "hint: git tag -a v1.2.3" in message


def test_a_changelog_that_says_nothing_of_the_version(shop: Demo) -> None:
    changes = shop.project / "CHANGELOG.md"
    changes.write_text("# Changes\n\n## [1.2.2]\n\nOld.\n\n## [1.2.3]\n")
    message = refused(shop)
    assert "CHANGELOG.md: the changelog says nothing of 1.2.3" in message
    assert "`## 1.2.3` (ferrule bump does)" in message
    changes.write_text("# Changes\n\n## [1.2.3]\n\nNew.\n")
    assert shop.ferrule("publish").returncode == 0


def test_a_record_of_the_interface_that_cannot_be_read(shop: Demo) -> None:
    record = shop.project / "packaging" / "abi" / "interface.json"
    record.parent.mkdir()
    record.write_text("{}")
    assert "the interface cannot be compared with that of the last release: the record is damaged" in refused(shop)


def test_a_commit_that_nobody_else_has(shop: Demo) -> None:
    git(shop, "update-ref", "refs/remotes/origin/main", git(shop, "commit-tree", "HEAD^{tree}", "-m", "another"))
    assert "of the tag v1.2.3 is on no branch of a remote repository" in refused(shop)
    git(shop, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert shop.ferrule("publish").returncode == 0


def test_a_dirty_tree(shop: Demo) -> None:
    with (shop.project / "packaging" / "python" / "src" / "demo" / "__init__.py").open("a") as stream:
        stream.write("\n# a change\n")
    done = shop.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "it was built from files that are in no commit" in refused(shop)


def test_a_release_of_another_version(shop: Demo) -> None:
    shop.set_version("1.2.4")
    assert "dist/ holds 1.2.3, and the project states 1.2.4" in refused(shop)


def test_other_bytes_under_a_published_name(shop: Demo) -> None:
    folder = shop.root / "other" / "demo-1.2.3"
    folder.mkdir()
    (folder / "SHA256SUMS").write_text("another\n")
    done = shop.ferrule("publish")
    assert done.returncode == 10
    assert "SHA256SUMS: it has other bytes there" in done.stderr
    assert "a published file is never replaced: release a new version" in done.stderr
    assert published(shop) == ["SHA256SUMS"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "nowhere"], "there is no row 'nowhere'"),
        (["--from", "gone"], "there is no release here"),
        (["another"], "there is no release 'another'"),
    ],
)
def test_what_does_not_exist(shop: Demo, arguments: list[str], message: str) -> None:
    assert message in refused(shop, *arguments)


def test_a_version_is_taken_back_when_it_is_asked_for_twice(shop: Demo) -> None:
    asked = ("yank", "--reason", "wrong results", "--to", "shelf")
    assert "shelf: nothing of this release is there" in shop.ferrule(*asked).stdout
    shop.ferrule("publish")
    before = published(shop)
    done = shop.ferrule(*asked)
    assert "shelf: it offers nothing: what is published stays" in done.stdout
    assert "nothing was done; to do what a program can: --yes --confirm 'demo 1.2.3'" in done.stdout
    unnamed = shop.ferrule(*asked, "--yes", "--confirm", "demo 1.2.4")
    assert unnamed.returncode == 2
    assert "nothing was done: the release is demo 1.2.3, and it was not named" in unnamed.stderr
    assert shop.ferrule(*asked, "--yes", "--confirm", "demo 1.2.3", "--quiet").returncode == 0
    (row,) = (json.loads(line) for line in shop.ferrule(*asked, "--json").stdout.splitlines())
    assert row["reason"] == "it offers nothing: what is published stays"
    assert shop.ferrule("yank", "--reason", "a\nb").returncode == 2
    assert published(shop) == before


def test_no_destination(shop: Demo) -> None:
    text = (shop.project / "targets.yaml").read_text().partition("\npublish:")[0]
    (shop.project / "targets.yaml").write_text(text)
    assert "targets.yaml names no destination" in refused(shop)


def test_a_row_says_who_must_have_attested_what_is_there(shop: Demo) -> None:
    instance, form = SigstoreInstance(), Form().of(commit=git(shop, "rev-parse", "HEAD"))
    root = instance.write_root(shop.root / "root.json")
    with serving(IndexServer()) as server:
        text = (shop.project / "targets.yaml").read_text()
        row = f"index: {{to: pypi, index: '{server.url}/simple', identity: 'https://github.com/example/demo'}}"
        (shop.project / "targets.yaml").write_text(text.replace("other: {to: folder, path: ../other}", row))
        for path in (*shop.dist.glob("*.whl"), shop.dist / "demo-1.2.3.tar.gz"):
            server.files[path.name] = path.read_bytes()
        command = ("verify", "--published", "--to", "index", "--trusted-root", str(root))
        absent = shop.ferrule(*command)
        assert absent.returncode == 10
        assert ": attestation: there is no attestation of it, and targets.yaml expects one of https" in absent.stdout
        for name, content in server.files.items():
            server.provenance[name] = provenance_of(instance.statement_bundle(uploaded(name, content), form))
        verified = shop.ferrule(*command)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert f"index: {name}: attestation: same" in verified.stdout
        public = shop.ferrule(*command[:4])
        assert "attestation: its certificate is from nobody whom the trusted root names" in public.stdout
        server.provenance[name] = provenance_of(instance.statement_bundle(uploaded(name, b"other"), form))
        forged = shop.ferrule(*command)
        assert forged.returncode == 10
        assert f"index: {name}: attestation: it is about another {name}: sha256 " in forged.stdout


def uploaded(name: str, content: bytes) -> bytes:
    """What an index's publish attestation says of a file (PEP 740)."""
    subject = [{"name": name, "digest": {"sha256": Digest.of(content).hex}}]
    kind = attestation.INDEX_PUBLISH
    return json.dumps(
        {"_type": intoto.STATEMENT, "subject": subject, "predicateType": kind, "predicate": None}
    ).encode()
