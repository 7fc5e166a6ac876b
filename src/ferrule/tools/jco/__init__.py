"""jco's transpiler, which makes JavaScript of components: its finding, its installation by npm, its command line.

npm itself needs no installation: it lies beside the Node.js that runs it, or comes in the wheel that brings Node.js.
"""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Tool
from ferrule.core.safe_files import clear, lockable
from ferrule.tools import node as nodes
from ferrule.tools.command import Command
from ferrule.tools.definition import EXACT_VERSION, ToolDefinition
from ferrule.tools.installers import pip
from ferrule.tools.problems import NO_NETWORK, ToolProblem
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.host import Host

PACKAGE: Final = "@bytecodealliance/jco-transpile"
SHIM: Final = "@bytecodealliance/preview2-shim"
_HERE: Final = Path(__file__).parent
_MARKER: Final = ".complete"
_OPTIONS: Final = (
    # Nothing of a package runs while it is installed, and nobody is asked about it.
    *("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"),
    # What a user's settings may say otherwise, and what is installed would not be what is locked, or not whole.
    *("--location=project", "--package-lock", "--include=optional"),
)

_UNREACHABLE: Final = (
    *("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH"),
    *("ENOTCACHED", "ERR_SOCKET_TIMEOUT", "FETCH_ERROR"),
)
# What npm says, what that is, and what to do.
_PROBLEMS: Final = (
    (("ENOSPC", "EDQUOT"), StorageError, "the disk is full", "free some space in {cache} and run ferrule setup again"),
    (
        ("EINTEGRITY",),
        ToolchainError,
        "npm's registry gave another file than the one that is locked",
        "look at the registry that npm is configured for: npm config get registry",
    ),
    (
        ("ETARGET", "E404"),
        ToolchainError,
        "npm's registry does not offer it",
        "correct the version in targets.yaml (toolchain:), or the registry that npm is configured for",
    ),
    (
        ("SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER_CERT", "UNABLE_TO_VERIFY_LEAF", "CERT_"),
        NetworkError,
        "the certificate of npm's registry is not trusted here",
        "name the file with your authority's certificates in NODE_EXTRA_CA_CERTS",
    ),
    (
        ("EACCES", "EPERM", "EROFS"),
        StorageError,
        "{cache}, or the folder of npm's own cache, cannot be written",
        "make both writable",
    ),
)


def folder(host: Host, version: str) -> Path:
    """Where that version is, or would be, installed."""
    return host.cache / "tools" / f"jco-{version}"


def find(host: Host, version: str, wheel: str) -> Tool | ToolProblem:
    """Exactly that version, installed whole, and a Node.js to run it; `wheel` is the one that would bring Node.js.

    What it makes depends on neither Node.js nor the machine, so its identity names its own version only.
    """
    node = nodes.find(host, wheel)
    target = folder(host, version)
    if isinstance(node, ToolProblem):
        problem = f"Node.js {node.required}, which runs it, is {node.problem}"
        return ToolProblem("jco", problem, node.fix, node.fixable, node.installer, version, node.version)
    if (target / _MARKER).is_file():
        return Tool("jco", version, (*node.argv, str(target)), f"jco {version}")
    if npm(host, node.argv, wheel) is None:
        problem = "not installed, and neither is npm, which installs it"
        return ToolProblem.with_installer(host, "jco", problem, pip.PinnedWheel(nodes.WHEEL, wheel), required=version)
    return ToolProblem.with_installer(host, "jco", "not installed", Npm(version, wheel), required=version)


def npm(host: Host, node: tuple[str, ...], wheel: str) -> tuple[str, ...] | None:
    """The command that starts npm: the one beside this Node.js, that of the machine, or that of the wheel."""
    cli = Path("lib", "node_modules", "npm", "bin", "npm-cli.js")
    beside, package = Path(node[0]).resolve().parent.parent / cli, nodes.folder(host, wheel) / cli
    installed = host.which("npm")
    script = next((p for p in (beside, installed and installed.resolve(), package) if p and p.is_file()), None)
    if script is None:
        return None
    # Run by the Node.js that was found: the one that a script's first line finds may be older than npm needs.
    return (*node, str(script)) if script.suffix == ".js" else (str(script),)


def lock() -> dict[str, Any]:
    """Ferrule's own lock of jco and all it needs (npm, "package-lock.json"): by place, version and digest."""
    packages: dict[str, Any] = json.loads((_HERE / "package-lock.json").read_bytes())["packages"]
    return packages


def transpile_command(toolchain: Toolchain, component: Path, output: Path, name: str) -> Command:
    """The command that makes NAME.js, NAME.d.ts, NAME.core*.wasm and interfaces/*.d.ts of a component, in a folder."""
    *node, target = toolchain.tool("jco").argv
    return Command((*node, str(_HERE / "transpile.mjs"), target, str(component), str(output), name), {}, output)


def shim_version(toolchain: Toolchain) -> str:
    """Version of preview2-shim, which gives JavaScript what WASI 0.2 has, that this jco was made with.

    Raises ToolchainError for a jco that was installed without it.
    """
    manifest = Path(toolchain.tool("jco").argv[-1]) / "node_modules" / SHIM / "package.json"
    try:
        return str(json.loads(manifest.read_bytes())["version"])
    except (OSError, ValueError, KeyError) as error:
        hint = "install jco again: delete its folder, and run ferrule setup"
        raise ToolchainError("jco was installed without preview2-shim", where=str(manifest), hint=hint) from error


@dataclass(frozen=True, slots=True)
class Npm:
    """Install that version with npm into the cache.

    The version that Ferrule has a lock for is installed with the digests of that lock; of another one, npm checks what
    the registry says of it.
    """

    version: str
    wheel: str

    method = "npm"
    stage = 2
    needs = ()

    def command(self, host: Host) -> str:
        """The command that a person would type; the marker tells Ferrule that the folder is whole."""
        target = folder(host, self.version)
        install = shlex.join(["npm", "install", *_OPTIONS, "--prefix", str(target), f"{PACKAGE}@{self.version}"])
        return f"{install} && touch {shlex.quote(str(target / _MARKER))}"

    def blocked_reason(self, host: Host) -> str | None:
        """Whether there is a network."""
        return NO_NETWORK if host.offline else None

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:  # noqa: ARG002
        """Install aside, check, mark, rename, all under a lock; raises NetworkError, ToolchainError or StorageError."""
        from filelock import FileLock  # noqa: PLC0415 - 38 ms

        target = folder(host, self.version)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lockable(target.with_name(target.name + ".lock"))):
                if (target / _MARKER).is_file():
                    return  # another process has done it while we waited
                sure = "" if self._locked else ", a version whose digests Ferrule does not know"
                say(f"jco {self.version}: by npm into {target}{sure}")
                self._install(host, target)
        except OSError as error:
            raise StorageError(f"cannot write {target}: {error.strerror}", where=str(target)) from error

    @property
    def _locked(self) -> bool:
        return bool(lock()[f"node_modules/{PACKAGE}"]["version"] == self.version)

    def _install(self, host: Host, target: Path) -> None:
        aside = target.with_name(target.name + ".part")
        clear(aside)
        aside.mkdir()
        try:
            self._fetch(host, aside)
            _check(aside, self.version, lock() if self._locked else None)
        except ToolFailed as failed:
            raise self._explain(host, failed) from failed
        else:
            (aside / _MARKER).write_text(f"{PACKAGE}@{self.version}\n", encoding="utf-8")
            clear(target)
            aside.rename(target)
        finally:
            clear(aside)

    def _fetch(self, host: Host, target: Path) -> None:
        node = nodes.find(host, self.wheel)
        command = None if isinstance(node, ToolProblem) else npm(host, node.argv, self.wheel)
        if command is None:
            raise ToolchainError("jco cannot be installed: Node.js or npm is gone", hint="ferrule doctor")
        document = json.loads((_HERE / "package.json").read_bytes())
        document["dependencies"][PACKAGE] = self.version
        (target / "package.json").write_text(json.dumps(document), encoding="utf-8")
        if self._locked:
            # Not `npm ci`: it refuses the lock, as some packages that jco names for other systems were never published.
            shutil.copyfile(_HERE / "package-lock.json", target / "package-lock.json")
        capture([*command, "install", *_OPTIONS, "--prefix", str(target)], env=host.children, cwd=target)

    def _explain(self, host: Host, failed: ToolFailed) -> NetworkError | StorageError | ToolchainError:
        output, message = failed.stdout + failed.stderr, f"jco {self.version} could not be installed"
        for signs, kind, problem, hint in _PROBLEMS:
            if any(sign in output for sign in signs):
                return kind(f"{message}: {problem.format(cache=host.cache)}", hint=hint.format(cache=host.cache))
        by_hand = f"where there is a network, run: {self.command(host)}"
        if any(sign in output for sign in _UNREACHABLE):
            return NetworkError(f"{message}: npm's registry cannot be reached", hint=by_hand)
        return ToolchainError(message, hint=by_hand, output=failed.output)


def _check(target: Path, version: str, locked: Mapping[str, Any] | None) -> None:
    """Compare what npm says it installed with the version that was asked for, and with the lock; raises ToolchainError.

    npm rewrites a lock that it cannot follow instead of failing, so it has to be asked what it did.
    """
    try:
        installed = json.loads((target / "node_modules" / ".package-lock.json").read_bytes())["packages"]
    except (OSError, ValueError, KeyError) as error:
        raise ToolchainError("npm installed nothing that could be checked", hint="install a newer npm") from error
    package = f"node_modules/{PACKAGE}"
    strangers = [] if installed.get(package, {}).get("version") == version else [package]
    if locked is not None:
        strangers += [name for name, row in installed.items() if _identity(row) != _identity(locked.get(name, {}))]
    if strangers:
        name = strangers[0].rpartition("node_modules/")[2]
        hint = "look at npm's version, its registry and its settings: `npm config list`"
        raise ToolchainError(f"npm did not install {name} as it is locked", hint=hint)


def _identity(row: Mapping[str, Any]) -> tuple[object, object]:
    return row.get("version"), row.get("integrity")


TOOL: Final = ToolDefinition(
    name="jco",
    version="0.15.0",
    setting="Version of jco, which makes JavaScript of components: exactly this one.",
    pattern=EXACT_VERSION,
    find=lambda search: [find(search.host, search.versions["jco"], search.versions["node"])],
)
