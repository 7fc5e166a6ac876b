"""HTTP for destinations: what is followed, what is sent where, how long is waited, and what is said."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import StandIn, reply, serving
from fakes.published import CANARY
from ferrule.app.publish import web
from ferrule.app.publish.items import UploadFailed
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakes.destinations import Reply, Request


@dataclass
class Scripted(StandIn):
    """Answers each path by what is written for it, and counts who showed credentials."""

    shown: int = 0

    def answer(self, request: Request) -> Reply:
        self.shown += request.secret is not None
        replies = {
            "/file": reply(200, b"content"),
            "/away": reply(302, b"", Location=f"{self.elsewhere}/blob"),
            "/here": reply(302, b"", Location="/file"),
            "/round": reply(302, b"", Location="/round"),
            "/large": reply(200, b"x" * 5000),
            "/says": reply(403, {"message": f"{request.secret}\n\x1b[31m<b>no</b>"}),
            "/page": reply(403, b"<html>no</html>"),
            "/text": reply(418, b"I am a teapot"),
            "/later": reply(429, b"", Retry_After="3"),
            "/list": reply(400, [1]),
        }
        return replies.get(request.path, reply(404, b"a long page about nothing"))

    def state(self):
        return None


@pytest.fixture
def server() -> Iterator[Scripted]:
    with serving(Scripted()) as server:
        server.blobs["blob"] = b"of another host"
        yield server


@pytest.fixture
def client() -> web.Web:
    return web.Web({}, time.monotonic, lambda text: text.replace(CANARY, "***"), web.WebPatience(5, 1, 5))


AUTH = web.bearer(CANARY)


def test_a_question_is_led_elsewhere_without_credentials(server: Scripted, client: web.Web, tmp_path: Path) -> None:
    assert client.download(f"{server.url}/away", tmp_path / "x", 100, auth=AUTH) == Digest.of(b"of another host")
    assert (server.shown, server.leaked) == (1, [])
    assert client.ask(f"{server.url}/here", auth=AUTH).body == b"content"
    assert server.shown == 3
    with pytest.raises(UploadFailed, match="redirects without end"):
        client.ask(f"{server.url}/round")


def test_what_changes_something_is_not_led_elsewhere(server: Scripted, client: web.Web) -> None:
    answer = client.send("POST", f"{server.url}/away", auth=AUTH, body=b"x")
    failure = client.refusal(answer)
    host = server.elsewhere.removeprefix("http://")
    assert failure.message == f"it leads to another address (302, {host}), where nothing is sent"
    assert failure.wait is None
    assert server.leaked == []


def test_a_file_that_is_not_there_or_too_large(server: Scripted, client: web.Web, tmp_path: Path) -> None:
    with pytest.raises(web.NotThere):
        client.download(f"{server.url}/gone", tmp_path / "x", 3)  # the page about it may be longer than the file
    with pytest.raises(web.TooLarge):
        client.download(f"{server.url}/large", tmp_path / "x", 4999)
    with pytest.raises(UploadFailed, match="403"):
        client.download(f"{server.url}/says", tmp_path / "x", 10)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("says", "these credentials may not do this (403): Bearer *** [31m<b>no</b>"),
        ("page", "these credentials may not do this (403)"),
        ("text", "it answers 418: I am a teapot"),
        ("list", "it answers 400: [1]"),
    ],
)
def test_what_a_server_says_is_one_line_without_secrets(
    server: Scripted, client: web.Web, path: str, message: str
) -> None:
    with pytest.raises(UploadFailed) as caught:
        client.ask(f"{server.url}/{path}", auth=AUTH)
    assert caught.value.message == message


def test_a_password_that_a_server_repeats_is_not_shown_wherever_it_comes_from(server: Scripted) -> None:
    anybody = web.Web({}, time.monotonic, str, web.WebPatience(5, 1, 5))
    for auth in (web.bearer("of-a-file-or-program"), web.basic("me", "of-a-file-or-program")):
        with pytest.raises(UploadFailed) as caught:
            anybody.ask(f"{server.url}/says", auth=auth)
        assert caught.value.message.startswith("these credentials may not do this (403): B")
        assert " *** " in caught.value.message
    assert "of-a-file-or-program" in tuple(web._secrets(auth))
    assert tuple(web._secrets(web.bearer("short"))) == ()


@pytest.mark.parametrize("stripped", ["=", ""])
@pytest.mark.parametrize("password", ["a-long-password", "a-long-password1", "a-long-password12", "ÿÿÿ>>>???long"])
def test_credentials_may_lack_padding(password: str, stripped: str) -> None:
    """As Node has it, and npm sends what `_auth` says."""
    text = base64.b64encode(f"me:{password}".encode()).decode().rstrip(stripped or None)
    for one in (text, text.replace("+", "-").replace("/", "_")):
        assert password in tuple(web._secrets({"Authorization": f"Basic {one}"}))


@pytest.mark.parametrize("text", ["abcdefghi", "é" * 12])
def test_credentials_that_are_no_base64_are_a_secret_all_the_same(text: str) -> None:
    assert tuple(web._secrets({"Authorization": f"Basic {text}"})) == (text,)


def test_a_busy_server_says_how_long_to_wait(server: Scripted, client: web.Web) -> None:
    with pytest.raises(UploadFailed) as caught:
        client.ask(f"{server.url}/later")
    assert caught.value.wait == 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({}, 1),
        ({"retry-after": "soon"}, 1),
        ({"retry-after": "Tue, 01 Jan 2019 00:01:00 GMT", "date": "Tue, 01 Jan 2019 00:00:00 GMT"}, 60),
        ({"retry-after": "Tue, 01 Jan 2019 00:00:00 GMT", "date": "Tue, 01 Jan 2019 00:01:00 GMT"}, 0),
        ({"retry-after": "Tue, 01 Jan 2019 00:01:00 GMT"}, 1),
        ({"retry-after": "-5"}, 1),
    ],
)
def test_times_to_wait_are_those_of_the_server(headers: dict[str, str], seconds: float) -> None:
    assert web.retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://files.example.org/x", "the credentials would travel in the clear"),
        ("ftp://files.example.org/x", "not a URL of http or https"),
        ("https://", "not a URL of http or https"),
        ("http://127.0.0.1:9/x", "it cannot be reached"),
    ],
)
def test_where_nothing_is_sent(client: web.Web, url: str, message: str) -> None:
    with pytest.raises(UploadFailed, match=message):
        client.send("PUT", url, auth=AUTH, body=b"x")


def test_an_answer_that_is_no_json() -> None:
    with pytest.raises(UploadFailed, match="is not JSON"):
        web.Answer(200, {}, b"<html>").json()


DATE = "Mon, 02 Feb 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait"),
    [
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1769990460", "date": DATE}, b"", 60.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1769990460"}, b"", 60.0),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1", "date": DATE}, b"", 1.0),
        (403, {"retry-after": "30"}, b"", 30.0),
        (403, {}, b'{"message": "You have exceeded a secondary rate limit."}', 60.0),
        (403, {"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1769990460"}, b"", None),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, b"", None),
    ],
)
def test_a_limit_of_requests_is_no_missing_right(client: web.Web, status, headers, body, wait) -> None:
    failure = client.refusal(web.Answer(status, headers, body))
    assert failure.wait == wait
    assert failure.message.startswith("its limit of requests is reached" if wait else "these credentials may not")


@pytest.mark.parametrize("url", ["http://[", "http://a:b:c/", "http://a:99999999/"])
def test_an_address_that_is_none(client: web.Web, url: str) -> None:
    for act in (lambda: client.ask(url), lambda: web.split(url)):
        with pytest.raises(UploadFailed, match="it names an address that is none"):
            act()
    with pytest.raises(UploadFailed, match="it names an address that is none"):
        web.join(url, "http://[")


def test_credentials_of_several_lines_are_sent_nowhere(client: web.Web) -> None:
    with pytest.raises(UploadFailed, match="a character that no header may"):
        client.ask("https://a.example", auth={"Authorization": "Bearer a\r\nb"})
