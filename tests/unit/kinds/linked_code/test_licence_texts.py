"""Licence texts of crates, of Rust's standard library and of zig, as they lie on a machine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ferrule.core.errors import BuildError
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds.linked_code.licence_texts import copyright_parts, files_of, of_crates, of_rust, of_zig
from ferrule.tools.crates import CrateSource, LinkedCrate

if TYPE_CHECKING:
    from pathlib import Path

X86 = "x86_64-unknown-linux-gnu"
MUSL = "x86_64-unknown-linux-musl"


def crate(folder: Path, *files: str, **fields: Any) -> CrateSource:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"text of {name}")
    folder.mkdir(parents=True, exist_ok=True)
    return CrateSource("x", "1.0.0", folder, **fields)


def test_files_with_licences_wherever_they_are(tmp_path: Path) -> None:
    names = ("LICENSE-MIT", "UNLICENSE", "zlib/COPYING", "LICENSES/ISC.txt", "MIT-LICENSE.txt", "legal/special.txt")
    others = ("license.rs", "tests/LICENSE", ".git/LICENSE", "README.md", "a/b/c/d/e/LICENSE")
    files = files_of(crate(tmp_path, *names, *others, license_file="legal/special.txt"))
    assert {path.relative_to(tmp_path).as_posix() for path in files} == set(names)


def test_a_crate_of_a_repository_has_them_in_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / ".cargo-ok").touch()
    inner = crate(tmp_path / "crates" / "x", "Cargo.toml", is_git=True)
    assert list(files_of(inner)) == []  # no further than the checkout
    (tmp_path / "LICENSE").write_text("all")
    assert [path.name for path in files_of(inner)] == ["LICENSE"]


def test_what_is_the_project_s_own_is_no_third_party_s(tmp_path: Path) -> None:
    own = crate(tmp_path / "own", "LICENSE", "zlib/COPYING", is_local=True)
    assert of_crates([own], {}, {"text of LICENSE"})[0] == []
    (part,), read = of_crates([own], {}, {"another text"})
    assert part.texts == (("LICENSE", "text of LICENSE"),)
    assert [path.name for path in read] == ["LICENSE"]


def test_without_a_text_the_standard_one_is_told_of_its_authors(tmp_path: Path) -> None:
    (part,), _ = of_crates([crate(tmp_path, license="MIT", authors=("A",))], {}, ())
    assert [name for name, _ in part.texts] == ["standard text of MIT"]
    assert part.authors == ("A",)
    (nobody,), _ = of_crates([crate(tmp_path, license="MIT")], {}, ())
    assert nobody.authors == ("the authors of x",)


@pytest.mark.parametrize("licence", [None, "LicenseRef-secret"])
def test_without_any_text_it_is_refused_until_one_is_given(tmp_path: Path, licence: str | None) -> None:
    bare, given = crate(tmp_path / "x", license=licence), tmp_path / "text"
    with pytest.raises(BuildError, match=r"no licence text comes with .* x 1\.0\.0") as caught:
        of_crates([bare], {}, ())
    assert caught.value.where == "project.license-texts"
    assert "license-texts: {x: FILE}" in (caught.value.hint or "")
    given.write_bytes("Straße".encode("latin-1"))
    (part,), _ = of_crates([bare], {"x": given}, ())
    assert part.texts == (("text", "Straße"),)


def toolchain(home: Path) -> Any:
    tool = SimpleNamespace(version="1.96.0", argv=(str(home / "zig"),))
    return SimpleNamespace(sysroot=home, tool=lambda _: tool)


def test_of_rust_the_sources_or_the_list_that_comes_with_it(tmp_path: Path) -> None:
    std = LinkedCrate("pkg:cargo/memchr@2.7.6", "memchr", "2.7.6", linked=True, license="Unlicense OR MIT")
    with pytest.raises(BuildError, match="brings no licences of the crates in its standard library"):
        of_rust(toolchain(tmp_path), [])
    document = tmp_path / "share" / "doc" / "rust" / "COPYRIGHT-library.html"
    document.parent.mkdir(parents=True)
    document.write_text("<h3>\U0001f4e6 cfg-if-1.0.4</h3><p><b>License:</b> MIT</p>")
    assert [part.title for part in of_rust(toolchain(tmp_path), [])] == [
        "Rust's standard library 1.96.0",
        "cfg-if 1.0.4 in Rust's standard library",
    ]
    vendored = tmp_path / "lib" / "rustlib" / "src" / "rust" / "library" / "vendor" / "memchr-2.7.6"
    vendored.mkdir(parents=True)
    own, inner = of_rust(toolchain(tmp_path), [std])
    assert [name for name, _ in own.texts] == [
        f"standard text of {name}" for name in ("MIT", "Apache-2.0", "Unicode-3.0", "LLVM-exception")
    ]
    assert inner.authors == ("the authors of memchr",)  # distributions take the texts out
    (vendored / "COPYING").write_text("of memchr")
    assert of_rust(toolchain(tmp_path), [std])[1].texts == (("COPYING", "of memchr"),)


def test_the_list_of_the_standard_library_is_read() -> None:
    page = (
        "<h3>\U0001f4e6 wasi-0.14.4+wasi-0.2.4</h3>\n<p><b>License:</b> Apache-2.0 OR MIT</p>"
        "<details><summary><code>LICENSE-MIT</code></summary>\n<pre>\nfor &#34;free&#34;\n</pre></details>"
        "<h3>\U0001f4e6 x-1.0.0</h3>"
    )
    first, second = copyright_parts(page)
    assert (first.name, first.version) == ("wasi", "0.14.4+wasi-0.2.4 in Rust's standard library")
    assert (first.license, first.texts) == ("Apache-2.0 OR MIT", (("LICENSE-MIT", 'for "free"\n'),))
    assert (second.license, second.texts) == (None, ())


def test_of_zig_what_its_linker_adds_for_a_target(tmp_path: Path) -> None:
    for name in ("LICENSE", "lib/libunwind/LICENSE.TXT", "lib/libcxx/LICENSE.TXT"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    parts = of_zig(toolchain(tmp_path), PLATFORMS[X86], ["cc"])
    assert [part.name for part in parts] == ["zig's compiler-rt", "zig's libunwind", "zig's libc++"]
    assert [part.name for part in of_zig(toolchain(tmp_path), PLATFORMS[X86], [])][-1] == "zig's libunwind"
    for name in ("musl/COPYRIGHT", "wasi/LICENSE-MIT", "wasi/libc-bottom-half/cloudlibc/LICENSE"):
        (tmp_path / "lib/libc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib/libc" / name).write_text(name)
    parts = of_zig(toolchain(tmp_path), PLATFORMS["wasm32-wasip2"], [])
    assert [part.name for part in parts] == [
        *("zig's compiler-rt", "zig's musl", "zig's wasi-libc", "zig's cloudlibc", "the adapter of wasm-component-ld"),
    ]
    (tmp_path / "lib/libc/musl/COPYRIGHT").unlink()
    with pytest.raises(BuildError, match="zig's licence cannot be read"):
        list(of_zig(toolchain(tmp_path), PLATFORMS[MUSL], []))
