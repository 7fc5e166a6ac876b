"""One abi3 wheel by cibuildwheel, in an image of the PyPA or on a Mac, read back.

What cibuildwheel gives back is not shipped as it is: it is packed again by the writer of all other wheels, so that the
same members make the same bytes, under the name that the plan has promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError, NetworkError, ToolchainError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Machine
from ferrule.formats import wheel as wheel_format
from ferrule.kinds import native_build
from ferrule.kinds.extension import contents
from ferrule.tools import cibuildwheel, container, run

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.wheel import WheelFacts
    from ferrule.kinds.extension.contents import LinkedCode, Package, PlannedWheel

ON_A_MAC: Final = Machine("macos", "cibuildwheel makes wheels for macOS on a Mac only")


@dataclass(frozen=True, slots=True)
class CibuildwheelExtension:
    """Let cibuildwheel make one target's wheel, measure what is inside, and pack it again."""

    package: Package
    python: str
    platform: Platform
    floor: str
    image: str | None
    wheel: PlannedWheel
    linked: LinkedCode

    def make(self, context: ActionContext) -> None:
        """Build; raises ToolchainError on a machine that cannot, NetworkError, BuildError, VerificationError."""
        self._check_machine(context)
        project = context.folder / "project"
        native_build.lay_out(context, project)
        context.report_progress(f"building in {self.image or 'macOS'}")
        wheel = self._built(context, project)
        self._check_tags(wheel_format.read_wheel(wheel), context)
        contents.keep_compiled_files(context, (wheel,), self.platform, self.floor, image=self.image)
        self.package.pack(context, wheel, context.output("wheel"), self.wheel, self.linked)

    def _check_machine(self, context: ActionContext) -> None:
        host = context.site.host
        if self.image is None and host.system != "Darwin":
            raise ToolchainError(
                f"this machine is {host.system}, and {ON_A_MAC.why}",
                where=context.action.id,
                hint="make it in a shard on a Mac (ferrule matrix names one), or narrow `targets` of the artifact",
            )
        if host.offline:
            raise NetworkError(
                "cibuildwheel fetches images and build backends, and no network may be used",
                where=context.action.id,
                hint="run this action once without --offline; its result is kept",
            )

    def _built(self, context: ActionContext, project: Path) -> Path:
        """The one wheel that came out."""
        output, toolchain = context.folder / "made", context.toolchain
        variables = {
            "FERRULE_FINGERPRINT": context.fingerprint.hex,
            "FERRULE_COMMIT": self.package.commit,
            **cibuildwheel.remapped_crates(None if self.image else context.site.host.environment),
        }
        if self.image is None and context.site.host.environment.get("CI"):
            # Only there does cibuildwheel install the interpreter on a Mac, as that is for root.
            variables["CI"] = "true"
        command = cibuildwheel.command(
            toolchain.tool(cibuildwheel.NAME),
            build=cibuildwheel.identifier(self.python, self.platform),
            package=project / self.package.source,
            project=project,
            output=output,
            variables=variables,
            engine=toolchain.tool(container.NAME) if self.image else None,
            image=self.image,
            macos=None if self.image else self.floor,
            epoch=self.package.epoch,
        )
        try:
            context.run(command)
        except run.ToolFailed as failed:
            raise cibuildwheel.explain(failed, self.package.source) from failed
        wheels = sorted(output.glob("*.whl"))
        if len(wheels) != 1:
            names = ", ".join(wheel.name for wheel in wheels) or "none"
            raise BuildError(f"cibuildwheel was to make one wheel, and made: {names}", where=self.package.source)
        return wheels[0]

    def _check_tags(self, wheel: WheelFacts, context: ActionContext) -> None:
        """The wheel must be for the stable interface, and for machines as old as the floor says."""
        interfaces = sorted({tag.rpartition("-")[0] for tag in wheel.tags})
        expected = f"{self.python}-abi3"
        if interfaces != [expected]:
            number = self.python.removeprefix("cp")
            raise VerificationError(
                f"the wheel is for {', '.join(interfaces)}, not for {expected}",
                where=context.action.id,
                hint=f"build for the stable interface (PyO3: feature abi3-py{number}), or correct requires-python",
            )
        contents.check_floor(wheel.tags, self.floor, context.action.id)
