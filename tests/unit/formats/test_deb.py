from __future__ import annotations

import gzip
import io
import lzma
import tarfile

import pytest

from fakes.tars import raw_tar
from ferrule.core.errors import BuildError, VerificationError
from ferrule.formats.archive_member import Member
from ferrule.formats.deb import DebPackage, base_layer_entries, licenses, read_deb
from ferrule.formats.decompress import Limits
from ferrule.formats.tar import write_tar

CONTROL = "Package: {name}\nVersion: 1.0-1\nArchitecture: amd64\nDescription: short\n longer\n .\n last\n"


def tar(*entries):
    buffer = io.BytesIO()
    write_tar(buffer, entries, 0)
    return buffer.getvalue()


@pytest.fixture
def deb(ar):
    """A package from data entries; `control` is its control file, `members` replaces the members of the ar file."""

    def make(*entries, name="demo", control=None, members=None):
        text = control if control is not None else CONTROL.format(name=name).encode()
        usual = {
            "debian-binary": b"2.0\n",
            "control.tar.gz": gzip.compress(tar(Member("control", text), Member("md5sums"))),
            "data.tar.xz": lzma.compress(tar(*entries)),
        }
        return ar(*(members(usual) if members else usual).items())

    return make


def test_a_package_is_read_with_its_fields_and_data(deb, tmp_path):
    entries = (Member("usr/bin/demo", b"#!", executable=True), Member("etc/demo.conf", b"x"))
    for source in (deb(*entries), tmp_path / "demo.deb"):
        if source == tmp_path / "demo.deb":
            source.write_bytes(deb(*entries))
        package = read_deb(source)
        assert package.name == "demo"
        assert package.fields["Version"] == "1.0-1"
        assert package.fields["Description"] == "short\nlonger\n.\nlast"
        assert package.control == CONTROL.format(name="demo")
        assert [(e.name, e.permissions) for e in package.entries] == [("etc/demo.conf", 0o644), ("usr/bin/demo", 0o755)]


@pytest.mark.parametrize("pack", [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress)])
def test_every_supported_compression_is_read(deb, pack):
    suffix, compress = pack
    data = compress(tar(Member("a", b"x")))
    package = read_deb(deb(members=lambda m: {**dict(list(m.items())[:2]), "_ignored": b"", f"data.tar{suffix}": data}))
    assert [e.name for e in package.entries] == ["a"]


def test_names_as_dpkg_writes_them_and_hard_links_are_read(deb):
    data = raw_tar(
        ("./", {"type": b"5"}, b""),
        ("./usr/a", {}, b"x"),
        ("./usr/b", {"type": b"1", "linkname": "./usr/a"}, b""),
        format=tarfile.GNU_FORMAT,
    )
    package = read_deb(deb(members=lambda m: {**m, "data.tar.xz": lzma.compress(data)}))
    assert [(e.name, e.link) for e in package.entries] == [("usr/a", None), ("usr/b", "a")]


def only(*names):
    return lambda m: {name: m[name] for name in names}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (only("debian-binary", "control.tar.gz"), "not a Debian package"),
        (only("control.tar.gz", "debian-binary", "data.tar.xz"), "not a Debian package"),
        (lambda m: {**m, "extra": b""}, "not a Debian package"),
        (lambda m: {**m, "debian-binary": b"3.0\n"}, "not a Debian package"),
        (lambda m: {**only("debian-binary", "control.tar.gz")(m), "data.tar.zst": b""}, "way that is not supported"),
        (lambda m: {**m, "data.tar.xz": m["data.tar.xz"][:-40]}, "xz data is damaged"),
        (lambda m: {**m, "data.tar.xz": b"nothing"}, "xz data is damaged"),
        (lambda m: {**m, "control.tar.gz": b"nothing"}, "gzip data is damaged"),
        (lambda m: {**m, "control.tar.gz": gzip.compress(tar(Member("md5sums")))}, "no control file"),
    ],
)
def test_other_files_are_refused(deb, members, reason):
    with pytest.raises(VerificationError, match=reason) as caught:
        read_deb(deb(members=members), where="x.deb")
    assert caught.value.where == "x.deb"


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        (b"Package: a\nVersion: 1\n", "no field Architecture"),
        (b"Package: a\nPackage: b\n", "the line 'Package: b'"),
        (b" continued\n", "the line"),
        (b"no colon\n", "the line"),
        (b"Two words: x\n", "the line"),
        (b"Package: \xff\n", "not UTF-8"),
    ],
)
def test_a_damaged_control_file_is_refused(deb, control, reason):
    with pytest.raises(VerificationError, match=reason):
        read_deb(deb(control=control))


def test_a_package_is_as_hostile_as_any_archive(deb):
    for member, reason in (
        (("../x", {}, b""), "leaves the folder"),
        (("null", {"type": b"3"}, b""), "device"),
        (("l", {"type": b"2", "linkname": "../../x"}, b""), "outside"),
    ):
        data = lzma.compress(raw_tar(member))
        with pytest.raises(VerificationError, match=reason):
            read_deb(deb(members=lambda m, data=data: {**m, "data.tar.xz": data}))
    with pytest.raises(VerificationError, match="more than"):
        read_deb(deb(Member("a", bytes(1 << 20))), Limits(total_bytes=1 << 19))


def package(name, *entries):
    return DebPackage(CONTROL.format(name=name), {"Package": name}, entries)


def layer(*packages):
    return {entry.name: entry for entry in base_layer_entries(packages)}


def test_documentation_goes_and_copyright_stays():
    layers = layer(
        package(
            "a",
            Member("usr/share/doc/a", folder=True),
            Member("usr/share/doc/a/copyright", b"free"),
            Member("usr/share/doc/a/changelog.gz", b"x"),
            Member("usr/share/doc/a/examples/copyright", b"x"),
            Member("usr/share/man/man1/a.1.gz", b"x"),
            Member("usr/share/locale/de/a.mo", b"x"),
            Member("usr/lib/x86_64-linux-gnu/gconv/A.so", b"x"),
            Member("usr/lib/x86_64-linux-gnu/liba.so.1", b"x"),
            Member("usr/share/zoneinfo/UTC", b"x"),
            Member("usr/share/empty", folder=True),
            Member("usr/share", folder=True),
            Member("proc", folder=True),
        )
    )
    kept = {name for name, entry in layers.items() if entry.regular and name.startswith("usr/")}
    assert kept == {"usr/share/doc/a/copyright", "usr/lib/x86_64-linux-gnu/liba.so.1", "usr/share/zoneinfo/UTC"}
    assert "usr/share/man" not in layers
    assert "usr/share/empty" not in layers
    assert layers["proc"].folder


@pytest.mark.parametrize(
    ("before", "after", "loader"),
    [
        (
            [
                Member("lib/x86_64-linux-gnu/ld.so", b"ELF"),
                Member("lib64/ld-linux-x86-64.so.2", link="/lib/x86_64-linux-gnu/ld.so"),
            ],
            {"usr/lib64/ld-linux-x86-64.so.2": "/lib/x86_64-linux-gnu/ld.so", "lib64": "usr/lib64", "lib": "usr/lib"},
            "lib64/ld-linux-x86-64.so.2",
        ),
        (
            [
                Member("lib/aarch64-linux-gnu/ld.so", b"ELF"),
                Member("lib/ld-linux-aarch64.so.1", link="aarch64-linux-gnu/ld.so"),
            ],
            {"usr/lib/ld-linux-aarch64.so.1": "aarch64-linux-gnu/ld.so", "lib": "usr/lib"},
            "lib/ld-linux-aarch64.so.1",
        ),
        (
            [
                Member("usr/lib/aarch64-linux-gnu/ld.so", b"ELF"),
                Member("usr/lib/ld-linux-aarch64.so.1", link="aarch64-linux-gnu/ld.so"),
                Member("lib", link="usr/lib"),
            ],
            {"usr/lib/ld-linux-aarch64.so.1": "aarch64-linux-gnu/ld.so", "lib": "usr/lib"},
            "lib/ld-linux-aarch64.so.1",
        ),
    ],
)
def test_the_loader_is_found_where_programs_look_for_it(tmp_path, before, after, loader):
    layers = layer(package("libc6", *before))
    assert {name: layers[name].link for name in after} == after
    assert sum(entry.regular and entry.read() == b"ELF" for entry in layers.values()) == 1
    for entry in layers.values():
        path = tmp_path / entry.name
        if entry.folder:
            path.mkdir(exist_ok=True)
        elif entry.link is not None:
            target = entry.link
            path.symlink_to(tmp_path / target[1:] if target.startswith("/") else target)
        else:
            path.write_bytes(entry.read())
    assert (tmp_path / loader).read_bytes() == b"ELF"


def test_relative_links_lead_where_they_did_before():
    layers = layer(
        package(
            "a",
            Member("lib/a", b""),
            Member("lib/up", link="../usr/share/x"),
            Member("usr/share/x", link="../../lib/a"),
            Member("sbin/tool", link="../bin/tool"),
            Member("bin/tool", b""),
            Member("etc/same", link="../usr/share/x"),
        )
    )
    assert layers["usr/lib/up"].link == "../share/x"
    assert layers["usr/share/x"].link == "../lib/a"
    assert layers["usr/sbin/tool"].link == "../bin/tool"
    assert layers["etc/same"].link == "../usr/share/x"
    assert (layers["sbin"].link, layers["bin"].link) == ("usr/sbin", "usr/bin")


def test_what_a_root_needs_is_added():
    layers = layer(package("b", Member("etc/b", b"")), package("a"))
    assert b"nonroot:x:65532:65532:" in layers["etc/passwd"].read()
    assert b"nonroot:x:65532:\n" in layers["etc/group"].read()
    assert layers["tmp"].permissions == 0o1777
    assert layers["root"].permissions == 0o700
    assert layers["var/lib/dpkg/status.d/a"].read().decode() == CONTROL.format(name="a")
    assert "etc/ssl/certs/ca-certificates.crt" not in layers
    assert "lib" not in layers
    assert all(entry.mode is None or entry.mode <= 0o1777 for entry in layers.values())


def test_what_a_package_brings_itself_is_kept():
    layers = layer(package("a", Member("etc/nsswitch.conf", b"own"), Member("tmp", folder=True, mode=0o1777)))
    assert layers["etc/nsswitch.conf"].read() == b"own"


def test_certificates_are_joined_in_the_order_of_their_names():
    folder = "usr/share/ca-certificates/mozilla"
    layers = layer(
        package("ca", Member(f"{folder}/B.crt", b"two"), Member(f"{folder}/A.crt", b"one\n"), Member(f"{folder}/x.txt"))
    )
    assert layers["etc/ssl/certs/ca-certificates.crt"].read() == b"one\ntwo\n"


def test_order_of_packages_does_not_matter():
    a, b = package("a", Member("usr/a", b"")), package("b", Member("usr/b", b""), Member("usr", folder=True))
    assert base_layer_entries([a, b]) == base_layer_entries([b, a])


def test_a_file_of_two_packages_is_refused():
    with pytest.raises(BuildError, match="usr/lib/x is in the packages a and b"):
        layer(package("a", Member("lib/x", b"")), package("b", Member("usr/lib/x", b"")))


def test_a_copyright_in_another_package_needs_that_package():
    base = package("gcc-base", Member("usr/share/doc/gcc-base/copyright", b"free"))
    user = package("libgcc", Member("usr/share/doc/libgcc", link="gcc-base"))
    assert layer(base, user)["usr/share/doc/libgcc"].link == "gcc-base"
    with pytest.raises(BuildError, match="copyright of libgcc") as caught:
        layer(user)
    assert "gcc-base" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"nothing of this is xz, and there is enough of it", "xz data is damaged: Input format"),
        (lzma.compress(bytes(1 << 20)), "far more than anything worth packing"),
        (lzma.compress(b"\0" * 1024) + b"more", "hidden behind the end of the xz data"),
    ],
)
def test_xz_that_misleads_is_refused(deb, data, reason):
    with pytest.raises(VerificationError, match=reason):
        read_deb(deb(members=lambda m: {**m, "data.tar.xz": data}), Limits(free=1 << 16, ratio=10))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b"Format: 1\nLicense: MIT\nFiles: *\nLicense:  BSD-3\nLicense: MIT\nLicense:\n",
            ("BSD-3", "MIT"),
        ),
        (b"This is free.\nLicense: MIT\n", ()),
        (None, ()),
    ],
)
def test_licences_that_a_package_names(text, expected):
    entries = [Member("usr/share/doc/a/copyright", text)] if text else []
    assert licenses(package("a", *entries)) == expected
