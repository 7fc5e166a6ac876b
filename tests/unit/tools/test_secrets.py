"""Secrets by value: which are known, and in which forms they are hidden."""

from __future__ import annotations

import base64
import html
import json
import os
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from ferrule.tools.secrets import SHORTEST, SURE, Hider, find_secret, is_telling, line_with_secret, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = 's3cr3t+/"it\'s"&<ünder>\\cover'
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49AwEHBG0w\n-----END PRIVATE KEY-----\n"
COLOUR = "\x1b[1;31m"


def raw(secret: str) -> str:
    return secret


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": raw,
    "within a word": lambda s: f"--header=Authorization:{s}:end",
    "in a URL": lambda s: f"https://user:{quote(s, safe='')}@example.org/x",
    "percent-encoded": lambda s: quote(s, safe=""),
    "percent-encoded, slashes kept": quote,
    "percent-encoded, in small letters": lambda s: quote(s, safe="").lower() if s == s.lower() else quote(s),
    "as a form's field": quote_plus,
    "in base64": lambda s: base64.b64encode(s.encode()).decode(),
    "in base64 of a line": lambda s: base64.b64encode(s.encode() + b"\n").decode(),
    "in base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "in base64 after one byte": lambda s: base64.b64encode(b"u" + s.encode() + b"rest").decode(),
    "in base64 after a name": lambda s: base64.b64encode(b"user:" + s.encode()).decode(),
    "in base64 after three bytes": lambda s: base64.b64encode(b"abc" + s.encode() + b"r").decode(),
    "in JSON": json.dumps,
    "in JSON as UTF-8": lambda s: json.dumps(s, ensure_ascii=False),
    "in JSON in JSON": lambda s: json.dumps(json.dumps({"a": s})),
    "quoted for a shell": shlex.quote,
    "quoted for a shell in another way": lambda s: "'" + s.replace("'", "'\\''") + "'",
    "as Python shows it": repr,
    "in markup": html.escape,
    "in hexadecimal digits": lambda s: s.encode().hex(),
    "in capital hexadecimal digits": lambda s: s.encode().hex().upper(),
    "in colours": lambda s: COLOUR + s + "\x1b[0m",
    "coloured in between": lambda s: s[:5] + COLOUR + s[5:] + "\x1b[0m",
    "coloured letter by letter": lambda s: "".join(f"\x1b[3{i % 8}m{c}" for i, c in enumerate(s)),
    "with a title in between": lambda s: s[:4] + "\x1b]0;title\x07" + s[4:],
}


@pytest.mark.parametrize("name", FORMS)
def test_is_hidden(name: str, record_property: Callable[[str, object], None]):
    hide = Hider([SECRET])
    shown = hide(f"before {FORMS[name](SECRET)} after")
    record_property("secrets: forms hidden in texts", 1)
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "***" in shown
    for trace in (SECRET[:12], "s3cr3t", "cover", base64.b64encode(SECRET.encode()).decode()[4:16]):
        assert trace not in shown.replace(COLOUR, "")


@pytest.mark.parametrize("part", PEM.splitlines()[1:3])
def test_is_hidden_line_by_line(part: str):
    assert Hider([PEM])(f"x {part} y") == "x *** y"


def test_wrapped_base64_is_hidden_line_by_line():
    secret = "".join(map(chr, range(40, 126))) * 3
    wrapped = base64.encodebytes(secret.encode()).decode()
    shown = Hider([secret])(wrapped)
    assert all(line not in shown for line in wrapped.splitlines())


def test_what_every_key_has_is_shown():
    assert Hider([PEM])("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_a_secret_within_another_leaves_no_rest():
    assert Hider(["secret", "secret-and-more"])("secret-and-more, secret") == "***, ***"


@pytest.mark.parametrize(
    "name",
    [
        *("GITHUB_TOKEN", "NPM_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "MYSQL_PWD", "GPG_PASSPHRASE"),
        *("SIGNING_KEY", "apiKey", "npm_config__auth", "SSH_PASS", "GH_PAT", "SESSION_COOKIE", "GOOGLE_CREDENTIALS"),
        *("CARGO_REGISTRIES_OURS_TOKEN", "ACTIONS_RUNTIME_TOKEN", "VAULT_SECRET_V2", "githubToken"),
        *("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "CI_JOB_TOKEN", "CI_JOB_JWT", "CI_JOB_JWT_V2", "CI_REGISTRY_PASSWORD"),
        *("GITLAB_TOKEN", "BITBUCKET_STEP_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN", "CIRCLE_TOKEN", "SYSTEM_ACCESSTOKEN"),
        *("AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_STORAGE_CONNECTION_STRING", "GOOGLE_API_KEY"),
        *("TWINE_PASSWORD", "DOCKER_PASSWORD", "VAULT_TOKEN", "SONATYPE_PASSWORD", "NODE_AUTH_TOKEN", "SENTRY_DSN"),
        *(
            "BUILDKITE_AGENT_ACCESS_TOKEN",
            "UV_PUBLISH_TOKEN",
            "JENKINS_API_TOKEN",
            "ORG_GRADLE_PROJECT_signingPassword",
        ),
    ],
)
def test_names_that_tell(name: str):
    assert is_telling(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "PWD", "OLDPWD", "SSH_AUTH_SOCK", "AWS_ACCESS_KEY_ID", "SIGNING_KEY_FILE", "MONKEY"),
        *("PASSWORD_STORE_DIR", "ACTIONS_ID_TOKEN_REQUEST_URL", "GIT_AUTHOR_NAME", "COMPASS", "FERRULE_SECRETS"),
        *("CARGO_REGISTRY_CREDENTIAL_PROVIDER", "KEYBOARD"),
    ],
)
def test_names_that_do_not(name: str):
    assert not is_telling(name)


KEPT: dict[str, tuple[str, str]] = {
    "netrc": (".netrc", "machine example.org login me password canary-one"),
    "netrc on lines": (".netrc", "machine example.org\n  login me\n  password canary-one\n"),
    "npm's token": (".npmrc", "//registry.example.org/:_authToken=canary-one\n"),
    "npm's token in quotes": (".npmrc", '//registry.example.org/:_authToken="canary-one"\n'),
    "npm's user and password": (".npmrc", f"_auth={base64.b64encode(b'me:canary-one').decode()}\n"),
    "Cargo's credentials": (".cargo/credentials.toml", '[registries.ours]\ntoken = "canary-one"\n'),
    "Cargo's settings": (".cargo/config.toml", '[registries.ours]\ntoken = "Bearer canary-one"\n'),
    "an address in Cargo's settings": (".cargo/config.toml", '[http]\nproxy = "http://me:canary-one@proxy:8080"\n'),
    "twine's": (".pypirc", "[pypi]\nusername = __token__\npassword = canary-one\n"),
    "pip's": (".config/pip/pip.conf", "[global]\nindex-url = https://me:canary-one@example.org/simple\n"),
    "Git's": (".git-credentials", "https://me:canary-one@example.org\n"),
    "Docker's": (
        ".docker/config.json",
        json.dumps({"auths": {"x": {"auth": base64.b64encode(b"me:canary-one").decode()}}}),
    ),
    "Docker's identity": (".docker/config.json", json.dumps({"auths": {"x": {"identitytoken": "canary-one"}}})),
    "AWS's": (".aws/credentials", "[default]\naws_secret_access_key = canary-one\n"),
    "RubyGems'": (".gem/credentials", "---\n:rubygems_api_key: canary-one\n"),
    "Maven's": (".m2/settings.xml", "<servers><server><password>canary-one</password></server></servers>"),
    "Vault's": (".vault-token", "canary-one\n"),
    "GitHub's": (".config/gh/hosts.yml", "github.com:\n    oauth_token: canary-one\n"),
    "Podman's": (
        ".config/containers/auth.json",
        json.dumps({"auths": {"x": {"auth": base64.b64encode(b"me:canary-one").decode()}}}),
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_is_known_from_a_file(name: str, tmp_path: Path):
    file, content = KEPT[name]
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(content)
    result = secrets_of({"HOME": str(tmp_path)})
    assert result.get("canary-one") == str(tmp_path / file)


def test_is_known_from_a_project(tmp_path: Path):
    (tmp_path / ".git").mkdir()
    header = base64.b64encode(b"x-access-token:canary-two").decode()
    config = '[remote "origin"]\n\turl = https://me:canary-one@example.org/x.git\n[http "https://example.org/"]\n'
    (tmp_path / ".git" / "config").write_text(f"{config}\textraheader = AUTHORIZATION: basic {header}\n")
    assert {"canary-one", "canary-two", header} <= set(secrets_of({}, tmp_path))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_INDEX_URL", "https://me:canary-one@example.org/simple"),
        ("ANY", "git+https://canary-one@example.org/x.git"),
        ("HTTPS_PROXY", "http://me:canary%2Done@proxy:8080"),
        ("NOTE", "canary-one"),
        ("API_KEY", "canary-one"),
        ("NETRC", "FILE"),
        ("PIP_CONFIG_FILE", "FILE"),
        ("NPM_CONFIG_USERCONFIG", "FILE"),
        ("npm_config_userconfig", "FILE"),
        ("NPM_CONFIG_GLOBALCONFIG", "FILE"),
        ("UV_CONFIG_FILE", "FILE"),
        ("GIT_CONFIG_GLOBAL", "FILE"),
        ("GIT_CONFIG_SYSTEM", "FILE"),
        ("GIT_CONFIG", "FILE"),
        ("AWS_SHARED_CREDENTIALS_FILE", "FILE"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "FILE"),
        ("AZURE_FEDERATED_TOKEN_FILE", "FILE"),
        ("REGISTRY_AUTH_FILE", "FILE"),
    ],
)
def test_is_known_from_a_variable(name: str, value: str, tmp_path: Path):
    (tmp_path / "kept").write_text("machine x login y password canary-one")
    given = {name: value.replace("FILE", str(tmp_path / "kept")), "FERRULE_SECRETS": "OTHER, NOTE"}
    assert "canary-one" in secrets_of(given)


def test_is_known_by_its_form():
    token = "ghp_" + "a1B2" * 9
    assert set(secrets_of({"X": f"--with {token}", "Y": f"key:\n{PEM}"})) == {token, PEM.strip()}


def test_what_is_no_secret_stays():
    given = {
        "SIGNING_KEY": "short",
        "SSH_AUTH_SOCK": "/tmp/ssh-1/agent",
        "REMOTE": "ssh://git@example.org/x.git",
        "HOMEPAGE": "https://example.org/a:b@c",
    }
    assert secrets_of(given) == {}


def test_files_that_cannot_be_read_are_no_obstacle(tmp_path: Path):
    os.mkfifo(tmp_path / ".netrc")
    (tmp_path / ".npmrc").symlink_to(".npmrc")
    (tmp_path / ".pypirc").mkdir()
    (tmp_path / ".git-credentials").write_bytes(b"\xff\x00" * 100)
    assert secrets_of({"HOME": str(tmp_path), "NETRC": "a\0b"}) == {}


def test_comments_of_settings_are_no_secrets(tmp_path: Path):
    (tmp_path / ".npmrc").write_text("# password=required-by-nobody\n; token=neither-this\n")
    assert secrets_of({"HOME": str(tmp_path)}) == {}


def test_is_found_in_content_across_pieces():
    assert find_secret(["canary-0123456789"], [b"..canary-01", b"234567", b"89.."]) == "canary-0123456789"
    assert find_secret(["canary-0123456789"], [b"..canary-01", b"23456-89.."]) is None
    assert find_secret([PEM], [b"xxMIGHAgEAMBMGByqGSM49xx"]) == PEM
    assert find_secret(["short-one"], [b"short-one"]) is None


def kept(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


REMOTE = '[remote "origin"]\n\turl = https://me:canary-one@example.org/x.git\n'


def test_is_known_from_a_worktree(tmp_path: Path):
    kept(tmp_path / "main" / ".git" / "config", REMOTE)
    kept(tmp_path / "main" / ".git" / "worktrees" / "tree" / "commondir", "../..\n")
    worktree = '[http]\n\textraheader = "Authorization: bearer canary-two"\n'
    kept(tmp_path / "main" / ".git" / "worktrees" / "tree" / "config.worktree", worktree)
    kept(tmp_path / "tree" / ".git", f"gitdir: {tmp_path}/main/.git/worktrees/tree\n")
    (tmp_path / "tree" / "project").mkdir()
    assert {"canary-one", "canary-two"} <= set(secrets_of({}, tmp_path / "tree" / "project"))


def test_is_known_from_a_submodule_whose_folder_is_relative(tmp_path: Path):
    kept(tmp_path / ".git" / "modules" / "sub" / "config", REMOTE)
    kept(tmp_path / "sub" / ".git", "gitdir: ../.git/modules/sub\n")
    assert "canary-one" in secrets_of({}, tmp_path / "sub")


@pytest.mark.parametrize(
    "settings",
    [
        "[include]\n\tpath = other/settings\n",
        '[includeIf "gitdir:~/work/"]\n\tpath = "other/settings"\n',
        '[includeIf "onbranch:main"]\n\tpath = ~/other/settings # of mine\n',
    ],
)
def test_is_known_from_what_settings_include(settings: str, tmp_path: Path):
    kept(tmp_path / ".gitconfig", settings)
    kept(tmp_path / "other" / "settings", "[include]\npath = more\n")
    kept(tmp_path / "other" / "more", REMOTE + "[include]\npath = settings\n")  # round and round
    assert secrets_of({"HOME": str(tmp_path)})["canary-one"] == str(tmp_path / "other" / "more")


def test_is_known_from_what_settings_of_cargo_include(tmp_path: Path):
    kept(tmp_path / ".cargo" / "config.toml", 'include = ["secret.toml"]\n')
    kept(tmp_path / ".cargo" / "secret.toml", '[registries.ours]\ntoken = "canary-one"\n')
    assert "canary-one" in secrets_of({}, tmp_path / "project")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".npmrc", "//example.org/:_authToken=canary-one\n"),
        (".pypirc", "[pypi]\npassword = canary-one\n"),
        ("pip.conf", "[global]\nindex-url = https://me:canary-one@example.org/simple\n"),
        (".cargo/config.toml", '[registries.ours]\ntoken = "canary-one"\n'),
        (".git/config", REMOTE),
    ],
)
def test_is_known_from_a_folder_above_the_project(name: str, text: str, tmp_path: Path):
    kept(tmp_path / name, text)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert secrets_of({}, tmp_path / "a" / "b")["canary-one"] == str(tmp_path / name)


@pytest.mark.parametrize(
    "environment",
    [
        {"HTTPS_PROXY": "me:canary-one@proxy:8080"},
        {"http_proxy": "me:canary%2Done@proxy"},
        {"CARGO_HTTP_PROXY": "me:canary-one@proxy:8080"},
        {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": "Authorization: bearer canary-one",
        },
        {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "url.https://me:canary-one@h/.insteadOf",
            "GIT_CONFIG_VALUE_0": "x",
        },
        {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_1": "sendemail.smtpPass", "GIT_CONFIG_VALUE_1": "canary-one"},
        {"DOCKER_AUTH_CONFIG": '{"auths": {"x": {"auth": "bWU6Y2FuYXJ5LW9uZQ=="}}}'},
        {"SETTINGS": '{"password": "canary-one"}'},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_is_known_from_variables_of_clients(environment: dict[str, str]):
    assert "canary-one" in secrets_of(environment)


@pytest.mark.parametrize("count", ["-1", "x", "", "9" * 5000, "\u0661"])
def test_a_count_of_settings_that_is_none_is_no_obstacle(count: str):
    assert secrets_of({"GIT_CONFIG_COUNT": count}) == {}


def test_a_key_in_a_file_that_a_variable_names_is_known(tmp_path: Path):
    path = kept(tmp_path / "account.json", json.dumps({"private_key": PEM}))
    assert PEM.strip() in secrets_of({"GOOGLE_APPLICATION_CREDENTIALS": str(path)})


def test_the_name_that_goes_with_any_token_is_no_secret():
    assert secrets_of({"DEPLOY_TOKEN": "x-access-token", "OTHER_TOKEN": "__token__"}) == {}


def test_the_shortest_that_is_hidden_and_the_shortest_that_refuses_a_file():
    assert secrets_of({"A_TOKEN": "x" * (SHORTEST - 1), "B_TOKEN": "y" * SHORTEST}) == {
        "y" * SHORTEST: "the variable B_TOKEN"
    }
    assert find_secret(["x" * (SURE - 1)], [b"x" * 99]) is None
    assert find_secret(["x" * SURE], [b"x" * SURE]) == "x" * SURE


@pytest.mark.parametrize("count", ["1000", "0001", "1"])
def test_settings_are_counted_as_git_does(count: str):
    given = {"GIT_CONFIG_COUNT": count, "GIT_CONFIG_KEY_0": "sendemail.smtpPass", "GIT_CONFIG_VALUE_0": "canary-one"}
    assert "canary-one" in secrets_of(given)
    assert secrets_of({**given, "GIT_CONFIG_COUNT": f"{count}00000"[:5]}) == {}


@pytest.mark.parametrize("first", [".cargo/config", ".cargo/config.toml"])
def test_settings_of_cargo_include_by_either_name(first: str, tmp_path: Path):
    kept(tmp_path / first, 'include = ["secret.toml"]\n')
    kept(tmp_path / ".cargo" / "secret.toml", '[registries.ours]\ntoken = "canary-one"\n')
    assert "canary-one" in secrets_of({}, tmp_path / "project")


def test_the_first_line_of_a_file_with_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text("version: 1\nkey: 0123456789abcdef\n")
    assert line_with_secret(file, {}) is None
    assert line_with_secret(file, {"DEMO_TOKEN": "fedcba9876543210"}) is None
    assert line_with_secret(file, {"DEMO_TOKEN": "0123456789abcdef"}) == (2, "the variable DEMO_TOKEN")
    (tmp_path / ".npmrc").write_text("//example.org/:_authToken=0123456789abcdef\n")
    assert line_with_secret(file, {}) == (2, str(tmp_path / ".npmrc"))
