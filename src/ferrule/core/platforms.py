"""One row per Rust target triple: what follows from it and is therefore never typed by a user.

Nobody else branches on the name of a system: whatever differs between targets is a value here or an answer of
`Platform`. A row is its triple, its family (what a system and a C library settle) and its architecture.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

System = Literal["linux", "macos", "windows", "wasm"]
ObjectFormat = Literal["elf", "macho", "coff", "wasm"]
FloorName = Literal["glibc", "macos"]
DebugSymbols = Literal["debuglink", "dsym"]
Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Family:
    """What all targets of one system and C library have in common.

    File names are patterns over `{name}` and `{version}`: `cdylib` and `staticlib` as rustc names them, `versioned` as
    programs load the library, `reference` as other files ask for it, `import_library` what programs are linked with in
    its place. `archive_suffix` is that of the archives that people of the system unpack. `libraries` are always there,
    by name or by a beginning that ends in `/`.

    `zig` is the second half of zig's name of a target, with the `{abi}` of the architecture and the `{floor}`;
    `link_name` the linker's option for the name of a library, `build_id` what rustc is told for a build id where the
    linker adds none by itself; `rustflags` and `c_flags` what a library needs beyond the
    defaults of rustc and of C compilers, `program_rustflags` what a program needs; `floor_variable` is the one that
    carries the floor. `floor_in_target`:
    cargo-zigbuild takes the floor as a suffix of the target. `builds_std`: a compiled standard library will not do.
    `strips_with_objcopy`: rustc strips with rust-objcopy. `links_unwinder`: zig links its own unwinder where libgcc_s
    is not asked for. `cxx_library` is the C++ library that C++ is compiled for, where every compiler of the family has
    it; `std_crates` are crates of the standard library for this family alone. `linked_on` is the system without whose
    own linker nothing is linked for it, where Ferrule does not run; `links_by_file`: such linkers are given the file of
    a library in place of its name. `debug_symbols` is the form of debug symbols beside files; `debug_lines` what rustc
    is asked for, and `c_debug_lines` what C compilers are, for the function, file and line of every frame.

    `wheel` is the pattern of a wheel's platform tag, `wheel_floor` the version in it where targets.yaml has no floor to
    say, and `cibuildwheel` its name of the family; `macros` are what compilers define, and `__LP64__` besides
    where `is_lp64` and pointers have 64 bits;
    `runner_label` begins GitHub's labels of such machines; `uname` is what `uname -s` says. `program_imports` are the
    beginnings of what programs in WebAssembly may import.
    """

    system: System
    libc: str
    title: str
    object_format: ObjectFormat
    cdylib: str
    staticlib: str
    versioned: str
    reference: str
    zig: str
    import_library: str | None = None
    library_folder: str = "lib"
    program_suffix: str = ""
    uname: str | None = None
    archive_suffix: Literal[".tar.gz", ".zip"] = ".tar.gz"
    libraries: tuple[str, ...] = ()
    floor_name: FloorName | None = None
    suggested_floor: str | None = None
    floor_variable: str | None = None
    floor_in_target: bool = False
    link_name: str | None = None
    build_id: tuple[str, ...] = ()
    rustflags: tuple[str, ...] = ()
    program_rustflags: tuple[str, ...] = ()
    c_flags: tuple[str, ...] = ()
    builds_std: bool = False
    strips_with_objcopy: bool = False
    links_unwinder: bool = False
    cxx_library: str | None = None
    linked_on: System | None = None
    links_by_file: bool = False
    std_crates: tuple[str, ...] = ()
    debug_symbols: DebugSymbols | None = None
    debug_lines: str = "line-tables-only"
    c_debug_lines: tuple[str, ...] = ("-gdwarf-4", "-gline-tables-only")
    go: str | None = None
    oci: str | None = None
    npm: str | None = None
    npm_libc: str | None = None
    has_debian: bool = False
    wheel: str | None = None
    wheel_floor: str | None = None
    cibuildwheel: str | None = None
    macros: tuple[str, ...] = ()
    is_lp64: bool = False
    runner_label: str | None = None
    program_imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataModel:
    """Sizes of C's types in bytes, as far as machines differ, and the alignment of numbers of 8 bytes in a struct.

    (System V ABI and its supplements for each processor, "Fundamental Types"; Microsoft, "x64 software conventions".)
    """

    pointer: int = 8
    long: int = 8
    long_double: int = 16
    align_of_8: int = 8


@dataclass(frozen=True, slots=True)
class Architecture:
    """A machine in everybody's words.

    `name` is Zig's; `file` is what measured files call it, `go` GOARCH with `goarm`, `npm` npm's `cpu`, `debian`
    Debian's name, and `debian_cpu` its first word in names of folders where that is not ours; `wheel` is that of a
    wheel's platform tag, `rpm_name` rpm's where that is another. `abi` ends names of its Linux targets (zig's, and
    Debian's for folders).
    """

    name: str
    file: str
    go: str
    npm: str
    debian: str
    wheel: str
    macro: str | None = None
    goarm: str | None = None
    debian_cpu: str | None = None
    abi: str = ""
    data_model: DataModel = DataModel()
    rpm_name: str | None = None

    @property
    def rpm(self) -> str:
        """The name of the architecture in rpm packages (rpm, "Architectures")."""
        return self.rpm_name or self.wheel


@dataclass(frozen=True, slots=True)
class Platform:
    """What a target triple implies: its family, its architecture, and what neither of them settles.

    `elf_interpreter` is the path of the dynamic loader that the psABI names, `floors` the oldest version of the floor
    that Rust runs on and the newest that zig knows (None: no limit), `runner` GitHub's label of a machine that is one
    ("GitHub-hosted runners reference"). `parts` are the targets whose files are joined into one that serves the
    machines of all of them.
    """

    triple: str
    family: Family
    architecture: Architecture
    elf_interpreter: str | None = None
    floors: tuple[Version, Version | None] | None = None
    runner: str | None = None
    parts: tuple[str, ...] = ()

    @property
    def system(self) -> System:
        """The operating system, as measured files name it."""
        return self.family.system

    @property
    def machine(self) -> str:
        """The architecture, as measured files name it."""
        return self.architecture.file

    @property
    def is_native(self) -> bool:
        """Whether it is a machine: WebAssembly runs on all of them."""
        return self.family.object_format != "wasm"

    @property
    def is_portable(self) -> bool:
        """Whether it is WebAssembly without a system: a library for whatever loads it."""
        return not self.is_native and not self.family.program_imports

    @property
    def title(self) -> str:
        """The platform for people: `Linux with glibc on x86_64`."""
        return f"{self.family.title} on {self.machine}" if self.is_native else self.family.title

    @property
    def floor_name(self) -> FloorName | None:
        """The setting that lowers this platform's requirement: `glibc`, `macos` or none."""
        return self.family.floor_name

    def floor_problem(self, value: str) -> tuple[str, str] | None:
        """What a floor `MAJOR.MINOR` has to be, and the nearest that is; None for one that will do."""
        if self.floors is None:
            return None
        version, (oldest, newest) = _numbers(value), self.floors
        if version >= oldest and (newest is None or version <= newest):
            return None
        nearest = oldest if version < oldest or newest is None else newest
        if newest is None:
            expected = f"a macOS of at least {_text(oldest)}, Rust's floor"
        else:
            expected = (
                f"a {self.floor_name} between {_text(oldest)}, Rust's floor, and {_text(newest)}, "
                "the newest that zig knows"
            )
        return expected, _text(nearest)

    @property
    def suggested_floor(self) -> str:
        """A floor that serves most machines in use."""
        suggestion = self.family.suggested_floor or ""
        return suggestion if self.floors is None else _text(max(_numbers(suggestion), self.floors[0]))

    def cdylib(self, name: str) -> str:
        """File name that rustc gives to the `cdylib` of a library crate called `name`."""
        return self.family.cdylib.format(name=name)

    def staticlib(self, name: str) -> str:
        """File name that rustc gives to the `staticlib` of a library crate called `name`."""
        return self.family.staticlib.format(name=name)

    def import_library(self, name: str) -> str | None:
        """File name of what programs are linked with in place of the shared library, where that is another file."""
        pattern = self.family.import_library
        return pattern.format(name=name) if pattern else None

    def program(self, name: str) -> str:
        """File name of a program."""
        return f"{name}{self.family.program_suffix}"

    def reserves(self, name: str) -> bool:
        """Whether the system keeps a file's name for a device (Microsoft, "Naming Files, Paths, and Namespaces").

        >>> PLATFORMS["x86_64-pc-windows-gnullvm"].reserves("Con.tar.gz")
        True
        """
        return self.system == "windows" and name.partition(".")[0].rstrip(" ").upper() in _DEVICES

    def soname(self, name: str, abi: str) -> str:
        """File name under which programs load the library: `lib<name>.so.<abi>`, `lib<name>.<abi>.dylib`, a DLL."""
        return self.family.versioned.format(name=name, version=abi)

    def reference(self, file: str) -> str | None:
        """The name that the library's file carries and other files ask for; None where the format has none."""
        return self.family.reference.format(name=file) if self.family.link_name else None

    def link_options(self, file: str) -> tuple[str, ...]:
        """Options of rustc that give the library that name."""
        reference = self.reference(file)
        return ("-C", f"link-arg=-Wl,{self.family.link_name},{reference}") if reference else ()

    def provides(self, library: str) -> bool:
        """Whether a library is there on every such machine."""
        loader = (self.elf_interpreter or "").rpartition("/")[2]
        return library == loader or any(
            library.startswith(name) if name.endswith("/") else library.lower() == name.lower()
            for name in self.family.libraries
        )

    def zig(self, floor: str | None = None) -> str:
        """Zig's name of the target and its floor: `x86_64-linux-gnu.2.17`, `aarch64-macos.11.0-none`."""
        suffix = f".{floor}" if floor else ""
        return f"{self.architecture.name}-{self.family.zig.format(abi=self.architecture.abi, floor=suffix)}"

    def zigbuild_target(self, floor: str | None) -> str:
        """The target as cargo-zigbuild takes it, with the floor as a suffix where it has one (its README)."""
        return f"{self.triple}.{floor}" if floor and self.family.floor_in_target else self.triple

    def floor_environment(self, floor: str | None) -> dict[str, str]:
        """Variables that carry the floor to compilers and linkers."""
        return {self.family.floor_variable: floor} if floor and self.family.floor_variable else {}

    @property
    def go(self) -> str | None:
        """Go's name: `linux/arm64` (Go, "Installing Go from source", GOOS and GOARCH)."""
        return f"{self.family.go}/{self.architecture.go}" if self.family.go else None

    @property
    def go_environment(self) -> dict[str, str]:
        """GOOS, GOARCH and GOARM of a build; empty where Go knows no such platform."""
        if self.family.go is None:
            return {}
        arm = {"GOARM": self.architecture.goarm} if self.architecture.goarm else {}
        return {"GOOS": self.family.go, "GOARCH": self.architecture.go, **arm}

    @property
    def oci(self) -> str | None:
        """The platform of an OCI image index (image-spec, "Platform object"): `linux/arm64`, `linux/arm/v7`."""
        if self.family.oci is None:
            return None
        variant = f"/v{self.architecture.goarm}" if self.architecture.goarm else ""
        return f"{self.family.oci}/{self.architecture.go}{variant}"

    @property
    def npm(self) -> dict[str, str]:
        """Npm's `os`, `cpu` and `libc` of a package for this platform (package.json, those fields)."""
        if self.family.npm is None:
            return {}
        libc = {"libc": self.family.npm_libc} if self.family.npm_libc else {}
        return {"os": self.family.npm, "cpu": self.architecture.npm, **libc}

    @property
    def debian(self) -> str | None:
        """Debian's name of the architecture, if Debian has libraries for this platform."""
        return self.architecture.debian if self.family.has_debian else None

    @property
    def multiarch(self) -> str | None:
        """Debian's library folder (Debian Policy, "Multiarch")."""
        if not self.family.has_debian:
            return None
        return f"{self.architecture.debian_cpu or self.architecture.name}-linux-gnu{self.architecture.abi}"

    @property
    def uname(self) -> str | None:
        """What `uname -s` and `uname -m` say on such a machine, with a slash between; None where there is no uname."""
        return f"{self.family.uname}/{self.architecture.wheel}" if self.family.uname else None

    @property
    def has_wheels(self) -> bool:
        """Whether a wheel's platform tag can name it."""
        return self.family.wheel is not None

    def wheel_tag(self, major: int, minor: int) -> str:
        """The tag of a wheel (PEP 425, 600, 656); raises ValueError where none names this platform.

        >>> PLATFORMS["aarch64-unknown-linux-gnu"].wheel_tag(2, 28)
        'manylinux_2_28_aarch64'
        """
        if self.family.wheel is None:
            raise ValueError(f"no platform tag names {self.triple}")
        return self.family.wheel.format(major=major, minor=minor, machine=self.architecture.wheel)

    @property
    def cibuildwheel(self) -> str | None:
        """The second half of cibuildwheel's names of builds: `manylinux_x86_64`."""
        return f"{self.family.cibuildwheel}_{self.architecture.wheel}" if self.family.cibuildwheel else None

    @property
    def macros(self) -> tuple[str, ...]:
        """What C compilers for it define."""
        lp64 = ("__LP64__",) if self.family.is_lp64 and self.architecture.data_model.pointer == 8 else ()  # noqa: PLR2004 - bytes
        return (*self.family.macros, *lp64, *([self.architecture.macro] if self.architecture.macro else []))


def _numbers(version: str) -> Version:
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in "123456789¹²³")}
)

# What every machine with glibc has (PEP 600 takes the list of PEP 513); libgcc_s and libstdc++ come with its compiler.
_GLIBC_LIBRARIES: Final = (
    *("libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libutil.so.1", "libresolv.so.2"),
    *("libnsl.so.1", "libgcc_s.so.1", "libstdc++.so.6"),
)
# What every Windows 10 has besides the sets of functions whose names begin with api-ms-win (Microsoft, "UCRT
# deployment"); rustc and mingw-w64 ask for no others.
_WINDOWS_LIBRARIES: Final = (
    *("kernel32.dll", "ntdll.dll", "advapi32.dll", "bcrypt.dll", "bcryptprimitives.dll", "userenv.dll", "ws2_32.dll"),
    *("user32.dll", "shell32.dll", "ole32.dll", "oleaut32.dll", "secur32.dll", "crypt32.dll", "ucrtbase.dll"),
    *(f"api-ms-win-crt-{part}-l1-1-0.dll" for part in ("heap", "locale", "math", "private", "runtime", "stdio")),
    *(f"api-ms-win-crt-{part}-l1-1-0.dll" for part in ("string", "time", "environment", "convert", "utility")),
    *("api-ms-win-core-synch-l1-2-0.dll", "api-ms-win-crt-filesystem-l1-1-0.dll"),
)

LINUX_GNU: Final = Family(
    system="linux",
    libc="glibc",
    title="Linux with glibc",
    object_format="elf",
    cdylib="lib{name}.so",
    staticlib="lib{name}.a",
    versioned="lib{name}.so.{version}",
    reference="{name}",
    zig="linux-gnu{abi}{floor}",
    libraries=_GLIBC_LIBRARIES,
    floor_name="glibc",
    suggested_floor="2.17",
    floor_in_target=True,
    link_name="-soname",
    build_id=("-C", "link-arg=-Wl,--build-id=sha1"),
    links_unwinder=True,
    debug_symbols="debuglink",
    go="linux",
    oci="linux",
    npm="linux",
    npm_libc="glibc",
    has_debian=True,
    wheel="manylinux_{major}_{minor}_{machine}",
    cibuildwheel="manylinux",
    macros=("__linux__", "__unix__", "__ELF__"),
    is_lp64=True,
    runner_label="ubuntu",
    uname="Linux",
)
LINUX_MUSL: Final = replace(
    LINUX_GNU,
    libc="musl",
    title="Linux with musl",
    zig="linux-musl{abi}",
    libraries=("libc.so",),
    floor_name=None,
    suggested_floor=None,
    floor_in_target=False,
    # rustc would link musl's own start files and make no shared library; zig brings both.
    rustflags=("-Ctarget-feature=-crt-static", "-Clink-self-contained=no"),
    program_rustflags=("-Clink-self-contained=no",),
    npm_libc="musl",
    has_debian=False,
    wheel="musllinux_{major}_{minor}_{machine}",
    wheel_floor="1.2",
    cibuildwheel="musllinux",
)
MACOS: Final = Family(
    system="macos",
    libc="libSystem",
    title="macOS",
    object_format="macho",
    cdylib="lib{name}.dylib",
    staticlib="lib{name}.a",
    versioned="lib{name}.{version}.dylib",
    reference="@rpath/{name}",
    zig="macos{floor}-none",
    libraries=("/usr/lib/", "/System/Library/"),
    floor_name="macos",
    suggested_floor="11.0",
    floor_variable="MACOSX_DEPLOYMENT_TARGET",
    link_name="-install_name",
    # zig ignores the list of exported symbols of a Mach-O file: what has no C name is hidden while it is compiled.
    # That takes an unstable option, and the standard library compiled along.
    rustflags=("-Zdefault-visibility=hidden",),
    program_rustflags=("-Zdefault-visibility=hidden",),  # the same, so that crates of both are compiled once
    # … and so is what C and C++ objects define, which the list would hide on Linux.
    c_flags=("-fvisibility=hidden",),
    cxx_library="c++",
    builds_std=True,
    strips_with_objcopy=True,
    debug_symbols="dsym",
    go="darwin",
    npm="darwin",
    wheel="macosx_{major}_{minor}_{machine}",
    cibuildwheel="macosx",
    macros=("__APPLE__", "__MACH__"),
    is_lp64=True,
    runner_label="macos",
    uname="Darwin",
)
# No other tool has a word for both machines at once, but for Apple's own and wheels.
MACOS_UNIVERSAL: Final = replace(MACOS, go=None, npm=None, cibuildwheel=None, uname=None)
WINDOWS_GNULLVM: Final = Family(
    system="windows",
    libc="ucrt",
    title="Windows",
    object_format="coff",
    cdylib="{name}.dll",
    staticlib="lib{name}.a",
    versioned="{name}.dll",
    reference="{name}",
    import_library="lib{name}.dll.a",
    link_name="-soname",  # understood by `tools.dll_linker`
    library_folder="bin",
    program_suffix=".exe",
    archive_suffix=".zip",
    zig="windows-gnu",
    libraries=_WINDOWS_LIBRARIES,
    # The compiler's command line, with its folder, would stand in the debug information of C objects, and so would the
    # name of the object, which zig writes aside with a number drawn by lot.
    c_flags=("-gno-codeview-command-line", "-Xclang", "-object-file-name=object"),
    build_id=("-C", "link-arg=-Wl,--build-id"),
    links_unwinder=True,
    debug_symbols="debuglink",
    # addr2line of GNU goes by DWARF alone, whose line tables leave out the functions that nothing is inlined into.
    debug_lines="limited",
    c_debug_lines=("-gdwarf-4", "-gline-tables-only", "-fdebug-info-for-profiling"),
    go="windows",
    oci="windows",
    npm="win32",
    wheel="win_{machine}",
    wheel_floor="10.0",
    cibuildwheel="win",
    macros=("_WIN32", "_WIN64"),
    runner_label="windows",
)
# The linker of GNU's tools would be told of start files and libraries of Rust's own beside those that zig brings.
WINDOWS_GNU: Final = replace(
    WINDOWS_GNULLVM,
    rustflags=("-Clink-self-contained=no",),
    program_rustflags=("-Clink-self-contained=no",),
)
# Linked by Microsoft's linker with its libraries, which are on machines with Visual Studio alone. The runtime of
# its compiler is no part of Windows, so it is linked in, as it is in the programs that others release. Without -Brepro
# the linker writes the time.
WINDOWS_MSVC: Final = replace(
    WINDOWS_GNULLVM,
    title="Windows (Microsoft's linker)",
    staticlib="{name}.lib",
    import_library="{name}.dll.lib",
    rustflags=("-Ctarget-feature=+crt-static", "-Clink-arg=-Brepro"),
    program_rustflags=("-Ctarget-feature=+crt-static", "-Clink-arg=-Brepro"),
    c_flags=(),
    links_unwinder=False,
    cxx_library="msvcprt",
    linked_on="windows",
    debug_symbols=None,  # what the linker writes holds the paths of its machine
    links_by_file=True,
)
WASM: Final = Family(
    system="wasm",
    libc="none",
    title="WebAssembly",
    object_format="wasm",
    cdylib="{name}.wasm",
    staticlib="lib{name}.a",
    versioned="{name}.wasm",
    reference="{name}",
    zig="freestanding",
    std_crates=("dlmalloc",),
)
WASI_1: Final = replace(
    WASM,
    libc="wasi",
    title="WebAssembly with WASI 0.1",
    zig="wasi.0.1.0",
    std_crates=(),
    program_suffix=".wasm",
    program_rustflags=("-Clink-self-contained=no", "-Clinker-flavor=gcc"),
    program_imports=("wasi_snapshot_preview1.",),
)
WASI_2: Final = replace(WASI_1, title="WebAssembly with WASI 0.2", zig="wasi.0.2.0", program_imports=("wasi:",))
FAMILIES: Final = (
    *(LINUX_GNU, LINUX_MUSL, MACOS, MACOS_UNIVERSAL, WINDOWS_GNULLVM, WINDOWS_GNU, WINDOWS_MSVC),
    *(WASM, WASI_1, WASI_2),
)

X86_64: Final = Architecture(*("x86_64", "x86_64", "amd64", "x64", "amd64", "x86_64"), macro="__x86_64__")
AARCH64: Final = Architecture(*("aarch64", "aarch64", "arm64", "arm64", "arm64", "aarch64"), macro="__aarch64__")
APPLE_ARM64: Final = replace(AARCH64, file="arm64", wheel="arm64", data_model=DataModel(long_double=8))
APPLE_UNIVERSAL: Final = Architecture(
    *("universal2", "arm64+x86_64", "universal2", "universal2", "universal2", "universal2")
)
ARMV7: Final = Architecture(
    *("arm", "arm", "arm", "arm", "armhf", "armv7l"),
    macro="__arm__",
    goarm="7",
    abi="eabihf",
    data_model=DataModel(pointer=4, long=4, long_double=8),
    rpm_name="armv7hl",
)
I686: Final = Architecture(
    *("x86", "i686", "386", "ia32", "i386", "i686"),
    macro="__i386__",
    debian_cpu="i386",
    data_model=DataModel(4, 4, 12, 4),
)
RISCV64: Final = Architecture(*("riscv64",) * 6, macro="__riscv")
POWERPC64LE: Final = Architecture(
    *("powerpc64le", "ppc64le", "ppc64le", "ppc64", "ppc64el", "ppc64le"), macro="__powerpc64__"
)
S390X: Final = Architecture(*("s390x",) * 6, macro="__s390x__")
WASM32: Final = Architecture(
    "wasm32", "wasm32", "wasm", "wasm32", "wasm32", "wasm32", data_model=DataModel(pointer=4, long=4)
)

_ROWS = (
    Platform(
        "x86_64-unknown-linux-gnu",
        LINUX_GNU,
        X86_64,
        elf_interpreter="/lib64/ld-linux-x86-64.so.2",
        floors=((2, 17), (2, 44)),
        runner="ubuntu-24.04",
    ),
    Platform(
        "aarch64-unknown-linux-gnu",
        LINUX_GNU,
        AARCH64,
        elf_interpreter="/lib/ld-linux-aarch64.so.1",
        floors=((2, 17), (2, 44)),
        runner="ubuntu-24.04-arm",
    ),
    Platform(
        "armv7-unknown-linux-gnueabihf",
        LINUX_GNU,
        ARMV7,
        elf_interpreter="/lib/ld-linux-armhf.so.3",
        floors=((2, 17), (2, 44)),
    ),
    Platform(
        "i686-unknown-linux-gnu", LINUX_GNU, I686, elf_interpreter="/lib/ld-linux.so.2", floors=((2, 17), (2, 44))
    ),
    Platform(
        "riscv64gc-unknown-linux-gnu",
        LINUX_GNU,
        RISCV64,
        elf_interpreter="/lib/ld-linux-riscv64-lp64d.so.1",
        floors=((2, 29), (2, 44)),
    ),
    Platform(
        "powerpc64le-unknown-linux-gnu",
        LINUX_GNU,
        POWERPC64LE,
        elf_interpreter="/lib64/ld64.so.2",
        floors=((2, 32), (2, 44)),  # zig's unwinder, which all code of Rust is linked with, prints by functions of 2.32
    ),
    Platform("s390x-unknown-linux-gnu", LINUX_GNU, S390X, elf_interpreter="/lib/ld64.so.1", floors=((2, 17), (2, 44))),
    Platform("x86_64-unknown-linux-musl", LINUX_MUSL, X86_64, elf_interpreter="/lib/ld-musl-x86_64.so.1"),
    Platform("aarch64-unknown-linux-musl", LINUX_MUSL, AARCH64, elf_interpreter="/lib/ld-musl-aarch64.so.1"),
    Platform("armv7-unknown-linux-musleabihf", LINUX_MUSL, ARMV7, elf_interpreter="/lib/ld-musl-armhf.so.1"),
    Platform("aarch64-apple-darwin", MACOS, APPLE_ARM64, floors=((11, 0), None), runner="macos-15"),
    Platform("x86_64-apple-darwin", MACOS, X86_64, floors=((10, 12), None), runner="macos-15-intel"),
    Platform(
        "universal2-apple-darwin",
        MACOS_UNIVERSAL,
        APPLE_UNIVERSAL,
        parts=("x86_64-apple-darwin", "aarch64-apple-darwin"),
    ),
    Platform(
        "x86_64-pc-windows-gnullvm",
        WINDOWS_GNULLVM,
        replace(X86_64, wheel="amd64", data_model=DataModel(long=4)),
    ),
    Platform(
        "aarch64-pc-windows-gnullvm",
        WINDOWS_GNULLVM,
        replace(AARCH64, wheel="arm64", data_model=DataModel(long=4, long_double=8)),
    ),
    Platform(
        "x86_64-pc-windows-gnu",
        WINDOWS_GNU,
        replace(X86_64, wheel="amd64", data_model=DataModel(long=4)),
    ),
    Platform(
        "x86_64-pc-windows-msvc",
        WINDOWS_MSVC,
        replace(X86_64, wheel="amd64", data_model=DataModel(long=4, long_double=8)),
        runner="windows-2025",
    ),
    Platform(
        "aarch64-pc-windows-msvc",
        WINDOWS_MSVC,
        replace(AARCH64, wheel="arm64", data_model=DataModel(long=4, long_double=8)),
        runner="windows-11-arm",
    ),
    Platform("wasm32-unknown-unknown", WASM, WASM32),
    Platform("wasm32-wasip1", WASI_1, WASM32),
    Platform("wasm32-wasip2", WASI_2, WASM32),
)

PLATFORMS: dict[str, Platform] = {row.triple: row for row in _ROWS}


def joined_floor(floors: Mapping[str, str]) -> str:
    """The oldest system that a file runs on which is joined of files for these machines, each with its own floor.

    The oldest version that there is for a machine asks for nothing: no older system of it could load the file (as
    wheels are tagged, "universal2" in the platform compatibility tags of PyPA).

    >>> joined_floor({"x86_64": "10.13", "arm64": "11.0"}), joined_floor({"x86_64": "10.13", "arm64": "12.0"})
    ('10.13', '12.0')
    """
    first = {row.machine: row.floors[0] for row in _ROWS if row.floors and row.floors[1] is None}
    numbers = [(_numbers(text), machine) for machine, text in floors.items()]
    return _text(max((n for n, machine in numbers if n > first.get(machine, n)), default=min(n for n, _ in numbers)))


def system_title(system: str) -> str:
    """A system's name for people.

    >>> system_title("macos")
    'macOS'
    """
    return next((family.title.partition(" ")[0] for family in FAMILIES if family.system == system), system)


def other_runner_labels(system: str) -> tuple[str, ...]:
    """How GitHub's labels of machines of other systems begin ("GitHub-hosted runners reference")."""
    return tuple(dict.fromkeys(f.runner_label for f in FAMILIES if f.runner_label and f.system != system))


# Rust's own words ("The rustc book", Platform Support), as far as they tell a target without a row from a typo.
_ARCHITECTURES: Final = (
    r"x86_64h?|i[3-6]86|aarch64(_be)?|arm64(e|ec|_32)?|arm(v[4-8]\w*|eb\w*)?|thumb\w+|riscv(32|64)\w*|powerpc(64(le)?)?"
    r"|s390x|loongarch(32|64)|mips\w*|sparc\w*|wasm(32|64)(v1)?|hexagon|m68k|csky|bpfe[lb]|nvptx64|avr|msp430|xtensa\w*"
)
# Compiled where it is first used, a millisecond: only what is no target here is asked about.
_TRIPLE: Final = (
    rf"(({_ARCHITECTURES})-(unknown|pc|apple|uwp|win7|fortanix|sun|ibm|nvidia|none|wrs|kmc|esp|nintendo|sony)"
    r"(-(linux(?=-)|windows|darwin|ios|tvos|watchos|visionos|freebsd|netbsd|openbsd|dragonfly|solaris|illumos"
    r"|fuchsia|redox|haiku|hermit|uefi|none|unknown|emscripten|wasi|cuda|nto|aix|vxworks|cygwin|hurd))?"
    r"(-(gnu(eabi(hf)?|x32|_ilp32|llvm|abi\w*)?|musl\w*|msvc|eabi\w*|elf|ohos|sgx|sim|macabi|uclibc\w*))?"
    rf"|({_ARCHITECTURES})-linux-android(eabi)?|wasm32-wasi\w*(-threads)?)"
)


def is_rust_target(name: str) -> bool:
    """Whether a name is put together as Rust's targets are, so that it is unsupported here rather than misspelt.

    >>> is_rust_target("x86_64-unknown-freebsd"), is_rust_target("x86_64-unknown-linux-gun")
    (True, False)
    """
    return re.fullmatch(_TRIPLE, name) is not None


def unsupported(name: str, platforms: Iterable[str]) -> str | None:
    """What to say of a target without a row that Rust has; None for anything else."""
    if name in platforms or not is_rust_target(name):
        return None
    return f"{name} is not supported"


def counterpart(name: str, platforms: Container[str]) -> str | None:
    """The target with a row that runs on the same machines and is linked anywhere; None where there is none.

    >>> counterpart("x86_64-pc-windows-msvc", PLATFORMS), counterpart("x86_64-unknown-freebsd", PLATFORMS)
    ('x86_64-pc-windows-gnullvm', None)
    """
    arch, windows, _ = name.partition("-pc-windows-")
    instead = f"{arch}{windows}gnullvm"
    return instead if windows and instead in platforms else None


def host_triple(system: str, machine: str) -> str | None:
    """Triple of the machine that `platform.system()` and `platform.machine()` describe, or None if it has no row.

    >>> host_triple("Darwin", "arm64")
    'aarch64-apple-darwin'
    """
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine.lower(), machine.lower())
    suffix = {"Linux": "unknown-linux-gnu", "Darwin": "apple-darwin"}.get(system)
    triple = f"{arch}-{suffix}"
    return triple if triple in PLATFORMS else None
