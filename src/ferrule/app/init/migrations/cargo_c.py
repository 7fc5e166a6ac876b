"""cargo-c: [package.metadata.capi] (its README, "Configuration"); names are taken over with the crate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.app.init.migrations.settings import toml_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.findings import Finding
    from ferrule.app.init.project_files import ProjectFiles

_REASONS: Final = {
    "enabled": "write `header` at the library",
    "generation": "cbindgen writes the header",
    "install_subdir": "an SDK has fixed folders",
    "description": "the pkg-config file has the project's",
    "strip_include_path_components": "an SDK's headers are below include/: write `cflags` of `pkg-config`",
    "subdirectory": "an SDK's header lies in include/",
    "version": "write `abi` at the library",
    "version_suffix_components": "write `abi` at the library",
}


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Whatever is not taken over. Raises ConfigError."""
    for name in files.called("Cargo.toml"):
        if b"capi" not in files.read(name):
            continue
        text, document = files.toml(name)
        capi = toml_settings("[package.metadata.capi]", name, text, document, "package", "metadata", "capi")
        if capi is None:
            continue
        yield from capi.uncovered("header", "library", "pkg_config", **_REASONS)
        taken = ("name", "filename", "version", "requires", "requires_private")
        yield from capi.table("pkg_config").uncovered(*taken, **_REASONS)
        for part in ("header", "library"):
            yield from capi.table(part).uncovered("name", "enabled", **_REASONS)
