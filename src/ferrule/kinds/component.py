"""WebAssembly: a core module and a component from one crate and one WIT world."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from ferrule.core import facts
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Compiled, Digest, Output
from ferrule.core.section import Field
from ferrule.formats import binary, wasm, wit
from ferrule.kinds import native_build
from ferrule.kinds.base import (
    CargoSpec,
    Context,
    CrateRef,
    Kind,
    ProjectPath,
    RelativePath,
    check_rustflags,
    environment_of,
    needs_webassembly,
)
from ferrule.kinds.linked_code import audit_data as audit
from ferrule.tools import cargo, cargo_builds
from ferrule.tools import wasm as linkers

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

SECTION = "ferrule"
"""Name of the custom section that holds version and fingerprints as JSON."""

_WASI = ("wasi:", "wasi_")
_BINARY = (".wasm", ".wat")
"""Endings of WIT packages that are not text."""


class ComponentSpec(CargoSpec):
    """A crate that exports a WIT world, as a core module (for runtimes without components) and as a component."""

    kind: Literal["component"]
    crate: Annotated[str, CrateRef()] = Field(description="The crate that implements the world.")
    wit: Annotated[RelativePath, ProjectPath("either")] | None = Field(
        default=None, description="The WIT file or folder; by default `wit` in the crate's folder."
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.+-]{0,63}$", examples=["demo"])] | None = Field(
        default=None, description="Stem of the file names; by default the project's name."
    )
    wasi: bool = Field(default=False, description="Whether imports of WASI are allowed.")


def plan(spec: ComponentSpec, context: Context) -> list[Action]:
    """One action a WebAssembly target."""
    crate = context.crate(spec.crate)
    wit = spec.wit or f"{crate.folder}/wit"
    check_rustflags(spec.rustflags)
    stem = f"{spec.name or context.project.name}-{context.project.version}"
    return [
        Action(
            id=f"{context.artifact}@{target.triple}",
            artifact=context.artifact,
            kind="component",
            target=target.triple,
            recipe=WasmComponent(
                workspace=context.workspace.folder,
                crate=crate.name,
                library=crate.library or "",
                wit=wit,
                platform=context.platforms[target.triple],
                profile=spec.profile,
                features=spec.features,
                default_features=spec.default_features,
                wasi=spec.wasi,
                version=context.project.version,
                env=environment_of(spec.env),
                package=context.workspace.package(crate.name),
                rustflags=spec.rustflags,
                auditable=spec.auditable,
            ),
            outputs=tuple(
                Output(name, role, name if context.ship else None)
                for name, role in ((f"{stem}.core.wasm", "module"), (f"{stem}.wasm", "component"))
            ),
            sources=tuple(dict.fromkeys((*context.workspace.compiled(crate.name), wit, *spec.reads))),
            tools=("rustc", "cargo", f"std-{target.triple}", "wasm-component-ld", "wasm-ld"),
            compiles=Compiled(
                crate.name, target.triple, spec.features, spec.default_features, context.workspace.package(crate.name)
            ),
        )
        for target in context.targets
    ]


@dataclass(frozen=True, slots=True)
class WasmComponent:
    """Compile a crate to a core module, make a component of that, and write fingerprints into both."""

    workspace: str
    crate: str
    library: str
    wit: str
    platform: Platform
    profile: str
    features: tuple[str, ...]
    default_features: bool
    wasi: bool
    version: str
    env: tuple[tuple[str, str], ...]
    package: str
    rustflags: tuple[str, ...]
    auditable: bool = True

    def make(self, context: ActionContext) -> None:
        """Build both and check that the module imports nothing but what the WIT declares."""
        interface = wit_interface(context.project / self.wit)
        identity = {"version": self.version, "fingerprint": context.fingerprint.hex, "interface": interface.hex}
        module, audit_data = self._module(context, interface), self._audit_data(context)
        component = context.folder / "component.wasm"
        context.report_progress("making the component")
        context.run(linkers.component_command(context.toolchain, module, component, context.folder))
        compiled: dict[str, facts.MeasuredFile] = {}
        for role, path in (("module", module), ("component", component)):
            target = context.output(role)
            content = path.read_bytes()
            marked = wasm.with_custom_section(content, SECTION, _canonical(identity))
            if audit_data is not None:
                marked = wasm.with_custom_section(marked, audit.SECTION, audit_data)
            target.write_bytes(marked)
            measured = binary.measure(target)
            if not self.wasi:
                _refuse_wasi(target.name, measured.imports)
            _refuse_undeclared(target.name, wit.undeclared_imports(content, module.read_bytes(), where=target.name))
            compiled[role] = binary.summary(measured)
        context.record_facts(facts.Facts((facts.BuildIdentity(context.fingerprint.hex, interface.hex),), compiled))

    def _audit_data(self, context: ActionContext) -> bytes | None:
        if not self.auditable:
            return None
        build = Compiled(self.crate, self.platform.triple, self.features, self.default_features, self.package)
        return audit.of_build(context, context.project / self.workspace, build)

    def _module(self, context: ActionContext, interface: Digest) -> Path:
        workspace = context.project / self.workspace
        configured = cargo.configured_flags(
            context.run, context.toolchain, workspace, self.platform.triple, context.site.environment
        )
        build = cargo.WasmBuild(
            workspace=workspace,
            package=cargo.package_id(workspace, self.package),
            profile=self.profile,
            features=self.features,
            default_features=self.default_features,
            rustflags=(*configured, *self.rustflags),
            remaps=cargo.local_folders(
                context.run,
                context.toolchain,
                workspace,
                context.project,
                context.site.environment,
                offline=context.site.host.offline,
            ),
        )
        command = cargo.wasm_command(
            context.toolchain,
            replace(build, sysroot=native_build.std_sysroot(context, build)),
            target_folder=context.cache(f"cargo/{self.platform.triple}"),
            environment=context.site.environment,
            offline=context.site.host.offline,
            extra={
                **dict(self.env),
                "FERRULE_FINGERPRINT": context.fingerprint.hex,
                "FERRULE_INTERFACE": interface.hex,
            },
        )
        cargo_build = cargo_builds.build(
            context.run,
            command,
            context.report_progress,
            cargo_builds.units(build, command, context.toolchain, context.digest_of),
        )
        files, variables = cargo_builds.inputs(cargo_build, build.workspace, context.project, context.site.environment)
        context.file_inputs(files)
        context.env_inputs(variables)
        module = context.folder / "module.wasm"
        cargo_build.take(cargo_build.file(self.crate, self.platform, "cdylib", self.library), module, context.digest_of)
        return module


def _canonical(value: dict[str, str]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _refuse_wasi(name: str, imports: tuple[str, ...]) -> None:
    wasi = sorted(i for i in imports if i.startswith(_WASI))
    if wasi:
        raise VerificationError(
            f"{name} imports {wasi[0]}" + (f" and {len(wasi) - 1} more of WASI" if len(wasi) > 1 else ""),
            hint="remove what needs the operating system from the crate, or allow it with `wasi: true`",
        )


def _refuse_undeclared(name: str, imports: tuple[str, ...]) -> None:
    others = [i for i in imports if not i.startswith(_WASI)]  # those are refused, or allowed, by themselves
    if others:
        raise VerificationError(
            f"{name} imports {others[0]}, which its world does not declare"
            + (f", and {len(others) - 1} more" if len(others) > 1 else ""),
            hint="import only what the WIT declares: nothing else would be there where it runs",
        )


def wit_interface(path: Path) -> Digest:
    """Fingerprint of a WIT file or folder: its tokens, whatever its comments and layout (WIT.md, "Lexical").

    Packages that `deps` holds in binary form count by their bytes (wit-parser, "deps" may be .wasm and .wat).
    """
    files = sorted(path.rglob("*.wit")) if path.is_dir() else [path]
    if not files:
        raise VerificationError("there is no .wit file here", where=str(path.name), hint="name the WIT with `wit:`")
    tokens: list[str] = []
    for file in files:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", " ", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        tokens += re.findall(r"[\w-]+|[^\w\s]", code)
    binary_packages = sorted(p for p in path.rglob("*") if p.suffix in _BINARY) if path.is_dir() else []
    tokens += [Digest.of_file(package).hex for package in binary_packages]
    return Digest.of(" ".join(tokens).encode())


KIND = Kind(
    name="component",
    spec=ComponentSpec,
    plan=plan,
    summary="a WebAssembly core module and component of a crate and its WIT world",
    unsupported=needs_webassembly,
)
