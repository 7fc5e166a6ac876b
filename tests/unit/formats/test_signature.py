from __future__ import annotations

import hashlib
import struct

import pytest

from ferrule.formats.signature import read_signature

CONTENT = bytes(range(256)) * 40
PAGE = 12
ALGORITHMS = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}


def blob(magic, body):
    return struct.pack(">LL", magic, 8 + len(body)) + body


def directory(
    content=CONTENT,
    *,
    kind=2,
    flags=2,
    special=(),
    limit=None,
    page=PAGE,
    version=0x20400,
    magic=0xFADE0C02,
    pages=None,
):
    name, size = ALGORITHMS.get(kind, ("sha256", 32))
    step = 1 << page if page else len(content)
    digest = lambda data: hashlib.new(name, data).digest()[:size]  # noqa: E731 - one line beside its only use
    hashes = [digest(content[path : path + step]) for path in range(0, len(content), step)]
    hashes = hashes if pages is None else hashes[:pages]
    before = b"".join(digest(part) if part is not None else bytes(size) for part in reversed(special))
    identifier = b"demo\0"
    start = 88 + len(identifier) + len(before)
    numbers = (version, flags, start, 88, len(special), len(hashes), len(content) if limit is None else limit)
    head = struct.pack(">7L4BL", *numbers, size, kind, 0, page, 0)
    wide = struct.pack(">LLLQQQQ", 0, 0, 0, 0, 0, 0, 0)
    return blob(magic, head + wide + identifier + before + b"".join(hashes))


def super_blob(parts, magic=0xFADE0CC0):
    index, body = b"", b""
    start = 12 + 8 * len(parts)
    for slot, part in parts:
        index += struct.pack(">LL", slot, start + len(body))
        body += part
    return blob(magic, struct.pack(">L", len(parts)) + index + body)


def signed(*parts, content=CONTENT, **options):
    signature = super_blob([(0, directory(content, **options)), *parts])
    return read_signature(content + signature, len(content), len(signature))


REQUIREMENTS = blob(0xFADE0C01, b"requirements")


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_every_known_hash_is_recomputed(kind):
    result = signed(kind=kind)
    assert (result.kind, result.identifier, result.pages, result.problems) == ("ad-hoc", "demo", 3, ())


def test_a_page_size_of_zero_means_one_page():
    assert signed(page=0).pages == 1
    assert signed(page=0).problems == ()


def test_other_parts_are_recomputed():
    assert signed((2, REQUIREMENTS), special=(None, REQUIREMENTS)).problems == ()
    assert signed((2, REQUIREMENTS), special=(None, b"other")).problems == (
        "its signature is broken: its part 2 was changed after signing",
    )


def test_who_signed():
    assert signed((0x10000, blob(0xFADE0B01, b"cms")), flags=0).kind == "certificate"
    assert signed((0x10000, blob(0xFADE0B01, b""))).kind == "ad-hoc"
    result = signed(flags=0)
    assert result.kind == "incomplete"
    assert result.problems == ("its signature is neither ad-hoc nor made with a certificate",)


def test_every_code_directory_counts():
    good, bad = directory(), directory(bytes(len(CONTENT)), kind=1)
    signature = super_blob([(0, good), (0x1000, bad)])
    (problem,) = read_signature(CONTENT + signature, len(CONTENT), len(signature)).problems
    assert problem == "its signature is broken: 3 of 3 pages were changed, the first is 0"


def test_what_is_not_covered_is_named():
    assert (
        signed(limit=8192).problems
        == (
            "its signature covers 8192 bytes of the 10240 before it",
            "its signature has hashes for 3 pages and the file has 2",
            "its signature is broken: 0 of 2 pages were changed, the first is 0",
        )[:2]
    )
    assert "hashes for 1 pages and the file has 3" in signed(pages=1).problems[0]
    assert "unknown hash 9" in signed(kind=9).problems[0]


def test_an_empty_file_before_the_signature():
    assert signed(content=b"").problems == ()


def test_the_wide_limit_of_newer_directories_is_used():
    data = bytearray(directory())
    struct.pack_into(">Q", data, 56, 4096)
    signature = super_blob([(0, bytes(data))])
    result = read_signature(CONTENT + signature, len(CONTENT), len(signature))
    assert "covers 4096 bytes" in result.problems[0]
    assert signed(version=0x20200).problems == ()


def test_an_identifier_that_does_not_end_is_empty():
    data = bytearray(directory(b"", version=0x20100))
    signature = super_blob([(0, bytes(data[:88]).replace(struct.pack(">L", 88), struct.pack(">L", 93), 1))])
    assert read_signature(signature, 0, len(signature)).identifier == ""


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", "damaged"),
        (super_blob([(0, directory())], magic=1), "damaged"),
        (super_blob([(0, directory())])[:-1], "damaged"),
        (super_blob([(0, directory(magic=1))]), "damaged"),
        (super_blob([(0, blob(0xFADE0C02, b""))]), "damaged"),
        (super_blob([(0, directory().replace(b"demo", b"\xff\xff\xff\xff"))]), "damaged"),
        (struct.pack(">LLL", 0xFADE0CC0, 12, 5), "damaged"),
        (super_blob([]), "no code directory"),
        (super_blob([(2, REQUIREMENTS)]), "no code directory"),
    ],
)
def test_damage_is_a_problem_and_not_a_crash(signature, reason):
    result = read_signature(CONTENT + signature, len(CONTENT), len(signature))
    assert result.kind == "incomplete"
    assert reason in result.problems[0]


def test_a_signature_beyond_the_file_is_damaged():
    assert read_signature(CONTENT, len(CONTENT) + 5, 20).problems == ("its signature is damaged",)
    assert read_signature(CONTENT, -5, 20).problems == ("its signature is damaged",)
