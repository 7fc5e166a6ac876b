"""The wheels of a PyO3 module for one target by maturin, with zig as the linker: read back, and packed again.

maturin knows how a module is linked, how its file is called and what stands in a wheel. What it gives back is measured
here, and packed by the writer of all other wheels, so that the same members make the same bytes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.formats import wheel as wheel_format
from ferrule.kinds import debug_symbols, native_build
from ferrule.kinds.extension import contents
from ferrule.kinds.linked_code import audit_data as audit
from ferrule.tools import cargo, maturin, run, zig

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.cargo_profile import DebugProfile
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.extension.contents import LinkedCode, Package, PlannedWheel


@dataclass(frozen=True, slots=True)
class MaturinExtension:
    """Let maturin make one target's wheels, measure what is inside, and pack them again.

    `floor` is that of the target, `compatibility` the platform tag that maturin gives, without its machine; `workspace`
    is the folder of the Cargo workspace.
    """

    package: Package
    platform: Platform
    floor: str | None
    compatibility: str | None
    workspace: str
    profile: str
    wheels: tuple[PlannedWheel, ...]
    linked: LinkedCode
    auditable: bool = True
    debug_symbols: bool = False

    def make(self, context: ActionContext) -> None:
        """Build all of them in one folder of Cargo's; raises BuildError, VerificationError."""
        project = context.folder / "project"
        native_build.lay_out(context, project)
        audit_data = audit.of_contents(context, self.linked.contents) if self.auditable else None
        profile = cargo.debug_profile(project / self.workspace, self.profile, context.site.environment)
        by_python = self._built(context, project, audit_data, profile)
        planned = {wheel.python.tag: wheel for wheel in self.wheels}
        if by_python.keys() != planned.keys():
            raise VerificationError(
                f"maturin made wheels for {', '.join(sorted(by_python)) or 'nothing'}, "
                f"and planned are {', '.join(planned)}",
                where=context.action.id,
                hint="name what it makes with `pythons`: abi3 where a feature of PyO3 asks for the stable interface, "
                "which a crate from a registry can turn on too",
            )
        if self.debug_symbols:
            keeps_symbols = profile.keeps_symbols
            by_python = {
                tag: self._separated(context, by_python[tag], wheel, keeps_symbols=keeps_symbols)
                for tag, wheel in planned.items()
            }
        contents.keep_compiled_files(
            context,
            [by_python[tag] for tag in planned],
            self.platform,
            self.floor,
            system_libraries_only=True,
            audit_data=audit_data,
        )
        for tag, wheel in planned.items():
            self.package.pack(context, by_python[tag], context.folder / wheel.name, wheel, self.linked)

    def _separated(self, context: ActionContext, wheel: Path, planned: PlannedWheel, *, keeps_symbols: bool) -> Path:
        """The same wheel, its modules without their debug information, which is kept beside them."""
        replaced: dict[str, Path] = {}
        for name, content in contents.modules(wheel).items():
            linked, released = (context.folder / folder / name for folder in ("linked", "released"))
            for path in (linked, released):
                path.parent.mkdir(parents=True, exist_ok=True)
            linked.write_bytes(content)
            debug_symbols.separate(context, linked, released, self.platform, keeps_symbols=keeps_symbols)
            replaced[name] = released
        target = context.folder / "separated" / planned.name
        target.parent.mkdir(exist_ok=True)
        package = self.package
        wheel_format.rewrite_wheel(
            *(wheel, target),
            name=package.name,
            version=package.version,
            tags=planned.tags,
            replaced=replaced,
            epoch=package.epoch,
        )
        return target

    def _built(
        self, context: ActionContext, project: Path, audit_data: bytes | None, profile: DebugProfile
    ) -> dict[str, Path]:
        """The wheels that came out, by the first two parts of their tags."""
        site, toolchain, output = context.site, context.toolchain, context.folder / "made"
        host, environment, workspace = site.host, site.environment, project / self.workspace
        interpreters = tuple(wheel.python.interpreter for wheel in self.wheels)
        zig.warm_cache(toolchain, host.cache, environment)
        zig.write_wrapper(toolchain.tool("zig"), host.cache)
        zig.write_link_script(toolchain.tool("zig"), host.cache)
        maturin.hide_interpreters(context.folder / "interpreters", interpreters)
        configured = cargo.configured_flags(context.run, toolchain, workspace, self.platform.triple, environment)
        remaps = cargo.local_folders(context.run, toolchain, workspace, project, environment, offline=host.offline)
        build = cargo.NativeBuild(
            workspace=workspace,
            package="",
            platform=self.platform,
            types=("cdylib",),
            floor=self.floor,
            profile=self.profile,
            rustflags=configured,
            remaps=remaps,
            link_object=audit.write_object(context, self.platform, audit_data) if audit_data else None,
            debug_info=None if not self.debug_symbols else "profile" if profile.has_debug_info else "lines",
        )
        command = maturin.command(
            toolchain,
            replace(build, sysroot=native_build.std_sysroot(context, build)),
            package=project / self.package.source,
            interpreters=interpreters,
            hidden=context.folder / "interpreters",
            compatibility=self.compatibility,
            output=output,
            target_folder=context.cache(f"maturin/{self.platform.triple}"),
            cache=host.cache,
            environment=environment,
            offline=host.offline,
            extra={
                "FERRULE_FINGERPRINT": context.fingerprint.hex,
                "FERRULE_COMMIT": self.package.commit,
                "SOURCE_DATE_EPOCH": str(self.package.epoch),
            },
        )
        first = zig.prelink(
            *(toolchain.tool("zig"), self.platform, self.floor, host.cache, environment, context.acquire_job_token),
            strips=not self.debug_symbols or self.platform.family.object_format == "coff",
        )
        try:
            with first:
                context.run(command, on_line=maturin.report_to(context.report_progress), marks=maturin.MARKS)
        except run.ToolFailed as failed:
            raise maturin.explain(failed, self.package.source) from failed
        settings = cargo.settings(context.project / self.workspace, environment)
        context.file_inputs(path for path in settings if not path.is_relative_to(context.project))
        return {_python_of(path): path for path in sorted(output.glob("*.whl"))}


def _python_of(wheel: Path) -> str:
    tags = {tag.rpartition("-")[0] for tag in wheel_format.read_wheel(wheel).tags}
    return ".".join(sorted(tags))
