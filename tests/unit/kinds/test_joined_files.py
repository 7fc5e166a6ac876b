from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from fakes.program_project import BUILD, with_program
from fakes.toolchain import lay_out
from fakes.triples import MAC
from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import run as release
from ferrule.app.release import selection
from ferrule.app.verify import verify
from ferrule.core.errors import ConfigErrors, VerificationError
from ferrule.core.model import Output
from ferrule.core.platforms import PLATFORMS
from ferrule.formats import tar, universal
from ferrule.formats.binary import measure
from ferrule.kinds import KINDS, joined_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo

INTEL, UNIVERSAL = "x86_64-apple-darwin", "universal2-apple-darwin"
ARTIFACTS = f"""artifacts:
  native: {{kind: library, crate: demo-ffi, header: header, exports: ["demo_*"]}}
  header: {{kind: header, crate: demo-ffi}}
  sdk: {{kind: sdk, library: native, header: header, targets: [{UNIVERSAL}]}}
  wheel: {{kind: wheel, library: native, source: packaging/python, targets: [{UNIVERSAL}]}}
  sbom: {{kind: sbom}}
  sums: {{kind: checksums}}
"""


def for_macs(demo: Demo, artifacts: str | None = ARTIFACTS, universal_settings: str = "{}") -> Demo:
    """The demo for both kinds of Macs, each and together."""
    text = (demo.project / "targets.yaml").read_text()
    head, _, tail = text.partition("targets:\n")
    targets = f'  {MAC}: {{macos: "11.0"}}\n  {INTEL}: {{macos: "11.0"}}\n  {UNIVERSAL}: {universal_settings}\n\n'
    kept = tail[tail.index("artifacts:\n") :]
    (demo.project / "targets.yaml").write_text(f"{head}targets:\n{targets}{artifacts or kept}")
    return demo


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    demo = for_macs(lay_out(tmp_path_factory.mktemp("universal")))
    assert [str(outcome.error) for outcome in demo.run().failed] == []
    return demo


def test_a_library_is_joined_measured_and_packed(released: Demo) -> None:
    archive = released.dist / f"demo-c-1.2.3-{UNIVERSAL}.tar.gz"
    with archive.open("rb") as stream:
        members = {m.name.partition("/")[2]: m.read() for m in tar.read_tar_gz(stream) if m.regular}
    library, objects = members["lib/libdemo.1.2.3.dylib"], members["lib/libdemo.a"]
    assert (measure(library).machine, measure(objects).machine) == ("arm64+x86_64", "arm64+x86_64")
    (wheel,) = released.dist.glob("*.whl")
    assert wheel.name == "demo-1.2.3-py3-none-macosx_11_0_universal2.whl"
    packed = _files(wheel)
    (folder,) = (name.rpartition("/")[0] for name in packed if name.endswith(".dylib"))
    assert packed[f"{folder}/libdemo.1.dylib"] == library
    assert b"FINGERPRINT" not in packed[f"{folder}/__init__.py"]
    assert b"INTERFACE" in packed[f"{folder}/__init__.py"]
    assert next(universal.slices(library, None))[0] == "x86_64"


def _files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_what_the_manifest_says_of_it_holds(released: Demo) -> None:
    facts = json.loads((released.dist / "manifest.json").read_bytes())["facts"]
    joined = facts[f"native@{UNIVERSAL}"]
    assert (joined["cdylib"]["format"], joined["cdylib"]["macos"]) == ("macho-fat", "11.0")
    assert joined["interface"] == facts[f"native@{MAC}"]["interface"]
    assert "fingerprint" not in joined
    assert joined["link"] == facts[f"native@{MAC}"]["link"]
    assert [verdict.problem for verdict in verify(released.dist) if verdict.problem] == []


def test_its_bills_of_materials_name_what_is_linked_into_both(released: Demo) -> None:
    (name,) = (file for file in released.files() if file.endswith(f"{UNIVERSAL}.tar.gz.cdx.json"))
    parts = {part["name"]: part for part in json.loads(released.files()[name])["components"]}
    targets = {p["value"] for p in parts["demo-ffi"]["properties"] if p["name"].endswith("target")}
    assert targets == {MAC, INTEL}
    assert "libdemo.1.dylib" in parts


def test_a_program_is_joined_with_what_its_build_script_wrote(tmp_path: Path) -> None:
    demo = for_macs(with_program(lay_out(tmp_path), BUILD), None)
    assert [str(outcome.error) for outcome in demo.run().failed] == []
    with (demo.dist / f"demo-cli-1.2.3-{UNIVERSAL}.tar.gz").open("rb") as stream:
        members = {m.name.partition("/")[2]: m for m in tar.read_tar_gz(stream) if m.regular}
        assert members["demo-cli"].permissions == 0o755
        assert {"LICENSE", "THIRD-PARTY-LICENSES", "completions/demo-cli.bash"} <= {*members}
    facts: Any = json.loads((demo.dist / "manifest.json").read_bytes())["facts"]
    assert facts[f"cli@{UNIVERSAL}"]["interpreter"] is None
    assert facts[f"cli@{UNIVERSAL}"]["program"]["machine"] == "arm64+x86_64"


def test_what_is_selected_brings_its_parts(tmp_path: Path) -> None:
    demo = for_macs(lay_out(tmp_path))
    configuration = release.load(demo.project)
    plan = selection.select(configuration, demo.context, ("sdk",), (UNIVERSAL,))
    ids = {action.id for action in plan.actions}
    assert {f"native@{MAC}", f"native@{INTEL}", f"native@{UNIVERSAL}", f"sdk@{UNIVERSAL}"} <= ids


def problems(demo: Demo) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        release.make_plan(config.load(demo.project, KINDS, DESTINATIONS), demo.context)
    return [f"{error.message} / {error.hint}" for error in caught.value.errors]


def test_a_target_whose_parts_are_not_there(tmp_path: Path) -> None:
    demo = for_macs(lay_out(tmp_path))
    demo.edit(f'  {INTEL}: {{macos: "11.0"}}\n', "")
    (problem,) = problems(demo)
    assert problem == (
        f"{UNIVERSAL} is joined of {INTEL} and {MAC}, and this file does not list {INTEL} / "
        f"add {INTEL}; artifacts that are not to be made for it leave it out by `targets`"
    )


def test_settings_that_follow_from_the_parts(tmp_path: Path) -> None:
    demo = for_macs(lay_out(tmp_path), universal_settings='{macos: "11.0", sdk: MacOSX.sdk}')
    assert problems(demo) == [
        f"{UNIVERSAL} has no floor of its own / remove it; that of {INTEL} and {MAC} counts",
        f"{UNIVERSAL} is linked with no SDK of Apple's / only …-apple-darwin targets have one; remove it",
    ]


def test_a_wheel_whose_parts_have_no_floor(tmp_path: Path) -> None:
    demo = for_macs(lay_out(tmp_path))
    demo.edit(f'{INTEL}: {{macos: "11.0"}}', f"{INTEL}: {{}}")
    (problem,) = problems(demo)
    assert problem.endswith(f'write macos: "11.0" at {INTEL} and {MAC}')


def test_an_artifact_that_is_not_made_for_a_part(tmp_path: Path) -> None:
    demo = for_macs(lay_out(tmp_path))
    demo.edit('exports: ["demo_*"]}', f'exports: ["demo_*"], targets: ["{UNIVERSAL}"]}}')
    assert problems(demo)[0] == (
        f"native for {UNIVERSAL} is joined of its files for {INTEL} and {MAC}, and it is not made for {INTEL} and "
        f"{MAC} / let `targets` select {INTEL} and {MAC} too; what packs it may leave them out"
    )


def test_parts_that_are_not_alike(tmp_path: Path) -> None:
    demo = for_macs(lay_out(tmp_path))
    demo.edit('exports: ["demo_*"]}', f'exports: ["demo_*"], per-target: {{"{INTEL}": {{types: [cdylib]}}}}}}')
    assert problems(demo)[0].startswith(f"native is not the same for {INTEL} and {MAC}, so it cannot be joined")


def test_libraries_that_differ_are_not_joined(tmp_path: Path) -> None:
    demo = for_macs(lay_out(tmp_path), "artifacts:\n  native: {kind: library, crate: demo-ffi, ship: true}\n")
    path = demo.home / "binaries" / "demo-intel.dylib"
    path.write_bytes(path.read_bytes().replace(b"copy\0", b"cope\0"))
    message = "".join(str(outcome.error or "") for outcome in demo.run().failed)
    assert "libdemo.1.dylib cannot be joined:" in message
    assert f"for {INTEL} it does not export demo_copy" in message
    assert f"for {MAC} it does not export demo_cope" in message


def copied(bench: Bench, of_mac: dict[str, bytes]) -> Path:
    """The folder of a joined program whose build scripts wrote this for one of its parts, and a page for the other."""
    output = (Output("generated", "generated", folder=True),)
    parts = {
        INTEL: bench.made("cli@intel", {"generated/man/demo.1": b"page"}, output),
        MAC: bench.made("cli@mac", of_mac, output),
    }
    recipe = joined_files.JoinedFiles(
        PLATFORMS[UNIVERSAL], None, tuple((triple, part) for triple, (part, _) in parts.items())
    )
    done = bench.make(recipe, *output, needed={part.id: paths for part, paths in parts.values()})
    return done.output("generated")


def test_folders_are_copied(bench: Bench) -> None:
    assert (copied(bench, {"generated/man/demo.1": b"page"}) / "man" / "demo.1").read_bytes() == b"page"


@pytest.mark.parametrize("of_mac", [{"generated/man/demo.1": b"another"}, {}])
def test_folders_have_to_be_the_same_for_both(bench: Bench, of_mac: dict[str, bytes]) -> None:
    with pytest.raises(VerificationError, match=f"another man/demo.1 for each of {INTEL} and {MAC}"):
        copied(bench, of_mac)


def test_what_only_packs_compiles_nothing(tmp_path: Path) -> None:
    demo = for_macs(lay_out(tmp_path))
    plan = release.make_plan(release.load(demo.project), demo.context)
    planned = {action.id: action for action in plan.actions}
    ids = {name: [one.id for one in joined_files.compilations(a, planned)] for name, a in planned.items()}
    assert ids[f"native@{UNIVERSAL}"] == [f"native@{INTEL}", f"native@{MAC}"]
    assert ids[f"native@{MAC}"] == [f"native@{MAC}"]
    assert ids[f"sdk@{UNIVERSAL}"] == []
