"""What is compiled again and what is not, with the real Cargo: a small workspace that reads all kinds of things."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess  # noqa: TID251 - a build is disturbed while it runs
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from judges import CHECKOUT, ferrule
from released import HOST

from fakes.toolchain import wait_until

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "targets.yaml": f"""\
version: 1
project: {{name: tiny, version: {{cargo: rust}}}}
targets:
  {HOST}: {{}}
artifacts:
  native: {{kind: library, crate: tiny-ffi, types: [cdylib]}}
""",
    "rust/Cargo.toml": '[workspace]\nresolver = "3"\nmembers = ["ffi", "core"]\n'
    '[workspace.package]\nversion = "1.0.0"\n',
    "rust/Cargo.lock": "version = 4\n"
    '[[package]]\nname = "beside"\nversion = "0.1.0"\n'
    '[[package]]\nname = "tiny-core"\nversion = "0.1.0"\n'
    '[[package]]\nname = "tiny-ffi"\nversion = "0.1.0"\ndependencies = [\n "beside",\n "tiny-core",\n]\n',
    "rust/ffi/Cargo.toml": '[package]\nname = "tiny-ffi"\nversion = "0.1.0"\nedition = "2024"\n'
    '[lib]\ncrate-type = ["cdylib"]\n'
    '[dependencies]\ntiny-core = { path = "../core" }\nbeside = { path = "../../beside" }\n',
    "rust/ffi/build.rs": r"""
use std::{env, fs};
fn main() {
    println!("cargo::rerun-if-changed=data");
    println!("cargo::rerun-if-env-changed=TINY_SEED");
    println!("cargo::rerun-if-env-changed=TINY_GREETING");
    if fs::exists("data/held").unwrap() {
        fs::write("../../waits", "").unwrap();
        while fs::exists("../../waits").unwrap() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    let names: Vec<_> = fs::read_dir("data").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    println!("cargo::rustc-env=TINY_NAMES=<{}>", names.join(",".as_ref()).display());
    println!("cargo::rustc-env=TINY_GREETED=[{}]", env::var("TINY_GREETING").unwrap_or_default());
}
""",
    "rust/ffi/data/one": "1",
    "rust/ffi/src/lib.rs": r"""
#[unsafe(no_mangle)]
pub extern "C" fn tiny(n: usize) -> u8 {
    let all = [tiny_core::WORDS, beside::NAME, env!("TINY_NAMES"), env!("TINY_GREETED"), tiny_core::PLAIN];
    all[n % all.len()].as_bytes()[n % 3]
}
""",
    "rust/core/Cargo.toml": '[package]\nname = "tiny-core"\nversion = "0.1.0"\nedition = "2024"\n',
    "rust/core/src/lib.rs": 'pub const PLAIN: &str = "plain one";\n'
    'pub const WORDS: &str = include_str!("../words/list.txt");\n',
    "rust/core/words/list.txt": "words of old",
    "rust/core/tests/all.rs": "#[test]\nfn nothing() {}\n",
    "beside/Cargo.toml": '[package]\nname = "beside"\nversion = "0.1.0"\nedition = "2024"\n[workspace]\n',
    "beside/src/lib.rs": 'pub const NAME: &str = "named beside";\n',
}


@dataclass
class Project:
    """A project with its cache, and what the last build said."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def build(self, **environment: str) -> str:
        """Build; returns what was said."""
        return ferrule("build", "native", cwd=self.root, **environment).stderr

    @property
    def library(self) -> Path:
        (result,) = (self.root / ".ferrule" / "out").rglob("libtiny_ffi*")
        return result

    def holds(self, text: str) -> bool:
        return text.encode() in self.library.read_bytes()

    def why(self) -> str:
        return ferrule("plan", "--why", cwd=self.root).stdout


@pytest.fixture(scope="module")
def tiny(setup, tmp_path_factory) -> Project:  # noqa: ARG001
    """Built once; each test leaves it built, in a state of its own."""
    project = Project(tmp_path_factory.mktemp("tiny") / "project")
    for name, text in FILES.items():
        project.write(name, text)
    output = project.build()
    assert "native also reads beside/Cargo.toml and 3 more, so its key changed" in output
    return project


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def test_it_holds_what_it_reads(tiny):
    assert all(tiny.holds(text) for text in ("words of old", "named beside", "<one>", "[]", "plain one"))


def test_what_no_compiler_read_compiles_nothing(tiny):
    for name in ("core/tests/all.rs", "core/README.md", "ffi/examples/use.rs", "core/words/unread.txt"):
        tiny.write(f"rust/{name}", "changed")
    assert "nothing changed" in tiny.why()
    assert "0 built, 1 unchanged" in tiny.build()


@pytest.mark.parametrize(
    ("name", "text", "held"),
    [
        ("rust/core/words/list.txt", "words of new", "words of new"),
        ("beside/src/lib.rs", 'pub const NAME: &str = "somebody else";\n', "somebody else"),
    ],
)
def test_what_a_crate_read_counts_wherever_it_is(tiny, name, text, held):
    before = (tiny.root / name).read_text()
    tiny.write(name, text)
    assert f"{name}: {digest(before)} -> {digest(text)}" in tiny.why()
    assert "1 built" in tiny.build()
    assert tiny.holds(held)
    tiny.write(name, before)
    assert "0 built" in tiny.build()


def test_a_new_file_in_a_folder_that_a_build_script_read_counts(tiny):
    tiny.write("rust/ffi/data/two", "")
    assert "1 built" in tiny.build()
    assert tiny.holds("two")


def test_a_source_that_changed_and_looks_old_is_compiled(tiny):
    path = tiny.root / "rust/core/src/lib.rs"
    times = path.stat()
    path.write_text(path.read_text().replace("plain one", "plain two"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    tiny.build()
    assert tiny.holds("plain two")


def test_a_byte_that_was_added_to_what_cargo_wrote_is_not_shipped(tiny):
    tiny.build()
    before = tiny.library.read_bytes()
    for name in ("libtiny_ffi.so", "libtiny_ffi.dylib", "libtiny_core-*.rlib", "made.rs"):
        for path in (tiny.root / ".ferrule/cache").rglob(name):
            with path.open("ab") as stream:
                stream.write(b"x")
    shutil.rmtree(tiny.root / ".ferrule/store")
    shutil.rmtree(tiny.root / ".ferrule/out")
    assert "1 built" in tiny.build()
    assert tiny.library.read_bytes() == before


def test_a_variable_is_not_passed_on_but_said_and_can_be_given(tiny):
    tiny.write("rust/ffi/data/three", "")
    output = tiny.build(TINY_GREETING="hello", TINY_OTHER="x")
    assert "tiny-ffi asks for TINY_GREETING, which is set here but not passed on" in output
    assert "TINY_OTHER" not in output
    assert tiny.holds("[]")
    matrix = (tiny.root / "targets.yaml").read_text()
    tiny.write("targets.yaml", matrix.replace("types: [cdylib]", "types: [cdylib], env: {TINY_GREETING: from here}"))
    assert " asks for " not in tiny.build(TINY_GREETING="hello")
    assert tiny.holds("[from here]")


def test_a_file_that_changes_while_it_is_built_keeps_no_result(tiny):
    tiny.write("rust/ffi/data/held", "")
    command = [sys.executable, "-m", "ferrule", "build", "native"]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "src")}  # noqa: TID251 - the machine's own
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=tiny.root, env=environment, text=True, **both) as running:
        wait_until((tiny.root / "waits").exists, "the build script")
        tiny.write("rust/core/words/list.txt", "words meanwhile")
        (tiny.root / "waits").unlink()
        output, _ = running.communicate()
    assert running.returncode != 0
    assert "a source changed while this was built" in output
    assert "rust/core/words/list.txt" in output
    (tiny.root / "rust/ffi/data/held").unlink()
    tiny.build()
    assert tiny.holds("words meanwhile")


def test_facts_name_the_fingerprint_which_leaves_the_code_of_ferrule_out(tiny):
    manifest = json.loads((tiny.root / ".ferrule/out/manifest.json").read_bytes())
    (row,) = manifest["artifacts"]
    fingerprint = manifest["facts"][f"native@{HOST}"]["fingerprint"]
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    assert fingerprint != row["key"]
