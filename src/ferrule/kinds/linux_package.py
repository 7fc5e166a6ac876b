"""Packages of a program for Debian's and Red Hat's families: deb and rpm, with what belongs to it where systems look.

What they depend on is measured of the program. nfpm writes them, and each is read again before it ships.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.core.errors import VerificationError
from ferrule.core.facts import ProgramFacts
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Digest, Output
from ferrule.core.section import Field
from ferrule.formats import deb, deflate, notices, rpm
from ferrule.kinds.base import Context, Kind, PlanProblem, Spec
from ferrule.kinds.packed_program import (
    PackedFile,
    PackedProgram,
    ProgramRef,
    licence_names,
    one_for_each,
    packed_programs,
    sorted_files,
    stem,
)
from ferrule.tools import nfpm
from ferrule.tools.nfpm import PackageContent, PackageDescription

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.facts import MeasuredFile
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.packed_program import Use
    from ferrule.tools.nfpm import Format

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_RELEASE: Final = "1"
_LIBC: Final = re.compile(r"(libc|libm|libdl|librt|libpthread|libutil|libresolv|libnsl|ld-linux[^.]*|ld64)\.so\.\d+")
"""What glibc itself brings."""

_DEBIAN: Final = {"libgcc_s.so.1": "libgcc-s1", "libstdc++.so.6": "libstdc++6"}
"""Packages of Debian's that bring what else a program may need that asks for nothing special."""

_ZSH: Final = {"deb": "vendor-completions", "rpm": "site-functions"}

_Format = Literal["deb", "rpm"]
_Maintainer = Annotated[str, Field(pattern=r"^[^<>$\x00-\x1f\x7f]{1,100} <[^<>$@\s]{1,64}@[^<>$@\s]{1,190}>$")]
_Dependency = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 +.()<>=|:~_/-]{0,255}$")]


class LinuxPackageSpec(Spec):
    """Packages of a program, one for each format and machine; of two targets for one machine that with glibc."""

    kind: Literal["linux-package"]
    program: ProgramRef = Field(description="The program to pack, with everything that its archive holds.")
    formats: tuple[_Format, ...] = Field(default=("deb", "rpm"), min_length=1, description="Which packages are made.")
    maintainer: _Maintainer = Field(
        description="Who answers for the package: name and address.", examples=["A. Demo <demo@example.org>"]
    )
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]{1,63}$", examples=["demo"])] | None = Field(
        default=None, description="Name of the package; by default that of the archives, in small letters."
    )
    section: Annotated[str, Field(pattern=r"^[a-z][a-z0-9/-]{1,31}$", examples=["utils"])] = Field(
        default="utils", description="Debian's section."
    )
    depends: dict[Annotated[str, Field(pattern="^(deb|rpm)$")], tuple[_Dependency, ...]] = Field(
        default_factory=dict,
        description="More dependencies by format, in its words; those on glibc and on the compiler's own libraries are "
        "measured, and rpm names any library by itself.",
        examples=[{"deb": ["git"]}],
    )
    shlibs: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$")], _Dependency] = Field(
        default_factory=dict,
        description="Which packages of Debian's bring other libraries that the program needs, as shlibs files say it: "
        "library and dependency.",
        examples=[{"libssl.so.3": "libssl3 (>= 3.0.0)"}],
    )


def plan(spec: LinuxPackageSpec, context: Context) -> list[Action]:
    """One package a format and machine."""
    programs = one_for_each(packed_programs(spec.program, context), lambda one: one.platform.architecture.debian)
    return [_action(spec, context, form, program) for form in dict.fromkeys(spec.formats) for program in programs]


def check(_: LinuxPackageSpec, context: Context) -> Iterator[PlanProblem]:
    """What the formats ask of the project, and what nfpm would take for a variable of the environment."""
    project = context.project
    for key, value in {"description": project.description, "license": project.license}.items():
        if not value:
            yield PlanProblem("kind", f"deb and rpm packages need a {key}", f"write {key} under project")
        elif "$" in value:
            yield PlanProblem("kind", f"the {key} of a package cannot hold a $", f"write another {key} under project")


def _action(spec: LinuxPackageSpec, context: Context, form: Format, program: PackedProgram) -> Action:
    project, platform = context.project, program.platform
    name = spec.name or stem([program], project.version).lower().replace("_", "-")
    if not _NAME.fullmatch(name):
        raise PlanProblem("name", f"no package can be called {name}", "give it a `name` of small letters and digits")
    architecture = platform.architecture.debian if form == "deb" else platform.architecture.rpm
    file = f"{name}_{project.version}_{architecture}.deb"
    if form == "rpm":
        file = f"{name}-{project.version}-{_RELEASE}.{architecture}.rpm"
    return Action(
        id=f"{context.artifact}:{form}@{platform.triple}",
        artifact=context.artifact,
        kind="linux-package",
        target=platform.triple,
        recipe=LinuxPackage(
            form=form,
            program=program,
            name=name,
            version=project.version,
            architecture=architecture,
            maintainer=spec.maintainer,
            description=project.description or "",
            homepage=project.homepage,
            license=project.license or "",
            license_files=licence_names(context),
            section=spec.section,
            depends=spec.depends.get(form, ()),
            shlibs=tuple(sorted(spec.shlibs.items())) if form == "deb" else (),
            epoch=project.epoch,
        ),
        outputs=(Output(file, form, file if context.ship else None),),
        needs=program.needs,
        tools=(nfpm.NAME,),
    )


@dataclass(frozen=True, slots=True)
class LinuxPackage:
    """Lay out what an archive holds as a system has it, have it packed, and read the package again."""

    form: Format
    program: PackedProgram
    name: str
    version: str
    architecture: str
    maintainer: str
    description: str
    homepage: str | None
    license: str
    license_files: tuple[str, ...]
    section: str
    depends: tuple[str, ...]
    epoch: int
    shlibs: tuple[tuple[str, str], ...] = ()
    compressor: str = deflate.COMPRESSOR

    def make(self, context: ActionContext) -> None:
        """Write the package; raises VerificationError for a program that needs what no package is known to bring."""
        contents = dict(self._contents(context))
        folder = context.folder / "contents"
        rows = []
        for number, (path, content) in enumerate(sorted(contents.items())):
            source = folder / str(number)
            source.parent.mkdir(exist_ok=True)
            source.write_bytes(content)
            form = _rpm_type(path) if self.form == "rpm" else ""  # nfpm leaves such files out of a deb
            rows.append(PackageContent(source, path, path == self._program_path, form))
        package = PackageDescription(
            name=self.name,
            version=package_version(self.version),
            release=_RELEASE,
            architecture=self.architecture,
            maintainer=self.maintainer,
            description=f"{self.description}\n{self._extended()}",
            license=self.license,
            homepage=self.homepage,
            section=self.section,
            depends=(*self._dependencies(context), *self.depends),
            epoch=self.epoch,
        )
        config, output = context.folder / "nfpm.json", context.output(self.form)
        config.write_text(nfpm.configuration(package, tuple(rows)), encoding="utf-8")
        context.run(nfpm.package_command(context.toolchain, self.form, config, output, self.epoch))
        self._read_again(output, package, contents)

    @property
    def _program_path(self) -> str:
        return f"usr/bin/{self.program.command}"

    def _extended(self) -> str:
        return f"This is the program {self.program.command} {self.version}, with its documentation."

    def _contents(self, context: ActionContext) -> Iterator[tuple[str, bytes]]:
        """Path and content of each file; raises VerificationError for two with one path."""
        files = sorted_files(self.program, self.program.members(context), self.license_files)
        paths: dict[str, str] = {}
        for file in files:
            if self._is_in_copyright(file):
                continue
            path = self._path(file)
            if other := paths.get(path):
                raise VerificationError(
                    f"{other} and {file.member.name} would both be installed as /{path}",
                    hint="give one of them another name in the archive of the program",
                )
            paths[path] = file.member.name
            content = file.member.read()
            yield path, deflate.gzip_bytes(content, deflate.BEST) if file.use == "man" else content
        if self.form == "deb":
            yield f"{self._documentation}/copyright", self._copyright(files)
            yield f"{self._documentation}/changelog.Debian.gz", deflate.gzip_bytes(self._changelog(), deflate.BEST)

    @property
    def _documentation(self) -> str:
        return f"usr/share/doc/{self.name}"

    def _path(self, file: PackedFile) -> str:
        """Where a file is installed (Filesystem Hierarchy Standard 3.0; Debian Policy 12.5, 12.7)."""
        paths: dict[Use, str] = {
            "program": self._program_path,
            "man": f"usr/share/man/man{file.section}/{file.name}.gz",
            "bash": f"usr/share/bash-completion/completions/{file.name}",
            "zsh": f"usr/share/zsh/{_ZSH[self.form]}/{file.name}",
            "fish": f"usr/share/fish/vendor_completions.d/{file.name}",
            "licence": f"{self._licences}/{file.name}",
            "other": f"{self._documentation}/{file.name}",
        }
        return paths[file.use]

    @property
    def _licences(self) -> str:
        return self._documentation if self.form == "deb" else f"usr/share/licenses/{self.name}"

    def _is_in_copyright(self, file: PackedFile) -> bool:
        """Whether Debian has a text in `copyright`: the program's own, and not those of all that is linked in."""
        return self.form == "deb" and file.use == "licence" and file.name != notices.FILE

    def _copyright(self, files: Iterable[PackedFile]) -> bytes:
        """The licences in the one file that Debian has for them (Debian Policy, 12.5)."""
        head = f"{self.name} {self.version}\n"
        head += f"Source: {self.homepage}\n" if self.homepage else ""
        texts = [file.member.read().strip() for file in files if self._is_in_copyright(file)]
        return b"\n\n".join([f"{head}License: {self.license}".encode(), *texts]) + b"\n"

    def _changelog(self) -> bytes:
        """The one entry that says which release this is (Debian Policy, 4.4)."""
        date = datetime.fromtimestamp(self.epoch, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        version = f"{package_version(self.version)}-{_RELEASE}"
        lines = f"{self.name} ({version}) stable; urgency=medium\n\n  * Release {self.version}.\n\n"
        return f"{lines} -- {self.maintainer}  {date}\n".encode()

    def _dependencies(self, context: ActionContext) -> tuple[str, ...]:
        recorded = context.recorded(self.program.program.id)
        program = recorded.of(ProgramFacts)
        if self.program.platform.floor_name is None and program and program.interpreter:
            raise VerificationError(
                f"{self.program.command} is started by {program.interpreter}, which systems with deb or rpm have not",
                where=context.action.id,
                hint="link it statically, which is Rust's default for musl, or select targets with glibc",
            )
        measured = recorded.compiled["program"]
        if self.form == "rpm":
            return rpm_dependencies(measured, self.program.platform)
        known, unknown = debian_dependencies(measured, dict(self.shlibs))
        if unknown:
            raise VerificationError(
                f"{self.program.command} needs {' and '.join(unknown)}, and which package of Debian's brings that "
                "cannot be measured",
                where=context.action.id,
                hint=f"name it: `shlibs: {{{unknown[0]}: PACKAGE}}` under {context.action.artifact}",
            )
        return known

    def _read_again(self, path: Path, package: PackageDescription, contents: Mapping[str, bytes]) -> None:
        """Refuse a package that is not what was asked for. Raises VerificationError."""
        if self.form == "deb":
            read = deb.read_deb(path)
            stated = {key: read.fields.get(key) for key in ("Package", "Version", "Architecture", "Maintainer")}
            expected = {
                "Package": package.name,
                "Version": f"{package.version}-{package.release}",
                "Architecture": package.architecture,
                "Maintainer": package.maintainer,
            }
            members = read.entries
        else:
            rpm_package = rpm.read_rpm(path)
            stated = dict(rpm_package.fields)
            expected = {
                "name": package.name,
                "version": package.version,
                "release": package.release,
                "license": package.license,
                "architecture": package.architecture,
            }
            members = rpm_package.members
        digests = {member.name: Digest.of(member.read()) for member in members if member.regular}
        if stated != expected or digests != {name: Digest.of(content) for name, content in contents.items()}:
            raise VerificationError(
                f"nfpm wrote another package than it was told to: {path.name}",
                hint="report this with the configuration of the package",
            )


def _rpm_type(path: str) -> Literal["", "doc", "license"]:
    if path.startswith("usr/share/licenses/"):
        return "license"
    return "doc" if path.startswith(("usr/share/doc/", "usr/share/man/")) else ""


def package_version(version: str) -> str:
    """A version as both formats order it: what follows the first dash comes before the release (Debian Policy, 5.6.12).

    >>> package_version("1.2.3-rc.1"), package_version("1.0.0-dev-21")
    ('1.2.3~rc.1', '1.0.0~dev.21')
    """
    release, dash, rest = version.partition("-")
    return release + dash.replace("-", "~") + rest.replace("-", ".")


def debian_dependencies(measured: MeasuredFile, shlibs: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Packages of Debian's that bring what a program needs, and the libraries of which that is not known.

    `shlibs` are dependencies by library that are stated.
    """
    libc = [name for name in measured.needed if _LIBC.fullmatch(name)]
    packages = [f"libc6 (>= {measured.glibc})" if measured.glibc else "libc6"] if libc else []
    bringing = {**_DEBIAN, **shlibs}
    packages += [bringing[name] for name in measured.needed if name in bringing]
    return tuple(dict.fromkeys(packages)), tuple(name for name in measured.needed if name not in {*libc, *bringing})


def rpm_dependencies(measured: MeasuredFile, platform: Platform) -> tuple[str, ...]:
    """What a program needs in the words of rpm: glibc by its version, any other library by its name and width."""
    libc = [name for name in measured.needed if _LIBC.fullmatch(name)]
    packages = [f"glibc >= {measured.glibc}" if measured.glibc else "glibc"] if libc else []
    width = "()(64bit)" if platform.architecture.data_model.pointer == 8 else ""  # noqa: PLR2004 - bytes
    return (*packages, *(f"{name}{width}" for name in measured.needed if name not in libc))


def _unsupported(platform: Platform) -> str | None:
    return None if platform.system == "linux" else f"deb and rpm are for Linux, and this is {platform.title}"


KIND = Kind(
    name="linux-package",
    spec=LinuxPackageSpec,
    plan=plan,
    check=check,
    summary="deb and rpm packages of a program",
    unsupported=_unsupported,
    packs=False,
)
