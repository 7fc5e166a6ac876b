"""The Python packages as other tools judge them and as users install them."""

from __future__ import annotations

import json
import re
import shutil
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest
from judges import VECTORS, run
from released import ARM, MAC, X86

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = """
import json, sys
from ferrule_email_validator import EmailValidationConfig, Lookups, UnknownEmailTypeError, is_valid_email

NAMES = {
    "is_free_email": "free",
    "is_disposable_email": "disposable",
    "has_mx_records": "mx",
    "has_gravatar": "gravatar",
}

def answer(vector):
    lookups = Lookups(**{function: vector["overrides"][name].__contains__ for function, name in NAMES.items()})
    try:
        return {"ok": is_valid_email(vector["candidate"], EmailValidationConfig(**vector["options"]), lookups).json}
    except UnknownEmailTypeError as error:
        return {"err": str(error)}

print(json.dumps([answer(vector) for vector in json.load(open(sys.argv[1], encoding="utf-8"))]))
"""
ALONE = ("-I", "-X", "utf8")  # no PYTHONPATH, no user packages, not the folder the tests run in


def packages(release) -> list[Path]:
    return [release.made("sdist"), *(release.made("wheel", target) for target in (X86, ARM, MAC))]


@pytest.fixture
def python(tmp_path) -> Path:
    """The interpreter of an environment that holds nothing but pip."""
    run(sys.executable, "-m", "venv", tmp_path / "environment")
    return tmp_path / "environment" / "bin" / "python"


def assert_same_bytes(python: Path, vectors: list[dict]) -> None:
    answers = json.loads(run(python, *ALONE, "-c", ANSWERS, VECTORS).stdout)
    assert [a for a, v in zip(answers, vectors, strict=True) if a != v["expected"]] == []


def test_twine_takes_every_package(release):
    said = run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", *packages(release)).stdout
    assert len(re.findall(r"PASSED$", said, flags=re.MULTILINE)) == len(packages(release)) == 4


@pytest.mark.parametrize("target", [X86, ARM])
def test_auditwheel_gives_the_tag_that_the_name_has(release, target):
    wheel = release.made("wheel", target)
    said = " ".join(run(sys.executable, "-m", "auditwheel", "show", wheel).stdout.split())
    machine = target.partition("-")[0]
    assert f'consistent with the following platform tag: "manylinux_2_17_{machine}"' in said
    assert f"manylinux2014_{machine}.manylinux_2_17_{machine}" in wheel.name


def test_pip_installs_the_wheel_and_it_gives_the_same_bytes(release, python, vectors):
    run(python, "-m", "pip", "install", "--no-index", "--only-binary=:all:", release.made("wheel", X86))
    run(python, "-m", "pip", "check")
    assert_same_bytes(python, vectors)
    run(python, "-m", "pip", "uninstall", "--yes", "ferrule-email-validator")
    assert run(python, *ALONE, "-c", "import ferrule_email_validator", ok=False).returncode


def test_pip_builds_the_source_distribution_and_it_gives_the_same_bytes(release, python, programs, vectors):
    # The backend is the locked one of these tests; without isolation pip takes it from the path it is given.
    backend = {"PYTHONPATH": sysconfig.get_path("purelib")}
    rust = {"CARGO": programs["cargo"], "RUSTC": programs["rustc"]}
    options = ("--no-index", "--no-build-isolation", "--no-deps")
    run(python, "-m", "pip", "install", *options, release.made("sdist"), **backend, **rust)
    assert_same_bytes(python, vectors)


def test_pip_takes_the_wheel_of_this_machine_among_all(release, python):
    run(
        python,
        "-m",
        "pip",
        "install",
        "--no-index",
        "--find-links",
        release.dist,
        "--only-binary=:all:",
        "ferrule-email-validator",
    )
    said = run(python, *ALONE, "-c", "import ferrule_email_validator as e; print(e.build_info()['target'])").stdout
    assert said.strip() == X86


def test_the_loader_refuses_a_library_of_another_interface(release, tmp_path):
    place = tmp_path / "changed"
    shutil.copytree(release.wheel(X86), place)
    native = place / "ferrule_email_validator" / "_native" / "__init__.py"
    text = native.read_text()
    changed = re.sub(r"(INTERFACE\b.*?)[0-9a-f]{64}", rf"\g<1>{'0' * 64}", text)
    assert changed != text
    native.write_text(changed)
    program = f"import sys; sys.path.insert(0, {str(place)!r}); import ferrule_email_validator"
    done = run(sys.executable, "-I", "-c", program, ok=False)
    assert done.returncode
    last = done.stderr.splitlines()[-1]
    assert "LibraryError: libemail_validator.so.0.1 has the interface" in last
    assert "this package was made for 0000000000000000…" in last
    assert "install ferrule-email-validator again" in last


def test_the_library_says_what_the_manifest_says(release, python):
    run(python, "-m", "pip", "install", "--no-index", release.made("wheel", X86))
    info = json.loads(
        run(python, *ALONE, "-c", "import ferrule_email_validator as e, json; print(json.dumps(e.build_info()))").stdout
    )
    facts = release.manifest["facts"][f"native@{X86}"]
    assert (info["target"], info["version"]) == (X86, release.manifest["release"])
    assert (info["fingerprint"], info["interface"]) == (facts["fingerprint"], facts["interface"])
