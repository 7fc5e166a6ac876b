"""What counts as a secret, and how it is kept out of logs, reports and releases.

A secret is known by its value. Values come from variables of the environment and from the files in which clients of
registries keep theirs; docs/how-to/secrets.md tells the rules, and what they cannot know.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from contextlib import suppress
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus, unquote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

HIDDEN: Final = "***"
"""What is shown instead."""

SHORTEST: Final = 6
"""Characters that a value needs to be hidden: shorter ones stand in every log by chance."""

SURE: Final = 12
"""Characters that a value needs for a file to be refused that holds it."""

NAMED_BY: Final = "FERRULE_SECRETS"
"""The variable that names further variables whose values are secret."""

# A name says so by a part of it, or by its last word; not if its last word says that the value is something about it.
_TELLING: Final = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|APIKEY|API_KEY|PRIVATE_KEY|ACCESS_KEY"
)
_LAST: Final = frozenset({"KEY", "AUTH", "PASS", "PAT", "PWD", "COOKIE", "JWT"})
_ABOUT: Final = frozenset(
    {"FILE", "PATH", "DIR", "SOCK", "ID", "NAME", "URL", "URI", "HOME", "PROVIDER", "TYPE", "HELPER", "PROCESS"}
)
_NO_SECRETS: Final = frozenset({"PWD", "OLDPWD", NAMED_BY})

# Names by which CI systems and clients pass secrets, as each documents them, that no rule above finds.
_BY_NAME: Final = frozenset({"CI_JOB_JWT_V1", "CI_JOB_JWT_V2", "AZURE_STORAGE_CONNECTION_STRING", "SENTRY_DSN"})
_PUBLIC_NAMES: Final = frozenset({"__token__", "oauth2", "x-access-token", "gitlab-ci-token", "git", "token"})
"""User names that go with a token, which are not secret."""

# Values that tell by themselves what they are, wherever they stand (each issuer documents its prefix for scanners).
_SHAPES: Final = re.compile(
    r"gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|npm_\w{30,}|pypi-Ag[\w-]{30,}|cio\w{32}|dckr_pat_[\w-]{20,}"
    r"|xox[abpr]-[\w-]{20,}|AKIA[A-Z0-9]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+"
)
# A proxy may be named without a scheme (curl(1), "--proxy").
_PROXY: Final = re.compile(r"^\s*([^\s/@:\"'<>]+):([^\s/@\"'<>]+)@[^\s/@]+$")
_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]+?-----END [A-Z0-9 ]*PRIVATE KEY-----")
_URL: Final = re.compile(r"\b([a-z][a-z0-9+.-]*)://([^\s/@:\"'<>]*)(?::([^\s/@\"'<>]*))?@", re.IGNORECASE)
# Of files of settings. Strings, as most commands find none of those files: compiling these takes a millisecond.
_ASSIGNED: Final = (
    r"(?i)(?:token|password|passwd|passphrase|secret|api_?key|account_?key|_auth|\bauth)[\w-]*"
    r"[\"']?[ \t]*[=:][ \t]*[\"']?([^\s\"',;{}\[\]$]+)"
)
_ELEMENT: Final = r"<(?:password|passphrase|privateKey)>([^<]+)<"
_NETRC: Final = r"\bpassword\s+(\S+)"
_COMMENT: Final = r"(?m)^[ \t]*[#;].*$"
_HEADER: Final = r"(?i)\b(?:bearer|basic|token)[ \t]+([\w+/=.~-]+)"
_COLOUR: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_LARGEST: Final = 1 << 20
_WRAPS: Final = (76, 64)


def secrets_of(environment: Mapping[str, str], *folders: Path) -> dict[str, str]:
    """Each secret with its location: of the environment, and of the files that it leads to.

    `folders` are searched for settings of their own, and those above them as the clients do: those of npm, pip, Cargo
    and Git, wherever a worktree keeps them and whatever they include.
    """
    locations: dict[str, str] = {}
    named = frozenset(re.split(r"[\s,:]+", environment.get(NAMED_BY, "")))
    for name, value in environment.items():
        for secret in _of_variable(name, value, named):
            locations.setdefault(secret, f"the variable {name}")
    for secret in _of_git_variables(environment):
        locations.setdefault(secret, "the variables GIT_CONFIG_*")
    for path, text in _texts(environment, folders):
        for secret in (*of_text(text), *(text.split() if path.name in _WHOLE else ())):
            locations.setdefault(secret, str(path))
    return {secret: where for secret, where in locations.items() if len(secret.strip()) >= SHORTEST}


def files_with_secrets(environment: Mapping[str, str], *folders: Path) -> tuple[Path, ...]:
    """The files that `secrets_of` looks into, those that are not there among them."""
    return tuple(path for path, _ in _texts(environment, folders))


def _texts(environment: Mapping[str, str], folders: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Each file of settings that may hold secrets, with what it holds."""
    waiting = [*_files(environment), *(path for folder in folders for path in _files_of_folder(folder))]
    read: set[Path] = set()
    while waiting:
        path = waiting.pop(0)
        if path in read or len(read) > _MOST_FILES:
            continue
        read.add(path)
        text = _text(path)
        yield path, text
        waiting += _included(path, text, environment)


def is_telling(name: str) -> bool:
    """Whether the name of a variable says that its value is a secret.

    >>> [is_telling(n) for n in ("GITHUB_TOKEN", "SIGNING_KEY", "SIGNING_KEY_FILE", "AWS_ACCESS_KEY_ID", "MONKEY")]
    [True, True, False, False, False]
    """
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).upper().replace("-", "_")
    last = words.rpartition("_")[2]
    if words in _BY_NAME:
        return True
    if name in _NO_SECRETS or last in _ABOUT:
        return False
    return _TELLING.search(words) is not None or last in _LAST


def of_text(text: str) -> Iterator[str]:
    """Secrets in a file of settings: what is assigned to a password, token and the like, and what `of_value` finds."""
    text = re.sub(_COMMENT, "", text)
    yield from of_value(text)
    yield from _of_json(text)
    yield from re.findall(_ELEMENT, text)
    for match in chain.from_iterable(re.finditer(form, text) for form in (_ASSIGNED, _NETRC, _HEADER)):
        yield match[1]
        yield from _after_name(match[1])


def _of_json(text: str) -> Iterator[str]:
    """Secrets of a known form in the values of a document, where lines of a key are written with escapes."""
    if not text.lstrip().startswith("{") or "-----BEGIN" not in text:
        return
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield from _PEM.findall(value)
        elif isinstance(value, (dict, list)):
            waiting += value.values() if isinstance(value, dict) else value


def of_value(value: str) -> Iterator[str]:
    """Secrets of a form that is known by itself: passwords in URLs, private keys, tokens of issuers."""
    for scheme, user, password in _URL.findall(value):
        # One name alone is a token over HTTP, where Git's and registries' hosts take it so; elsewhere it is a user.
        part = password or (user if scheme.lower().rpartition("+")[2] in ("http", "https") else "")
        yield from (part, unquote(part)) if part else ()
    yield from _PEM.findall(value)
    yield from _SHAPES.findall(value)


def _of_variable(name: str, value: str, named: Collection[str]) -> Iterator[str]:
    if (is_telling(name) or name in named) and value not in _PUBLIC_NAMES:
        yield value
        yield from _after_name(value)
    yield from of_value(value)
    if value.lstrip().startswith("{"):
        yield from of_text(value)
    proxy = _PROXY.match(value) if name.lower().endswith("proxy") else None
    if proxy:
        yield from _decoded(proxy[2])


def _decoded(password: str) -> Iterator[str]:
    """A password as it stands in an address, and as it is (RFC 3986, section 3.2.1)."""
    yield from (password, unquote(password))


def _of_git_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Secrets of the settings that Git takes from the environment (git-config(1), "ENVIRONMENT")."""
    count = environment.get("GIT_CONFIG_COUNT", "")
    is_count = count.isascii() and count.isdigit() and len(count) <= len(str(_MOST_FILES))
    for number in range(min(int(count), _MOST_FILES)) if is_count else ():
        key, value = (environment.get(f"GIT_CONFIG_{part}_{number}", "") for part in ("KEY", "VALUE"))
        yield from of_text(f"{key} = {value}")
        yield from of_text(key)
        if is_telling(key.rpartition(".")[2]):
            yield value


def _after_name(value: str) -> Iterator[str]:
    """The password of `user:password` in base64, as Docker and npm keep it (RFC 7617)."""
    with suppress(ValueError):
        _, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        if colon:
            yield password


_OF_FOLDERS: Final = (".npmrc", ".netrc", ".pypirc", "pip.conf", ".git/config", ".cargo/config.toml", ".cargo/config")


_MOST_FILES: Final = 1000

_WHOLE: Final = frozenset({".vault-token"})
"""Files that are nothing but a secret."""


def _files_of_folder(folder: Path) -> Iterator[Path]:
    """Settings of a folder and of those above it, as npm, pip and Cargo read them, and those of its repository."""
    absolute = folder.absolute()
    for above in (absolute, *absolute.parents):
        yield from (above / name for name in _OF_FOLDERS)
        git = above / ".git"
        if git.is_file():
            yield from _files_of_worktree(git)


def _files_of_worktree(pointer: Path) -> Iterator[Path]:
    """Settings of a worktree or submodule, whose `.git` is a file (gitrepository-layout(5), "gitfile", "commondir")."""
    match = re.match(r"gitdir: (.+)", _text(pointer))
    if match is None:
        return
    folder = pointer.parent / match[1].strip()
    common = folder / (_text(folder / "commondir").strip() or ".")
    yield from (folder / "config", folder / "config.worktree", common / "config", common / "config.worktree")


_INCLUDE: Final = r"(?m)^\s*path\s*=\s*\"?([^\"\n#;]+)"
_CARGO_INCLUDE: Final = r"(?m)^\s*include\s*=\s*(\[[^\]]*\]|\"[^\"\n]*\"|'[^'\n]*')"


def _included(path: Path, text: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Files that settings of Git (`include`, `includeIf`, whatever the condition) and of Cargo (`include`) name."""
    names = re.findall(_INCLUDE, text) if "[include" in text else []
    if path.parent.name == ".cargo" or path.name.startswith("config."):
        names += [
            n for names_ in re.findall(_CARGO_INCLUDE, text) for n in re.findall(r"[\"']([^\"'\n]+)[\"']", names_)
        ]
    for name in names:
        home, slash, below = name.strip().partition("/")
        yield path.parent / (f"{environment.get('HOME', '~')}/{below}" if home == "~" and slash else name.strip())


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where clients keep what they were given, as each documents it."""
    home = environment.get("HOME")
    if home:
        names = (*_OF_FOLDERS[:3], ".gitconfig", ".git-credentials", ".cargo/credentials.toml", ".cargo/credentials")
        settings = (".cargo/config.toml", ".cargo/config", ".docker/config.json", ".config/containers/auth.json")
        more = (".aws/credentials", ".gem/credentials", ".m2/settings.xml", ".vault-token", ".yarnrc.yml", "_netrc")
        yield from (Path(home) / name for name in (*names, *settings, *more, ".pip/pip.conf"))
    config = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    if config:
        of_clients = ("pip/pip.conf", "git/credentials", "git/config", "uv/uv.toml", "gh/hosts.yml")
        yield from (Path(config) / name for name in of_clients)
    cargo = environment.get("CARGO_HOME")
    if cargo:
        yield from (Path(cargo) / name for name in ("credentials.toml", "credentials", "config.toml", "config"))
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime:
        yield Path(runtime) / "containers" / "auth.json"
    if environment.get("DOCKER_CONFIG"):
        yield Path(environment["DOCKER_CONFIG"]) / "config.json"
    for name in _NAMING_FILES:
        if environment.get(name):
            yield Path(environment[name])
    yield from (Path("/etc/pip.conf"), Path("/etc/gitconfig"), Path("/etc/npmrc"))


_NAMING_FILES: Final = (
    *("NETRC", "PIP_CONFIG_FILE", "NPM_CONFIG_USERCONFIG", "npm_config_userconfig", "NPM_CONFIG_GLOBALCONFIG"),
    *("UV_CONFIG_FILE", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG", "AWS_SHARED_CREDENTIALS_FILE"),
    *(
        "GOOGLE_APPLICATION_CREDENTIALS",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AZURE_FEDERATED_TOKEN_FILE",
        "REGISTRY_AUTH_FILE",
    ),
)
"""Variables that name a file in which a client keeps what it was given."""


def _text(path: Path) -> str:
    try:
        if not S_ISREG(path.stat().st_mode):
            return ""
        with path.open("rb") as stream:
            return stream.read(_LARGEST).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


class Hider:
    """Replaces secrets by `***` in texts, in every form in which programs usually write them.

    A secret of several lines is hidden line by line too, as lines are what programs write.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def __call__(self, text: str) -> str:
        """The text without secrets, and without colours where they stood within one."""
        clean = self._replaced(text)
        if "\x1b" in text:
            plain = _COLOUR.sub("", clean)
            hidden = self._replaced(plain)
            return clean if hidden == plain else hidden
        return clean

    def _replaced(self, text: str) -> str:
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text


def _forms(secret: str) -> Iterator[str]:
    stripped = secret.strip()
    for part in dict.fromkeys((secret, stripped, *_lines(stripped))):
        if not part:
            continue
        yield from _written(part)
        encoded = part.encode("utf-8", "surrogateescape")
        if len(part) >= SHORTEST:
            yield from (encoded.hex(), encoded.hex().upper())
            yield from _within_base64(encoded)
        for altered in (encoded, encoded + b"\n"):
            whole = base64.b64encode(altered).decode()
            lines = (whole[i : i + wrap] for wrap in _WRAPS for i in range(0, len(whole), wrap))
            yield from (line for line in lines if len(line) >= SURE)


def _lines(secret: str) -> list[str]:
    lines = [line.strip() for line in secret.splitlines()]
    return [line for line in lines if len(line) >= SHORTEST and not line.startswith("-----")] if len(lines) > 1 else []


def _written(part: str) -> Iterator[str]:
    """A text as it stands in URLs, JSON, shells, markup and what programs print of their values."""
    import html  # noqa: PLC0415 - 1 ms, for its table of entities; most environments have no secret

    yield part
    for encoded in (quote(part, safe=""), quote(part), quote_plus(part)):
        yield encoded
        yield re.sub(r"%..", lambda match: match[0].lower(), encoded)
    yield json.dumps(part)[1:-1]
    yield json.dumps(part, ensure_ascii=False)[1:-1]
    yield json.dumps(json.dumps(part))[3:-3]
    yield repr(part)[1:-1]
    yield shlex.quote(part).strip("'")
    yield part.replace("'", "'\\''")
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", part)
    yield html.escape(part)


def _within_base64(encoded: bytes) -> Iterator[str]:
    """What base64 makes of it wherever it stands in what is encoded: the digits that only it decides."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + encoded).rstrip(b"=")
        first = (before * 8 + 5) // 6
        last = (before + len(encoded)) * 8 // 6
        core = digits[first:last].decode()
        if len(core) >= SHORTEST:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def line_with_secret(file: Path, environment: Mapping[str, str]) -> tuple[int, str] | None:
    """The first line of a file, from 1, that holds a secret of the surroundings, and where that is; None without any.

    Those of the environment count, and of the settings in the file's folder and above. Raises OSError.
    """
    secrets = secrets_of(environment, file.parent)
    for number, line in enumerate(file.read_bytes().splitlines() if secrets else (), 1):
        if secret := find_secret(secrets, [line]):
            return number, secrets[secret]
    return None


def find_secret(secrets: Collection[str], chunks: Iterable[bytes]) -> str | None:
    """The first secret that a content holds verbatim, or None; only secrets too long to match by accident count."""
    texts = {part.encode("utf-8", "surrogateescape"): s for s in secrets if len(s) >= SURE for part in _telltale(s)}
    if not texts:
        return None
    longest = max(map(len, texts))
    before = b""
    for chunk in chunks:
        window = before + chunk
        for part, secret in texts.items():
            if part in window:
                return secret
        before = window[-longest:]
    return None


def _telltale(secret: str) -> list[str]:
    """What of it must stand in a content: of several lines the longest, since others may be those of any key."""
    lines = [line for line in _lines(secret.strip()) if len(line) >= SURE]
    return [max(lines, key=len)] if lines else [secret.strip()]
