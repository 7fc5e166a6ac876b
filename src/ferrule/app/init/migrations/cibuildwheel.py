"""cibuildwheel: [tool.cibuildwheel] of pyproject.toml, which stays in force but for what Ferrule tells it to build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ferrule.app.init.findings import Finding, RequestedTarget, Uncovered
from ferrule.app.init.migrations.settings import Settings, toml_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.project_files import ProjectFiles

_ONE_WHEEL: Final = "one wheel for each target, of the stable interface, serves every Python from requires-python on"
_DECIDED_HERE: Final = {
    "build": _ONE_WHEEL,
    "skip": _ONE_WHEEL,
    "enable": _ONE_WHEEL,
    "free-threaded-support": _ONE_WHEEL,
    "container-engine": "Ferrule takes the docker or podman that it finds",
}
_TRIPLES: Final = {
    "linux": {
        "x86_64": "x86_64-unknown-linux-gnu",
        "aarch64": "aarch64-unknown-linux-gnu",
        "i686": "i686-unknown-linux-gnu",
        "armv7l": "armv7-unknown-linux-gnueabihf",
        "ppc64le": "powerpc64le-unknown-linux-gnu",
        "s390x": "s390x-unknown-linux-gnu",
        "riscv64": "riscv64gc-unknown-linux-gnu",
    },
    "macos": {
        "x86_64": "x86_64-apple-darwin",
        "arm64": "aarch64-apple-darwin",
        "universal2": "universal2-apple-darwin",
    },
    "windows": {
        "AMD64": "x86_64-pc-windows-msvc",
        "x86": "i686-pc-windows-msvc",
        "ARM64": "aarch64-pc-windows-msvc",
    },
}
"""cibuildwheel's names of machines ("Options", archs) as Rust's targets."""


def read(files: ProjectFiles) -> Iterator[Finding]:
    """The machines that it names as targets, and what Ferrule decides in its place. Raises ConfigError."""
    for name in files.called("pyproject.toml"):
        text, document = files.toml(name)
        settings = toml_settings("[tool.cibuildwheel]", name, text, document, "tool", "cibuildwheel")
        if settings is None:
            continue
        yield from _decided(settings)
        for system, triples in _TRIPLES.items():
            table = settings.table(system)
            yield from _decided(table)
            for machine in _words(table.values.get("archs", [])):
                if machine in triples:
                    yield RequestedTarget(triples[machine], table.at("archs"))
                else:
                    reason = "it depends on the machine that builds; the targets of this file count"
                    yield Uncovered(table.at("archs"), f"{table.title} archs {machine!r}", reason)


def _decided(settings: Settings) -> Iterator[Uncovered]:
    for key in settings.values:
        if key in _DECIDED_HERE or key.endswith("linux-image") or key.startswith(("manylinux-", "musllinux-")):
            reason = _DECIDED_HERE.get(key, "the target's `glibc` names the image; `image` of the artifact another")
            yield Uncovered(settings.at(key), f"{settings.title} {key}", reason)


def _words(value: Any) -> list[str]:  # noqa: ANN401 - a text or a list, as cibuildwheel takes both
    return value.split() if isinstance(value, str) else [str(item) for item in value] if isinstance(value, list) else []
