"""Small Cargo workspaces of many kinds, as strangers have them: what `ferrule init` looks at.

Names and versions are those that the pretended compilers know (pretended.py): the C library is `demo` 1.2.3.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMO = Path(__file__).parent / "demo"
EXPORTED = """\
/// Adds two numbers.
#[no_mangle]
pub extern "C" fn demo_add(a: i32, b: i32) -> i32 {
    a.wrapping_add(b)
}

/// The answer.
#[no_mangle]
pub extern "C" fn demo_copy(text: *const core::ffi::c_char) -> *mut core::ffi::c_char {
    text.cast_mut()
}
"""
WORLD = "package example:demo@1.2.3;\n\nworld demo {\n  export add: func(a: s32, b: s32) -> s32;\n}\n"
HEADER = "#ifndef DEMO_H\n#define DEMO_H\nint demo_add(int a, int b);\nchar *demo_copy(const char *text);\n#endif\n"


@dataclass(frozen=True)
class Sketch:
    """A workspace as texts by path.

    `artifacts` are those that init describes, `uncovered` what it says is not covered, `lines` parts of the file.
    """

    files: Mapping[str, str]
    artifacts: Mapping[str, str]
    uncovered: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    copies: Mapping[str, str] = field(default_factory=dict)
    remote: str | None = None

    def lay_out(self, root: Path) -> Path:
        """Write it to a folder."""
        for name, text in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for source, target in self.copies.items():
            shutil.copytree(DEMO / source, root / target)
        if self.remote:
            for folder in ("objects", "refs"):
                (root / ".git" / folder).mkdir(parents=True)
            (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
            (root / ".git" / "config").write_text(f'[remote "origin"]\n\turl = {self.remote}\n')
        return root


def crate(
    name: str, *more: str, types: str | None = '["cdylib", "staticlib"]', needs: str = "", lib: str = "demo"
) -> str:
    """A Cargo.toml; `more` are lines of [package]."""
    rows = [f'name = "{name}"', 'version = "1.2.3"', 'edition = "2021"', 'license = "MIT"', *more]
    package = "[package]\n" + "\n".join(rows) + "\n"
    library = f'\n[lib]\nname = "{lib}"\n' + (f"crate-type = {types}\n" if types else "")
    return package + library + (f"\n[dependencies]\n{needs}\n" if needs else "")


def lock(**packages: str) -> str:
    """A Cargo.lock: own packages with the names that they depend on, and what these are."""
    own = {name.replace("_", "-"): needs.split() for name, needs in packages.items()}
    fetched = sorted({need for needs in own.values() for need in needs} - own.keys())
    blocks = []
    for name, needs in sorted(own.items()):
        listed = "dependencies = [\n" + "".join(f' "{need}",\n' for need in sorted(needs)) + "]\n" if needs else ""
        blocks.append(f'[[package]]\nname = "{name}"\nversion = "1.2.3"\n{listed}')
    for name in fetched:
        rows = f'version = "1.0.0"\nsource = "registry+https://registry.example/index"\nchecksum = "{"0" * 64}"\n'
        blocks.append(f'[[package]]\nname = "{name}"\n{rows}')
    return "version = 4\n\n" + "\n".join(blocks)


def virtual(*members: str) -> str:
    """A virtual workspace."""
    return f"[workspace]\nmembers = {list(members)}\n".replace("'", '"')


LICENCE = {"LICENSE": "A licence\n"}
C_LIBRARY = {"native": "library", "header": "header", "sdk-c": "sdk"}
LAST = {"sbom": "sbom", "sums": "checksums", "provenance": "provenance"}
PYO3 = 'pyo3 = { version = "1", features = ["abi3-py311"] }'
PYPROJECT = """\
[build-system]
requires = ["maturin>=1"]
build-backend = "maturin"

[project]
name = "demo-ext"
dynamic = ["version"]
requires-python = ">=3.11"
"""
DIST = """\
[workspace]
members = ["cargo:."]

[dist]
cargo-dist-version = "0.30.0"
targets = ["aarch64-apple-darwin", "x86_64-unknown-linux-gnu", "x86_64-unknown-freebsd", "i686-pc-windows-msvc"]
installers = ["shell", "powershell"]

[dist.min-glibc-version]
"*" = "2.28"
"""
GORELEASER = """\
version: 2
builds:
  - id: demo
    builder: rust
    targets:
      - x86_64-unknown-linux-gnu.2.28
      - aarch64-apple-darwin
      - x86_64-unknown-netbsd
    command: zigbuild
nfpms:
  - formats: [deb]
checksum: {name_template: SHA256SUMS}
"""
CROSS = '[target.aarch64-unknown-linux-gnu]\nimage = "example/cross"\npre-build = ["apt-get update"]\n'

SKETCHES: Mapping[str, Sketch] = {
    "virtual": Sketch(
        {
            "Cargo.toml": virtual("demo-core", "demo-ffi"),
            "Cargo.lock": lock(demo_core="", demo_ffi="demo-core"),
            "demo-core/Cargo.toml": crate("demo-core", types=None, lib="demo_core"),
            "demo-core/src/lib.rs": "",
            "demo-ffi/Cargo.toml": crate("demo-ffi", needs='demo-core = { path = "../demo-core" }'),
            "demo-ffi/src/lib.rs": EXPORTED,
            **LICENCE,
        },
        C_LIBRARY,
        ("the crate demo-core",),
        ("name: demo  # of the crate demo-ffi", "version: {cargo: .}", "license-files: [LICENSE]"),
    ),
    "single crate": Sketch(
        {
            "Cargo.toml": crate("demo", types='["cdylib"]'),
            "Cargo.lock": lock(demo=""),
            "cbindgen.toml": 'language = "C"\n',
            "src/lib.rs": EXPORTED,
            "LICENSE-MIT": "MIT\n",
            "LICENSE-APACHE": "Apache\n",
        },
        C_LIBRARY,
        (),
        (
            "native: {kind: library, crate: demo, types: [cdylib], header: header}  # crate-type of the crate",
            "license-files: [LICENSE-APACHE, LICENSE-MIT]",
        ),
    ),
    "subfolder": Sketch(
        {
            "rust/Cargo.toml": virtual("demo-ffi"),
            "rust/Cargo.lock": lock(demo_ffi=""),
            "rust/demo-ffi/Cargo.toml": crate("demo-ffi", 'rust-version = "1.70"'),
            "rust/demo-ffi/src/lib.rs": EXPORTED,
            "README.md": "",
            **LICENCE,
        },
        C_LIBRARY,
        (),
        ("version: {cargo: rust}",),
    ),
    "rlib": Sketch(
        {
            "Cargo.toml": crate("demo", types=None),
            "Cargo.lock": lock(demo=""),
            "src/lib.rs": "mod ffi;\n",
            "src/ffi/mod.rs": EXPORTED.replace("#[no_mangle]", "#[unsafe(no_mangle)]"),
            **LICENCE,
        },
        C_LIBRARY,
        (),
        ("header: header}  # the crate has neither type, and is built as both",),
    ),
    "cargo-c": Sketch(
        {
            "Cargo.toml": crate("demo-capi", types=None)
            + '\n[package.metadata.capi.header]\nname = "demo"\nsubdirectory = "demo"\n'
            + '\n[package.metadata.capi.pkg_config]\nname = "demo-1"\nrequires = "zlib >= 1, glib-2.0"\n'
            + "strip_include_path_components = 1\n",
            "Cargo.lock": lock(demo_capi=""),
            "src/lib.rs": EXPORTED,
            **LICENCE,
        },
        C_LIBRARY,
        (
            "[package.metadata.capi] pkg_config strip_include_path_components: an SDK's",
            "[package.metadata.capi] header subdirectory: an SDK's",
        ),
        ('pkg-config: {name: demo-1, requires: ["zlib >= 1", glib-2.0]}}  # pkg_config of cargo-c',),
    ),
    "proc-macro, program and a generated header": Sketch(
        {
            "Cargo.toml": virtual("crates/*"),
            "Cargo.lock": lock(demo_derive="", demo_ffi="demo-derive", demo_cli="demo-ffi"),
            "crates/derive/Cargo.toml": crate("demo-derive", types=None, lib="demo_derive") + "proc-macro = true\n",
            "crates/derive/src/lib.rs": "",
            "crates/ffi/Cargo.toml": crate("demo-ffi", needs='demo-derive = { path = "../derive" }'),
            "crates/ffi/src/lib.rs": EXPORTED,
            "crates/ffi/include/demo_api.h": f"/* Generated with cbindgen:0.29.4 */\n{HEADER}",
            "crates/cli/Cargo.toml": crate("demo-cli", needs='demo-ffi = { path = "../ffi" }').partition("\n[lib]")[0]
            + '\n[dependencies]\ndemo-ffi = { path = "../ffi" }\n',
            "crates/cli/src/main.rs": "fn main() {}\n",
            **LICENCE,
        },
        C_LIBRARY | {"program": "program"},
        (),
        (
            "name: demo  # of the crate demo-ffi",
            "program: {kind: program, crate: demo-cli}",
            "header: {kind: header, crate: demo-ffi, name: demo_api.h}  # name of the one that is checked in",
        ),
    ),
    "header by hand, no licence": Sketch(
        {
            "Cargo.toml": virtual("demo-ffi"),
            "Cargo.lock": lock(demo_ffi=""),
            "demo-ffi/Cargo.toml": crate("demo-ffi", types='["staticlib"]'),
            "demo-ffi/src/lib.rs": EXPORTED,
            "include/demo.h": HEADER,
        },
        {"native": "library", "header": "header"},
        ("Cargo.toml: a C SDK of demo-ffi",),
        (
            "native: {kind: library, crate: demo-ffi, types: [staticlib], header: header}  # crate-type of the crate",
            "header: {kind: header, file: include/demo.h}  # written by hand",
        ),
    ),
    "headers by hand": Sketch(
        {
            "Cargo.toml": crate("demo"),
            "Cargo.lock": lock(demo=""),
            "src/lib.rs": EXPORTED,
            "include/demo.h": '#include "demo/text.h"\nint demo_add(int a, int b);\n',
            "include/demo/text.h": "char *demo_copy(const char *text);\n",
            **LICENCE,
        },
        C_LIBRARY,
        (),
        ("header: {kind: header, files: [include]}  # written by hand",),
    ),
    "functions by a macro, headers by hand": Sketch(
        {
            "Cargo.toml": crate("demo"),
            "Cargo.lock": lock(demo=""),
            "src/lib.rs": "mod macros;\n",
            "src/macros.rs": "macro_rules! c_function {\n    ($name:ident) => {\n        #[no_mangle]\n"
            "        pub extern fn $name() {}\n    };\n}\n",
            "include/demo.h": HEADER,
            **LICENCE,
        },
        C_LIBRARY,
        (),
        ("header: {kind: header, file: include/demo.h}  # written by hand",),
    ),
    "component and npm": Sketch(
        {
            "Cargo.toml": virtual("demo-wasm"),
            "Cargo.lock": lock(demo_wasm="wit-bindgen"),
            "demo-wasm/Cargo.toml": crate("demo-wasm", types='["cdylib"]', lib="demo_wasm", needs='wit-bindgen = "1"'),
            "demo-wasm/src/lib.rs": "",
            "demo-wasm/wit/demo.wit": WORLD,
            "js/package.json": '{"name": "@example/demo", "exports": {".": "./index.js"}}\n',
            "js/index.js": "export { load } from './component/index.js';\n",
            **LICENCE,
        },
        {"component": "component", "npm": "npm"},
        (),
        ("wasm32-unknown-unknown: {}",),
    ),
    "uniffi": Sketch(
        {
            "Cargo.toml": crate("demo-ffi", types='["cdylib", "staticlib", "lib"]', needs='uniffi = "1"'),
            "Cargo.lock": lock(demo_ffi="uniffi"),
            "src/lib.rs": "uniffi::setup_scaffolding!();\n",
            **LICENCE,
        },
        {"native": "library"},
        ("a header for demo-ffi", "bindings of demo-ffi by UniFFI"),
    ),
    "Go and Python": Sketch(
        {
            "rust/Cargo.toml": virtual("demo-ffi"),
            "rust/Cargo.lock": lock(demo_ffi=""),
            "rust/demo-ffi/Cargo.toml": crate("demo-ffi"),
            "rust/demo-ffi/src/lib.rs": EXPORTED,
            "python/pyproject.toml": '[project]\nname = "demo"\ndynamic = ["version"]\nrequires-python = ">=3.11"\n'
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
            "python/src/demo/__init__.py": "from demo._native import load\n",
            "cgo/go.mod": "module example.com/other\n\ngo 1.25\n",
            "cgo/other.go": 'package other\n\n// #cgo LDFLAGS: -ldemo\nimport "C"\n',
            **LICENCE,
        },
        {**C_LIBRARY, "sdk-py": "wheel", "go": "gomodule"},
        ("cgo/other.go:4:1: the Go module in cgo: it links it by cgo",),
        copies={"packaging/go": "go"},
    ),
    "PyO3": Sketch(
        {
            "Cargo.toml": crate("demo-ext", types='["cdylib"]', lib="demo_ext", needs=PYO3),
            "Cargo.lock": lock(demo_ext="pyo3"),
            "src/lib.rs": "",
            "pyproject.toml": PYPROJECT
            + '\n[tool.maturin]\nfeatures = ["pyo3/extension-module"]\ncompatibility = "manylinux2014"\n'
            + '\n[tool.cibuildwheel]\nbuild = "cp311-*"\n[tool.cibuildwheel.linux]\narchs = ["x86_64"]\n'
            + '[tool.cibuildwheel.windows]\narchs = "x86"\n',
            **LICENCE,
        },
        {"py": "extension"},
        ("[tool.maturin] compatibility", "[tool.cibuildwheel] build", "the target i686-pc-windows-msvc"),
        ('x86_64-unknown-linux-gnu: {glibc: "2.17"}  # of pyproject.toml',),
    ),
    "cargo-dist": Sketch(
        {
            "Cargo.toml": crate("demo"),
            "Cargo.lock": lock(demo=""),
            "src/lib.rs": EXPORTED,
            "src/main.rs": "fn main() {}\n",
            "dist-workspace.toml": DIST,
            **LICENCE,
        },
        C_LIBRARY | {"program": "program"},
        (
            "dist-workspace.toml:6:1: the target x86_64-unknown-freebsd",
            "dist-workspace.toml:6:1: the target i686-pc-windows-msvc",
            "dist-workspace.toml:5:1: [dist] cargo-dist-version",
            "dist-workspace.toml:7:1: the installer shell",
        ),
        (
            'x86_64-unknown-linux-gnu: {glibc: "2.28"}  # of dist-workspace.toml',
            'aarch64-apple-darwin: {macos: "11.0"}  # of dist-workspace.toml',
        ),
    ),
    "GoReleaser and cross": Sketch(
        {
            "Cargo.toml": crate("demo"),
            "Cargo.lock": lock(demo=""),
            "src/lib.rs": EXPORTED,
            ".goreleaser.yaml": GORELEASER,
            "Cross.toml": CROSS,
            "Dockerfile": "FROM rust:1 AS build\n\nFROM debian:bookworm\n",
            **LICENCE,
        },
        C_LIBRARY,
        (
            ".goreleaser.yaml:5:5: the target x86_64-unknown-netbsd",
            ".goreleaser.yaml:9:5: builds command",
            ".goreleaser.yaml:10:1: .goreleaser.yaml nfpms",
            "Cross.toml:2:1: [target.aarch64-unknown-linux-gnu] image",
            "Dockerfile:3:1: the image on debian:bookworm",
        ),
        (
            'x86_64-unknown-linux-gnu: {glibc: "2.28"}  # of .goreleaser.yaml',
            'aarch64-unknown-linux-gnu: {glibc: "2.17"}  # of Cross.toml',
        ),
    ),
    "addons beside a library": Sketch(
        {
            "Cargo.toml": virtual("demo-ffi", "demo-node", "demo-web", "demo-sys"),
            "Cargo.lock": lock(
                demo_ffi="openssl-sys core-foundation-sys", demo_node="napi", demo_web="wasm-bindgen", demo_sys=""
            ),
            "demo-ffi/Cargo.toml": crate("demo-ffi", needs='openssl-sys = "1"\ncore-foundation-sys = "1"'),
            "demo-ffi/src/lib.rs": EXPORTED,
            "demo-node/Cargo.toml": crate("demo-node", types='["cdylib"]', lib="demo_node", needs='napi = "1"'),
            "demo-node/src/lib.rs": "",
            "demo-node/package.json": '{"name": "demo", "napi": {"targets": ["i686-pc-windows-msvc"]}}\n',
            "demo-web/Cargo.toml": crate("demo-web", types='["cdylib"]', lib="demo_web", needs='wasm-bindgen = "1"'),
            "demo-web/src/lib.rs": "",
            "demo-sys/Cargo.toml": crate("demo-sys", 'links = "demo"', types=None, lib="demo_sys"),
            "demo-sys/build.rs": "fn main() {}\n",
            "demo-sys/src/lib.rs": 'extern "C" { pub fn demo_other(); }\n',
            **LICENCE,
        },
        C_LIBRARY,
        (
            "the addon demo-node for Node.js",
            "the module demo-web of wasm-bindgen",
            "the target i686-pc-windows-msvc",
            "OpenSSL, which demo-ffi links",
            "aarch64-apple-darwin, as core-foundation-sys links a framework of macOS",
            "publishing on GitLab",
        ),
        (
            "homepage: https://gitlab.example/team/demo  # the remote repository",
            "publish: []  # the remote repository is on GitLab",
        ),
        remote="https://deploy:t0k3n@gitlab.example/team/demo.git",
    ),
}
