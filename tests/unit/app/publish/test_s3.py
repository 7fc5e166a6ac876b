"""A bucket of S3: what differs from a server that takes PUT."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import SMALL, S3Server, publisher_of, serving
from fakes.published import release_of
from ferrule.app.publish import DESTINATIONS, run
from ferrule.core.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.publish.items import Release


CLOCK = int(datetime(2026, 2, 2, tzinfo=UTC).timestamp())
"""What stand-ins say that it is."""


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return release_of(tmp_path / "dist", SMALL)


def pace() -> run.Pace:
    return run.Pace(lambda _: None, lambda _: None)


def test_a_store_that_keeps_no_checksums_is_asked_for_the_files(release: Release, tmp_path: Path) -> None:
    with serving(S3Server(keeps=False)) as server:
        publisher = publisher_of("s3", server, release, tmp_path)
        run.publish({"s3": publisher}, pace())
        asked = len(server.requests)
        assert {e.state.presence for e in run.publish({"s3": publisher}, pace())} == {"same"}
        assert [r.partition(" ")[0] for r in server.requests[asked:]] == ["HEAD", "GET"] * len(publisher.items)


def test_other_keys(release: Release, tmp_path: Path) -> None:
    with serving(S3Server(secret="another")) as server:
        publisher = publisher_of("s3", server, release, tmp_path)
        for now, hint in ((CLOCK + 60, "s3:ListBucket"), (CLOCK + 3600, "the store differs by 60 minutes")):
            context = replace(publisher.context, now_ns=lambda now=now: now * 1_000_000_000)
            with pytest.raises(PublishError, match="may not do this") as caught:
                run.publish({"s3": replace(publisher, context=context)}, pace())
            assert hint in str(caught.value.hint)


def test_no_keys(release: Release, tmp_path: Path) -> None:
    class Public(S3Server):
        def is_signed(self, request) -> bool:
            return request.method in {"GET", "HEAD"}

    with serving(Public()) as server, pytest.raises(PublishError, match="there are no credentials for it"):
        run.publish({"s3": publisher_of("s3", server, release, tmp_path, AWS_SECRET_ACCESS_KEY="")}, pace())


def test_a_file_that_is_too_large(release: Release, tmp_path: Path) -> None:
    with serving(S3Server()) as server:
        publisher = publisher_of("s3", server, release, tmp_path)
        (problem,) = publisher.preflight([replace(publisher.items[0], size=(5 << 30) + 1)])
    assert "one upload at most" in problem[0]


@pytest.mark.parametrize(
    ("keys", "address"),
    [
        ({}, "https://bucket.s3.us-east-1.amazonaws.com/demo-1.2.3"),
        ({"region": "eu-west-1", "prefix": "a/b"}, "https://bucket.s3.eu-west-1.amazonaws.com/a/b/demo-1.2.3"),
        ({"bucket": "a.bucket"}, "https://s3.us-east-1.amazonaws.com/a.bucket/demo-1.2.3"),
        ({"endpoint": "https://s3.example.org/"}, "https://s3.example.org/bucket/demo-1.2.3"),
    ],
)
def test_addresses(release: Release, keys, address: str) -> None:
    destination = DESTINATIONS["s3"]
    publisher = destination.opened(destination.section(to="s3", **{"bucket": "bucket", **keys}), release, None)
    assert publisher.title == address
