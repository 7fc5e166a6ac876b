"""All programs that a plan needs, found and checked together; once found, believed until one changes."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import StorageError, ToolchainError
from ferrule.core.model import Digest, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.safe_files import lockable, open_new, read_regular
from ferrule.core.toolchain import RustSource, Toolchain
from ferrule.formats import magic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer, ToolProblem
    from ferrule.tools.rust import Rust

_FORMAT: Final = 1
_OF_RUST: Final = frozenset({"rustc", "cargo", "cbindgen", "wasm-component-ld", "wasm-ld", "rust-objcopy"})
_CHANGEABLE: Final = ("container", "qemu-")  # what a stat of a program cannot vouch for


@dataclass(frozen=True, slots=True)
class ToolRequirements:
    """What is needed: versions as targets.yaml gives them, target triples, and the names of the tools to be used.

    `rust_source` is how to install Rust. `go` and `jco` are exact; `node` is the version of the wheel that provides one
    where it is missing.
    """

    rust: str
    zig: str
    cargo_zigbuild: str
    cbindgen: str
    triples: tuple[str, ...]
    tools: frozenset[str]
    rust_source: RustSource | None = None
    go: str = "1.27.3"
    node: str = "24.19.0"
    jco: str = "0.15.0"
    cibuildwheel: str = "4.3.3"

    @property
    def needed(self) -> frozenset[str]:
        """The tools, with those that others cannot do without."""
        needed = set(self.tools)
        if needed & {"cbindgen", "wasm-component-ld", "wasm-ld", "cargo-zigbuild"} or self.triples:
            needed |= {"rustc", "cargo"}
        if "cargo" in needed:
            needed.add("cc")
        if "cargo-zigbuild" in needed:
            needed.add("zig")
        if "cargo" in needed and any(PLATFORMS[t].system == "macos" for t in self.triples):
            needed.add("rust-objcopy")
        return frozenset(needed)

    @property
    def wasm_linker(self) -> bool:
        """Whether the linkers of Rust's LLVM are needed."""
        return bool(self.needed & {"wasm-component-ld", "wasm-ld", "rust-objcopy"})


def published(tool: Tool) -> str | None:
    """Digest of a program as it was published.

    None for one that was compiled or written on its machine, whose bytes tell of its folders, and where any will do.
    """
    path = Path(tool.argv[0]) if len(tool.argv) == 1 else None
    if tool.sha256 or path is None or not path.is_file():
        return tool.sha256
    if tool.identity == tool.name or (path.parents[1] / ".crates.toml").exists():
        return None
    with path.open("rb") as stream:
        if not stream.read(4).startswith(magic.NATIVE):
            return None
    return Digest.of_file(path).hex


def find(requirements: ToolRequirements, host: Host) -> Toolchain | list[ToolProblem]:
    """Everything that is requirements, or all faults at once; what was found is remembered for `load`.

    Raises StorageError if the cache cannot be written.
    """
    tools, faults, rust = look(requirements, host)
    return faults or settle(requirements, host, tools, rust)


def settle(requirements: ToolRequirements, host: Host, tools: Mapping[str, Tool], rust: Rust | None) -> Toolchain:
    """The toolchain of what `look` found without a fault; remembers it for `load`. Raises StorageError."""
    toolchain = Toolchain(
        rust_source=_rust_source(host, rust),
        tools=tools,
        std={t: rust.std[t] for t in requirements.triples} if rust else {},
        sysroot=rust.sysroot if rust else Path("/"),
    )
    _remember(requirements, host, toolchain)
    return toolchain


def look(requirements: ToolRequirements, host: Host) -> tuple[dict[str, Tool], list[ToolProblem], Rust | None]:
    """Look for every requirements tool: what was found, what is wrong, and the Rust if that is complete."""
    from ferrule.tools import rust as rusts  # noqa: PLC0415
    from ferrule.tools.problems import ToolProblem  # noqa: PLC0415

    needed = requirements.needed
    tools: dict[str, Tool] = {}
    faults: list[ToolProblem] = []
    rust: Rust | None = None
    if needed & _OF_RUST:
        answer = rusts.find(
            host,
            requirements.rust,
            requirements.triples,
            rust_source=requirements.rust_source,
            wasm_linker=requirements.wasm_linker,
        )
        if isinstance(answer, list):
            faults += answer
        else:
            rust = answer
            tools |= {tool.name: tool for tool in rusts.tools(rust)}
    for found in (*_of_rust(requirements, host, rust), *_others(requirements, host)):
        if isinstance(found, ToolProblem):
            faults.append(found)
        else:
            tools[found.name] = found
    return tools, faults, rust


def _of_rust(requirements: ToolRequirements, host: Host, rust: Rust | None) -> Iterable[Tool | ToolProblem]:
    from ferrule.tools import rust as rusts  # noqa: PLC0415
    from ferrule.tools import wasm  # noqa: PLC0415

    finders = {
        "wasm-component-ld": wasm.component_linker,
        "wasm-ld": wasm.core_linker,
        "rust-objcopy": wasm.object_copier,
    }
    asked = [name for name in finders if name in requirements.needed]
    if rust is None or not asked:
        return  # a missing Rust brings them along; naming them now would be guessing
    for name in asked:
        found = finders[name](host, rust, _NO_REMEDY)
        if isinstance(found, Tool):
            yield found
        else:
            installer = rusts.choose_installer(
                host, requirements.rust, requirements.triples, rust_source=requirements.rust_source, wasm_linker=True
            )
            yield finders[name](host, rust, wasm.installer_for(host, rust, installer))


@dataclass(frozen=True, slots=True)
class _Nothing:
    """A remedy for the first look, when nobody knows yet whether one will be needed."""

    method = ""
    stage = 0
    needs = ()

    def command(self, host: Host) -> str:  # noqa: ARG002
        return ""

    def blocked_reason(self, host: Host) -> str | None:  # noqa: ARG002
        return None

    def install(self, host: Host, tools: object, say: object) -> None:
        """Nothing to do."""


_NO_REMEDY: Final[Installer] = _Nothing()


def _others(requirements: ToolRequirements, host: Host) -> Iterable[Tool | ToolProblem]:
    from ferrule.tools import cbindgen, cc, cibuildwheel, container, emulation, go, jco, node, zig, zigbuild  # noqa: PLC0415

    needed = requirements.needed
    finders: dict[str, Callable[[], Tool | ToolProblem]] = {
        "cc": lambda: cc.find(host),
        "zig": lambda: zig.find(host, requirements.zig),
        "cargo-zigbuild": lambda: zigbuild.find(host, requirements.cargo_zigbuild),
        "cbindgen": lambda: cbindgen.find(host, requirements.cbindgen),
        "go": lambda: go.find(host, requirements.go),
        "node": lambda: node.find(host, requirements.node),
        "jco": lambda: jco.find(host, requirements.jco, requirements.node),
        cibuildwheel.NAME: lambda: cibuildwheel.find(host, requirements.cibuildwheel),
        container.NAME: lambda: container.find(host),
    }
    yield from (finder() for name, finder in finders.items() if name in needed)
    for name in sorted(needed):
        if name.startswith("qemu-"):
            yield emulation.find(host, name.removeprefix("qemu-"))


def _rust_source(host: Host, rust: Rust | None) -> RustSource:
    if rust is None:
        return "installed"
    if host.rustup_home and host.rustup_home.resolve() in rust.rustc.resolve().parents:
        return "rustup"
    return "distribution" if rust.rustc.parent == host.programs else "installed"


def load(requirements: ToolRequirements, host: Host) -> Toolchain | None:
    """What `find` found for the same wish, if every program is still the same file; starts no process.

    No file vouches for a container engine or the kernel's table of emulators: a wish for them is looked for again.
    """
    if any(name.startswith(_CHANGEABLE) for name in requirements.needed):
        return None
    try:
        document = json.loads(read_regular(_record(requirements, host)))
        if document["format"] != _FORMAT or any(_stat(Path(p)) != tuple(s) for p, s in document["files"].items()):
            return None
        return Toolchain.from_json(document["toolchain"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # absent, damaged or of another version: looked for again


def _remember(requirements: ToolRequirements, host: Host, toolchain: Toolchain) -> None:
    from filelock import FileLock  # noqa: PLC0415

    from ferrule.tools.rust import std_source  # noqa: PLC0415

    # A program of another program's (a script, a folder of modules) follows it.
    places = [Path(part) for tool in toolchain.tools.values() for part in tool.argv if part.startswith("/")]
    if "build-std" in toolchain.std.values():
        places.append(std_source(toolchain.sysroot) / "library")
    files = {str(place): _stat(place) for place in places if place.exists()}
    document = {"format": _FORMAT, "files": files, "toolchain": toolchain.to_json()}
    record = _record(requirements, host)
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lockable(record.with_name(f"{record.name}.lock"))):
            _write(record, json.dumps(document, indent=1, sort_keys=True))
    except OSError as error:
        raise StorageError(f"cannot write {record}: {error.strerror}", where=str(record)) from error


def _write(record: Path, text: str) -> None:
    """Write aside, always under the same name: what a killed run left there, the next one takes away."""
    aside = record.with_name(f"{record.name}.part")
    try:
        with open_new(aside) as stream:
            stream.write(text.encode())
        aside.replace(record)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def _record(requirements: ToolRequirements, host: Host) -> Path:
    wish = {
        "requirements": asdict(requirements) | {"tools": sorted(requirements.needed)},
        "path": [str(folder) for folder in host.path],
        "given": {name: host.environment.get(name) for name in ("RUSTC", "CARGO", "RUSTUP_HOME", "HOME")},
    }
    digest = Digest.of(json.dumps(wish, sort_keys=True).encode())
    return host.cache / "toolchain" / f"{digest.short}.json"


def _stat(path: Path) -> tuple[int, int, int]:
    facts = path.stat()
    return (facts.st_size, facts.st_mtime_ns, facts.st_ino)


def require(requirements: ToolRequirements, host: Host) -> Toolchain:
    """The toolchain, remembered or found; raises ToolchainError that lists every fault with its fix."""
    found = load(requirements, host) or find(requirements, host)
    if isinstance(found, Toolchain):
        return found
    lines = [
        f"  - {fault.tool}{f' {fault.required}' if fault.required else ''}: {fault.problem}\n      fix: {fault.fix}"
        for fault in found
    ]
    number = len({fault.tool for fault in found})
    count = "1 tool is" if number == 1 else f"{number} tools are"
    may = any(fault.fixable for fault in found)
    hint = "Run `ferrule setup` to install these." if may else "`ferrule setup` cannot install these on this machine"
    raise ToolchainError("\n".join([f"{count} missing or unfit:", *lines]), hint=hint)
