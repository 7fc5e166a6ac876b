"""Programs in Go, built by a pretended Go; the true one builds in tests/integration/test_image_users.py."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.triples import ARM, MAC, X86
from ferrule.app.release import run as release
from ferrule.config.checking import check
from ferrule.config.nodes import read
from ferrule.config.problems import Problems
from ferrule.core.cargo_workspace import Workspace
from ferrule.core.errors import BuildError, ConfigErrors, NetworkError, ToolchainError, VerificationError
from ferrule.core.model import Action, Output, Target, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.kinds.base import Context, PlanProblem, ReleaseInfo
from ferrule.kinds.goprogram import GoProgram, GoProgramSpec, plan

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo
    from ferrule.core.model import ActionInterface
    from ferrule.engine.context import ActionContext

PROGRAMS = Path(__file__).parents[2] / "fakes" / "programs.py"
GO_MOD = """module example.com/team/server/v2 // ours

go 1.25

require (
	"example.com/team/lib" v1.2.3
	github.com/ebitengine/purego v0.11.3 // indirect
)

exclude example.com/team/lib v1.0.0
"""
MODULE = {
    "go/go.mod": b"module example.com/team/lib\n\ngo 1.26.1\n",
    "go/go.sum": b"github.com/ebitengine/purego v0.11.3 h1:aaa=\n",
    "go/lib.go": b"package lib\n",
    "go/internal/native/libx.so": b"library",
}


def module(bench: Bench, files: dict[str, bytes] = MODULE) -> tuple[ActionInterface, dict[str, Path]]:
    return bench.made(
        "go", files, (Output("go", "module", folder=True),), module="example.com/team/lib", version="0.9.0"
    )


class Machine:
    """A project with a program, and a machine with a pretended Go."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.home = bench.root / "home"
        self.home.mkdir()
        bench.source("server/go.mod", GO_MOD)
        bench.source("server/main.go", "package main\n")

    def toolchain(self) -> Toolchain:
        program = (sys.executable, "-I", "-S", str(PROGRAMS), str(self.home), "go")
        return Toolchain("installed", {"go": Tool("go", "1.27.3", program, "go 1.27.3")}, {}, Path("/"))

    def calls(self) -> list[str]:
        return (self.home / "calls").read_text().splitlines()

    def make(
        self,
        triple: str = X86,
        *,
        files: dict[str, bytes] = MODULE,
        needed: dict[str, dict[str, Path]] | None = None,
        **fields: Any,
    ) -> ActionContext:
        result, paths = module(self.bench, files)
        recipe = GoProgram(
            **{
                "modules": (result,),
                "source": "server",
                "package": ".",
                "tags": (),
                "platform": PLATFORMS[triple],
                "floor": "2.17",
            }
            | fields
        )
        return self.bench.make(
            recipe,
            Output("server", "program"),
            needed=needed or {result.id: paths},
            sources=("server",),
            toolchain=self.toolchain(),
        )


@pytest.fixture
def machine(bench: Bench) -> Machine:
    return Machine(bench)


def test_program_is_built_against_the_module_of_the_release(machine: Machine) -> None:
    context = machine.make(tags=("one", "two"))
    assert context.output("program").read_bytes().endswith(b"package lib\n")
    assert (context.folder / "go.work").read_text() == (
        f'go 1.26.1\n\nuse "{machine.bench.project}/server"\n\nreplace example.com/team/lib => "./module/1"\n'
    )
    assert (context.folder / "module" / "1" / "internal" / "native" / "libx.so").read_bytes() == b"library"
    assert context.facts["interpreter"] == "/lib64/ld-linux-x86-64.so.2"
    assert context.facts["go"] == "1.27.3"
    assert machine.calls()[-1] == (
        f"go build -trimpath -buildvcs=false -ldflags=-buildid= -s -w -tags=one,two -o {context.folder}/server ."
    )


def test_environment_is_that_of_the_target_and_nobody_elses(machine: Machine) -> None:
    from ferrule.tools import go  # noqa: PLC0415

    environment = go.environment(
        machine.toolchain().tool("go"),
        PLATFORMS[MAC],
        {"GOFLAGS": "-mod=mod", "GOPROXY": "https://elsewhere.example"},
        work=Path("/w/go.work"),
        cache=Path("/c/build"),
        modules=Path("/c/modules"),
        offline=False,
        jobs=3,
    )
    assert environment == {
        "GOPROXY": "https://proxy.example",
        "GOMODCACHE": str(machine.home / "modules"),
        "GOPATH": "/c",
        "GOCACHE": "/c/build",
        "GOENV": "off",
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "/w/go.work",
        "GO111MODULE": "on",
        "GOOS": "darwin",
        "GOARCH": "arm64",
        "GOAMD64": "v1",
        "GOARM64": "v8.0",
        "CGO_ENABLED": "0",
        "GOMAXPROCS": "3",
    }


def test_offline_asks_no_proxy(machine: Machine) -> None:
    from ferrule.tools import go  # noqa: PLC0415

    places = {"work": Path("w"), "cache": Path("c"), "modules": Path("m")}
    environment = go.environment(machine.toolchain().tool("go"), PLATFORMS[X86], {}, **places, offline=True, jobs=1)
    assert environment["GOPROXY"] == "off"


def test_files_beyond_the_sources_are_told(machine: Machine) -> None:
    machine.bench.source(".gitignore", "generated/\n")
    machine.bench.source("server/generated/main.go", "package main\n")
    context = machine.make(package="generated")
    assert context.read_files == [machine.bench.project / "server" / "generated" / "main.go"]


def test_package_that_is_no_program(machine: Machine) -> None:
    machine.bench.source("server/main.go", "package server\n")
    with pytest.raises(BuildError, match="the package server, and a program is made of a package main"):
        machine.make()


def test_program_of_another_machine_is_refused(machine: Machine) -> None:
    (machine.home / "architecture").write_text("arm64")
    with pytest.raises(VerificationError, match="for linux on aarch64, not for x86_64-unknown-linux-gnu"):
        machine.make()


def test_module_that_nothing_vouches_for(machine: Machine) -> None:
    (machine.home / "go-adds").write_text("example.com/x v1.0.0/go.mod h1:b=\nexample.com/x v1.0.0 h1:b=\n")
    with pytest.raises(BuildError) as caught:
        machine.make()
    assert caught.value.message == "go.sum does not vouch for example.com/x v1.0.0"
    assert caught.value.where == "server/go.sum"
    assert caught.value.hint is not None
    assert "go mod tidy in server" in caught.value.hint


def test_sums_of_mere_manifests_may_be_added(machine: Machine) -> None:
    (machine.home / "go-adds").write_text("example.com/x v1.0.0/go.mod h1:b=\n")
    machine.make()


def test_several_modules_stand_side_by_side_and_vouch_for_what_they_need(machine: Machine) -> None:
    first, files = module(machine.bench)
    second, more = machine.bench.made(
        "crypto",
        {"crypto/go.mod": b"module example.com/crypto\n\ngo 1.28\n", "crypto/go.sum": b"a h1:a=\nb h1:b=\n",
         "crypto/lib.go": b"package crypto\n"},
        (Output("crypto", "module", folder=True),),
        module="example.com/crypto",
    )  # fmt: skip
    sums = {"go/go.sum": machine.bench.source("sums", "b h1:b=\nc h1:c=\n")}
    context = machine.make(modules=(first, second), needed={first.id: files | sums, second.id: more})
    assert context.output("program").read_bytes().endswith(b"package lib\npackage crypto\n")
    assert (context.folder / "go.work").read_text() == (
        f'go 1.28\n\nuse "{machine.bench.project}/server"\n\n'
        'replace example.com/team/lib => "./module/1"\nreplace example.com/crypto => "./module/2"\n'
    )
    assert (context.folder / "go.work.sum").read_text() == "b h1:b=\nc h1:c=\na h1:a=\n"


def test_module_without_sums(machine: Machine) -> None:
    machine.make(files={name: content for name, content in MODULE.items() if name != "go/go.sum"})


@pytest.mark.parametrize(
    ("says", "kind", "where", "message", "hint"),
    [
        (
            "# example.com/team/server\n./main.go:7:14: undefined: x\n./main.go:9:2: undefined: y\n",
            BuildError,
            "server/main.go:7:14",
            "undefined: x (and 1 more)",
            "all of it, and the command, is in",
        ),
        (
            "# example.com/team/lib\n../../work/module/1/lib.go:3:8: undefined: z\n",
            BuildError,
            "example.com/team/lib/lib.go:3:8",
            "undefined: z",
            "all of it, and the command, is in",
        ),
        (
            "main.go:4:9: cannot find module providing package example.com/q: import lookup disabled\n",
            BuildError,
            "server/main.go:4:9",
            "cannot find module providing package example.com/q",
            "go mod tidy in server",
        ),
        (
            "go: module . listed in go.work file requires go >= 1.28, but go.work lists go 1.26; to …\n",
            ToolchainError,
            "server/go.mod",
            "asks for Go 1.28, targets.yaml names 1.27.3",
            'write go: "1.28.0" under toolchain',
        ),
        (
            "go: downloading example.com/q v1\nverifying example.com/q@v1: checksum mismatch\n\tdownloaded: h1:a=\n",
            VerificationError,
            "server/go.sum",
            "verifying example.com/q@v1: checksum mismatch",
            "changed where it is published",
        ),
        (
            'go: downloading example.com/q v1\nlib.go:3:8: example.com/q@v1: Get "https://p.example": dial tcp: no\n',
            NetworkError,
            None,
            'a module could not be fetched: lib.go:3:8: example.com/q@v1: Get "https://p.example": dial tcp: no',
            "where there is a network",
        ),
        (
            "go: updates to go.mod needed; to update it:\n\tgo mod tidy\n",
            BuildError,
            "server/go.sum",
            "go.sum does not vouch for what is needed: go: updates to go.mod needed",
            "go mod tidy in server",
        ),
        (
            "go: example.com/q@v1.0.0: module lookup disabled by GOPROXY=off\n",
            NetworkError,
            None,
            "module lookup disabled by GOPROXY=off",
            "where there is a network",
        ),
        (
            "stat /p/server/cmd: directory not found\n",
            BuildError,
            "server",
            "directory not found",
            "all of it, and the command, is in",
        ),
        ("", BuildError, "server", "it gave no reason", "all of it, and the command, is in"),
    ],
)
def test_what_go_says_has_a_place_and_a_fix(
    machine: Machine, says: str, kind: type[BuildError], where: str | None, message: str, hint: str
) -> None:
    (machine.home / "go-says").write_text(says)
    with pytest.raises(kind) as caught:
        machine.make()
    assert message in caught.value.message
    assert hint in str(caught.value.hint)
    if where is not None:
        assert caught.value.where == where


def context(files: dict[str, str], made: Action | None, *triples: str, ship: bool = True, **others: Action) -> Context:
    def of(name: str, triple: str | None) -> Action | None:
        assert triple is not None
        return {"go": made, **others}[name]

    return Context(
        artifact="server",
        project=ReleaseInfo("demo", "1.2.3"),
        workspace=Workspace(".", {}, locked=True),
        targets=tuple(Target(triple, glibc="2.17", macos="13.0") for triple in triples),
        spec_for=lambda _: spec(),
        actions_of=lambda _: (),
        action_for=of,
        shipping=tuple,
        read_text=files.__getitem__,
        folders=lambda _: (),
        ship=ship,
    )


def spec(**fields: Any) -> GoProgramSpec:
    """The section as targets.yaml has it; raises ConfigErrors."""
    values = {"kind": "goprogram", "module": "go", "source": "server", **fields}
    problems = Problems("targets.yaml")
    section = check(GoProgramSpec, read(json.dumps(values).encode(), problems), (), problems)
    problems.check()
    assert section is not None
    return section


@pytest.fixture
def action(bench: Bench) -> Action:
    result, _ = module(bench)
    return Action("go", "go", "gomodule", bench, result.outputs, traits=result.traits)  # type: ignore[arg-type]


def test_one_program_a_target(action: Action) -> None:
    planned = plan(spec(), context({"server/go.mod": GO_MOD}, action, X86, MAC))
    assert [(a.id, a.target, a.outputs[0].name, a.outputs[0].ships, a.recipe.floor) for a in planned] == [
        (f"server@{X86}", X86, "server", f"server-1.2.3-{X86}", "2.17"),
        (f"server@{MAC}", MAC, "server", f"server-1.2.3-{MAC}", "13.0"),
    ]
    assert planned[0].needs == ("go",)
    assert planned[0].tools == ("go",)
    assert planned[0].sources == ("server",)
    assert planned[0].interface.trait("program") == "server"


@pytest.mark.parametrize(
    ("path", "fields", "name"),
    [
        ("example.com/a/b", {}, "b"),
        ("example.com/a/b/v3", {}, "b"),
        ("b", {}, "b"),
        ("example.com/a", {"package": "./cmd/tool"}, "tool"),
        ("example.com/a", {"name": "else"}, "else"),
    ],
)
def test_name_is_the_one_that_go_gives(action: Action, path: str, fields: dict[str, str], name: str) -> None:
    files = {"server/go.mod": f"module {path}\nrequire example.com/team/lib v0.0.0\n"}
    (planned,) = plan(spec(**fields), context(files, action, X86, ship=False))
    assert (planned.outputs[0].name, planned.outputs[0].ships) == (name, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("go 1.25\n", "server/go.mod is not a valid go.mod: it names no module"),
        ("module a\n", "server/go.mod does not require example.com/team/lib, the module of go"),
    ],
)
def test_go_mod_that_cannot_be_used(action: Action, text: str, message: str) -> None:
    with pytest.raises(PlanProblem) as caught:
        plan(spec(), context({"server/go.mod": text}, action, X86))
    assert caught.value.key == ("source",)
    assert caught.value.message == message
    if "require" in message:
        assert caught.value.hint == "add to it: require example.com/team/lib v0.9.0"  # its own version


def test_several_modules(action: Action) -> None:
    files = {"server/go.mod": f"{GO_MOD}\nrequire example.com/crypto v0.1.0\n"}
    crypto = replace(action, id="crypto", artifact="crypto", traits=(("module", "example.com/crypto"),))
    (planned,) = plan(spec(module=["go", "crypto"]), context(files, action, X86, crypto=crypto))
    assert planned.needs == ("go", "crypto")
    assert [module.id for module in planned.recipe.modules] == ["go", "crypto"]


def test_two_modules_of_one_path(action: Action) -> None:
    twin = replace(action, id="twin", artifact="twin")
    with pytest.raises(PlanProblem) as caught:
        plan(spec(module=["go", "twin"]), context({"server/go.mod": GO_MOD}, action, X86, twin=twin))
    assert caught.value.key == ("module",)
    assert caught.value.message == "example.com/team/lib is the module of go and of twin"


def test_a_program_of_no_module(action: Action) -> None:
    with pytest.raises(PlanProblem, match="no module is named"):
        plan(spec(module=[]), context({"server/go.mod": GO_MOD}, action, X86))


def test_module_that_is_not_made() -> None:
    with pytest.raises(PlanProblem, match=f"go is not made for {X86}"):
        plan(spec(), context({"server/go.mod": GO_MOD}, None, X86))


@pytest.mark.parametrize("package", ["", "..", "./..", "/abs", "./-x", "example.com/x", "./a b"])
def test_packages_are_folders_of_the_source(package: str) -> None:
    with pytest.raises(ConfigErrors, match="package"):
        spec(package=package)


def test_image_for_a_machine_that_the_program_is_not_made_for(demo: Demo) -> None:
    demo.edit("source: packaging/server}", 'source: packaging/server, targets: ["x86_64-*"]}')
    demo.edit("program: server}", 'program: server, targets: ["*-linux-gnu"]}')
    with pytest.raises(ConfigErrors) as caught:
        release.make_plan(release.load(demo.project), demo.context)
    (mistake,) = caught.value.errors
    assert mistake.message == f"server is not made for {ARM}"
    assert str(mistake.where).startswith("targets.yaml:34:")


def test_program_of_the_demo_is_kept_until_its_module_changes(demo: Demo) -> None:
    def built() -> set[str]:
        return {o.action.id for o in demo.run().outcomes if o.state == "built"}

    assert f"server@{X86}" in built()
    assert built() == set()
    demo.edit("adds two numbers", "adds three numbers", "packaging/go/demo.go")
    assert built() >= {"go", "image", "sums", *(f"server@{triple}" for triple in (X86, ARM, MAC))}
