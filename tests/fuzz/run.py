"""Hostile calls, fuzzers, sanitizers, timing and mutants of the libraries: the sessions of nox with these names.

The calls themselves are in rust/fuzz/calls, whose first lines say what is chosen and what is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).resolve().parents[2]
LIBRARIES: Final = ROOT / "rust"
WORKSPACE: Final = LIBRARIES / "fuzz"
CORPUS: Final = WORKSPACE / "targets" / "corpus"
FOLDER: Final = ROOT / ".cache" / "fuzz"
TARGETS: Final = tuple(sorted(path.stem for path in (WORKSPACE / "targets" / "fuzz_targets").glob("*.rs")))
CARGO_FUZZ: Final = "0.13.1"
CARGO_MUTANTS: Final = "27.1.0"
MUTATED: Final = {
    "boundary": ("email-validator-ffi", "sealed-box-ffi", "signal-stats-ffi"),
    "email-validator": ("email-validator-ffi",),
    "sealed-box": ("sealed-box-ffi",),
    "signal-stats": ("signal-stats-ffi",),
}
"""The crates that decide, and those whose tests reach them besides their own."""
GOAL: Final = 0.95
# The instrumentation is LLVM's, and rustc of any release has it; it says so only to a nightly, or under this name.
UNSTABLE: Final = {"RUSTC_BOOTSTRAP": "1"}
TELLS_APART: Final = 10
LEAKING: Final = "leaks"
"""The score of dudect from which two kinds of secrets are told apart, and the function of which they have to be."""
OPTIONS: Final = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_init_order=1",
    "TSAN_OPTIONS": f"suppressions={Path(__file__).with_name('tsan.txt')}",
}
SANITIZERS: Final = {"address": ("asan", "LeakSanitizer"), "thread": ("tsan", "ThreadSanitizer")}
"""The sanitizers: how their runtimes are called, and who reports what is wrong in `threads.c faulty`."""
INTERFACES: Final = ("email-validator", "sealed-box", "signal-stats")
THREADS: Final = Path(__file__).with_name("threads.c")
SYSTEM: Final = ("-lstdc++", "-lpthread", "-ldl", "-lrt", "-lm")
PLAIN: Final = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_STRIP": "none"}
"""What a release does to its libraries, and reports of places could not stand."""
LONGEST: Final = 2048  # bytes of an input: about a hundred calls


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    calls = commands.add_parser("hostile")
    calls.add_argument("--rounds", type=int, default=1_000_000, help="calls of each function, by each test")
    calls.set_defaults(run=hostile)
    fuzzers = commands.add_parser("fuzz")
    fuzzers.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help=", ".join(TARGETS))
    fuzzers.add_argument("--minutes", type=float, default=5, help="of each target; 0 ends only by Ctrl-C")
    fuzzers.add_argument("--keep", action="store_true", help="keep what a smaller corpus of the same coverage needs")
    fuzzers.set_defaults(run=fuzz)
    sanitized = commands.add_parser("sanitizers")
    sanitized.add_argument(
        "sanitizers", nargs="*", choices=[*SANITIZERS, []], metavar="SANITIZER", help="address, thread"
    )
    sanitized.add_argument("--rounds", type=int, default=10_000, help="calls of each function, by each test")
    sanitized.set_defaults(run=sanitizers)
    timed = commands.add_parser("timing")
    timed.set_defaults(run=timing)
    changed = commands.add_parser("mutants")
    changed.add_argument("crates", nargs="*", choices=[*MUTATED, []], metavar="CRATE", help=", ".join(MUTATED))
    changed.add_argument("--shard", default="0/10", help="which of how many samples, counted from 0 [default: 0/10]")
    changed.set_defaults(run=mutants)
    arguments = parser.parse_args()
    return arguments.run(arguments)


def hostile(arguments: argparse.Namespace) -> int:
    """Every test of the calls, optimized and for so many rounds."""
    command = ("test", "--locked", "--release", "-p", "calls", "--", "--nocapture", "--test-threads=1")
    return cargo(*command, HOSTILE_ROUNDS=str(arguments.rounds))


def sanitizers(arguments: argparse.Namespace) -> int:
    """The same tests, and a program in C with many threads, instrumented; what is left at the end counts as a leak."""
    host = rust_host()
    statuses = []
    for sanitizer in arguments.sanitizers or SANITIZERS:
        # The standard library is as it is delivered; its generic code is compiled here, and so instrumented. What tests
        # print is shown at the end, by one thread, as that of standard output is not.
        flags = f"-Zsanitizer={sanitizer} -Cunsafe-allow-abi-mismatch=sanitizer"
        target = ("--target", host, "--target-dir", str(FOLDER / sanitizer))
        command = ("test", "--locked", "--release", "-p", "calls", "--test", "hostile", *target, "--", "--show-output")
        environment = {"HOSTILE_ROUNDS": str(arguments.rounds), "RUSTFLAGS": flags, **OPTIONS, **UNSTABLE}
        status = cargo(*command, **environment) or threads(sanitizer, host, str(arguments.rounds // 10), environment)
        statuses.append(status)
        print(f"{sanitizer}: {'see above' if status else 'clean'}")
    return max(statuses)


def threads(sanitizer: str, host: str, rounds: str, environment: dict[str, str]) -> int:
    """Build the program in C and its libraries, and run it; 1 also if its faults are not seen when it has some."""
    folder, (short, reporter) = FOLDER / sanitizer, SANITIZERS[sanitizer]
    where = ("--locked", "--release", "--manifest-path", str(LIBRARIES / "Cargo.toml"), "--target", host)
    for crate in INTERFACES:
        which = ("-p", f"{crate}-ffi", "--lib", "--crate-type", "cdylib", "--target-dir", str(folder))
        if status := cargo("rustc", *where, *which, **PLAIN, **environment):
            return status
    sysroot = Path(instrumented()["rustc"]).parent.parent
    (runtime,) = sysroot.glob(f"lib/rustlib/{host}/lib/*_rt.{short}.a")
    built, program = folder / host / "release", folder / "threads"
    headers = [f"-I{ROOT / 'packaging' / 'abi' / crate / 'include'}" for crate in INTERFACES]
    libraries = [f"-l{crate.replace('-', '_')}_ffi" for crate in INTERFACES]
    compiled = ("cc", f"-fsanitize={sanitizer}", "-std=c11", "-g", "-O1", "-pthread", "-Wall", "-Wextra", *headers)
    # A program has one runtime: that of the compiler which made the libraries.
    runtimes = ("-Wl,--whole-archive", str(runtime), "-Wl,--no-whole-archive", "-rdynamic")
    linked = ("cc", f"{program}.o", *runtimes, f"-L{built}", f"-Wl,-rpath,{built}", *libraries, *SYSTEM)
    together = os.environ | OPTIONS
    for command in (
        (*compiled, "-c", str(THREADS), "-o", f"{program}.o"),
        (*linked, "-o", str(program)),
        (str(program), rounds),
    ):
        if status := subprocess.run(command, env=together, check=False).returncode:
            return status
    faulty = subprocess.run([program, "10", "faulty"], env=together, capture_output=True, text=True, check=False)
    if reporter in faulty.stderr:
        return 0
    print(f"{sanitizer}: the faults that threads.c can have were not seen", file=sys.stderr)
    return 1


def timing(_: argparse.Namespace) -> int:
    """Time sealed-box for two kinds of secrets; 1 if they can be told apart, or cannot where they should be."""
    plain = {f"CARGO_PROFILE_RELEASE_{check}": "false" for check in ("DEBUG_ASSERTIONS", "OVERFLOW_CHECKS")}
    log = FOLDER / "timing.log"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with log.open("w") as stream:
        status = cargo("run", "--locked", "--release", "-p", "timing", output=stream, **plain)
    output = log.read_text(encoding="utf-8")
    scores = {
        name: abs(float(t)) for name, t in re.findall(r"^bench (\w+) .*max t = ([+-][\d.]+)", output, re.MULTILINE)
    }
    for name, score in scores.items():
        print(f"{name:18} |t| = {score:.1f}")
    if status or LEAKING not in scores:
        print(output, file=sys.stderr)
        return status or 1
    return int(any((score > TELLS_APART) != (name == LEAKING) for name, score in scores.items()))


def rust_host() -> str:
    """The target of this machine."""
    done = subprocess.run([instrumented()["rustc"], "-vV"], capture_output=True, text=True, check=True)
    return re.findall(r"^host: (\S+)$", done.stdout, re.MULTILINE)[0]


def mutants(arguments: argparse.Namespace) -> int:
    """Change one thing at a time in a sample of a crate, and see one of its tests fail; 1 if too many survive."""
    verdicts = []
    for crate in arguments.crates or MUTATED:
        packages = ",".join((crate, *MUTATED[crate]))
        limits = ("--timeout", "300", "--build-timeout", "1200", "--shard", arguments.shard)
        where = ("--dir", str(LIBRARIES), "--output", str(FOLDER / crate))
        status = tool(
            "cargo-mutants", CARGO_MUTANTS, "mutants", *where, "-p", crate, "--test-package", packages, *limits
        )
        if status not in (0, 2, 3):  # some may survive or hang; anything else is no result
            return status
        outcomes = json.loads((FOLDER / crate / "mutants.out" / "outcomes.json").read_text(encoding="utf-8"))
        dead, alive = outcomes["caught"] + outcomes["timeout"], outcomes["missed"]
        print(f"{crate}: {dead} of {dead + alive} mutants of shard {arguments.shard} die")
        verdicts.append(dead >= GOAL * (dead + alive))
    return 0 if all(verdicts) else 1


@dataclass(frozen=True, slots=True)
class Result:
    """What a fuzzer did: inputs it ran, edges and features that they reached, inputs that are worth keeping."""

    target: str
    executions: int
    edges: int
    features: int
    corpus: int
    seconds: int
    is_clean: bool


def fuzz(arguments: argparse.Namespace) -> int:
    """Build all targets, run each for so long, print a table; 1 if an input was one too many for a target."""
    if status := cargo_fuzz("build"):
        return status
    results = [run_target(target, arguments.minutes) for target in arguments.targets or TARGETS]
    if arguments.keep:
        for result in results:
            keep(result.target)
    print(table(results))
    return 0 if all(result.is_clean for result in results) else 1


def run_target(target: str, minutes: float) -> Result:
    """Run one from its corpus; what is new goes into the cache, and what fails into rust/fuzz/targets/artifacts."""
    grown = FOLDER / "corpus" / target
    grown.mkdir(parents=True, exist_ok=True)
    options = (f"-max_total_time={int(minutes * 60)}", f"-max_len={LONGEST}", "-timeout=60", "-print_final_stats=1")
    command = ("run", target, str(grown), str(CORPUS / target), "--", *options)
    log = FOLDER / f"{target}.log"
    with log.open("w", encoding="utf-8") as output:
        status = cargo_fuzz(*command, output=output)
    text = log.read_text(encoding="utf-8", errors="replace")
    if status:
        print(text[-4000:])
    return read(target, text, is_clean=status == 0)


def read(target: str, log: str, *, is_clean: bool) -> Result:
    """What libFuzzer says in its last line of progress, and in its statistics (https://llvm.org/docs/LibFuzzer.html)."""
    progress = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    edges, features, corpus = map(int, progress[-1] if progress else (0, 0, 0))
    executions = re.findall(r"stat::number_of_executed_units: (\d+)", log) or re.findall(r"^#(\d+)", log, re.MULTILINE)
    seconds = re.findall(r"Done \d+ runs in (\d+) second", log)
    return Result(target, int([0, *executions][-1]), edges, features, corpus, int([0, *seconds][-1]), is_clean)


def keep(target: str) -> None:
    """Write a small corpus that reaches all that the grown one does into the repository."""
    small = FOLDER / "small" / target
    shutil.rmtree(small, ignore_errors=True)
    small.mkdir(parents=True)
    sources = (str(CORPUS / target), str(FOLDER / "corpus" / target))
    if cargo_fuzz("run", target, str(small), *sources, "--", "-merge=1", f"-max_len={LONGEST}") == 0:
        shutil.rmtree(CORPUS / target)
        shutil.copytree(small, CORPUS / target)


def table(results: Iterable[Result]) -> str:
    """The table of docs/how-to/fuzzing.md."""
    columns = ("target", "executions", "seconds", "edges", "features", "inputs kept", "failures")
    head = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}"
    rows = (
        f"| {row.target} | {row.executions:,} | {row.seconds} | {row.edges:,} | {row.features:,} | {row.corpus:,} |"
        f" {'none' if row.is_clean else 'see above'} |"
        for row in results
    )
    return "\n".join([head, *rows])


def cargo_fuzz(command: str, *argv: str, output: object = None) -> int:
    """A command of cargo-fuzz."""
    where = ("--fuzz-dir", "targets", "--target-dir", str(FOLDER / "target"))
    return tool("cargo-fuzz", CARGO_FUZZ, "fuzz", command, *where, *argv, output=output, **UNSTABLE)


def tool(name: str, version: str, *argv: str, output: object = None, **environment: str) -> int:
    """Run a subcommand of Cargo from a crate of a certain version, which is compiled once into the cache."""
    home = FOLDER / f"{name}-{version}"
    if not (home / "bin" / name).exists():
        install = ("install", name, "--version", version, "--locked", "--root", str(home))
        if status := cargo(*install):
            return status
    search = os.pathsep.join([str(home / "bin"), os.environ["PATH"]])
    return cargo(*argv, output=output, PATH=search, **environment)


def cargo(*argv: str, output: object = None, **environment: str) -> int:
    """Run Cargo in the workspace of the calls, that of the releases unless runtimes are needed; its status."""
    tools = instrumented() if UNSTABLE.items() <= environment.items() else rust()
    own = {"CARGO_TARGET_DIR": str(FOLDER / "target"), "RUSTC": tools["rustc"]}
    search = {"PATH": os.pathsep.join([str(Path(tools["cargo"]).parent), environment.get("PATH", os.environ["PATH"])])}
    command, together = [tools["cargo"], *argv], os.environ | own | environment | search
    return subprocess.run(command, cwd=WORKSPACE, env=together, stdout=output, stderr=output, check=False).returncode


def instrumented() -> dict[str, str]:
    """A Rust that brings the runtimes of the sanitizers, which those of distributions leave out."""
    for rustc in (rust()["rustc"], shutil.which("rustc")):
        if rustc is not None:
            done = subprocess.run([rustc, "--print", "sysroot"], capture_output=True, text=True, check=True)
            sysroot = Path(done.stdout.strip())
            if any(sysroot.glob("lib/rustlib/*/lib/*_rt.asan.a")):
                return {name: str(sysroot / "bin" / name) for name in ("cargo", "rustc")}
    sys.exit("no Rust here brings the runtimes of the sanitizers; with rustup: rustup toolchain install stable")


def rust() -> dict[str, str]:
    """Where the programs of the toolchain are, as `ferrule doctor` says."""
    command = [sys.executable, "-m", "ferrule", "doctor", "--json", "--no-probe"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return {row["tool"]: row["path"] for row in json.loads(done.stdout)}


if __name__ == "__main__":
    sys.exit(main())
