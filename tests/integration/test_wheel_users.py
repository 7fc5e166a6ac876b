"""The Python packages as other tools judge them, and as users install, type-check and run them."""

from __future__ import annotations

import json
import re
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from arm64_python import run_python
from judges import CHECKOUT, OWN, VECTORS, MissingJudgeError, run
from released import HOST, LINUX

from fakes.triples import ARM, MAC, X86

pytestmark = pytest.mark.consumer

SOURCE = CHECKOUT / "packaging" / "python"
CONSUMERS = CHECKOUT / "tests" / "consumers"
NATIVE = CONSUMERS / "python-native" / "main.py"
EXAMPLE = SOURCE / "examples" / "component.py"
ALONE = ("-I", "-X", "utf8")  # no PYTHONPATH, no user packages, not the folder the tests run in
# Each marked line is a mistake that a checker has to find; that it finds no other shows that the rest is typed.
MISUSED = """
from ferrule_email_validator import Decision, EmailType, EmailValidationConfig, Lookups, Validator, build_info

def is_free(domain: str) -> bool:
    return domain == "mail.example"

config = EmailValidationConfig(require_top_level_domain=True, blocked_emails=[EmailType.FREE, "DISPOSABLE"])
with Validator(config, Lookups(is_free_email=is_free, is_disposable_email=is_free)) as validator:
    decision: Decision = validator.check("joe@example.com")
    many: list[Decision] = validator.check_batch(("joe@example.com",))
    first: EmailType = decision.blocked[0]
    version: str = build_info()["dependencies"]["idna"]
    validator.check(b"joe@example.com")  # wrong
    text: str = validator.check("joe@example.com")  # wrong
    validator.check_batch([1])  # wrong
    decision.json = ""  # wrong
EmailValidationConfig(require_top_level_domain="yes")  # wrong
EmailValidationConfig(requires_top_level_domain=True)  # wrong
Lookups(is_free_email=lambda domain: domain)  # wrong
Validator(config, object())  # wrong
build_info()["fingerprints"]  # wrong
"""
WRONG = [number for number, line in enumerate(MISUSED.splitlines(), 1) if line.endswith("# wrong")]


def packages(release) -> list[Path]:
    return [release.made("sdist"), *(release.made("wheel", target) for target in (X86, ARM, MAC))]


def environment(place: Path) -> Path:
    """The interpreter of a new environment that holds nothing."""
    run(sys.executable, "-m", "venv", "--without-pip", place)
    return place / "bin" / "python"


def pip(python: Path, *argv: str | Path, **given: str) -> None:
    """Let pip work for an environment."""
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, *argv, **given)


@pytest.fixture
def python(tmp_path) -> Path:
    return environment(tmp_path / "environment")


@pytest.fixture(scope="module")
def installed(release, tmp_path_factory) -> Path:
    """The interpreter of an environment in which pip installed this machine's wheel, and nothing else."""
    python = environment(tmp_path_factory.mktemp("user") / "environment")
    pip(python, "install", "--no-index", "--only-binary=:all:", release.made("wheel", HOST))
    pip(python, "check")
    return python


def told(python: Path, expression: str) -> object:
    """What an expression about the package, as `e`, comes to in an interpreter."""
    program = f"import ferrule_email_validator as e, json; print(json.dumps({expression}))"
    return json.loads(run(python, *ALONE, "-c", program).stdout)


# Packages


def test_twine_takes_every_package(release):
    output = run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", *packages(release)).stdout
    assert len(re.findall(r"PASSED$", output, flags=re.MULTILINE)) == len(packages(release)) == 4


@pytest.mark.only_on(*LINUX, reason="auditwheel runs on Linux alone")
@pytest.mark.parametrize("target", LINUX)
def test_auditwheel_gives_the_tag_that_the_name_has(release, target):
    wheel = release.made("wheel", target)
    output = " ".join(run(sys.executable, "-m", "auditwheel", "show", wheel).stdout.split())
    machine = target.partition("-")[0]
    assert f'consistent with the following platform tag: "manylinux_2_17_{machine}"' in output
    assert f"manylinux2014_{machine}.manylinux_2_17_{machine}" in wheel.name


def test_pip_takes_the_wheel_of_this_machine_among_all(release, python):
    options = ("--no-index", "--find-links", release.dist, "--only-binary=:all:")
    pip(python, "install", *options, "ferrule-email-validator")
    assert told(python, "e.build_info()['target']") == HOST


# The same bytes


def test_every_vector_by_the_wheel(installed, expected):
    assert run(installed, *ALONE, NATIVE, VECTORS).stdout == expected


def test_every_vector_by_the_source_distribution(release, python, programs, expected):
    # The backend is the locked one of these tests; without isolation pip takes it from the path it is given.
    backend = {"PYTHONPATH": sysconfig.get_path("purelib")}
    rust = {"CARGO": programs["cargo"], "RUSTC": programs["rustc"]}
    options = ("--no-index", "--no-build-isolation", "--no-deps")
    pip(python, "install", *options, release.made("sdist"), **backend, **rust)
    assert run(python, *ALONE, NATIVE, VECTORS).stdout == expected


@pytest.mark.only_on(X86, reason="the wheel of arm64 is installed there, or of no use")
def test_every_vector_by_the_wheel_of_arm64_under_emulation(release, expected):
    wheel = release.wheel(ARM)
    assert run_python(NATIVE, VECTORS, path=wheel) == expected
    asked = "import ferrule_email_validator as e, platform; print(platform.machine(), e.build_info()['target'])"
    assert run_python("-c", asked, path=wheel).split() == ["aarch64", ARM]


def test_every_vector_by_the_component_in_wasmtime(release, expected):
    program = CONSUMERS / "python-wasmtime" / "main.py"
    assert run(sys.executable, program, VECTORS, release.made("component")).stdout == expected


def test_the_example_of_the_component(release):
    output = run(sys.executable, EXAMPLE, release.made("component"), "joe@example.com", "joe@gmx.net", "joe@").stdout
    assert [json.loads(line).get("blocked") for line in output.splitlines()] == [None, ["FREE"], ["INVALID"]]


# What the package promises: its own tests hold for what was installed, memory and threads included


def test_the_tests_of_the_package_pass_against_what_the_wheel_holds(release, tmp_path):
    given = {"PYTHONPATH": str(release.wheel(HOST)), "PYTHONDONTWRITEBYTECODE": "1"}
    options = ("-q", "-p", "no:cacheprovider", "--basetemp", tmp_path / "work", "tests")
    done = run(sys.executable, "-X", "utf8", "-m", "pytest", *options, cwd=SOURCE, **given)
    assert re.search(r"^[0-9]{2,} passed in", done.stdout, flags=re.MULTILINE), done.stdout


# Types


def test_the_package_says_that_it_is_typed(release):
    for target in (X86, ARM, MAC):
        assert (release.wheel(target) / "ferrule_email_validator" / "py.typed").is_file()


def mypy(python: Path, folder: Path, *files: Path) -> str:
    strict = ("--strict", "--no-error-summary", "--config-file=", "--cache-dir", folder / "cache")
    return run(
        sys.executable, "-m", "mypy", *strict, "--python-executable", python, *files, cwd=folder, ok=False
    ).stdout


def test_mypy_strict_finds_nothing_in_a_users_program(installed, tmp_path):
    assert mypy(installed, tmp_path, NATIVE) == ""


def test_mypy_finds_every_mistake_and_no_other(installed, tmp_path):
    (tmp_path / "misused.py").write_text(MISUSED)
    output = mypy(installed, tmp_path, tmp_path / "misused.py")
    assert sorted({int(n) for n in re.findall(r"misused\.py:(\d+): error", output)}) == WRONG, output


@pytest.fixture(scope="session")
def pyright(programs) -> tuple[str | Path, ...]:
    """pyright in its locked version, installed by npm."""
    sources, path, node = Path(__file__).parent / "pyright", OWN / "pyright", Path(programs["node"])
    lock = (sources / "package-lock.json").read_bytes()
    stamp = path / "installed"
    if not stamp.exists() or stamp.read_bytes() != lock:
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(sources, path)
        run(*npm(node), "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", cwd=path)
        stamp.write_bytes(lock)
    return node, path / "node_modules" / "pyright" / "index.js"


def npm(node: Path) -> tuple[str | Path, ...]:
    """The npm that came with this node, or the machine's."""
    own = node.resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if own.exists():
        return node, own
    installed = shutil.which("npm")
    if not installed:
        raise MissingJudgeError(f"npm is not on this machine, and {node} came without it: apt-get install npm")
    return (installed,)


def checked(pyright: tuple[str | Path, ...], python: Path, folder: Path, *files: Path) -> list[dict]:
    """What pyright says of these files in strict mode."""
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", "include": ["users"]}))
    (folder / "users").mkdir()
    for file in files:
        shutil.copy(file, folder / "users")
    done = run(*pyright, "--outputjson", "--pythonpath", python, "--project", folder, cwd=folder, ok=False)
    document = json.loads(done.stdout)
    assert document["summary"]["filesAnalyzed"] == len(files)
    return document["generalDiagnostics"]


def test_pyright_strict_finds_nothing_in_a_users_program(pyright, installed, tmp_path):
    assert checked(pyright, installed, tmp_path, NATIVE) == []


def test_pyright_finds_every_mistake_and_no_other(pyright, installed, tmp_path):
    (tmp_path / "misused.py").write_text(MISUSED)
    output = checked(pyright, installed, tmp_path, tmp_path / "misused.py")
    errors = {1 + result["range"]["start"]["line"] for result in output if result["severity"] == "error"}
    assert sorted(errors) == WRONG, output


def test_every_public_name_has_a_known_type(pyright, installed, tmp_path):
    # It asks the first python on the PATH, whatever the options say.
    search = f"{installed.parent}:{Path(pyright[0]).parent}"
    output = run(*pyright, "--verifytypes", "ferrule_email_validator", "--outputjson", cwd=tmp_path, PATH=search).stdout
    report = json.loads(output)["typeCompleteness"]
    counts = report["exportedSymbolCounts"]
    assert (report["completenessScore"], counts["withUnknownType"], counts["withAmbiguousType"]) == (1, 0, 0)
    assert counts["withKnownType"] == told(installed, "sum(not name.startswith('_') for name in e.__all__)")


def test_the_example_of_the_component_is_typed(tmp_path):
    assert mypy(Path(sys.executable), tmp_path, EXAMPLE) == ""


# Identity


def test_the_loader_refuses_a_library_of_another_interface(release, tmp_path):
    path = tmp_path / "changed"
    shutil.copytree(release.wheel(HOST), path)
    native = path / "ferrule_email_validator" / "_native" / "__init__.py"
    text = native.read_text()
    changed = re.sub(r"(INTERFACE\b.*?)[0-9a-f]{64}", rf"\g<1>{'0' * 64}", text)
    assert changed != text
    native.write_text(changed)
    program = f"import sys; sys.path.insert(0, {str(path)!r}); import ferrule_email_validator"
    done = run(sys.executable, "-I", "-c", program, ok=False)
    assert done.returncode
    last = done.stderr.splitlines()[-1]
    name = "libemail_validator.0.1.dylib" if HOST == MAC else "libemail_validator.so.0.1"
    assert f"LibraryError: {name} has the interface" in last
    assert "this package was made for 0000000000000000…" in last
    assert "install ferrule-email-validator again" in last


def test_the_library_says_what_the_manifest_says(release, installed):
    info = told(installed, "e.build_info()")
    facts = release.manifest["facts"][f"native@{HOST}"]
    assert (info["target"], info["version"]) == (HOST, release.manifest["release"])
    assert (info["fingerprint"], info["interface"]) == (facts["fingerprint"], facts["interface"])


def test_nothing_is_left_when_it_is_uninstalled(release, python):
    pip(python, "install", "--no-index", release.made("wheel", HOST))
    pip(python, "uninstall", "--yes", "ferrule-email-validator")
    assert run(python, *ALONE, "-c", "import ferrule_email_validator", ok=False).returncode
    assert not list(python.parents[1].rglob("*email_validator*"))
