"""The token of a registry of crates from where Cargo has it (The Cargo Book, "Registry Authentication").

Cargo asks credential providers: one that a registry names, else those for all registries, the last of them first. Two
give a token to whoever asks as Cargo does, `cargo:token` and `cargo:token-from-stdout`. All others give it to Cargo
itself, which uploads nothing here; that there is none, nobody can say of them.
"""

from __future__ import annotations

import tomllib
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.publish import answers, client, credentials
from ferrule.app.publish.items import UploadFailed
from ferrule.core.cargo_config import CargoSettings, read_settings
from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.tools.host import Host

_LARGEST: Final = 1 << 20
_STORED: Final = "cargo:token"
_FROM_STDOUT: Final = "cargo:token-from-stdout"


@dataclass(frozen=True, slots=True)
class CargoToken:
    """A token, or why there is none: `problem` and `hint`."""

    token: str | None = field(repr=False)
    problem: str = ""
    hint: str = ""


def variable_of(registry: str | None) -> str:
    """The variable that holds the token of a registry."""
    return f"CARGO_REGISTRIES_{_upper(registry)}_TOKEN" if registry else "CARGO_REGISTRY_TOKEN"


def token_of(host: Host, registry: str | None, index: str, project: Path) -> CargoToken:
    """The token of a registry, by its name in Cargo's settings (None for the one that Cargo knows) and its index."""
    if token := credentials.variable(host, variable_of(registry)):
        return CargoToken(token)
    try:
        settings = read_settings(project, ".", host.cargo_home)
    except ConfigError as error:
        return CargoToken(None, f"Cargo's settings cannot be read: {error.message}", error.hint or "correct them")
    for provider in _providers(host, registry, settings):
        if provider[0] == _STORED:
            if token := _stored(host, registry, settings):
                return CargoToken(token)
        elif provider[0] == _FROM_STDOUT and len(provider) > 1:
            return _printed(host, registry, index, provider[1:])
        else:
            says = f"Cargo has its token from {provider[0]}, which gives it to nobody but Cargo"
            hint = f"set {variable_of(registry)} for this run: the file that verified is uploaded without Cargo"
            return CargoToken(None, says, hint)
    login = f"cargo login --registry {registry}" if registry else "cargo login"
    return CargoToken(None, "there are no credentials for it", f"set {variable_of(registry)}, or run {login}")


def _providers(host: Host, registry: str | None, settings: CargoSettings) -> Iterator[tuple[str, ...]]:
    """Programs and their arguments, in the order in which Cargo asks them."""
    table = ("registries", registry) if registry else ("registry",)
    prefix = f"CARGO_REGISTRIES_{_upper(registry)}" if registry else "CARGO_REGISTRY"
    own = credentials.variable(host, f"{prefix}_CREDENTIAL_PROVIDER") or settings.value(*table, "credential-provider")
    if own:
        yield from _resolved(own, settings)
        return
    stated = credentials.variable(host, "CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS")
    every = stated.split() if stated else settings.value("registry", "global-credential-providers")
    for one in reversed(every if isinstance(every, list) and every else [_STORED]):
        yield from _resolved(one, settings)


def _resolved(provider: Any, settings: CargoSettings) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - what TOML has there
    """A provider as it is written (a text of words, or a list of them), or what an alias stands for."""
    words = provider.split() if isinstance(provider, str) else provider
    alias = settings.value("credential-alias", words[0]) if isinstance(words, list) and len(words) == 1 else None
    words = alias.split() if isinstance(alias, str) else alias or words
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        yield tuple(words)


def _stored(host: Host, registry: str | None, settings: CargoSettings) -> str | None:
    """The token in Cargo's credentials, or else in its settings."""
    keys = ("registries", registry) if registry else ("registry",)
    for file in ("credentials", "credentials.toml"):  # Cargo takes the first that is there
        try:
            path = host.cargo_home / file if host.cargo_home else None
            document = tomllib.loads(read_regular(path, follow=True, largest=_LARGEST).decode()) if path else {}
        except (OSError, ValueError):
            continue
        try:
            if token := answers.text(answers.part(document, *keys), "token"):
                return token
        except UploadFailed:  # another shape holds no token
            return None
        break
    value = settings.value(*keys, "token")
    return value if isinstance(value, str) and value else None


def _printed(host: Host, registry: str | None, index: str, words: tuple[str, ...]) -> CargoToken:
    """What a program prints, called as Cargo calls it."""
    name, variable = words[0], variable_of(registry)
    about = {"CARGO_REGISTRY_INDEX_URL": f"sparse+{index}", "CARGO_REGISTRY_NAME_OPT": registry or ""}
    try:
        program = name if "/" in name else str(client.program(host, name))
        token = client.call(host, [program, *words[1:]], tuple(host.environment), about).strip()
    except UploadFailed as failure:
        says = f"Cargo's credential provider {name} gives no token: {failure.message}"
        return CargoToken(None, says, f"see what it says, or set {variable}")
    if not token:
        return CargoToken(None, f"Cargo's credential provider {name} prints no token", f"set {variable}")
    return CargoToken(token)


def _upper(registry: str | None) -> str:
    return (registry or "").upper().replace("-", "_")
