"""Pretended compilers, linkers and transpilers: they answer as the true ones do, in milliseconds.

Called as `programs.py HOME NAME ARGUMENT…`. HOME is a folder that a test makes (toolchain.py): `calls` in it grows by a
line with each call, `binaries` holds what "compiling" gives, and these files change what happens:

    fail-TRIPLE   that target does not compile
    seconds       so long every compilation takes
    held          no compilation goes on while this is there
    stubborn      SIGTERM does not end a compilation
    tamper-TRIPLE that target's library is this file instead; a WebAssembly module has these sections
    dated-TRIPLE  a compiler writes the date into the libraries of that target
    listed-TRIPLE a compiler writes the names of its sources into the libraries of that target, as the folder lists them
    script-says   a build script fails and says this
    header        cbindgen writes this, and says what is in `cbindgen-says`
    dsymutil-says dsymutil says this besides what it does
    zig-says      zig compiles nothing in the language that this begins with (`c11: …`), and says this instead
    commit        the commit of Rust that rustc names is this
    go-says       Go builds nothing and says this instead; `go-adds` is what it adds to go.work.sum, `go-lists` what it
                  lists of other modules, and `architecture` the one that it builds for, whatever it is asked
"""

# ruff: noqa: T201, TID251 - a program of its own, which prints and looks at its environment

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import struct
import sys
import time
from pathlib import Path

MACHINE = {"arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
HOST = f"{MACHINE}-{'apple-darwin' if sys.platform == 'darwin' else 'unknown-linux-gnu'}"
VERSIONS = {
    "cargo": "cargo 1.96.0 (0123456789 2026-05-01)",
    "cargo-zigbuild": "cargo-zigbuild 0.24.0",
    "cbindgen": "cbindgen 0.29.4",
    "dsymutil": "Debian LLVM version 22.1.0",
    "go": "go version go1.27.3 linux/amd64",
    "node": "v24.19.0",
    "rust-objcopy": "rust-objcopy, compatible with GNU objcopy\nLLVM version 22.1.0",
    "wasm-component-ld": "wasm-component-ld 0.5.21",
    "wasm-ld": "LLD 22.1.0",
}
RUSTC = f"""rustc 1.96.0 (89abcdef0 2026-05-01)
binary: rustc
commit-hash: 89abcdef0123456789abcdef0123456789abcdef
commit-date: 2026-05-01
host: {HOST}
release: 1.96.0
LLVM version: 22.1.0"""
BINARIES = {
    "x86_64-unknown-linux-gnu": ("libdemo.so", "demo-x86_64.so", "demo-linux.a"),
    "aarch64-unknown-linux-gnu": ("libdemo.so", "demo-aarch64.so", "demo-linux-aarch64.a"),
    "aarch64-apple-darwin": ("libdemo.dylib", "demo-arm64.dylib", "demo-macos.a"),
    "x86_64-apple-darwin": ("libdemo.dylib", "demo-intel.dylib", "demo-intel.a"),
    "x86_64-pc-windows-gnullvm": ("demo.dll", "demo.dll", "demo-windows.a"),
}
FETCHED = (("sha2", "0.10.9"), ("demo-derive", "2.0.1"))
COMPONENT = b"\0asm\x0d\0\1\0"
HEADER = """#ifndef DEMO_H
#define DEMO_H

/* Adds two numbers. */
int demo_add(int a, int b);
/* Copies a text. */
char *demo_copy(const char *text);

#endif
"""
ERROR = """error[E0308]: mismatched types
 --> demo-ffi/src/lib.rs:7:5
  |
7 |     a + b
  |     ^^^^^ expected `bool`, found `i32`

error: could not compile `demo-ffi` (lib) due to 1 previous error
"""


def crates() -> dict[str, Path]:
    """The folders of the workspace's packages by name, at most two levels down."""
    depths = ("Cargo.toml", "*/Cargo.toml", "*/*/Cargo.toml")
    texts = {path.parent: path.read_text() for depth in depths for path in sorted(Path.cwd().glob(depth))}
    packages = {folder: text.partition("[package]")[2] for folder, text in texts.items()}
    return {re.findall(r'name = "(.+)"', package)[0]: folder for folder, package in packages.items() if package}


def option(arguments: list[str], name: str) -> str:
    value = arguments[arguments.index(name) + 1]
    return value.partition("#")[2].partition("@")[0] if name == "--package" else value


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def compile_crate(home: Path, arguments: list[str]) -> None:
    """Do as `cargo rustc --message-format=json` does: files into the target folder, messages to standard output.

    What it made of the same before is left as it is, as Cargo leaves it, whatever it holds now.
    """
    target = option(arguments, "--target")
    triple = next((t for t in BINARIES if target.startswith(t)), target)
    package, folder = option(arguments, "--package"), Path(os.environ["CARGO_TARGET_DIR"]) / triple / "release"
    root = crates()[package]
    if "--bin" in arguments:
        compile_program(home, triple, package, option(arguments, "--bin"), folder)
        return
    read = [path for path in (root / "src" / "lib.rs", Path.cwd().parent / "assets" / "words.txt") if path.exists()]
    lock = write(folder / ".cargo-lock", b"").open()
    fcntl.flock(lock, fcntl.LOCK_EX)
    mark = folder / ".fingerprint" / f"{package}-0123456789abcdef" / "lib"
    asked = {name: os.environ.get(name) for name in ("FERRULE_FINGERPRINT", "FERRULE_COMMIT")}
    state = json.dumps([arguments, asked, [path.stat().st_mtime_ns for path in read]])
    result = [folder / name for name in names_of(triple, package, option(arguments, "--crate-type").split(","))]
    fresh = mark.exists() and mark.read_text() == state and all(path.exists() for path in result)
    if not fresh:
        compile_anew(home, triple, package, result)
        notes = folder / "deps" / f"{result[0].stem.removeprefix('lib')}.d"
        names = [str(name).replace(" ", "\\ ") for name in (result[0], *read)]
        write(notes, f"{names[0]}: {' '.join(names[1:])}\n\n# env-dep:DEMO_MODE\n".encode())
        write(mark, state.encode())
    if triple in BINARIES:
        sys.stderr.write("note: native-static-libs: -lgcc_s -lutil -lc\n")
    message = {
        "reason": "compiler-artifact",
        "package_id": f"path+file://{root}#{'' if root.name == package else package + '@'}1.2.3",
        "manifest_path": str(root / "Cargo.toml"),
        "target": {"crate_types": option(arguments, "--crate-type").split(","), "name": "demo"},
        "filenames": [str(path) for path in result],
        "fresh": fresh,
    }
    print(json.dumps(message))
    print(json.dumps({"reason": "build-finished", "success": True}))


def compile_std(triple: str, profile: str) -> None:
    """Do as `cargo build -Zbuild-std` does with an empty crate."""
    folder = Path(os.environ["CARGO_TARGET_DIR"], triple, profile)
    sys.stderr.write("   Compiling std v0.0.0 (/library/std)\n")
    for package, name in (("path+file:///library/std#0.0.0", "std-0"), (f"path+file://{Path.cwd()}#crate@0", "crate")):
        library = write(folder / "deps" / f"lib{name}.rlib", triple.encode())
        files = [str(library), str(library.with_suffix(".rmeta"))]
        print(json.dumps({"reason": "compiler-artifact", "package_id": package, "filenames": files}))


def compile_program(home: Path, triple: str, package: str, name: str, folder: Path) -> None:
    """Do as `cargo rustc --bin` does: a program that is a link to the one in deps, and what the build script writes."""
    root = crates()[package]
    source = root / "src" / "main.rs"
    hashed = folder / "deps" / f"{name.replace('-', '_')}-0123456789abcdef"
    hashed.unlink(missing_ok=True)
    compile_anew(home, triple, package, [hashed])
    hashed.chmod(0o755)
    file = f"{name}.wasm" if triple.startswith("wasm32-wasi") else name
    (folder / file).unlink(missing_ok=True)
    os.link(hashed, folder / file)
    write(hashed.with_name(f"{hashed.name}.d"), f"{hashed}: {source}\n\n# env-dep:DEMO_MODE\n".encode())
    about = {"package_id": f"path+file://{root}#{'' if root.name == package else package + '@'}1.2.3"}
    if (root / "build.rs").exists():
        script = write(folder / "build" / f"{package}-0123456789abcdef" / "build-script-build", b"script")
        compiled = {"manifest_path": str(root / "Cargo.toml"), "target": {"crate_types": ["bin"]}, "fresh": False}
        print(json.dumps({"reason": "compiler-artifact", "filenames": [str(script)], **compiled, **about}))
        out = script.parent / "out"
        write(out / f"{name}.bash", f"complete {name}\n".encode())
        write(out.parent / "output", b"cargo:rerun-if-changed=build.rs\n")
        print(json.dumps({"reason": "build-script-executed", "out_dir": str(out), "env": [], **about}))
    message = {
        "reason": "compiler-artifact",
        "manifest_path": str(root / "Cargo.toml"),
        "target": {"crate_types": ["bin"], "name": name},
        "filenames": [str(folder / file)],
        "fresh": False,
        **about,
    }
    print(json.dumps(message))
    print(json.dumps({"reason": "build-finished", "success": True}))


def names_of(triple: str, package: str, types: list[str]) -> list[str]:
    if triple not in BINARIES:
        return [f"{package.replace('-', '_')}.wasm"]
    shared = BINARIES[triple][0]
    with_import_library = [shared, f"lib{shared}.a"] if shared.endswith(".dll") else [shared]
    return [name for kind in types for name in (with_import_library if kind == "cdylib" else ["libdemo.a"])]


def run_script(home: Path) -> None:
    """Do as a build script does that fails, if one is to fail."""
    if (home / "script-says").exists():
        sys.stderr.write("error: failed to run custom build command for `demo-sys v0.1.0`\n\nCaused by:\n")
        sys.stderr.write(f"  --- stderr\n  {(home / 'script-says').read_text()}")
        sys.exit(101)


def compile_anew(home: Path, triple: str, package: str, made: list[Path]) -> None:
    sys.stderr.write(f"   Compiling {package} v1.2.3 ({crates()[package]})\n")
    if (home / "stubborn").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if (home / "seconds").exists():
        time.sleep(float((home / "seconds").read_text()))
    while (home / "held").exists():
        time.sleep(0.01)
    if (home / f"fail-{triple}").exists():
        sys.stderr.write(ERROR)
        sys.exit(101)
    run_script(home)
    careless = b""
    if (home / f"dated-{triple}").exists():
        careless += time.strftime("%Y-%m-%d").encode()
    if (home / f"listed-{triple}").exists():
        careless += " ".join(p.name for p in (crates()[package] / "src").iterdir()).encode()
    for path in made:
        write(
            path, compiled_bytes(home, triple, path) + (b"" if path.suffix in {".a", ".wasm"} else careless + linked())
        )


def linked() -> bytes:
    """The object that ours links besides, if it does."""
    marked = any("-DFERRULE_LINK=" in argument for argument in sys.argv)
    return Path(os.environ["FERRULE_LINK_OBJECT"]).read_bytes() if marked else b""


def compiled_bytes(home: Path, triple: str, path: Path) -> bytes:
    """What compiling gives for a file: a module, a program, or one of the libraries."""
    tampered = home / f"tamper-{triple}"
    if triple not in BINARIES:
        return b"\0asm\1\0\0\0" + (tampered.read_bytes() if tampered.exists() else b"")
    if path.parent.name == "deps":
        return program(home, triple)
    library, archive = BINARIES[triple][1:]
    if path.name.endswith(".dll.a"):
        return (home / "binaries" / path.name).read_bytes()
    if path.suffix == ".a":
        return (home / "binaries" / archive).read_bytes()
    return (tampered if tampered.exists() else home / "binaries" / library).read_bytes()


def core_section(module: bytes) -> bytes:
    """A core module as a section of a component, its length in two bytes."""
    return bytes([1, len(module) & 0x7F | 0x80, len(module) >> 7]) + module


def core_of(component: bytes) -> bytes:
    low, high = component[len(COMPONENT) + 1 :][:2]
    return component[len(COMPONENT) + 3 :][: low & 0x7F | high << 7]


def transpile(_script: str, _jco: str, component: str, folder: str, name: str) -> None:
    """Do as transpile.mjs does with the true jco."""
    import hashlib  # noqa: PLC0415 - 3 ms, of 30 that each call takes

    digest = hashlib.sha256(Path(component).read_bytes()).hexdigest()
    write(Path(folder, f"{name}.js"), f"export function instantiate() {{}} // {digest}\n".encode())
    write(Path(folder, f"{name}.d.ts"), b"export function instantiate(): void;\n")
    write(Path(folder, f"{name}.core.wasm"), core_of(Path(component).read_bytes()))
    write(Path(folder, f"{name}.core2.wasm"), b"\0asm\1\0\0\0\6\1\0")  # no global
    write(Path(folder, "interfaces", "example-demo.d.ts"), b"export {};\n")


def go(home: Path, verb: str, *arguments: str) -> None:
    """Do as `go env -json`, `go list -deps -f` and `go build -o` do in a workspace."""
    if verb == "env":
        print(json.dumps({"GOMODCACHE": str(home / "modules"), "GOPROXY": "https://proxy.example"}))
        return
    if (home / "go-says").exists():
        sys.stderr.write((home / "go-says").read_text())
        sys.exit(1)
    workspace = Path(os.environ["GOWORK"]).parent
    copies = {f"module{copy.name}": copy for copy in sorted((workspace / "module").iterdir())}
    local = {"program": Path(arguments[-1]).resolve(), **copies}
    sources = {name: sorted(folder.glob("*.go")) for name, folder in local.items()}
    if verb == "list":
        if (home / "go-lists").exists():
            print((home / "go-lists").read_text())
        for name, files in reversed(sources.items()):
            package = files[0].read_text().split()[1]
            rest = {"module": f"example.com/{name}", "version": "", "local": True, "files": [f.name for f in files]}
            print("\n" + json.dumps({"name": package, "folder": str(local[name]), **rest}))
        return
    if (home / "go-adds").exists():
        with (workspace / "go.work.sum").open("a") as sums:
            sums.write((home / "go-adds").read_text())
    read = b"".join(file.read_bytes() for files in sources.values() for file in files)
    changed = home / "architecture"
    machine = changed.read_text() if changed.exists() else os.environ["GOARCH"]
    if os.environ["GOOS"] == "linux":
        content = executable(machine) + read
    else:
        content = (home / "binaries" / "demo-arm64.dylib").read_bytes()
    write(Path(option(list(arguments), "-o")), content).chmod(0o755)


def program(home: Path, triple: str) -> bytes:
    """A program for a target, or the file that a test puts in its place."""
    tampered = home / f"tamper-{triple}"
    if tampered.exists():
        return tampered.read_bytes()
    if "linux" in triple:
        return executable("amd64" if triple.startswith("x86_64") else "arm64")
    return (home / "binaries" / f"demo-{'intel' if triple.startswith('x86_64') else 'arm64'}.dylib").read_bytes()


def executable(architecture: str) -> bytes:
    """A program of which only the headers are true (System V ABI, "ELF Header", "Program Header")."""
    machine, name = {
        "amd64": (62, "/lib64/ld-linux-x86-64.so.2"),
        "arm64": (183, "/lib/ld-linux-aarch64.so.1"),
    }[architecture]
    text = name.encode() + b"\0"
    head = struct.pack("<16sHHLQQQLHHHHHH", b"\x7fELF\2\1\1", 2, machine, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    return head + struct.pack("<LLQQQQQQ", 3, 4, 120, 0, 0, len(text), len(text), 1) + text


def packages() -> list[dict[str, object]]:
    """What `cargo metadata` says of the crates in the demo's Cargo.lock; two are fetched, one of these is only run."""
    own = {"license": "MIT", "authors": ["A. Demo <demo@example.org>"], "source": None}
    fetched = {"license": "MIT/Apache-2.0", "authors": [], "source": "registry+https://registry.example/index"}
    return [
        *({"name": n, "version": "1.2.3", "manifest_path": str(f / "Cargo.toml"), **own} for n, f in crates().items()),
        *({"name": n, "version": v, "manifest_path": f"/crates/{n}-{v}/Cargo.toml", **fetched} for n, v in FETCHED),
    ]


def tree(package: str, *, linked: bool) -> None:
    """Do as `cargo tree --prefix depth --format '<tab>{p}<tab>{f}'` does."""
    (digest, digest_version), (macro, macro_version) = FETCHED
    print(f"0\t{package} v1.2.3 ({crates()[package]})\t\n1\t{digest} v{digest_version}\tdefault,std")
    if not linked:
        print(f"1\t{macro} v{macro_version} (proc-macro)\t\n2\t{digest} v{digest_version}\tdefault,std (*)")


def zig(home: Path, arguments: list[str]) -> None:
    """Do as zig's C compiler does with a header or a probe."""
    says = (home / "zig-says").read_text() if (home / "zig-says").exists() else ""
    if arguments == ["version"]:
        print("0.17.0")
    elif arguments[0] == "ar":
        archive(*arguments[2:])
    elif says and f"-std={says.partition(':')[0]}" in arguments:
        sys.stderr.write(says)
        sys.exit(1)
    elif "-E" in arguments:
        included = re.findall('#include "(.*)"', Path(arguments[-1]).read_text())
        if "-undef" in arguments:  # what reads this understands no directives
            print('# 1 "standard.h"')
            print(*(line for line in Path("standard/ferrule-standard.h").read_text().splitlines() if line[0] != "#"))
            for name in included:
                code = re.sub(r"/\*.*?\*/|//[^\n]*", "", Path("include", name).read_text(), flags=re.DOTALL)
                lines = code.splitlines()
                kept = [line if re.match(r"#define \w+ .|[^#]", line) else "" for line in lines]
                print(f'# 1 "include/{name}"', *kept, sep="\n")
            return
        print("\n".join(f'# 1 "include/{name}"\n{Path("include", name).read_text()}' for name in included))
    elif arguments[-1].endswith(".s"):
        text = Path(arguments[-1]).read_text()
        texts = [json.loads(quoted) for quoted in re.findall('^.ascii (".*")', text, re.MULTILINE)]
        included = [Path(name).read_bytes() for name in re.findall('.incbin "(.*)"', text)]
        write(Path(option(arguments, "-o")), b"".join([*included, *(text.encode() for text in texts)]))
    else:
        write(Path(option(arguments, "-o")), b"object")


DEBUG = {"demo-x86_64.so": "demo-x86_64.debug", "demo-linked.dll": "demo-linked.debug"}
MACHO = b"\xcf\xfa\xed\xfe"


def objcopy(home: Path, option: str, source: str, target: str) -> None:
    """Do as `rust-objcopy --only-keep-debug` does with libraries whose debug information is there; else copy.

    Mach-O files are signed again.
    """
    content, binaries = Path(source).read_bytes(), home / "binaries"
    debug = [name for library, name in DEBUG.items() if content.startswith((binaries / library).read_bytes())]
    if option == "--only-keep-debug" and debug:
        content = (binaries / debug[0]).read_bytes()
    write(Path(target), signed_again(content) if content.startswith(MACHO) else content)


def signed_again(file: bytes) -> bytes:
    """The digests of the pages as they are now (cs_blobs.h, CS_CodeDirectory)."""
    import hashlib  # noqa: PLC0415 - as above

    content, offset = bytearray(file), 32
    for _ in range(struct.unpack_from("<L", file, 16)[0]):
        kind, size, start = struct.unpack_from("<LLL", file, offset)
        offset += size
        if kind == 0x1D:
            start += struct.unpack_from(">L", file, start + 16)[0]
            hashes, _, _, count, limit = struct.unpack_from(">5L", file, start + 16)
            page = 1 << file[start + 39]
            for number in range(count):
                digest = hashlib.sha256(file[number * page : min((number + 1) * page, limit)]).digest()
                content[start + hashes + 32 * number : start + hashes + 32 * (number + 1)] = digest
    return bytes(content)


def dsymutil(home: Path, *arguments: str) -> None:
    """Print a map with an object of zig's, or write a bundle for a map without such, for the machine of the file."""
    if arguments[0] == "--dump-debug-map":
        processor = {b"\x07": "x86_64", b"\x0c": "aarch64"}[Path(arguments[1]).read_bytes()[4:5]]
        objects = (f"{home.parent}/cache/zig/0.17.0/{processor}-apple-darwin/o/1/librt.a(rt.o)", "/target/deps/demo.o")
        listed = "".join(f"  - filename:        '{name}'\n    timestamp:       0\n" for name in objects)
        print(f"---\nbinary-path:     '{arguments[1]}'\nobjects:\n{listed}...")
        return
    _, _, bundle, source = arguments
    text = Path(source).read_text()
    if "/o/1/" in text:
        sys.exit("the map names objects of zig")
    (linked,) = re.findall("binary-path: +'(.*)'", text)
    dwarf = bytearray((home / "binaries" / "demo-arm64.dSYM").read_bytes())
    dwarf[4:12] = Path(linked).read_bytes()[4:12]
    contents = Path(bundle) / "Contents"
    for name, content in (
        ("Info.plist", b"<plist/>"),
        (f"Resources/DWARF/{Path(source).name}", bytes(dwarf)),
        ("Resources/Relocations/aarch64/demo.yml", b"binary-path: /here"),
    ):
        (contents / name).parent.mkdir(parents=True, exist_ok=True)
        write(contents / name, content)
    says = home / "dsymutil-says"
    sys.stderr.write(says.read_text() if says.exists() else "")


def archive(options: str, target: str, *members: str) -> None:
    """Do as `zig ar q` does, without the table."""
    path = Path(target)
    content = path.read_bytes() if path.exists() else b"!<arch>\n"
    for member in map(Path, members):
        data = member.read_bytes()
        content += f"{member.name[:15] + '/':<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode()
        content += data + b"\n" * (len(data) % 2)
    write(path, content)
    assert "q" in options


def answer(home: Path, name: str, arguments: list[str]) -> None:
    if name == "rustc":
        changed = home / "commit"
        about = RUSTC.replace("89abcdef0", changed.read_text()) if changed.exists() else RUSTC
        print(f"{about}\n{home / 'sysroot'}")
    elif arguments in (["--version"], ["-V"], ["version"]) and name in VERSIONS:
        print(VERSIONS[name])
    elif name == "zig":
        zig(home, arguments)
    elif name == "wasm-component-ld":
        write(Path(option(arguments, "-o")), COMPONENT + core_section(Path(arguments[-1]).read_bytes()))
    elif name == "rust-objcopy":
        objcopy(home, *arguments[-3:])
    elif name == "dsymutil":
        dsymutil(home, *arguments)
    elif name == "go":
        go(home, *arguments)
    elif name == "node":
        transpile(*arguments)
    elif name == "cbindgen":
        json.loads(Path(option(arguments, "--metadata")).read_text())
        changed, says = home / "header", home / "cbindgen-says"
        Path(option(arguments, "--output")).write_text(changed.read_text() if changed.exists() else HEADER)
        sys.stderr.write(says.read_text() if says.exists() else "WARN: Skip demo-ffi::SIZE - (not `pub`).\n")
        Path(option(arguments, "--depfile")).write_text(
            "raw.h: \\\n    " + str(Path.cwd() / "src" / "lib.rs").replace(" ", "\\ ") + "\n"
        )
    else:
        cargo(home, arguments)


def cargo(home: Path, arguments: list[str]) -> None:
    if arguments[0] == "fetch":
        return
    if arguments[0] == "metadata":
        print(json.dumps({"packages": packages(), "version": 1}))
    elif arguments[0] == "tree":
        tree(option(arguments, "--package"), linked="no-proc-macro" in option(arguments, "--edges"))
    elif "-Zbuild-std=std,panic_abort" in arguments:
        compile_std(option(arguments, "--target"), option(arguments, "--profile"))
    else:
        compile_crate(home, arguments)


def main() -> None:
    home, name, arguments = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    with (home / "calls").open("a") as log:
        log.write(" ".join([name, *arguments]) + "\n")
    try:
        answer(home, name, arguments)
    except OSError as error:
        sys.stderr.write(f"error: {error.strerror}: {error.filename}\n")  # as the true ones say it
        sys.exit(1)
