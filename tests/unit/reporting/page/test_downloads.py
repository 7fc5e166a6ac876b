"""The page of a release as markup: links, digests, what is folded, what is said of signatures, and hostile texts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from pages import HOSTILE, Parsed, hostile_downloads

from fakes.triples import ARM, X86
from ferrule.core.downloads import CheckSummary, Download, DownloadPackage, DownloadPage, ReleasedFile
from ferrule.core.model import Digest
from ferrule.reporting.page.downloads import href, page


def released(path: str, size: int = 1000) -> ReleasedFile:
    return ReleasedFile(path, size, Digest.of(path.encode("utf-8", "surrogatepass")))


SDK = Download(
    "demo-1.tar.gz",
    (released("demo-1.tar.gz"),),
    platforms=(X86,),
    floors=("glibc 2.17",),
    loads=("libc.so.6",),
    requires=("numpy>=2",),
    licenses=("MIT", "BSD-3-Clause"),
    bill="demo-1.tar.gz.cdx.json",
)
INDEX = Digest.of(b"index").hex
IMAGE = Download(
    "image",
    (released("image/index.json"), released("image/oci-layout", 3)),
    platforms=("linux/amd64",),
    image=f"sha256:{INDEX}",
    folder=True,
)
PAGE = DownloadPage(
    project="demo",
    version="1.0.0",
    commit="0123456789abcdef",
    dirty=False,
    packages=(DownloadPackage("sdk", "a C SDK", (SDK,)), DownloadPackage("image", "an image", (IMAGE,))),
    describing=(released("SHA256SUMS"), released("manifest.json")),
    checksums=("SHA256SUMS",),
    provenance=("provenance.intoto.jsonl",),
    bundles={},
    check=CheckSummary({"digest": 3, "checksums": 1}, 3),
    license=("MIT",),
    parts={"MIT": ("demo 1.0.0", "other 2"), None: ("libc6 2.36",)},
    changelog="- Better.",
)
SIGNED = replace(
    PAGE,
    bundles={
        "manifest.json.sigstore.json": "manifest.json",
        "SHA256SUMS.sigstore.json": "SHA256SUMS",
        "provenance.sigstore.json": "provenance.intoto.jsonl",
    },
)


def test_every_file_has_its_link_size_and_digest() -> None:
    parsed = Parsed(page(PAGE, "../dist/"))
    links = parsed.values("href")
    for path in ("demo-1.tar.gz", "demo-1.tar.gz.cdx.json", "image/index.json", "SHA256SUMS", "manifest.json"):
        assert f"../dist/{path}" in links
    for text in (SDK.files[0].digest.hex, IMAGE.files[1].digest.hex, INDEX, "1000 B", "3 B"):
        assert text in parsed.text
    assert parsed.values("title").count("1,000 bytes") >= 4


def test_it_says_what_a_release_manager_asks() -> None:
    text = Parsed(page(PAGE, "")).text
    for part in (
        "demo 1.0.0 Built from commit 0123456789abcdef .",
        "downloads 2, 2.0 KiB",
        "platforms x86_64-linux-gnu licence MIT verified 4 checks on 3 files passed signed no",
        "for x86_64-linux-gnu needs glibc 2.17 loads libc.so.6 requires numpy>=2",
        "licences MIT, BSD-3-Clause ( bill of materials )",
        "sha256sum --ignore-missing -c SHA256SUMS",
        "shasum -a 256 --ignore-missing -c SHA256SUMS",
        "ferrule verify . Copy",
        "This release is not signed",
        "digest (3), checksums (1)",
        "MIT , 2 parts demo 1.0.0, other 2 none stated , 1 part libc6 2.36",
        "Changes in 1.0.0 Better.",
    ):
        assert part in text, part


def test_a_signed_release_says_how_to_check_it_and_who_was_checked() -> None:
    text = Parsed(page(SIGNED, "")).text
    options = "--key release.pub --insecure-ignore-tlog=true --bundle"
    assert f"cosign verify-blob {options} SHA256SUMS.sigstore.json SHA256SUMS" in text
    assert f"cosign verify-blob-attestation --type slsaprovenance1 {options} provenance.sigstore.json FILE" in text
    assert "ferrule verify . --key release.pub" in text
    assert "signed yes; by whom was not checked" in text
    checked = Parsed(page(replace(SIGNED, signer="abc="), "")).text
    assert "signed yes, and checked with its public key" in checked
    assert "abc=" in checked


def test_what_there_is_not_is_not_there() -> None:
    bare = replace(PAGE, commit=None, packages=(), describing=(), checksums=(), license=(), parts=None, changelog=None)
    parsed = Parsed(page(bare, ""))
    assert "Built from sources outside of a Git repository." in parsed.text
    assert {"#licences", "#changes"}.isdisjoint(parsed.values("href"))
    assert "sha256sum FILE" in parsed.text
    assert "with uncommitted changes" in Parsed(page(replace(PAGE, dirty=True), "")).text
    alone = replace(PAGE, packages=PAGE.packages[1:])
    assert "platforms linux/amd64" in Parsed(page(alone, "")).text
    without_bill = replace(PAGE, packages=(DownloadPackage("x", "", (replace(SDK, bill=None, licenses=()),)),))
    assert "bill of materials" not in Parsed(page(without_bill, "")).text


def packages(*counts: int) -> tuple[DownloadPackage, ...]:
    return tuple(
        DownloadPackage(f"p{n}", "", tuple(replace(SDK, path=f"{n}-{i}", platforms=(ARM,)) for i in range(count)))
        for n, count in enumerate(counts)
    )


@pytest.mark.parametrize(("counts", "folded"), [((5, 4), 0), ((20, 4), 1), ((9, 9, 9), 3)])
def test_many_files_are_folded_by_package(counts: tuple[int, ...], folded: int) -> None:
    text = page(replace(PAGE, packages=packages(*counts)), "")
    assert len(re.findall(r'<details class="package">', text)) == folded
    assert len(re.findall(r'<details class="package" open>', text)) == len(counts) + 1 - folded


def test_the_page_needs_nothing_and_may_do_nothing() -> None:
    parsed = Parsed(page(PAGE, ""))
    (policy,) = [value for value in parsed.values("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert {"img", "link", "iframe", "object"}.isdisjoint(parsed.tags)
    assert parsed.values("src") == parsed.values("style") == []
    assert page(PAGE, "") == page(PAGE, "")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text: str) -> None:
    about = hostile_downloads(text)
    parsed = Parsed(page(about, ""))
    assert [tag for tag, name, _ in parsed.attributes if name.startswith("on")] == []
    assert parsed.values("src") == []
    assert not [link for link in parsed.values("href") if ":" in link]
    assert page(about, "").count("<script>") == 1


def test_a_name_is_never_another_kind_of_address() -> None:
    assert href("", "javascript:1") == "javascript%3A1"
    assert href("", "a?b#c") == "a%3Fb%23c"
    assert href("../d/", "é") == "../d/%C3%A9"
    assert "sha256sum --ignore-missing -c ./-x" in Parsed(page(replace(PAGE, checksums=("-x",)), "")).text
    assert "-c 'a b'" in Parsed(page(replace(PAGE, checksums=("a b",)), "")).text
