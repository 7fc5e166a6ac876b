"""cargo-dist: dist-workspace.toml, or [workspace.metadata.dist] (its book, "Config Reference")."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ferrule.app.init.findings import Finding, RequestedPackage, Uncovered
from ferrule.app.init.migrations.settings import Settings, toml_settings
from ferrule.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.project_files import ProjectFiles

_FILE: Final = "dist-workspace.toml"
_REASONS: Final = {
    "allow_dirty": "ferrule ci github --check compares the workflows",
    "cargo_dist_version": "Ferrule is pinned as ci.ferrule",
    "checksum": "SHA256SUMS is of SHA-256",
    "ci": "ferrule ci github writes the workflows",
    "github_attestations": "the release workflow always attests",
    "hosting": "ci.publish names the destinations",
    "formula": "write `name` at the artifact of kind homebrew",
    "install_updater": "Ferrule makes no updaters",
    "install_path": "scripts install into ~/.local/bin, and --to names another folder",
    "npm_package": "write `name` at the artifact of kind program-npm",
    "npm_scope": "write `name` at the artifact of kind program-npm",
    "tap": "the formula is in dist/: copy it into the tap",
    "publish_jobs": "ci.publish names the destinations",
    "pr_run_mode": "ci.tests says what runs for a change",
    "rust_toolchain_version": "write toolchain.rust, or rust-toolchain.toml",
    "unix_archive": "archives are .tar.gz",
    "windows_archive": "archives of programs for Windows are .zip",
    "features": "write `features` at the artifact",
    "include": "write `files` at the SDK",
}


_INSTALLERS: Final = {
    "shell": "installer",
    "powershell": "installer",
    "homebrew": "homebrew",
    "npm": "program-npm",
}


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Its targets with their glibc, and its installers; everything else is reported. Raises ConfigError."""
    tables: list[Settings] = []
    if files.has(_FILE):
        text, document = files.toml(_FILE)
        workspace = document.get("workspace")
        members = workspace.get("members") if isinstance(workspace, dict) else None
        for member in members if isinstance(members, list) else ():
            if not str(member).startswith("cargo:"):
                yield Uncovered(f"{_FILE}:1:1", f"the member {member}", "Ferrule reads Cargo workspaces")
        tables += [s for s in (toml_settings("[dist]", _FILE, text, document, "dist"),) if s]
    for name in files.called("Cargo.toml"):
        if b"metadata" not in files.read(name):
            continue
        text, document = files.toml(name)
        for table in ("workspace", "package"):
            title = f"[{table}.metadata.dist]"
            tables += [s for s in (toml_settings(title, name, text, document, table, "metadata", "dist"),) if s]
    whole = [settings for settings in tables if not settings.title.startswith("[package")]
    if len(whole) > 1:
        raise ConfigError(
            f"cargo-dist is configured twice: the other is at {whole[0].at()}",
            where=whole[1].at(),
            hint="finish that migration first: cargo-dist reads dist-workspace.toml only; nothing was written",
        )
    for settings in tables:
        glibc = settings.table("min-glibc-version").values
        for target in settings.targets("targets"):
            floor = glibc.get(target.triple, glibc.get("*"))
            yield replace(target, floor=floor) if isinstance(floor, str) and "linux-gnu" in target.triple else target
        yield from _installers(settings)
        yield from settings.uncovered("targets", "min-glibc-version", "installers", **_REASONS)


def _installers(settings: Settings) -> Iterator[Finding]:
    where = settings.at("installers")
    for name in settings.texts("installers"):
        what = f"the installer {name}"
        if name in _INSTALLERS:
            yield RequestedPackage(_INSTALLERS[name], where, what)
        else:
            yield Uncovered(where, what, "Ferrule makes no such installers")
