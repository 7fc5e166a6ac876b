"""What is said of artifacts, actions, files, fingerprints, exit codes and errors."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.toolchain import Demo, lay_out
from fakes.triples import X86
from ferrule.__main__ import INTERRUPTED
from ferrule.app.explain.explanation import ADVICE, explain
from ferrule.core import errors
from ferrule.core.errors import ConfigError, UsageError
from ferrule.core.model import Digest
from ferrule.formats.wasm import with_custom_section
from ferrule.reporting import explanation as explained

if TYPE_CHECKING:
    from collections.abc import Callable

NATIVE = f"native@{X86}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A release to ask about; nobody changes it."""
    demo = lay_out(tmp_path_factory.mktemp("made"))
    assert demo.ferrule("release", "--quiet").returncode == 0
    return demo


def asked(demo: Demo, *items: str) -> dict[str, Any]:
    done = demo.ferrule("explain", "--json", *items)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def without_project(item: str, here: Path = Path()) -> dict[str, Any]:
    return explain(item, here, lambda: None)


# Exit codes and errors


def every_code() -> set[int]:
    return {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}


def test_every_exit_code_has_advice() -> None:
    assert set(ADVICE) == every_code() | {0, 2, INTERRUPTED}
    assert all(meaning and (advice or code == 0) for code, (meaning, advice) in ADVICE.items())


def test_a_code_is_its_class(made: Demo) -> None:
    result = asked(made, "5")
    assert (result["class"], result["what"]) == ("BuildError", "exit code")
    assert asked(made, "BuildError")["do"] == result["do"]
    assert asked(made, "ConfigErrors")["code"] == 3
    assert asked(made, "1")["class"] is None
    assert made.ferrule("explain", "4").stdout.startswith("exit code 4 (ToolchainError): a tool is missing")


def test_a_code_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="has no exit code 77"):
        without_project("77")


# Artifacts and actions


def test_an_action_tells_what_it_is_made_of(made: Demo) -> None:
    result = asked(made, NATIVE)
    assert (result["artifact"], result["kind"], result["target"]) == ("native", "library", X86)
    assert result["needs"] == ["header"]
    assert f"sdk-c@{X86}" in result["needed_by"]
    assert result["sources"]["files"] >= len(result["sources"]["declared"]) > 0
    assert result["tools"]["rustc"].startswith("rustc 1.96")
    assert (result["state"], result["reason"], result["changes"]) == ("cached", "nothing changed", [])
    last = result["last"]
    assert (last["key"], last["because"]) == (result["key"], "never built here")
    assert {output["name"] for output in last["outputs"]} == {"libdemo.so.1", "libdemo.a"}
    assert re.fullmatch("[0-9a-f]{64}", last["facts"]["fingerprint"])
    assert last["facts"]["fingerprint"] != result["key"]  # the code of Ferrule counts in the key alone
    assert Path(result["log"]).is_file()


def test_an_artifact_tells_its_actions(made: Demo) -> None:
    result = asked(made, "native")
    assert result["what"] == "artifact"
    assert result["stated"].startswith("targets.yaml:")
    assert result["made_of"] == ["header"]
    assert {"sdk-c", "sdk-py", "image"} <= set(result["used_by"])
    assert len(result["actions"]) == len(result["targets"]) == 3
    text = made.ferrule("explain", "native").stdout
    assert f"{NATIVE}: up to date: nothing changed" in text
    assert "last built" in made.ferrule("explain", "sums").stdout


def test_both_digests_of_what_changed_are_told_and_without_tools_what_is_known(demo: Demo) -> None:
    assert "never on this machine" in demo.ferrule("explain", "sdk-py@sdist").stdout
    assert demo.ferrule("release", "--quiet").returncode == 0
    before = (demo.project / "LICENSE").read_bytes()
    (demo.project / "LICENSE").write_text("another")
    result = asked(demo, "sdk-py@sdist")
    change = f"sources LICENSE: {Digest.of(before).short} -> {Digest.of(b'another').short}"
    assert (result["state"], result["changes"], result["reason"]) == ("stale", [change], change)
    assert result["key"] != result["last"]["key"]
    (waiting,) = asked(demo, "sums")["actions"]
    assert waiting["state"] == "waiting"
    assert ", which is rebuilt, comes out different: sources LICENSE: " in waiting["reason"]
    shutil.rmtree(demo.root / "cache" / "tools")
    known = asked(demo, NATIVE)
    assert known["state"] == "unknown"
    assert known["reason"].startswith("its tools are not complete")
    assert known["last"]["outputs"]


# Files


def wheel_of(demo: Demo) -> Path:
    return next(demo.dist.glob("*x86_64.whl"))


def test_a_file_of_a_release_is_found_in_its_manifest(made: Demo) -> None:
    result = asked(made, f"dist/{wheel_of(made).name}")
    fingerprint = asked(made, NATIVE)["last"]["facts"]["fingerprint"]
    assert fingerprint in {one["fingerprint"] for one in result["identities"]}
    rows = {(row["match"], row["artifact"]) for row in result["manifest"]["rows"]}
    assert rows >= {("same bytes", "sdk-py"), ("holds what it made", "native")}
    assert result["manifest"]["release"] == "1.2.3"


def test_a_file_that_was_carried_away_is_told_by_its_fingerprint(made: Demo, tmp_path: Path) -> None:
    alone = shutil.copy(made.dist / "demo-1.2.3.wasm", tmp_path / "alone.wasm")
    result = without_project(str(alone))
    assert result["manifest"] is None
    assert result["identities"][0]["version"] == "1.2.3"
    assert "no manifest nearby" in explained.text(result)
    near = asked(made, str(alone))
    assert near["manifest"]["rows"][0]["match"] == "same bytes"
    changed = tmp_path / "changed.wasm"
    changed.write_bytes(with_custom_section((made.dist / "demo-1.2.3.wasm").read_bytes(), "more", b"x"))
    assert {row["match"] for row in asked(made, str(changed))["manifest"]["rows"]} == {"holds what it made"}


def test_a_folder_of_a_release(made: Demo) -> None:
    result = asked(made, "dist/image")
    assert result["what"] == "folder"
    row = result["manifest"]["rows"][0]
    assert (row["match"], row["kind"]) == ("is part of the release", "image")
    assert row["files"] > 3
    assert {one["form"] for one in result["identities"]} >= {"image label"}


def test_every_compiled_file_in_a_package_is_measured(made: Demo) -> None:
    (wheel,) = made.dist.glob("*-manylinux*_x86_64.whl")
    result = asked(made, f"dist/{wheel.name}")
    assert result["measured"] is None
    library = result["inside"]["demo/_native/libdemo.so.1"]
    assert (library["format"], library["machine"], library["glibc"]) == ("elf", "x86_64", "2.14")
    assert {"needed", "exports", "sections", "build_id"} <= library.keys()
    kinds = {(one["format"], one["machine"]) for one in asked(made, "dist/image")["inside"].values()}
    assert kinds == {("elf", "x86_64"), ("elf", "aarch64")}
    output = explained.text(result)
    assert "demo/_native/libdemo.so.1\n  measured      format: elf" in output


def test_an_artifact_goes_before_a_folder_of_its_name(made: Demo) -> None:
    assert asked(made, "-C", str(made.dist), "image")["what"] == "artifact"
    assert asked(made, "-C", str(made.dist), "./image")["what"] == "folder"


def test_a_plan_that_is_refused_is_told(made: Demo) -> None:
    """It is no reason to answer as if there were no project."""
    done = made.ferrule("explain", NATIVE, MY_TOKEN=X86)
    assert done.returncode == 3
    assert "this line holds a secret, the value of the variable MY_TOKEN" in done.stderr


def test_a_project_that_is_configured_badly_does_not_hide_a_file(tmp_path: Path) -> None:
    def broken() -> None:
        raise ConfigError("mistaken")

    (tmp_path / "x").write_bytes(b"")
    assert explain("./x", tmp_path, broken)["manifest"] is None


def test_a_file_of_another_release(made: Demo, tmp_path: Path) -> None:
    stranger = tmp_path / "x.wasm"
    output = json.dumps({"version": "9", "fingerprint": "9" * 64})
    stranger.write_bytes(with_custom_section(b"\0asm\x01\0\0\0", "ferrule", output.encode()))
    assert "it belongs to another release" in made.ferrule("explain", str(stranger)).stdout


def test_a_file_that_says_nothing(made: Demo) -> None:
    assert "none: the file contains no version" in made.ferrule("explain", "./targets.yaml").stdout


def test_a_library_that_no_release_built(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(b'\x7fELF{"version":"1","fingerprint":"unreleased"}')
    assert "built by Cargo alone" in explained.text(without_project("x.so", tmp_path))


# Fingerprints


@pytest.mark.parametrize("form", [lambda key: key, lambda key: key[:12], lambda key: f"sha256:{key}"])
def test_a_key_is_that_of_an_action(made: Demo, form: Callable[[str], str]) -> None:
    result = asked(made, form(asked(made, NATIVE)["key"]))
    assert result["actions"] == [NATIVE]
    assert {row["match"] for row in result["manifest"]["rows"]} == {"key"}


def test_a_fingerprint_is_that_of_what_was_made_with_it(made: Demo) -> None:
    action = asked(made, NATIVE)
    fingerprint = action["last"]["facts"]["fingerprint"]
    assert fingerprint != action["key"]
    rows = asked(made, fingerprint[:12])["manifest"]["rows"]
    assert {(row["match"], row["artifact"]) for row in rows} == {("fingerprint", "native")}


def test_an_interface_and_a_digest_are_found(made: Demo) -> None:
    interface = asked(made, NATIVE)["last"]["facts"]["interface"]
    assert NATIVE in asked(made, interface)["interface_of"]
    result = asked(made, asked(made, "./dist/demo-1.2.3.wasm")["sha256"])
    assert [row["file"] for row in result["manifest"]["rows"]] == ["demo-1.2.3.wasm"]
    assert "sha256: demo-1.2.3.wasm of component" in explained.text(result)


# What is nothing


@pytest.mark.parametrize(
    ("item", "near"),
    [
        ("natve", "native"),
        ("BuildEror", "BuildError"),
        ("demo-1.2.3.wsm", "demo-1.2.3.wasm"),
        ("zzzzzz", "ferrule plan"),
    ],
)
def test_what_is_unknown_is_told_with_the_nearest_names(made: Demo, item: str, near: str) -> None:
    done = made.ferrule("explain", item)
    assert done.returncode == 2
    assert "nothing here is called" in done.stderr
    assert near in done.stderr


def test_a_file_of_the_release_is_known_by_its_name_there(made: Demo) -> None:
    by_name, by_path = (made.ferrule("explain", "--json", n) for n in ("demo-1.2.3.wasm", "dist/demo-1.2.3.wasm"))
    assert by_name.returncode == by_path.returncode == 0, by_name.stderr
    assert json.loads(by_name.stdout)["what"] == json.loads(by_path.stdout)["what"]


def test_no_project_is_needed_for_what_is_none_of_one(tmp_path: Path) -> None:
    assert without_project("130")["code"] == 130
    with pytest.raises(UsageError, match="nothing here is called"):
        without_project("native", tmp_path)
    with pytest.raises(UsageError, match="nothing here is called"):
        without_project("0123456789ab", tmp_path)
