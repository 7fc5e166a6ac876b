"""Homebrew formulae: what is planned, what stands in them, and what Ruby says of that."""

from __future__ import annotations

import shutil
import subprocess  # noqa: TID251 - Ruby is the judge
from typing import TYPE_CHECKING

import pytest

from fakes.contexts import context
from fakes.packed_programs import FILES, packed, planned_program
from fakes.triples import ARM, MAC, X86
from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest, Output
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds.base import NamedDigest, PlanProblem
from ferrule.kinds.homebrew import KIND, Formula, HomebrewSpec, class_name, license_expression, plan, quoted

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

    from ferrule.kinds.packed_program import PackedProgram

MUSL = "x86_64-unknown-linux-musl"
INTEL_MAC = "x86_64-apple-darwin"
URL = "https://downloads.example/v{version}/"
SECTION = HomebrewSpec(kind="homebrew", program="cli", url=URL)


def formula(programs: list[PackedProgram], **values: str | None) -> Formula:
    about = {"description": "Adds", "homepage": "https://demo.example", "license": "MIT OR Apache-2.0", **values}
    return Formula(
        "demo-cli", "1.2.3", "https://downloads.example/v1.2.3", tuple(programs), **about, license_files=("LICENSE",)
    )


def test_one_formula_for_all_targets() -> None:
    (action,) = plan(SECTION, context(planned_program(X86, MUSL, ARM, MAC, name="Demo")))
    assert action.outputs == (Output("demo.rb", "formula", "demo.rb"),)
    assert [program.platform.triple for program in action.recipe.programs] == [X86, ARM, MAC]
    assert action.recipe.url == "https://downloads.example/v1.2.3"
    assert action.needs[:2] == (f"cli@{X86}", f"cli:archive@{X86}")
    named = HomebrewSpec(kind="homebrew", program="cli", url=URL, name="demo@1")
    assert plan(named, context(planned_program(MUSL), ship=False))[0].outputs[0] == Output("demo@1.rb", "formula")
    assert plan(SECTION, context(planned_program(X86), targets=())) == []


def test_without_an_archive() -> None:
    with pytest.raises(PlanProblem, match="cli ships no archive"):
        plan(SECTION, context(planned_program(X86)[:1]))


def test_what_stands_in_it(bench: Bench) -> None:
    program = packed(bench, ARM, X86, MAC, INTEL_MAC)
    done = bench.make(
        formula(program.programs), Output("demo-cli.rb", "formula"), needed=program.needed, facts=program.facts
    )
    text = done.output("formula").read_text()
    digests = [Digest.of_file(program.needed[f"cli:archive@{t}"][f"demo-1.2.3-{t}.tar.gz"]) for t in (ARM, X86)]
    assert text.startswith(
        f"""\
class DemoCli < Formula
  desc "Adds"
  homepage "https://demo.example"
  version "1.2.3"
  license any_of: ["MIT", "Apache-2.0"]

  on_linux do
    on_arm do
      url "https://downloads.example/v1.2.3/demo-1.2.3-{ARM}.tar.gz"
      sha256 "{digests[0]}"
    end
    on_intel do
      url "https://downloads.example/v1.2.3/demo-1.2.3-{X86}.tar.gz"
      sha256 "{digests[1]}"
    end
  end

  on_macos do
"""
    )
    assert text.endswith(
        """\
  def install
    doc.install "LICENSE"
    doc.install "README.md"
    zsh_completion.install "completions/_demo" => "_demo"
    bash_completion.install "completions/demo.bash" => "demo"
    fish_completion.install "completions/demo.fish" => "demo.fish"
    bin.install "demo"
    (doc/"etc").install "etc/demo.toml"
    man1.install "man/man1/demo.1"
  end

  test do
    assert_predicate bin/"demo", :executable?
  end
end
"""
    )
    assert KIND.named_digests is not None
    names = list(KIND.named_digests(text))
    assert names[:2] == [NamedDigest(f"demo-1.2.3-{t}.tar.gz", d.hex) for t, d in zip((ARM, X86), digests, strict=True)]
    assert len(names) == 4
    if ruby := shutil.which("ruby"):
        checked = subprocess.run([ruby, "-wc"], input=text, capture_output=True, text=True, check=True)
        assert (checked.stdout, checked.stderr) == ("Syntax OK\n", "")


def test_what_is_not_known_is_left_out(bench: Bench) -> None:
    program = packed(bench, X86)
    recipe = formula(program.programs, description=None, homepage=None, license=None)
    text = bench.make(recipe, Output("d.rb", "formula"), needed=program.needed).output("formula").read_text()
    assert text.startswith('class DemoCli < Formula\n  version "1.2.3"\n\n  on_linux do\n')


def test_archives_that_hold_other_files(bench: Bench) -> None:
    one, other = packed(bench, X86), packed(bench, ARM, files={**FILES, "NOTES": b"n"})
    recipe = formula([*one.programs, *other.programs])
    with pytest.raises(VerificationError, match="differ in NOTES, and a formula installs the same files everywhere"):
        bench.make(recipe, Output("d.rb", "formula"), needed=one.needed | other.needed)


def test_words_of_ruby() -> None:
    assert class_name("demo@1.2") == "DemoAT12"
    assert quoted('a"#{b}\\') == '"a\\"\\#{b}\\\\"'
    assert license_expression("MIT") == '"MIT"'
    assert license_expression("A AND B") == 'all_of: ["A", "B"]'
    assert license_expression("(A OR B) AND C") == ":cannot_represent"


def test_where_homebrew_is_not() -> None:
    assert KIND.unsupported(PLATFORMS[MAC]) is None
    for triple in ("x86_64-pc-windows-gnullvm", "s390x-unknown-linux-gnu"):
        assert "Homebrew is for macOS and Linux" in str(KIND.unsupported(PLATFORMS[triple]))
