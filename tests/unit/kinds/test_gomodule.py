from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fakes.triples import ARM, MAC, X86
from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import run as release
from ferrule.app.release.run import disk_of
from ferrule.core.errors import BuildError, ConfigErrors
from ferrule.core.model import Digest, Output
from ferrule.core.platforms import LINUX_MUSL, PLATFORMS, X86_64, Platform
from ferrule.formats import gobindings
from ferrule.kinds import KINDS
from ferrule.kinds.base import ReleaseInfo
from ferrule.kinds.gomodule import GoModuleFolder
from ferrule.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo
    from ferrule.core.model import Action, Json

TRIPLES = (X86, ARM, MAC)
GO_MOD = """module example.com/z

go 1.25.0

require (
\tgithub.com/ebitengine/purego v0.11.3
\tgithub.com/tetratelabs/wazero v1.12.0 // indirect
)
"""
NATIVE = "native: {kind: library, crate: demo-ffi}"
COMPONENT = "component: {kind: component, crate: demo-wasm}"
GO = "go: {kind: gomodule, source: packaging/go, library: native, component: component}"


# The plan


def planned(demo: Demo, *lines: str, go_mod: str | None = GO_MOD, narrowed: tuple[str, ...] = ()) -> list[Action]:
    folder = demo.project / "packaging" / "go"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if go_mod is not None:
        (folder / "go.mod").write_text(go_mod)
    path = demo.project / "targets.yaml"
    head = path.read_text().partition("artifacts:\n")[0]
    path.write_text(f"{head}artifacts:\n" + "".join(f"  {line}\n" for line in lines))
    loaded = config.load(demo.project, KINDS, DESTINATIONS)
    if narrowed:
        loaded = replace(loaded, targets=tuple(t for t in loaded.targets if t.triple in narrowed))
    project = ReleaseInfo("demo", "1.2.3", license_files=("LICENSE",), epoch=0)
    result = plan(loaded, project, disk_of(demo.project), narrowed=bool(narrowed))
    return [action for action in result.actions if action.kind == "gomodule"]


def mistake(demo: Demo, *lines: str, go_mod: str | None = GO_MOD) -> str:
    with pytest.raises(ConfigErrors) as caught:
        planned(demo, *lines, go_mod=go_mod)
    (output,) = caught.value.errors
    assert output.hint
    return str(output).partition("\n")[0]


def test_one_action_needs_the_library_of_every_target_and_the_component(demo: Demo) -> None:
    (action,) = planned(demo, NATIVE, COMPONENT, GO)
    assert action.needs == (
        *(f"native@{t}" for t in TRIPLES),
        "component@wasm32-unknown-unknown",
        *(f"native:contents@{t}" for t in TRIPLES),
        "component:contents@wasm32-unknown-unknown",
    )
    assert action.target is None
    assert action.outputs == (Output("go", "module", "go", folder=True),)
    purl = "pkg:golang/example.com/z@v1.2.3"
    assert action.traits == (("module", "example.com/z"), ("version", "1.2.3"), ("purl", purl))
    assert action.sources == ("packaging/go", "LICENSE")
    assert action.tools == ()


def test_either_road_alone_will_do(demo: Demo) -> None:
    (native,) = planned(demo, NATIVE, "go: {kind: gomodule, source: packaging/go, library: native}")
    assert native.needs == (*(f"native@{t}" for t in TRIPLES), *(f"native:contents@{t}" for t in TRIPLES))
    (wasm,) = planned(demo, COMPONENT, "go: {kind: gomodule, source: packaging/go, component: component}")
    assert wasm.needs == ("component@wasm32-unknown-unknown", "component:contents@wasm32-unknown-unknown")


def test_globs_choose_among_the_libraries_alone(demo: Demo) -> None:
    (action,) = planned(demo, NATIVE, COMPONENT, GO.replace("}", ', targets: ["*-linux-gnu"]}'))
    assert action.needs[:3] == (f"native@{X86}", f"native@{ARM}", "component@wasm32-unknown-unknown")
    assert len(action.needs) == 6


def test_part_of_a_release_has_the_libraries_of_that_part(demo: Demo) -> None:
    (action,) = planned(demo, NATIVE, COMPONENT, GO, narrowed=(ARM, "wasm32-unknown-unknown"))
    assert action.needs[:2] == (f"native@{ARM}", "component@wasm32-unknown-unknown")
    assert len(action.needs) == 4


@pytest.mark.parametrize("narrowed", [(X86,), ("wasm32-unknown-unknown",)])
def test_part_that_lacks_a_road_has_no_module(demo: Demo, narrowed: tuple[str, ...]) -> None:
    assert planned(demo, NATIVE, COMPONENT, GO, narrowed=narrowed) == []


@pytest.mark.parametrize(
    ("go_mod", "says"),
    [
        (None, "this file cannot be read"),
        ("go 1.25\n", "packaging/go/go.mod is not a valid go.mod: it names no module"),
        ("module ../z\n", "packaging/go/go.mod names a module '../z', which is not a module path"),
        ("module example.com/z\n", "packaging/go/go.mod does not require github.com/ebitengine/purego, the loader"),
        (
            GO_MOD.replace("\tgithub.com/tetra", "\t// github.com/tetra"),
            "packaging/go/go.mod does not require github.com/tetratelabs/wazero, what runs the WebAssembly module",
        ),
    ],
)
def test_go_mod_that_cannot_be_used(demo: Demo, go_mod: str | None, says: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        planned(demo, NATIVE, COMPONENT, GO, go_mod=go_mod)
    (output,) = caught.value.errors
    assert says in str(output)
    assert go_mod is None or output.hint


def test_module_for_no_target_that_go_could_load_on(demo: Demo) -> None:
    musl = "x86_64-unknown-linux-musl"
    rows = {**PLATFORMS, musl: Platform(musl, LINUX_MUSL, X86_64, elf_interpreter="/lib/ld-musl-x86_64.so.1")}
    path = demo.project / "targets.yaml"
    head = path.read_text().partition("targets:\n")[0]
    lines = f"  {NATIVE}\n  go: {{kind: gomodule, source: packaging/go, library: native}}\n"
    path.write_text(f"{head}targets:\n  {musl}: {{}}\nartifacts:\n{lines}")
    loaded = config.load(demo.project, KINDS, DESTINATIONS, platforms=rows)
    with pytest.raises(
        ConfigErrors, match=r"no target is left for go, of kind gomodule .*: its loader opens libraries"
    ):
        plan(loaded, ReleaseInfo("demo", "1.2.3"), disk_of(demo.project), rows)


def test_module_whose_path_lacks_its_major_version(demo: Demo) -> None:
    demo.set_version("2.0.0")
    with pytest.raises(ConfigErrors) as caught:
        planned(demo, NATIVE, COMPONENT, GO)
    (error,) = caught.value.errors
    module = GO_MOD.split()[1]
    assert str(error.hint).startswith(f"write module {module}/v2 in packaging/go/go.mod and import it so, or ")


def test_module_of_nothing(demo: Demo) -> None:
    assert "there is nothing that this Go module could call" in mistake(
        demo, "go: {kind: gomodule, source: packaging/go}"
    )


def test_library_without_a_cdylib(demo: Demo) -> None:
    static = "native: {kind: library, crate: demo-ffi, types: [staticlib]}"
    assert f"native makes no cdylib for {X86}" in mistake(demo, static, COMPONENT, GO)
    linux = 'native: {kind: library, crate: demo-ffi, targets: ["*-linux-gnu"]}'
    wide = GO.replace("}", ', targets: ["*"]}')
    assert f"native makes no cdylib for {MAC}" in mistake(demo, linux, COMPONENT, wide)


# The folder


def facts(*exports: str, interface: str | None = "1" * 64) -> dict[str, Json]:
    output: dict[str, Json] = {"cdylib": {"format": "elf", "exports": list(exports)}}
    return output | ({"interface": interface} if interface else {})


@pytest.fixture
def module(bench: Bench, native: Any) -> Callable[..., Path]:
    bench.source("packaging/go/go.mod", GO_MOD)
    bench.source("packaging/go/z.go", "package z\n")
    bench.source("LICENSE", "licence")

    def make(*targets: str, said: dict[str, dict[str, Json]] | None = None, **fields: Any) -> Path:
        libraries = {triple: native(triple) for triple in targets}
        recipe = GoModuleFolder(
            source="packaging/go",
            module="example.com/z",
            libraries=tuple((PLATFORMS[triple], result) for triple, (result, _) in libraries.items()),
            component=None,
            build_info=None,
            license_files=("LICENSE",),
            version="1.2.3",
            generator=Digest.of(b""),
        )
        known = said or {triple: facts("z_add", "z_build_info") for triple in targets}
        shutil.rmtree(bench.root / "work", ignore_errors=True)
        context = bench.make(
            replace(recipe, **fields),
            Output("go", "module", folder=True),
            needed={result.id: paths for result, paths in libraries.values()},
            facts={result.id: known[triple] for triple, (result, _) in libraries.items()},
        )
        assert context.facts["go_module"] == "example.com/z"
        return context.output("module")

    return make


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def constants(folder: Path) -> dict[str, str]:
    text = (folder / "internal" / "ferrule" / "native" / "identity.go").read_text()
    return dict(re.findall(r'^const (\w+) = "(.*)"$', text, flags=re.MULTILINE))


def test_sources_licence_libraries_and_loader_are_there(module: Callable[..., Path]) -> None:
    result = tree(module(*TRIPLES))
    own = "internal/ferrule/native"
    assert set(result) == {
        *("go.mod", "z.go", "LICENSE"),
        *(f"{own}/{n}.go" for n in ("library", "open", "unpack", "unsupported", "identity", "embedded_none")),
        *(f"{own}/embedded_{n}.go" for n in ("linux_amd64", "linux_arm64", "darwin_arm64")),
        f"{own}/linux_amd64/libz.so.1",
        f"{own}/linux_arm64/libz.so.1",
        f"{own}/darwin_arm64/libz.1.dylib",
    }
    assert result[f"{own}/linux_arm64/libz.so.1"] == f"cdylib for {ARM}".encode()
    for name, content in result.items():
        if name.startswith(own) and name.endswith(".go"):
            assert content.startswith(b"// Code generated by ferrule; DO NOT EDIT.\n\n")
            assert b"\r" not in content


def test_each_platform_embeds_its_own_library_by_its_digest(module: Callable[..., Path]) -> None:
    folder = module(*TRIPLES) / "internal" / "ferrule" / "native"
    text = (folder / "embedded_darwin_arm64.go").read_text()
    assert "//go:build !ferrule_noembed\n\npackage native\n" in text
    assert "//go:embed darwin_arm64/libz.1.dylib\nvar embedded string\n" in text
    assert f'const digest = "{Digest.of(f"cdylib for {MAC}".encode()).hex}"\n' in text
    none = (folder / "embedded_none.go").read_text()
    platforms = "(linux && amd64) || (linux && arm64) || (darwin && arm64)"
    assert f"//go:build ferrule_noembed || !({platforms})\n" in none


def test_one_platform_alone(module: Callable[..., Path]) -> None:
    none = (module(X86) / "internal" / "ferrule" / "native" / "embedded_none.go").read_text()
    assert "//go:build ferrule_noembed || !(linux && amd64)\n" in none


def test_loader_knows_the_library(module: Callable[..., Path]) -> None:
    assert constants(module(*TRIPLES)) == {
        "name": "z",
        "abi": "1",
        "version": "1.2.3",
        "variable": "Z_LIBRARY",
        "buildInfo": "z_build_info",
        "interfaceFingerprint": "1" * 64,
    }


def test_library_that_says_nothing_of_itself_is_taken_as_it_is(module: Callable[..., Path]) -> None:
    known = constants(module(X86, said={X86: facts("z_add", interface=None)}))
    assert (known["buildInfo"], known["interfaceFingerprint"]) == ("", "")


def test_function_that_one_target_lacks_is_not_relied_on(module: Callable[..., Path]) -> None:
    output = {X86: facts("z_build_info"), ARM: facts("z_add")}
    assert constants(module(X86, ARM, said=output))["buildInfo"] == ""
    with pytest.raises(BuildError, match=f"the library for {ARM} exports no z_build_info") as caught:
        module(X86, ARM, said=output, build_info="z_build_info")
    assert caught.value.hint


def test_function_can_be_named(module: Callable[..., Path]) -> None:
    folder = module(X86, said={X86: facts("z_build_info", "about")}, build_info="about")
    assert constants(folder)["buildInfo"] == "about"


def test_targets_of_different_interfaces(module: Callable[..., Path]) -> None:
    with pytest.raises(BuildError, match="different interfaces"):
        module(X86, ARM, said={X86: facts(), ARM: facts(interface="2" * 64)})


def test_what_others_left_behind_is_left_out_and_tests_are_kept(bench: Bench, module: Callable[..., Path]) -> None:
    for name in (
        *("z_test.go", "sub/a.go", "go.work", "go.work.sum", "vendor/modules.txt", "sub/vendor/x.go"),
        *(".git/HEAD", "internal/ferrule/native/old.go", "internal/mine.go"),
    ):
        bench.source(f"packaging/go/{name}")
    result = {n for n in tree(module(X86)) if not n.startswith("internal/ferrule/")}
    assert result == {"go.mod", "z.go", "LICENSE", "z_test.go", "sub/a.go", "internal/mine.go"}
    assert "internal/ferrule/native/old.go" not in tree(module(X86))


def test_a_name_that_go_would_refuse(bench: Bench, module: Callable[..., Path]) -> None:
    bench.source("packaging/go/a*b.txt")
    with pytest.raises(BuildError, match=r"Go would refuse the whole module: a\*b\.txt"):
        module(X86)


def test_licence_of_the_sources_comes_first(bench: Bench, module: Callable[..., Path]) -> None:
    bench.source("packaging/go/LICENSE", "their own")
    assert tree(module(X86))["LICENSE"] == b"their own"


def test_same_input_gives_the_same_bytes(module: Callable[..., Path]) -> None:
    first = tree(module(*TRIPLES))
    assert tree(module(*TRIPLES)) == first


def world() -> bytes:
    """A core module of `world demo { export add: func(a: s32, b: s32) -> s32; }` (crate wit-component, `metadata`)."""

    def sized(content: bytes) -> bytes:
        return bytes([len(content)]) + content

    def section(number: int, content: bytes) -> bytes:
        return bytes([number]) + sized(content)

    add = b"\x01\x40\x02\x01a\x7a\x01b\x7a\x00\x7a" + b"\x04\x00\x03add\x01\x00"
    package = b"\x01\x41\x02" + add + b"\x04\x00" + sized(b"example:demo/demo@1.0.0") + b"\x04\x00"
    output = b"\0asm\x0d\0\1\0" + section(0, sized(b"wit-component-encoding") + b"\x04\x00")
    output += section(7, b"\x01\x41\x02" + package)
    interface = b'{"interface": "%s"}' % (b"1" * 64)
    return (
        b"\0asm\1\0\0\0"
        + section(0, sized(b"component-type:demo") + output)
        + section(0, sized(b"ferrule") + interface)
    )


def test_module_is_embedded_beside_its_bindings(bench: Bench) -> None:
    bench.source("packaging/go/go.mod", GO_MOD)
    component, paths = bench.made("component", {"z.core.wasm": world()}, (Output("z.core.wasm", "module"),))
    recipe = GoModuleFolder("packaging/go", "example.com/z", (), component, None, (), "1.2.3", Digest.of(b""))
    context = bench.make(recipe, Output("go", "module", folder=True), needed={"component": paths})
    result = tree(context.output("module") / "internal" / "ferrule")
    expected = gobindings.bindings(world(), package="wasm")
    assert result == {f"wasm/{n}": content for n, content in expected.items()} | {"wasm/module.wasm": world()}
    assert b"Add(" in result["wasm/bindings.go"]


def test_a_replacement_by_a_folder_is_a_mistake(demo: Demo) -> None:
    file = demo.project / "packaging" / "go" / "go.mod"
    file.write_text(f"{file.read_text()}\nrequire example.com/x v1.0.0\nreplace example.com/x => ../x\n")
    line = len(file.read_text().splitlines())
    with pytest.raises(ConfigErrors) as caught:
        release.make_plan(release.load(demo.project), demo.context)
    assert [error.where for error in caught.value.errors] == [f"packaging/go/go.mod:{line}:1"]


def test_a_name_that_go_refuses_fails_the_module(demo: Demo) -> None:
    (demo.project / "packaging" / "go" / "a*b.txt").touch()
    done = demo.ferrule("build", "go", "--quiet")
    assert done.returncode == 5
    assert "Go would refuse the whole module: a*b.txt: its name holds '*'" in done.stdout + done.stderr
