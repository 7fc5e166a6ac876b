"""Servers on loopback to which a release is published: an index, a registry of images, and one that takes PUT."""

from __future__ import annotations

import base64
import hashlib
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cache_servers import running
from judges import program

from fakes.published import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def index(folder: Path) -> Iterator[str]:
    """pypiserver, which refuses a file name that it has."""
    port = free_port()
    (folder / "packages").mkdir(parents=True)
    digest = base64.b64encode(hashlib.sha1(CANARY.encode(), usedforsecurity=False).digest()).decode()
    (folder / "users").write_text(f"__token__:{{SHA}}{digest}\n")  # a form of Apache's htpasswd(1)
    server = str(Path(sys.executable).with_name("pypi-server"))
    options = ["-i", "127.0.0.1", "-p", str(port), "-P", str(folder / "users"), "-a", "update", "--hash-algo", "sha256"]
    with running([server, "run", *options, str(folder / "packages")], port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """The registry of distribution, as Debian builds it."""
    port = free_port()
    folder.mkdir(parents=True)
    (folder / "registry.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/content}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\n"
    )
    with running([program("docker-registry"), "serve", str(folder / "registry.yml")], port):
        yield f"127.0.0.1:{port}"


@contextmanager
def put_server(folder: Path) -> Iterator[str]:
    """nginx with its module for WebDAV."""
    port = free_port()
    (folder / "content" / "releases").mkdir(parents=True)
    for path in (folder / "content", folder / "content" / "releases"):
        path.chmod(0o777)
    (folder / "users").write_text(f"me:{{PLAIN}}{CANARY}\n")
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {folder}/{name};" for name in names)
    access = f"limit_except GET HEAD {{ auth_basic files; auth_basic_user_file {folder}/users; }}"
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ access_log off; {paths} server {{ listen 127.0.0.1:{port}; client_max_body_size 1g;\n"
        f"location / {{ root {folder}/content; dav_methods PUT MKCOL; {access} }} }} }}\n"
    )
    with running([program("nginx"), "-c", f"{folder}/nginx.conf", "-e", f"{folder}/errors"], port):
        yield f"http://127.0.0.1:{port}"
