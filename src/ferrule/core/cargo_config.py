"""Cargo's own settings, `.cargo/config.toml`, as far as they decide what is compiled (The Cargo Book, "Configuration").

Cargo reads most of them itself while Ferrule builds: `[env]`, `[profile]`, `[source]`, `[net]`. Flags for rustc it
would drop, as Ferrule passes some of its own by a variable that takes their place; so they are read here and passed
along. What Ferrule decides differently (the linker, the compiler) is refused with its place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.platforms import PLATFORMS
from ferrule.core.rustflags import refused_flag
from ferrule.core.toml_file import LARGEST, parse, position

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

_TOOLS_OF_C: Final = ("CC", "CXX", "AR", "RANLIB", "CMAKE_TOOLCHAIN_FILE")
"""Variables that cargo-zigbuild sets, each with the name of the target at its end."""
_MACOS_FLOOR: Final = "MACOSX_DEPLOYMENT_TARGET"
_NAMES: Final = ("config", "config.toml")  # where there are both, Cargo reads the first and warns
_MOST_FILES: Final = 64
_CACHES: Final = frozenset({"sccache", "ccache", "cachepot", "kache"})
"""Wrappers that keep what rustc made and change nothing of it."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One file of settings: its path, how messages name it, its text and what it says."""

    path: Path
    name: str
    text: str
    values: Mapping[str, Any]

    def at(self, *keys: str) -> str:
        """`file:line:column` of a key."""
        return position(self.text, self.name, keys)


@dataclass(frozen=True, slots=True)
class CargoSettings:
    """All files that hold for a folder, the one that counts most first."""

    files: tuple[SettingsFile, ...] = ()

    def value(self, *keys: str) -> Any:  # noqa: ANN401 - whatever the files say
        """The value of a key: lists are joined, what counts more last; of other values the one that counts most."""
        result: Any = None
        for file in reversed(self.files):
            value: Any = file.values
            for key in keys:
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, list) and isinstance(result, list):
                result = [*result, *value]
            elif value is not None:
                result = value
        return result

    def keys(self, *path: str) -> tuple[str, ...]:
        """The keys of a table, of all files, in alphabetical order."""
        tables = (CargoSettings((file,)).value(*path) for file in self.files)
        return tuple(sorted({key for table in tables if isinstance(table, dict) for key in table}))

    def at(self, *keys: str) -> str:
        """`file:line:column` of a key, in the file that counts most of those that have it."""
        files = (file for file in self.files if CargoSettings((file,)).value(*keys) is not None)
        return next(file.at(*keys) for file in files)

    @property
    def profiles(self) -> tuple[str, ...]:
        """Names of the profiles that are set here."""
        return self.keys("profile")

    def rustflags(self, triple: str, cfg: Collection[str] = ()) -> tuple[str, ...]:
        """Flags for rustc that Cargo takes for a target ("build.rustflags").

        Those of the target and of every `cfg(…)` that holds for it, or else those of `[build]`. `cfg` is what
        `rustc --print cfg` lists. Raises ConfigError for flags that are no text or list of texts.
        """
        tables = [triple, *(key for key in self.conditions() if holds(key, cfg))]
        flags = [flag for table in tables for flag in self._flags("target", table, "rustflags")]
        return tuple(flags or self._flags("build", "rustflags"))

    def environment(self) -> dict[str, str]:
        """What Cargo gives to the programs that it starts, where nobody else does ("env")."""
        values = {name: self.value("env", name) for name in self.keys("env")}
        texts = {name: value.get("value") if isinstance(value, dict) else value for name, value in values.items()}
        return {name: text for name, text in texts.items() if isinstance(text, str)}

    def conditions(self) -> tuple[str, ...]:
        """The `cfg(…)` that have flags for rustc."""
        keys = self.keys("target")
        return tuple(k for k in keys if k.startswith("cfg(") and self.value("target", k, "rustflags") is not None)

    def _flags(self, *keys: str) -> list[str]:
        value = self.value(*keys)
        if value is None:
            return []
        if isinstance(value, str):
            return value.split()
        if isinstance(value, list) and all(isinstance(flag, str) for flag in value):
            return value
        raise ConfigError("flags for rustc are a text or a list of texts", where=self.at(*keys), hint="correct it")


def read_settings(project: Path, folder: str, home: Path | None = None) -> CargoSettings:
    """Read the settings that hold for a folder of the project: its own, those of all parents, and Cargo's home.

    Raises ConfigError with file, line and column.
    """
    files: list[SettingsFile] = []
    for configured in _folders(project, folder, home):
        path = next((configured / name for name in _NAMES if (configured / name).is_file()), None)
        if path is not None:
            files += _read(path, project.resolve(), [*files])
    return CargoSettings(tuple(files))


def searched(project: Path, folder: str) -> Iterator[Path]:
    """Where `read_settings` looks for files, there or not, without Cargo's home and what they include; absolute."""
    return (configured / name for configured in _folders(project, folder) for name in _NAMES)


def _folders(project: Path, folder: str, home: Path | None = None) -> tuple[Path, ...]:
    root = (project / folder).resolve()
    return tuple(dict.fromkeys((*(parent / ".cargo" for parent in (root, *root.parents)), *([home] if home else []))))


def included(project: Path, folder: str, home: Path | None = None) -> tuple[Path, ...]:
    """Files that the settings for a folder include, as `read_settings`, and that Cargo would not look for otherwise."""
    files = read_settings(project, folder, home).files
    return tuple(f.path.resolve() for f in files if f.path.name not in _NAMES or f.path.parent.name != ".cargo")


def _read(path: Path, project: Path, others: list[SettingsFile]) -> Iterator[SettingsFile]:
    """A file and those that it includes, which count less (The Cargo Book, "include")."""
    inside = path.is_relative_to(project)
    name = path.relative_to(project).as_posix() if inside else str(path)
    if len(others) >= _MOST_FILES:
        raise ConfigError("these settings of Cargo include too many files", where=name, hint="include fewer")
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"these settings of Cargo cannot be read: {error.strerror}", where=name) from error
    if len(data) > LARGEST:
        raise ConfigError("these settings of Cargo are larger than 1 MiB", where=name, hint="write fewer")
    values = parse(data, name, "file with Cargo's settings", "correct it: Cargo would refuse it too")
    file = SettingsFile(path, name, data.decode("utf-8"), values)
    yield file
    seen = [*others, file]
    for entry, optional in reversed(list(_included(file))):
        target = path.parent / entry
        if target.is_file() and all(target != other.path for other in seen):
            more = list(_read(target, project, seen))
            seen += more
            yield from more
        elif not optional and not target.is_file():
            raise ConfigError(f"there is no file {entry}", where=file.at("include"), hint="correct `include`")


def _included(file: SettingsFile) -> Iterator[tuple[str, bool]]:
    """What a file includes, and whether it may be missing."""
    value = file.values.get("include", [])
    for item in value if isinstance(value, list) else [value]:
        path = item.get("path") if isinstance(item, dict) else item
        if not isinstance(path, str):
            raise ConfigError("`include` is a list of paths", where=file.at("include"), hint="correct it")
        yield path, isinstance(item, dict) and item.get("optional") is True


def problems(settings: CargoSettings, triples: Collection[str]) -> Iterator[ConfigError]:
    """What the settings decide for these targets and Ferrule decides otherwise."""
    for key in ("rustc", "rustc-wrapper", "rustc-workspace-wrapper"):
        program = settings.value("build", key)
        is_cache = key != "rustc" and str(program).rpartition("/")[2] in _CACHES
        if program is not None and not (is_cache or program == ""):
            yield ConfigError(
                f"Ferrule does not run rustc by {program!r}",
                where=settings.at("build", key),
                hint="remove it: `toolchain: {rust: …}` names the compiler, FERRULE_COMPILER_CACHE a cache",
            )
    for triple in triples:
        for table in _tables_for(settings, triple):
            if settings.value("target", table, "linker") is not None:
                yield ConfigError(
                    f"Ferrule links {triple} with a linker of its own, so this one would not be used",
                    where=settings.at("target", table, "linker"),
                    hint="remove it; what the linker must be told goes into `rustflags` of the artifact",
                )
    if settings.keys("unstable"):
        yield ConfigError(
            "Ferrule builds with released versions of Cargo, which have no unstable settings",
            where=settings.at("unstable"),
            hint="remove this table",
        )
    yield from _overridden_variables(settings, triples)
    yield from _refused_flags(settings, triples)


def _overridden_variables(settings: CargoSettings, triples: Collection[str]) -> Iterator[ConfigError]:
    """Variables of `[env]` that the build sets itself."""
    linked = [t for t in triples if t in PLATFORMS and not PLATFORMS[t].is_portable]
    ours = {f"{tool}_{name}" for tool in _TOOLS_OF_C for t in linked for name in (t, t.replace("-", "_"))}
    ours |= {_MACOS_FLOOR} if any("-apple-" in triple for triple in triples) else set()
    for name in sorted(ours & {*settings.keys("env")}):
        yield ConfigError(
            f"Ferrule sets {name} itself, so this one would not be used",
            where=settings.at("env", name),
            hint="remove it; `macos` of the target is the oldest version" if name == _MACOS_FLOOR else "remove it",
        )


def _refused_flags(settings: CargoSettings, triples: Collection[str]) -> Iterator[ConfigError]:
    """Flags for rustc that are none, or that no project may state."""
    tables = dict.fromkeys(table for triple in triples for table in (triple, *_tables_for(settings, triple)))
    for path in (("build", "rustflags"), *(("target", table, "rustflags") for table in tables)):
        try:
            flags = settings._flags(*path)  # noqa: SLF001 - of this module
        except ConfigError as error:
            yield error
            continue
        if (refused := refused_flag(flags)) is not None:
            index, reason = refused
            yield ConfigError(
                f"{flags[index]} cannot be a flag for rustc in a release: {reason}",
                where=settings.at(*path),
                hint="remove it there",
            )


# What `rustc --print cfg` calls the machines that triples begin with other words for.
_ARCHITECTURES: Final = {"armv7": "arm", "i686": "x86", "riscv64gc": "riscv64", "powerpc64le": "powerpc64"}
_ABIS: Final = ("eabihf", "llvm")


def _tables_for(settings: CargoSettings, triple: str) -> Iterator[str]:
    """The tables of `[target]` that apply to a triple, as far as its name shows."""
    machine, *others = triple.split("-")
    if len(others) == 1:  # wasm32-wasip1: the vendor is left out, and the system has a version
        others = ["unknown", "wasi", others[0].removeprefix("wasi")]
    vendor, system, *environment = others
    family = "wasm" if machine.startswith("wasm") else "windows" if system == "windows" else "unix"
    libc = "".join(environment)
    abi = next((suffix for suffix in _ABIS if libc.endswith(suffix)), "elfv2" if machine == "powerpc64le" else "")
    cfg = {
        *(family, f'target_family="{family}"', f'target_vendor="{vendor}"'),
        f'target_arch="{_ARCHITECTURES.get(machine, machine)}"',
        f'target_os="{"macos" if system == "darwin" else system}"',
        *(f'target_env="{libc.removesuffix(abi)}"', f'target_abi="{abi}"'),
    }
    for table in settings.keys("target"):
        if table == triple or (table.startswith("cfg(") and _holds_if_readable(table, cfg)):
            yield table


def _holds_if_readable(condition: str, cfg: Collection[str]) -> bool:
    try:
        return holds(condition, cfg)
    except ConfigError:
        return False  # Cargo says what is wrong with it


_FLAGS_OF_THE_ENVIRONMENT: Final = re.compile(
    r"RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_BUILD_RUSTFLAGS|CARGO_TARGET_[A-Z0-9_]+_RUSTFLAGS|CARGO_PROFILE_[A-Z0-9_]+"
)


def environment_problems(environment: Mapping[str, str]) -> Iterator[ConfigError]:
    """Variables that change what Cargo makes; a release is the same everywhere and cannot depend on them."""
    for name in sorted(environment):
        if environment[name] and _FLAGS_OF_THE_ENVIRONMENT.fullmatch(name):
            key = "a profile of Cargo.toml" if "PROFILE" in name else "`rustflags` of the artifact"
            yield ConfigError(
                f"the variable {name} is set, and a release does not depend on a person's environment",
                where=name,
                hint=f"unset it, and state it as {key}",
            )


_TOKEN: Final = re.compile(r'\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|"(?P<text>[^"]*)"|(?P<sign>[(),=]))')
_DEEPEST: Final = 64


def holds(condition: str, cfg: Collection[str]) -> bool:
    """Whether a `cfg(…)` holds where `rustc --print cfg` lists these; raises ConfigError for another form.

    >>> holds('cfg(all(unix, not(target_os = "macos")))', {"unix", 'target_os="linux"'})
    True
    """
    tokens = list(_TOKEN.finditer(condition))
    if "".join(t[0] for t in tokens) != condition.rstrip():
        raise _unknown(condition)
    reader = _Condition([*((t.lastgroup or "", t[t.lastgroup or 0]) for t in tokens), ("end", "")], cfg)
    return reader.whole(condition)


def _unknown(condition: str) -> ConfigError:
    return ConfigError(f"{condition!r} is not a condition that Cargo knows", hint="correct .cargo/config.toml")


@dataclass(slots=True)
class _Condition:
    """A reader of the tokens of a condition, whose end is a token too; IndexError is a form that it does not know."""

    tokens: list[tuple[str, str]]
    cfg: Collection[str]
    index: int = 0

    def whole(self, condition: str) -> bool:
        try:
            self._take("cfg")
            self._take("(")
            result = self._one(0)
            self._take(")")
            self._take("")
        except IndexError:
            raise _unknown(condition) from None
        return result

    def _take(self, text: str) -> None:
        if self.tokens[self.index][1] != text:
            raise IndexError
        self.index += 1

    def _next_is(self, text: str) -> bool:
        return self.tokens[self.index] == ("sign", text)

    def _one(self, depth: int) -> bool:
        kind, name = self.tokens[self.index]
        if kind != "name" or depth > _DEEPEST:
            raise IndexError
        self.index += 1
        if name in ("all", "any", "not") and self._next_is("("):
            values = self._list(depth)
            if name == "not":
                if len(values) != 1:
                    raise IndexError
                return not values[0]
            return all(values) if name == "all" else any(values)
        if self._next_is("="):
            self.index += 1
            kind, text = self.tokens[self.index]
            if kind != "text":
                raise IndexError
            self.index += 1
            return f'{name}="{text}"' in self.cfg
        return name == "true" or (name != "false" and name in self.cfg)

    def _list(self, depth: int) -> list[bool]:
        self._take("(")
        values: list[bool] = []
        while not self._next_is(")"):
            values.append(self._one(depth + 1))
            if not self._next_is(","):
                break
            self._take(",")
        self._take(")")
        return values
