"""`ferrule page`, with pretended compilers: what it reads, refuses, writes, and whether its commands work."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess  # noqa: TID251 - the commands of the page are run as a reader would
from pathlib import Path

import pytest
from pages import Parsed

from fakes.toolchain import Demo, lay_out
from fakes.triples import X86

CHANGES = "# Changelog\n\n## [1.2.3] - 2026-11-01\n\n- Copies **texts**.\n\n## 1.2.2\n\n- Older.\n"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A signed release with a changelog, for tests that leave dist/ as it is."""
    demo = lay_out(tmp_path_factory.mktemp("released"))
    for words in (
        ("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "ec.pem"),
        ("pkcs8", "-topk8", "-nocrypt", "-in", "ec.pem", "-out", "release.pem"),
        ("pkey", "-in", "release.pem", "-pubout", "-out", "release.pub"),
    ):
        subprocess.run(["openssl", *words], cwd=demo.root, check=True)
    (demo.project / "CHANGELOG.md").write_text(CHANGES)
    done = demo.ferrule("release", "--quiet", "--sign-key", "../release.pem")
    assert done.returncode == 0, done.stderr
    return demo


@pytest.fixture
def away(released: Demo, tmp_path: Path) -> Path:
    """A copy of the release outside of the project."""
    return Path(shutil.copytree(released.dist, tmp_path / "demo-1.2.3"))


def written(demo: Demo, *arguments: str, said: str = "") -> str:
    """The page that the command writes; `said` is in what it says beside its path."""
    done = demo.ferrule("page", *arguments)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert bool(said) == bool(done.stderr)
    return Path(done.stdout.strip()).read_text(encoding="utf-8")


def test_it_tells_of_every_file_what_the_release_says(released: Demo) -> None:
    parsed = Parsed(written(released, "--key", "../release.pub"))
    links = parsed.values("href")
    names = [path.relative_to(released.dist).as_posix() for path in released.dist.rglob("*") if path.is_file()]
    assert {f"../dist/{name}" for name in names} == {link for link in links if link.startswith("../")}
    manifest = json.loads((released.dist / "manifest.json").read_bytes())
    for row in manifest["artifacts"]:
        assert row["sha256"] in parsed.text or row["role"] == "sbom"
    for part in (
        "licence MIT",
        f"for {X86.replace('-unknown', '')} needs glibc 2.17, Python >=3.11 loads libc.so.6",
        "needs Node.js",
        "for linux/amd64, linux/arm64",
        "signed yes, and checked with its public key",
        "MIT OR Apache-2.0 , ",
        "Changes in 1.2.3 Copies texts . Written by",
    ):
        assert part in parsed.text, part


def test_the_same_release_gives_the_same_page(released: Demo) -> None:
    pages = {
        released.ferrule("page", PYTHONHASHSEED=seed, TZ=zone).stdout
        and (released.project / ".ferrule/release.html").read_bytes()
        for seed, zone in (("1", "Asia/Kathmandu"), ("2", "America/New_York"))
    }
    (page,) = pages
    assert str(released.root).encode() not in page
    assert released.ferrule("verify").returncode == 0


def test_its_commands_work_where_the_files_are(released: Demo, away: Path) -> None:
    text = written(released)
    commands = [html.unescape(each) for each in re.findall(r'class="copied command"><code>(.*?)</code>', text)]
    shutil.copy(released.root / "release.pub", away)
    (sums,) = [each for each in commands if each.startswith("sha256sum")]
    (away / "example-demo-1.2.3.tgz").unlink()  # somebody downloaded a part
    subprocess.run(sums, shell=True, cwd=away, check=True)
    shutil.rmtree(away)
    shutil.copytree(released.dist, away)
    (verify,) = [each for each in commands if each.startswith("ferrule")]
    assert verify == "ferrule verify . --key release.pub"
    (away.parent / "release.pub").write_bytes((released.root / "release.pub").read_bytes())
    assert released.ferrule("verify", str(away), "--key", str(away.parent / "release.pub")).returncode == 0


def test_links_lead_from_where_the_page_is(released: Demo, away: Path) -> None:
    def first(page: str) -> str:
        return next(link for link in Parsed(page).values("href") if "SHA256SUMS" in link)

    assert first(written(released, "--output", "public/a/index.html")) == "../../dist/SHA256SUMS"
    beside = str(away.parent / "page.html")
    assert first(written(released, str(away), "--output", beside)) == "demo-1.2.3/SHA256SUMS"
    inside = str(away / "index.html")
    note = "ferrule verify refuses a folder with a page in it: keep index.html out of what is verified"
    assert first(written(released, str(away), "--output", inside, said=note)) == "SHA256SUMS"
    # It may be written again; what it has written itself is no mistake of the release.
    assert first(written(released, str(away), "--output", inside, said=note)) == "SHA256SUMS"
    (away / "index.html").unlink()
    far = str(away.parent / "far" / "page.html")
    page = written(released, str(away), "--output", far, said="the page links to files beside it")
    assert first(page) == "SHA256SUMS"
    assert str(away.parent) not in page


def test_the_copy_for_a_release_page_has_one_too(released: Demo, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    done = released.ferrule("extract", "all", "--to", str(upload), "--sign-key", "../release.pem")
    assert done.returncode == 0, done.stderr
    links = Parsed(written(released, str(upload), "--output", str(tmp_path / "upload.html"))).values("href")
    assert "upload/demo-image-1.2.3.oci.tar" in links


def test_outside_of_a_project(released: Demo, away: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return released.ferrule("-C", str(away.parent), "page", *words)

    messages = run(str(away))
    assert (messages.returncode, "outside of a project, name DIST and --output" in messages.stderr) == (2, True)
    output = str(away.parent / "p.html")
    done = run(str(away), "--output", output, "--json")
    assert json.loads(done.stdout) == {"page": output}
    assert "there is no CHANGELOG.md, so the page tells no changes" in done.stderr
    assert "Changes in" not in Path(output).read_text()
    notes = away.parent / "NEWS.md"
    notes.write_text("# 1.2.3\n\nNews.\n")
    assert run(str(away), "--output", output, "--changelog", str(notes), "--quiet").stderr == ""
    assert "News." in Path(output).read_text()
    notes.write_text("# 1.2.4\n")
    messages = run(str(away), "--output", output, "--changelog", str(notes))
    assert (messages.returncode, "there is no heading for 1.2.3" in messages.stderr) == (3, True)


def test_a_release_that_does_not_verify_gets_no_page(released: Demo, away: Path) -> None:
    output = away.parent / "p.html"
    (away / "example-demo-1.2.3.tgz").write_bytes(b"other")
    done = released.ferrule("page", str(away), "--output", str(output))
    assert done.returncode == 6
    assert "so this release gets no page; the first: example-demo-1.2.3.tgz: " in done.stderr
    assert not output.exists()
    unsigned = away.parent / "unsigned"
    shutil.copytree(released.dist, unsigned, ignore=shutil.ignore_patterns("*.sigstore.json"))
    done = released.ferrule("page", str(unsigned), "--output", str(output), "--key", "../release.pub")
    assert done.returncode == 6
    assert not output.exists()


def test_a_changelog_without_the_version_is_told(released: Demo) -> None:
    (released.project / "CHANGELOG.md").write_text("# 1.2.30\n")
    try:
        page = written(released, said="CHANGELOG.md has nothing about 1.2.3, so the page tells no changes")
    finally:
        (released.project / "CHANGELOG.md").write_text(CHANGES)
    assert "Changes in" not in Parsed(page).text


def test_what_fits_no_project(released: Demo) -> None:
    assert "there is no release 'x'" in released.ferrule("page", "--release", "x").stderr
    output = released.ferrule("page", "dist", "--release", "x").stderr
    assert "--release cannot be combined with DIST" in output
