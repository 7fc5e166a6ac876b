"""The section `publish`: rows by the sections of their destinations, every mistake with its position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.core.errors import ConfigErrors
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from fakes.toolchain import Demo


def loaded(demo: Demo, text: str) -> config.Config:
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"\npublish:\n{text}\n")
    return config.load(demo.project, KINDS, DESTINATIONS)


def messages(demo: Demo, text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        loaded(demo, text)
    return [error.message for error in caught.value.errors]


def test_rows_are_read_and_written_back(demo: Demo) -> None:
    read = loaded(demo, "  shelf: {to: folder, path: /srv/x}")
    assert [(row.name, row.to, row.section.path) for row in read.publish] == [("shelf", "folder", "/srv/x")]
    assert config.document(read)["publish"] == {"shelf": {"to": "folder", "path": "/srv/x"}}


def test_every_mistake_is_named(demo: Demo) -> None:
    assert messages(
        demo,
        "  a: {path: x}\n  b: {to: foldr}\n  C: {to: folder, path: x}\n  d: {to: folder}\n  e: 5\n  f: {to: [x]}",
    ) == [
        "publish.a: the key to is missing",
        'publish.b.to: there is no destination "foldr"',
        '"C" cannot be the name of a row',
        "publish.d: the key path is missing",
        "publish.e: the key to is missing",
        'publish.f.to: there is no destination ""',
    ]


def test_a_destination_without_a_row_of_its_own_is_not_offered() -> None:
    only = {name: DESTINATIONS[name] for name in ("github", "folder")}
    schema = config.schema(KINDS, only)["$defs"]["publish"]
    assert schema["properties"]["to"]["enum"] == [n for n, d in only.items() if d.section is not None]
    assert "### Destination `folder`" in config.reference(KINDS, only)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (".", "this is the project itself, and the release would lie among its sources"),
        ("rust/..", "this is the project itself, and the release would lie among its sources"),
        ("dist", "this is dist/ or lies in it, which Ferrule fills and clears itself"),
        ("dist/x", "this is dist/ or lies in it, which Ferrule fills and clears itself"),
        (".ferrule/publish", "this is .ferrule/ or lies in it, which Ferrule fills and clears itself"),
        ("link/x", "this is .ferrule/ or lies in it, which Ferrule fills and clears itself"),
    ],
)
def test_a_folder_that_ferrule_uses_itself(demo: Demo, path: str, says: str) -> None:
    (demo.project / "link").symlink_to(".ferrule")
    line = (demo.project / "targets.yaml").read_text().count("\n") + 3
    with pytest.raises(ConfigErrors) as caught:
        loaded(demo, f"  shelf: {{to: folder, path: {path}}}")
    assert [f"{error.where}: {error.message}" for error in caught.value.errors] == [
        f"targets.yaml:{line}:29: publish.shelf.path: {says}"
    ]
    assert caught.value.errors[0].hint == "name a folder outside of the project, or one of its own in it"


def test_two_rows_of_one_folder(demo: Demo) -> None:
    assert messages(demo, "  a: {to: folder, path: x}\n  b: {to: folder, path: ./y/../x}") == [
        "publish.b.path: the row a has the same folder"
    ]


@pytest.mark.parametrize(
    "row",
    [
        '{to: pypi, index: "https://user:s3cr3tpw@index.example.org/simple"}',
        '{to: npm, registry: "https://user:s3cr3tpw@npm.example.org"}',
        '{to: http, url: "https://files.example.org/r?token=s3cr3tpw"}',
        '{to: oci, repository: "u:s3cr3tpw@reg.example.org/team/demo"}',
        '{to: go, repository: "https://u:s3cr3tpw@git.example.org/demo.git"}',
        '{to: go, repository: "ssh://u:s3cr3tpw@git.example.org/demo.git"}',
        '{to: s3, bucket: releases, region: eu-west-1, endpoint: "https://k:s3cr3tpw@s3.example.org"}',
    ],
)
def test_an_address_holds_no_credentials_and_shows_none(demo: Demo, row: str) -> None:
    (message,) = messages(demo, f"  x: {row}")
    assert "s3cr3tpw" not in message
    assert "credentials belong in a variable, in ~/.netrc or with the client that uses them" in message
    done = demo.ferrule("check")
    assert done.returncode == 3
    assert "s3cr3tpw" not in done.stdout + done.stderr


@pytest.mark.parametrize("host", ["[::1", "[]", "example.org:99999", "example.org:1:2"])
def test_an_address_that_no_client_takes(demo: Demo, host: str) -> None:
    (message,) = messages(demo, f'  x: {{to: http, url: "https://{host}/r"}}')
    assert message.startswith('publish.x.url: expected text like "https://files.example.org/releases", found ')


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (
            "{to: http, url: 'https://f.example.org/r'}",
            "{to: http, url: 'https://f.example.org/r/'}",
            "the row a says the same",
        ),
        (
            "{to: npm, registry: 'https://n.example.org'}",
            "{registry: 'https://n.example.org', to: npm, access: public}",
            "the row a says the same",
        ),
        ("{to: npm, registry: 'https://n.example.org'}", "{to: npm, registry: 'https://m.example.org'}", None),
        ("{to: pypi, index: 'https://n.example.org'}", "{to: npm, registry: 'https://n.example.org'}", None),
    ],
)
def test_two_rows_that_say_the_same(demo: Demo, first: str, second: str, says: str | None) -> None:
    text = f"  a: {first}\n  b: {second}"
    if says is None:
        assert len(loaded(demo, text).publish) == 2
        return
    assert messages(demo, text) == [f"publish.b: {says}"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{to: go, repository: /srv/x, folder: a..b}", "folder: Git cannot have the tag a..b/v…: it holds .."),
        ("{to: go, repository: /srv/x, folder: -a}", "folder: Git cannot have the tag -a/v…: it begins with -"),
        (
            "{to: go, repository: /srv/x, folder: a.lock}",
            "folder: Git cannot have the tag a.lock/v…: it has a part that",
        ),
        ("{to: homebrew, repository: /srv/x, branch: a..b}", "branch: Git cannot have the branch a..b: it holds .."),
        (
            "{to: scoop, repository: /srv/x, branch: main.}",
            "branch: Git cannot have the branch main.: it ends with a dot",
        ),
        ("{to: go, repository: /srv/x, folder: go}", None),
        ("{to: homebrew, repository: /srv/x, branch: main}", None),
    ],
)
def test_names_that_git_cannot_have(demo: Demo, row: str, says: str | None) -> None:
    if says is None:
        assert loaded(demo, f"  x: {row}").publish
        return
    (message,) = messages(demo, f"  x: {row}")
    assert message.startswith(f"publish.x.{says}")
