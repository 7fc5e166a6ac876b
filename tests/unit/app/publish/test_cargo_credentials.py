"""Tokens of registries of crates, from every place where Cargo has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.destinations import StandIn, host_of
from fakes.published import CANARY
from ferrule.app.publish.cargo_credentials import CargoToken, token_of, variable_of

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "https://index.example.org"


def credential(folder: Path, registry: str | None = None, **environment: str) -> CargoToken:
    project = folder / "home" / "project"
    project.mkdir(parents=True, exist_ok=True)
    host = host_of(folder / "home", StandIn(url="http://x"), **{"CARGO_REGISTRY_TOKEN": "", **environment})
    return token_of(host, registry, INDEX, project)


def write(folder: Path, name: str, text: str) -> None:
    path = folder / "home" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_variables_come_first(tmp_path: Path) -> None:
    write(tmp_path, ".cargo/credentials.toml", '[registry]\ntoken = "d"\n[registries.my-own]\ntoken = "c"\n')
    assert credential(tmp_path, CARGO_REGISTRY_TOKEN=CANARY).token == CANARY
    assert CANARY not in repr(credential(tmp_path, CARGO_REGISTRY_TOKEN=CANARY))
    assert credential(tmp_path, "my-own", CARGO_REGISTRIES_MY_OWN_TOKEN=CANARY).token == CANARY
    assert variable_of("my-own") == "CARGO_REGISTRIES_MY_OWN_TOKEN"
    assert (credential(tmp_path).token, credential(tmp_path, "my-own").token) == ("d", "c")


def test_what_cargo_login_has_written(tmp_path: Path) -> None:
    write(tmp_path, ".cargo/credentials.toml", '[registry]\ntoken = "d"\n')
    write(tmp_path, ".cargo/credentials", "registry = 5\n")
    assert credential(tmp_path).token is None
    write(tmp_path, ".cargo/credentials", "no toml")
    assert credential(tmp_path).token == "d"
    write(tmp_path, ".cargo/credentials", "")
    write(tmp_path, ".cargo/config.toml", '[registry]\ntoken = "of the settings"\n')
    assert credential(tmp_path).token == "of the settings"


def test_nothing_anywhere(tmp_path: Path) -> None:
    assert credential(tmp_path) == CargoToken(
        None, "there are no credentials for it", "set CARGO_REGISTRY_TOKEN, or run cargo login"
    )
    hint = "set CARGO_REGISTRIES_MY_OWN_TOKEN, or run cargo login --registry my-own"
    assert credential(tmp_path, "my-own").hint == hint


@pytest.mark.parametrize(
    ("settings", "registry"),
    [
        ('[registry]\ncredential-provider = "cargo:libsecret"\n', None),
        ('[registry]\nglobal-credential-providers = ["cargo:libsecret"]\n', None),
        ('[registry]\nglobal-credential-providers = ["cargo:token", "cargo:libsecret"]\n', "corp"),
        ('[registries.corp]\ncredential-provider = ["cargo:libsecret", "--x"]\n', "corp"),
        ('[registry]\ncredential-provider = "mine"\n[credential-alias]\nmine = ["cargo:libsecret", "a b"]\n', None),
        ('[registry]\ncredential-provider = "mine"\n[credential-alias]\nmine = "cargo:libsecret a"\n', None),
    ],
)
def test_a_provider_that_serves_cargo_alone_is_no_lack_of_credentials(
    tmp_path: Path, settings: str, registry: str | None
) -> None:
    write(tmp_path, ".cargo/credentials.toml", '[registry]\ntoken = "d"\n')
    write(tmp_path, ".cargo/config.toml", settings)
    answer = credential(tmp_path, registry)
    assert answer.token is None
    assert answer.problem == "Cargo has its token from cargo:libsecret, which gives it to nobody but Cargo"
    assert answer.hint.startswith(f"set {variable_of(registry)} for this run")


def test_the_last_provider_is_asked_first(tmp_path: Path) -> None:
    write(
        tmp_path, ".cargo/config.toml", '[registry]\nglobal-credential-providers = ["cargo:libsecret", "cargo:token"]\n'
    )
    assert "cargo:libsecret" in credential(tmp_path).problem
    write(tmp_path, ".cargo/credentials.toml", '[registry]\ntoken = "d"\n')
    assert credential(tmp_path).token == "d"


def test_variables_name_providers_too(tmp_path: Path) -> None:
    own = {"CARGO_REGISTRIES_CORP_CREDENTIAL_PROVIDER": "cargo:wincred"}
    assert "cargo:wincred" in credential(tmp_path, "corp", **own).problem
    every = {"CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS": "cargo:token cargo:macos-keychain"}
    assert "cargo:macos-keychain" in credential(tmp_path, "corp", **every).problem


def program(folder: Path, text: str) -> str:
    path = folder / "print-token"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_that_prints_the_token(tmp_path: Path) -> None:
    """It gets what Cargo gives it, and the user's environment."""
    path = program(tmp_path, 'echo "$1 $CARGO_REGISTRY_INDEX_URL $CARGO_REGISTRY_NAME_OPT $MINE"')
    write(
        tmp_path, ".cargo/config.toml", f'[registries.corp]\ncredential-provider = "cargo:token-from-stdout {path} a"\n'
    )
    assert credential(tmp_path, "corp", MINE="m").token == f"a sparse+{INDEX} corp m"


@pytest.mark.parametrize(
    ("text", "says"),
    [("true", "prints no token"), ("echo error: locked >&2; exit 1", "gives no token: error: locked")],
)
def test_a_program_that_prints_none(tmp_path: Path, text: str, says: str) -> None:
    path = program(tmp_path, text)
    write(tmp_path, ".cargo/config.toml", f'[registry]\ncredential-provider = ["cargo:token-from-stdout", "{path}"]\n')
    answer = credential(tmp_path)
    assert answer.token is None
    assert answer.problem == f"Cargo's credential provider {path} {says}"
    assert "CARGO_REGISTRY_TOKEN" in answer.hint


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, ".cargo/config.toml", '[registry]\ncredential-provider = "cargo:token-from-stdout no-such-one"\n')
    assert "no-such-one is not installed" in credential(tmp_path).problem


@pytest.mark.parametrize("value", ["5", "[]", "[5]", "{a = 1}"])
def test_a_provider_of_another_type_is_none(tmp_path: Path, value: str) -> None:
    write(tmp_path, ".cargo/config.toml", f"[registry]\ncredential-provider = {value}\n")
    assert credential(tmp_path).problem == "there are no credentials for it"


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, ".cargo/config.toml", "[registry\n")
    assert credential(tmp_path).problem.startswith("Cargo's settings cannot be read: ")
