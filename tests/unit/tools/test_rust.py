from __future__ import annotations

from fakes.machine import LINUX, MACOS, remove
from fakes.triples import ARM, WASM
from ferrule.core.toolchain import RustInstallation
from ferrule.tools import rust
from ferrule.tools.installers import apt, rustup
from ferrule.tools.problems import matches


def find(machine, triples=(LINUX,), rust_source=None, **changes):
    return rust.find(machine.host(**changes), "1.96", triples, rust_source=rust_source)


def test_versions_match_by_their_parts():
    assert matches("1.96", "1.96.0")
    assert matches("1.96.0", "1.96.0+dfsg1")
    assert not matches("1.96", "1.9.6")
    assert not matches("1.96.1", "1.96")
    assert not matches("1.96", "")


def test_the_first_complete_rust_of_the_path_wins(machine):
    machine.rust(machine.root / "old", release="1.85.0")
    machine.rust(machine.root / "bare", prebuilt=(), source=False)
    machine.rust(machine.root / "good")
    machine.rust()
    path = tuple(machine.root / name / "bin" for name in ("old", "bare", "good"))
    assert find(machine, path=path).rustc == machine.root / "good/bin/rustc"


def test_what_the_environment_names_comes_first(machine):
    machine.rust()
    mine = machine.rust(machine.root / "mine", cargo=None)
    machine.cargo(machine.root / "elsewhere", "1.96.0")
    environment = {"HOME": "/", "RUSTC": str(mine), "CARGO": str(machine.root / "elsewhere/cargo")}
    toolchain = find(machine, environment=environment)
    assert (toolchain.rustc, toolchain.cargo) == (mine, machine.root / "elsewhere/cargo")


def test_a_wrong_name_in_the_environment_is_told(machine):
    (fault,) = find(machine, environment={"HOME": "/", "RUSTC": "/no/such/rustc"})
    assert "/no/such/rustc was not found" in fault.problem


def test_a_stand_in_of_rustup_is_seen_through(machine):
    machine.rust(machine.rustup_place)
    machine.program("rustc", f'exec "{machine.rustup_place}/bin/rustc" "$@"')
    toolchain = find(machine)
    assert toolchain.rustc == machine.rustup_place / "bin/rustc"
    assert toolchain.cargo == machine.rustup_place / "bin/cargo"


def test_rustup_toolchains_are_found_without_rustup(machine):
    machine.rust(machine.rustup_place)
    assert find(machine).rustc == machine.rustup_place / "bin/rustc"


def test_a_forced_road_is_kept(machine):
    machine.rust()
    machine.rust(machine.rustup_place)
    assert find(machine, rust_source="rustup").rustc == machine.rustup_place / "bin/rustc"
    assert find(machine, rust_source="distribution").rustc == machine.usr / "bin/rustc"
    remove(machine.usr / "bin")
    (fault,) = find(machine, rust_source="distribution")
    assert fault.fix.startswith("apt-get ")


def test_the_system_road_takes_no_stand_in_of_rustup(machine):
    machine.rust()
    machine.rust(machine.rustup_place)
    real = machine.program("rustup", f'exec "{machine.rustup_place}/bin/rustc" "$@"')
    (machine.bin / "rustc").symlink_to(real)
    assert find(machine, rust_source="distribution").rustc == machine.usr / "bin/rustc"


def test_a_versioned_program_of_the_distribution(machine):
    sysroot = machine.usr / "lib" / "rust-1.96"
    machine.rust(sysroot)
    machine.program("rustc-1.96", f'exec "{sysroot}/bin/rustc" "$@"', machine.usr / "bin")
    assert find(machine).rustc == sysroot / "bin/rustc"


def test_macos_is_built_from_source_even_where_compiled(machine):
    machine.rust(prebuilt=(LINUX, MACOS, WASM))
    assert find(machine, (MACOS, WASM)).std == {MACOS: "build-std", WASM: "prebuilt"}


def test_children_may_not_install_toolchains(machine):
    machine.rust()
    machine.program(
        "rustc",
        f'echo "auto=$RUSTUP_AUTO_INSTALL toolchain=${{RUSTUP_TOOLCHAIN-none}}" >> "{machine.calls_file}"; exit 1',
    )
    find(machine, environment={"HOME": "/", "RUSTUP_TOOLCHAIN": "nightly", "RUSTUP_AUTO_INSTALL": "1"})
    assert "auto=0 toolchain=none" in machine.calls


def test_packages_for_every_target(machine):
    machine.apt({"rustc": "1.63.0", "rustc-web": "1.96.0+dfsg1-1~deb12u2"})
    packages = apt.rust(machine.host(), "1.96", (LINUX, ARM, MACOS, WASM), wasm_linker=True)
    assert packages.names == (
        *("rustc-web", "cargo-web", "libstd-rust-web-dev", "libstd-rust-web-dev:arm64"),
        *("rust-web-src", "rust-web-llvm", "lld-22"),
    )
    assert packages.architectures == ("arm64",)


def test_packages_for_this_machine_alone(machine):
    machine.apt({"rustc": "1.96.0-1"})
    packages = apt.rust(machine.host(), "1.96", (LINUX,), wasm_linker=False)
    assert packages == apt.Packages(("rustc", "cargo", "libstd-rust-dev"))


def test_versioned_packages(machine):
    machine.apt({"rustc": "1.75.0", "rustc-1.96": "1.96.0+dfsg0ubuntu1"}, foreign=("arm64",))
    packages = apt.rust(machine.host(), "1.96", (LINUX, ARM), wasm_linker=False)
    assert packages.names == ("rustc-1.96", "cargo-1.96", "libstd-rust-1.96-dev", "libstd-rust-1.96-dev:arm64")
    assert packages.architectures == ()


def test_a_machine_without_apt_offers_nothing(machine):
    assert apt.rust(machine.host(), "1.96", (LINUX,), wasm_linker=False) is None
    assert apt.Packages(("gcc",)).blocked_reason(machine.host()) == "there is no apt-get on this machine"


def test_a_road_that_may_be_taken_is_preferred(machine):
    machine.apt({"rustc": "1.96.0-1"})
    machine.rustup()

    def road(**changes):
        return rust.choose_installer(machine.host(**changes), "1.96", (LINUX,), rust_source=None, wasm_linker=False)

    assert isinstance(road(), apt.Packages)
    assert isinstance(road(is_root=False), rustup.Install)
    remove(machine.bin / "rustup")
    assert isinstance(road(is_root=False), apt.Packages)


def test_rustup_for_macos_brings_the_source(machine):
    machine.rustup()
    assert (
        rustup.Install("1.96", (LINUX, MACOS))
        .command(machine.host())
        .endswith(f"--component rust-src --target {LINUX} --target {MACOS}")
    )
    assert "rust-src" not in rustup.Install("1.96", (LINUX,)).command(machine.host())


def test_rustup_on_macos_comes_from_brew(machine):
    assert rustup.Install("1.96", (MACOS,)).command(machine.host(system="Darwin")).startswith("brew install rustup && ")


def test_a_rust_knows_its_parts(machine):
    machine.rust()
    toolchain = find(machine)
    assert isinstance(toolchain, RustInstallation)
    assert (toolchain.release, toolchain.host, toolchain.llvm) == ("1.96.0", LINUX, "22.1.8")
    assert toolchain.bin == machine.usr / "lib/rustlib" / LINUX / "bin"
