"""Deb and rpm packages: what is planned, where files go, what they depend on, and that they are read again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.contexts import PROJECT, context
from fakes.nfpm import with_nfpm
from fakes.packed_programs import EPOCH, FILES, packed, planned_program
from fakes.triples import ARM, MAC, X86
from ferrule.core.errors import VerificationError
from ferrule.core.facts import MeasuredFile
from ferrule.core.model import Output, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.linux_package import (
    KIND,
    LinuxPackage,
    LinuxPackageSpec,
    check,
    debian_dependencies,
    package_version,
    plan,
    rpm_dependencies,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unit.kinds.conftest import Bench

    from ferrule.kinds.packed_program import PackedProgram
    from ferrule.tools.nfpm import Format

MUSL, ARMV7 = "x86_64-unknown-linux-musl", "armv7-unknown-linux-gnueabihf"
MAINTAINER = "A. Demo <demo@example.org>"


def section(**values: Any) -> LinuxPackageSpec:
    return LinuxPackageSpec(kind="linux-package", program="cli", maintainer=MAINTAINER, **values)


def test_one_package_a_format_and_machine() -> None:
    actions = plan(section(), context(planned_program(MUSL, X86, ARMV7)))
    assert {action.id: action.outputs[0].ships for action in actions} == {
        f"this:deb@{X86}": "demo_1.2.3_amd64.deb",
        f"this:deb@{ARMV7}": "demo_1.2.3_armhf.deb",
        f"this:rpm@{X86}": "demo-1.2.3-1.x86_64.rpm",
        f"this:rpm@{ARMV7}": "demo-1.2.3-1.armv7hl.rpm",
    }
    assert actions[0].tools == ("nfpm",)
    assert actions[0].needs == (f"cli@{X86}", f"cli:archive@{X86}")
    libraries = {"libz.so.1": "zlib1g", "libssl.so.3": "libssl3"}
    chosen = section(formats=("rpm", "rpm"), name="other", depends={"deb": ("git",)}, shlibs=libraries)
    (action,) = plan(chosen, context(planned_program(ARM), ship=False))
    assert action.outputs == (Output("other-1.2.3-1.aarch64.rpm", "rpm"),)
    assert (action.recipe.depends, action.recipe.shlibs) == ((), ())
    (action,) = plan(section(formats=("deb",), shlibs=libraries), context(planned_program(ARM)))
    assert action.recipe.shlibs == (("libssl.so.3", "libssl3"), ("libz.so.1", "zlib1g"))


def test_names_that_no_package_can_have() -> None:
    assert plan(section(), context(planned_program(X86, name="My_Demo")))[0].recipe.name == "my-demo"
    with pytest.raises(PlanProblem, match=r"no package can be called \+demo") as caught:
        plan(section(), context(planned_program(X86, name="+demo")))
    assert caught.value.key == ("name",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"description": None}, "deb and rpm packages need a description"),
        ({"license": None}, "deb and rpm packages need a license"),
        ({"description": "costs $5"}, r"the description of a package cannot hold a \$"),
    ],
)
def test_what_the_formats_ask_of_the_project(values: dict[str, Any], message: str) -> None:
    (problem,) = check(section(), context(planned_program(X86), project=replace(PROJECT, **values)))
    with pytest.raises(PlanProblem, match=message):
        raise problem
    assert list(check(section(), context(planned_program(X86)))) == []


def nfpm(bench: Bench, **changes: Any) -> Toolchain:
    """A stand-in that packs what it is told to, or something else."""
    program = with_nfpm(bench.root / "nfpm", **changes)
    tool = Tool("nfpm", "1", (str(program),), "nfpm 1")
    return Toolchain(rust_source="installed", tools={"nfpm": tool}, std={}, sysroot=bench.root)


def recipe(program: PackedProgram, form: Format, **values: Any) -> LinuxPackage:
    fields: dict[str, Any] = {
        "name": "demo",
        "version": "1.2.3-rc.1",
        "architecture": "amd64" if form == "deb" else "x86_64",
        "maintainer": MAINTAINER,
        "description": "Adds two numbers",
        "homepage": "https://demo.example",
        "license": "MIT",
        "license_files": ("LICENSE",),
        "section": "utils",
        "depends": (),
        "epoch": EPOCH,
        **values,
    }
    return LinuxPackage(form=form, program=program, **fields)


GLIBC: Mapping[str, Any] = {"glibc": "2.17", "needed": ["libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2"]}


def test_where_the_files_of_a_deb_go(bench: Bench) -> None:
    program = packed(bench, X86, measured=GLIBC, interpreter="/lib64/ld-linux-x86-64.so.2")
    done = bench.make(
        recipe(program.programs[0], "deb"),
        Output("demo.deb", "deb"),
        needed=program.needed,
        facts=program.facts,
        toolchain=nfpm(bench),
    )
    document = json.loads((done.folder / "nfpm.json").read_text())
    modes = {row["dst"]: row["file_info"]["mode"] for row in document["contents"]}
    assert modes == {
        "/usr/bin/demo": 0o755,
        "/usr/share/bash-completion/completions/demo": 0o644,
        "/usr/share/doc/demo/README.md": 0o644,
        "/usr/share/doc/demo/changelog.Debian.gz": 0o644,
        "/usr/share/doc/demo/copyright": 0o644,
        "/usr/share/doc/demo/etc/demo.toml": 0o644,
        "/usr/share/fish/vendor_completions.d/demo.fish": 0o644,
        "/usr/share/man/man1/demo.1.gz": 0o644,
        "/usr/share/zsh/vendor-completions/_demo": 0o644,
    }
    assert document["depends"] == ["libc6 (>= 2.17)", "libgcc-s1"]
    assert (document["version"], document["release"], document["mtime"]) == ("1.2.3~rc.1", "1", "2023-11-14T22:13:20Z")
    contents = {row["dst"]: row["src"] for row in document["contents"]}
    text = Path(contents["/usr/share/doc/demo/copyright"]).read_text()
    assert text == ("demo 1.2.3-rc.1\nSource: https://demo.example\nLicense: MIT\n\nCopyright 2026 A. Demo\n")


def test_where_the_files_of_an_rpm_go(bench: Bench) -> None:
    program = packed(bench, X86, measured=GLIBC)
    done = bench.make(
        recipe(program.programs[0], "rpm", homepage=None, depends=("openssl",)),
        Output("demo.rpm", "rpm"),
        needed=program.needed,
        facts=program.facts,
        toolchain=nfpm(bench),
    )
    document = json.loads((done.folder / "nfpm.json").read_text())
    types = {row["dst"]: row.get("type") for row in document["contents"]}
    assert types["/usr/share/licenses/demo/LICENSE"] == "license"
    assert types["/usr/share/zsh/site-functions/_demo"] is None
    assert types["/usr/share/man/man1/demo.1.gz"] == types["/usr/share/doc/demo/README.md"] == "doc"
    assert "/usr/share/doc/demo/copyright" not in types
    assert document["depends"] == ["glibc >= 2.17", "libgcc_s.so.1()(64bit)", "openssl"]
    assert "homepage" not in document


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ("deb", {"version": "9"}),
        ("deb", {"contents": []}),
        ("rpm", {"license": "other"}),
        ("rpm", {"contents": []}),
    ],
)
def test_another_package_than_was_asked_for(bench: Bench, form: Format, changes: dict[str, Any]) -> None:
    program = packed(bench, X86, measured=GLIBC)
    with pytest.raises(VerificationError, match=f"nfpm wrote another package than it was told to: demo.{form}"):
        bench.make(
            recipe(program.programs[0], form),
            Output(f"demo.{form}", form),
            needed=program.needed,
            facts=program.facts,
            toolchain=nfpm(bench, **changes),
        )


def test_two_files_with_one_path(bench: Bench) -> None:
    program = packed(bench, X86, files={**FILES, "other/_demo": b"x"})
    with pytest.raises(VerificationError, match="completions/_demo and other/_demo would both be installed as /usr"):
        bench.make(
            recipe(program.programs[0], "rpm"), Output("d.rpm", "rpm"), needed=program.needed, facts=program.facts
        )


def refused(bench: Bench, triple: str, needed: list[str], interpreter: str | None, **values: Any) -> str:
    program = packed(bench, triple, measured={"needed": needed}, interpreter=interpreter)
    with pytest.raises(VerificationError) as caught:
        bench.make(
            recipe(program.programs[0], "deb", **values),
            Output("d.deb", "deb"),
            needed=program.needed,
            facts=program.facts,
        )
    return caught.value.message


def test_what_no_package_is_known_to_bring(bench: Bench) -> None:
    needed, named = ["libssl.so.3", "libz.so.1"], (("libz.so.1", "zlib1g"),)
    message = refused(bench, X86, needed, None, depends=("libssl3",), shlibs=named)
    assert "demo needs libssl.so.3, and which package" in message


def test_a_loader_that_such_systems_have_not(bench: Bench) -> None:
    assert "demo is started by /lib/ld-musl-x86_64.so.1" in refused(bench, MUSL, [], "/lib/ld-musl-x86_64.so.1")


def test_dependencies_are_measured() -> None:
    measured = MeasuredFile("elf", glibc="2.28", needed=("libm.so.6", "libstdc++.so.6", "libz.so.1"))
    assert debian_dependencies(measured, {}) == (("libc6 (>= 2.28)", "libstdc++6"), ("libz.so.1",))
    stated = {"libz.so.1": "zlib1g (>= 1.2)", "libc.so.6": "musl"}
    assert debian_dependencies(measured, stated) == (("libc6 (>= 2.28)", "libstdc++6", "zlib1g (>= 1.2)"), ())
    assert rpm_dependencies(measured, PLATFORMS[ARMV7]) == ("glibc >= 2.28", "libstdc++.so.6", "libz.so.1")
    assert debian_dependencies(MeasuredFile("elf", needed=("libc.so.6",)), {}) == (("libc6",), ())
    assert rpm_dependencies(MeasuredFile("elf", needed=("libc.so.6",)), PLATFORMS[X86]) == ("glibc",)
    static = MeasuredFile("elf")
    assert (debian_dependencies(static, {}), rpm_dependencies(static, PLATFORMS[MUSL])) == (((), ()), ())


def test_versions_in_the_order_of_both_formats() -> None:
    assert [package_version(v) for v in ("1.2.3", "1.2.3-rc.1", "1.0.0-a-b", "1.0.0+x")] == [
        *("1.2.3", "1.2.3~rc.1", "1.0.0~a.b", "1.0.0+x")
    ]


def test_where_there_are_no_such_packages() -> None:
    assert KIND.unsupported(PLATFORMS[X86]) is None
    assert "deb and rpm are for Linux" in str(KIND.unsupported(PLATFORMS[MAC]))
