"""A program in every package, installed by those whose packages they are, and started."""

from __future__ import annotations

import json
import os
import venv
from pathlib import Path

import pytest
from judges import DEBIAN, ferrule, program, provision, run, set_up
from node_programs import npm

pytestmark = [
    pytest.mark.integration,
    pytest.mark.only_on("x86_64-unknown-linux-gnu", reason="its packages are those of Linux on x86_64"),
]

MANIFEST = """\
[package]
name = "adder-cli"
version = "1.2.3-rc.1"
edition = "2021"
license = "MIT"
description = "Adds two numbers"
homepage = "https://demo.example/adder"
[[bin]]
name = "adder"
path = "src/main.rs"
[profile.release]
strip = true
"""
MAIN = r"""
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["completions", shell] => println!("# adder for {shell}\ncomplete -W completions adder"),
        ["exit", code] => std::process::exit(code.parse().unwrap_or(1)),
        numbers => println!("{}", numbers.iter().filter_map(|n| n.parse::<i64>().ok()).sum::<i64>()),
    }
}
"""
BUILD = r"""
fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let folder = std::path::PathBuf::from(std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?);
    let page = ".TH ADDER 1 2026-01-01\n.SH NAME\nadder \\- adds two numbers\n.SH SYNOPSIS\n.B adder\nA B\n";
    std::fs::write(folder.join("adder.1"), page)
}
"""
LICENCE = """\
MIT License

Copyright (c) 2026 A. Demo

Permission is hereby granted, free of charge, to any person obtaining a copy of this software.
"""
URL = "https://downloads.example/v{version}"
TARGETS = f"""\
version: 1
project:
  name: adder
  version: {{cargo: .}}
  license-files: [LICENSE]
targets:
  x86_64-unknown-linux-gnu: {{glibc: "2.17"}}
artifacts:
  cli:
    kind: program
    crate: adder-cli
    generated: {{man/man1: ["*.1"]}}
    prints: {{completions/adder.bash: [completions, bash], completions/_adder: [completions, zsh]}}
  setup: {{kind: installer, program: cli, url: "{URL}"}}
  formula: {{kind: homebrew, program: cli, url: "{URL}"}}
  packages: {{kind: linux-package, program: cli, maintainer: "A. Demo <demo@example.org>"}}
  wheels: {{kind: program-wheel, program: cli}}
  npm: {{kind: program-npm, program: cli}}
"""
FILES = {
    "Cargo.toml": MANIFEST,
    "Cargo.lock": 'version = 4\n\n[[package]]\nname = "adder-cli"\nversion = "1.2.3-rc.1"\n',
    "src/main.rs": MAIN,
    "build.rs": BUILD,
    "LICENSE": LICENCE,
    "README.md": "# adder\n",
    "targets.yaml": TARGETS,
}


JUDGES = {name: DEBIAN[name] for name in ("dpkg", "lintian", "rpm", "ruby")}


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """The release, made twice: the second time in another folder, with the same bytes."""
    provision(JUDGES)
    releases = []
    for name in ("first", "second place"):
        project = tmp_path_factory.mktemp("adder") / name
        for file, text in FILES.items():
            (project / file).parent.mkdir(parents=True, exist_ok=True)
            (project / file).write_text(text)
        set_up("--with", "node", cwd=project)
        ferrule("release", "-q", cwd=project)
        releases.append({p.name: p.read_bytes() for p in (project / "dist").iterdir() if p.name != "manifest.json"})
    assert [name for name in releases[0] if releases[0][name] != releases[1][name]] == []
    return project / "dist"


def check(adder: Path, **environment: str) -> None:
    """The program answers as it does anywhere, with its exit code."""
    assert run(adder, "2", "40", **environment).stdout == "42\n"
    assert run(adder, "exit", "7", ok=False, **environment).returncode == 7


def test_it_is_verified(dist):
    done = ferrule("verify", dist, "--json")
    names = {row["subject"] for row in json.loads(done.stdout)["verdicts"] if row["claim"] == "names"}
    assert names == {"adder-installer.sh", "adder.rb"}


def test_the_archive_has_what_the_program_and_its_build_script_write(dist, tmp_path):
    (archive,) = dist.glob("adder-1.2.3-rc.1-*.tar.gz")
    run("tar", "-xf", archive, "-C", tmp_path)
    (top,) = tmp_path.iterdir()
    assert (top / "completions" / "_adder").read_text().startswith("# adder for zsh\n")
    assert "adds two numbers" in (top / "man" / "man1" / "adder.1").read_text()


def test_the_deb_is_installed_and_lintian_finds_no_error(dist, tmp_path):
    deb = dist / "adder_1.2.3-rc.1_amd64.deb"
    root = tmp_path / "root"
    (root / "var/lib/dpkg/updates").mkdir(parents=True)
    (root / "var/lib/dpkg/info").mkdir()
    (root / "var/lib/dpkg/status").touch()
    # The root is empty, so what the package depends on is not there; the machine itself has it.
    run("dpkg", f"--root={root}", "--force-not-root", "--force-depends", "--install", deb)
    check(root / "usr/bin/adder")
    listed = run("dpkg", f"--root={root}", "--listfiles", "adder").stdout.splitlines()
    assert {
        "/usr/share/bash-completion/completions/adder",
        "/usr/share/zsh/vendor-completions/_adder",
        "/usr/share/man/man1/adder.1.gz",
        "/usr/share/doc/adder/copyright",
    } <= {*listed}
    fields = run("dpkg-deb", "--field", deb, "Version", "Depends").stdout
    assert fields.startswith("Version: 1.2.3~rc.1-1\n")
    assert "libc6 (>= 2." in fields
    findings = run("lintian", "--allow-root", deb, ok=False).stdout.splitlines()
    assert [line for line in findings if line.startswith("E:")] == []


def test_the_rpm_is_installed(dist, tmp_path):
    rpm = dist / "adder-1.2.3-rc.1-1.x86_64.rpm"
    run("rpm", "--checksig", "--nosignature", rpm)
    requires = run("rpm", "--query", "--package", "--requires", rpm).stdout
    assert requires.startswith("glibc >= 2.")
    assert "/usr/share/licenses/adder/LICENSE" in run("rpm", "--query", "--package", "-L", rpm).stdout
    root = tmp_path / "root"
    run("rpm", f"--root={root}", "--nodeps", "--nosignature", "--install", rpm)
    check(root / "usr/bin/adder")
    assert (root / "usr/share/zsh/site-functions/_adder").is_file()


def test_the_wheel_is_installed_by_pip(dist, tmp_path):
    (wheel,) = dist.glob("*.whl")
    assert "manylinux_2_17_x86_64" in wheel.name
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "--no-index", wheel)
    check(tmp_path / "venv/bin/adder")
    assert (tmp_path / "venv/share/man/man1/adder.1").is_file()
    assert "Version: 1.2.3rc1\nSummary: Adds two numbers\n" in run(python, "-m", "pip", "show", "adder").stdout


def test_the_package_is_installed_by_npm(dist, tmp_path):
    rows = json.loads(ferrule("doctor", "--json", "--no-probe", "--with", "node", cwd=dist.parent).stdout)
    node = next(row["path"] for row in rows if row["tool"] == "node")
    (tmp_path / "package.json").write_text('{"name": "user", "version": "1.0.0", "private": true}')
    tarballs = [str(path) for path in sorted(dist.glob("*.tgz"))]
    assert len(tarballs) == 2
    run(*npm(node), "install", "--offline", "--no-audit", "--no-fund", *tarballs, cwd=tmp_path)
    path = os.pathsep.join([str(Path(node).parent), os.environ["PATH"]])  # noqa: TID251 - the machine's own
    check(tmp_path / "node_modules/.bin/adder", PATH=path)


def test_ruby_reads_the_formula(dist):
    assert run("ruby", "-wc", dist / "adder.rb").stdout == "Syntax OK\n"


def test_the_formula_installs_what_the_archive_holds(dist, tmp_path):
    """A stand-in of Homebrew's class runs the formula's own steps in an unpacked archive."""
    (archive,) = dist.glob("adder-1.2.3-rc.1-*.tar.gz")
    run("tar", "-xf", archive, "-C", tmp_path, "--strip-components=1")
    (tmp_path / "brew.rb").write_text(STANDIN)
    run(program("ruby"), "-W0", tmp_path / "brew.rb", dist / "adder.rb", cwd=tmp_path)
    check(tmp_path / "prefix/bin/adder")
    installed = {p.relative_to(tmp_path / "prefix").as_posix() for p in (tmp_path / "prefix").rglob("*") if p.is_file()}
    assert installed == {
        *("bin/adder", "doc/LICENSE", "doc/README.md", "doc/THIRD-PARTY-LICENSES", "man1/adder.1"),
        *("bash_completion/adder", "zsh_completion/_adder"),
    }


STANDIN = r"""
require "fileutils"
require "pathname"
class Pathname
  def install(*sources)
    mkpath
    sources.each do |source|
      source.is_a?(Hash) ? source.each { |from, to| FileUtils.cp(from, self / to) } : FileUtils.cp(source, self)
    end
  end
end
class Formula
  PREFIX = Pathname.new("prefix")
  def self.test; end
  def self.method_missing(name, *, &block)
    block&.call if name.to_s.start_with?("on_")
  end
  def method_missing(name, *)
    PREFIX / name.to_s
  end
end
load ARGV[0]
Adder.new.install
"""
