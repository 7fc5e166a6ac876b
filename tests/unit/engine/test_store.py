from __future__ import annotations

import json
import os
import stat
import subprocess  # noqa: TID251 - another user is another process
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import StorageError
from ferrule.core.model import Digest, FileRecord
from ferrule.engine.store import DamagedError, Result, Store, file_name, write_aside

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Lab

KEY = Digest.of(b"key")
CONTENT = b"the content of a library"
DOCUMENT = {"recipe": "Cargo", "sources": {"a": "1"}}


@pytest.fixture
def store(lab: Lab) -> Store:
    return lab.store()


def put(store: Store, lab: Lab, name: str = "lib.so", content: bytes = CONTENT) -> FileRecord:
    path = lab.root / name
    path.write_bytes(content)
    digest, size = store.put_file(path)
    return FileRecord(name, digest, size)


def save(store: Store, lab: Lab) -> Result:
    files = (put(store, lab), put(store, lab, "lib.a", b"other content"))
    result = Result(KEY, files, {"floor": "2.17", "n": [1, None]}, {"/usr/x.h": Digest.of(b"h")}, 1.5)
    store.save(result, "native@x", DOCUMENT)
    return result


def record_file(lab: Lab) -> Path:
    return lab.state / "store" / "results" / f"{KEY}.json"


def test_unknown_key_is_not_found_and_nothing_is_said(store: Store, lab: Lab) -> None:
    assert store.find(KEY) is None
    assert lab.notices == []


def test_what_was_saved_is_found(store: Store, lab: Lab) -> None:
    assert save(store, lab) == store.find(KEY)


def test_another_process_finds_it_too(store: Store, lab: Lab) -> None:
    result = save(store, lab)
    assert lab.store().find(KEY) == result


def test_put_file_gives_digest_and_size(store: Store, lab: Lab) -> None:
    record = put(store, lab)
    assert (record.digest, record.size) == (Digest.of(CONTENT), len(CONTENT))
    assert store.object(record.digest).read_bytes() == CONTENT


def test_objects_are_read_only(store: Store, lab: Lab) -> None:
    assert stat.S_IMODE(store.object(put(store, lab).digest).stat().st_mode) == 0o444


def test_content_larger_than_a_chunk(store: Store, lab: Lab) -> None:
    content = os.urandom(3 * (1 << 20) + 17)
    record = put(store, lab, content=content)
    assert store.object(record.digest).read_bytes() == content


def test_equal_content_is_kept_once_and_not_written_again(store: Store, lab: Lab) -> None:
    first = put(store, lab, "a")
    before = lab.everything()
    assert put(store, lab, "b").digest == first.digest
    assert lab.everything() == before


def test_nothing_is_left_aside(store: Store, lab: Lab) -> None:
    save(store, lab)
    put(store, lab)
    assert list((lab.state / "store" / "aside").iterdir()) == []


def test_record_cut_at_any_byte_is_dropped_and_said(store: Store, lab: Lab) -> None:
    save(store, lab)
    whole = record_file(lab).read_bytes()
    for length in range(len(whole)):
        record_file(lab).write_bytes(whole[:length])
        lab.events.clear()
        assert store.find(KEY) is None, length
        assert len(lab.notices) == 1, length
        assert "damaged cache record" in lab.notices[0]
        assert not record_file(lab).exists()


def test_record_with_any_bit_flipped_never_says_something_else(store: Store, lab: Lab) -> None:
    result = save(store, lab)
    whole = record_file(lab).read_bytes()
    for position in range(len(whole)):
        for bit in (0, 3, 6, 7):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            record_file(lab).write_bytes(flipped)
            assert store.find(KEY) in (None, result), (position, bit)


@pytest.mark.parametrize(
    "damage",
    [b"null", b"[]", b'"body"', b"7", b'{"body":1,"sha256":"x"}', b'{"body":{}}', b"[" * 200_000, b'{"body":NaN}'],
)
def test_record_that_is_something_else_is_dropped(store: Store, lab: Lab, damage: bytes) -> None:
    save(store, lab)
    record_file(lab).write_bytes(damage)
    assert store.find(KEY) is None
    assert len(lab.notices) == 1


def test_record_that_is_a_folder_is_no_result(store: Store, lab: Lab) -> None:
    record_file(lab).mkdir(parents=True)
    assert store.find(KEY) is None


def test_record_of_another_key_is_dropped(store: Store, lab: Lab) -> None:
    save(store, lab)
    other = Digest.of(b"other")
    record_file(lab).rename(record_file(lab).with_name(f"{other}.json"))
    assert store.find(other) is None
    assert "another version or key" in lab.notices[0]


def test_damaged_object_is_dropped_with_its_record_and_can_be_put_again(store: Store, lab: Lab) -> None:
    result = save(store, lab)
    path = store.object(result.files[0].digest)
    for position in range(len(CONTENT)):
        flipped = bytearray(CONTENT)
        flipped[position] ^= 1
        path.chmod(0o644)
        path.write_bytes(flipped)
        lab.events.clear()
        assert store.find(KEY) is None
        assert lab.notices == ["lib.so is damaged or missing in the cache; its action runs again"]
        assert not path.exists()
        assert save(store, lab) == store.find(KEY)


@pytest.mark.parametrize("length", [0, 1, len(CONTENT) - 1])
def test_cut_object_is_dropped(store: Store, lab: Lab, length: int) -> None:
    result = save(store, lab)
    path = store.object(result.files[0].digest)
    path.chmod(0o644)
    path.write_bytes(CONTENT[:length])
    assert store.find(KEY) is None


def test_missing_object_is_said(store: Store, lab: Lab) -> None:
    result = save(store, lab)
    store.object(result.files[1].digest).unlink()
    assert store.find(KEY) is None
    assert lab.notices == ["lib.a is damaged or missing in the cache; its action runs again"]
    assert not record_file(lab).exists()


def test_link_planted_as_object_is_not_believed(store: Store, lab: Lab) -> None:
    result = save(store, lab)
    path = store.object(result.files[0].digest)
    (lab.root / "equal").write_bytes(CONTENT)
    path.unlink()
    path.symlink_to(lab.root / "equal")
    assert store.find(KEY) is None
    assert (lab.root / "equal").read_bytes() == CONTENT
    assert put(store, lab) == result.files[0]
    assert not path.is_symlink()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_something_else_planted_as_object_is_not_believed_and_gives_way(store: Store, lab: Lab, make: object) -> None:
    assert callable(make)
    result = save(store, lab)
    path = store.object(result.files[0].digest)
    path.unlink()
    make(path)
    assert store.find(KEY) is None
    save(store, lab)
    assert store.find(KEY) == result


def test_damaged_object_is_replaced_when_its_content_comes_again(store: Store, lab: Lab) -> None:
    record = put(store, lab)
    path = store.object(record.digest)
    path.chmod(0o644)
    path.write_bytes(b"damage")
    put(store, lab)
    assert path.read_bytes() == CONTENT


def test_latest_tells_key_document_and_seconds(store: Store, lab: Lab) -> None:
    save(store, lab)
    assert store.latest("native@x") == {"key": KEY.hex, "document": DOCUMENT, "seconds": 1.5}


def test_latest_of_an_action_never_built(store: Store) -> None:
    assert store.latest("never") is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"document":1}', b"\xff", b"[" * 200_000])
def test_damaged_latest_is_none(store: Store, lab: Lab, damage: bytes) -> None:
    save(store, lab)
    (lab.state / "store" / "latest" / "native@x.json").write_bytes(damage)
    assert store.latest("native@x") is None


def test_copy_out_writes_content_and_mode(store: Store, lab: Lab) -> None:
    record = put(store, lab)
    target = lab.root / "dist" / "lib" / "x"
    store.copy_out(record, target)
    assert target.read_bytes() == CONTENT
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    store.copy_out(FileRecord("x", record.digest, record.size, executable=True), target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert [p.name for p in target.parent.iterdir()] == ["x"]


def test_copy_out_shares_nothing_with_the_store(store: Store, lab: Lab) -> None:
    record = put(store, lab)
    store.copy_out(record, lab.root / "out")
    (lab.root / "out").write_bytes(b"changed by somebody")
    assert store.object(record.digest).read_bytes() == CONTENT


def test_copy_out_replaces_a_link_and_not_what_it_leads_to(store: Store, lab: Lab) -> None:
    record = put(store, lab)
    (lab.root / "precious").write_text("precious")
    (lab.root / "out").symlink_to("precious")
    store.copy_out(record, lab.root / "out")
    assert (lab.root / "precious").read_text() == "precious"
    assert (lab.root / "out").read_bytes() == CONTENT


def test_copy_out_refuses_damaged_content(store: Store, lab: Lab) -> None:
    record = put(store, lab)
    store.object(record.digest).chmod(0o644)
    store.object(record.digest).write_bytes(b"damage")
    with pytest.raises(DamagedError, match="damaged or missing in the cache"):
        store.copy_out(record, lab.root / "out" / "x")
    assert list((lab.root / "out").iterdir()) == []
    assert not store.object(record.digest).exists()


def test_content_that_is_read_again_before_it_is_used(store: Store, lab: Lab) -> None:
    result = save(store, lab)
    record = result.files[0]
    store.check(record)
    path = store.object(record.digest)
    path.chmod(0o644)
    path.write_bytes(CONTENT[::-1])
    store._index.remember(path, record.digest)  # as if its stat data were those from before
    assert store.find(KEY) == result
    with pytest.raises(DamagedError):
        store.check(record)
    assert store.find(KEY) is None


@pytest.mark.parametrize("take", ["put_file", "adopt"])
def test_damage_that_nobody_saw_does_not_stand_for_what_is_made_again(store: Store, lab: Lab, take: str) -> None:
    record = put(store, lab)
    path = store.object(record.digest)
    path.chmod(0o644)
    path.write_bytes(CONTENT[::-1])
    store._index.remember(path, record.digest)  # as if its stat data were those from before
    if take == "adopt":
        assert store.adopt(lab.root / record.name, record.digest)
    else:
        put(store, lab)
    assert path.read_bytes() == CONTENT


def test_file_written_aside_leaves_nothing_where_it_cannot_be(lab: Lab) -> None:
    (lab.root / "place" / "full").mkdir(parents=True)
    with pytest.raises(StorageError):
        write_aside(lab.root / "place", b"content")
    assert not list(lab.root.glob("*.aside"))


def test_copy_out_of_missing_content(store: Store, lab: Lab) -> None:
    with pytest.raises(DamagedError, match="damaged or missing in the cache"):
        store.copy_out(FileRecord("x", KEY, 3), lab.root / "out")


def test_place_taken_by_a_folder_is_told(store: Store, lab: Lab) -> None:
    (lab.root / "out" / "x" / "full").mkdir(parents=True)
    with pytest.raises(StorageError) as caught:
        store.copy_out(put(store, lab), lab.root / "out" / "x")
    assert caught.value.hint is not None
    assert "nothing is lost" in caught.value.hint


def test_store_in_a_place_that_is_a_file(lab: Lab) -> None:
    lab.state.mkdir()
    (lab.state / "store").write_text("not a folder")
    with pytest.raises(StorageError, match="cannot write") as caught:
        put(lab.store(), lab)
    assert str(lab.state / "store") in str(caught.value.where)


def test_full_disk_is_told_and_leaves_nothing_half_made(lab: Lab) -> None:
    """A limit on file sizes is what a test can do without a disk of its own; the code sees the same kind of error."""
    program = f"""
import resource, signal, sys
from pathlib import Path
from ferrule.engine.sources import StatIndex
from ferrule.engine.store import Store
from ferrule.core.errors import StorageError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
store = Store(Path({str(lab.state / "store")!r}), StatIndex(None, lambda: 0), print)
try:
    store.put_file(Path({str(lab.root / "large")!r}))
except StorageError as error:
    print(error)
    sys.exit(7)
"""
    (lab.root / "large").write_bytes(b"x" * 100_000)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")
    assert "cannot write: File too large" in done.stdout
    assert [p for p in lab.state.rglob("*") if p.is_file()] == []


def test_folder_that_may_not_be_written_is_told(lab: Lab) -> None:
    """As another user where the tests run as root, whom no permission binds."""
    (lab.root / "a").write_bytes(CONTENT)
    (lab.state / "store").mkdir(parents=True)
    for folder in (lab.state / "store", lab.root / "a"):
        folder.chmod(0o555)
    program = f"""
import os, sys
from pathlib import Path
from ferrule.engine.sources import StatIndex
from ferrule.engine.store import Store
from ferrule.core.errors import StorageError
import hashlib, tempfile, json
if os.geteuid() == 0:
    os.chdir({str(lab.root)!r})
    os.setuid(65534)
store = Store(Path("state/store"), StatIndex(None, lambda: 0), print)
try:
    store.put_file(Path("a"))
except StorageError as error:
    print(error)
    sys.exit(7)
"""
    lab.root.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=lab.root)
    assert (done.returncode, done.stderr) == (7, "")
    assert "cannot write: Permission denied" in done.stdout
    assert "correct the permissions" in done.stdout


def test_sweep_removes_what_a_killed_run_left_aside(store: Store, lab: Lab) -> None:
    result = save(store, lab)
    (lab.state / "store" / "aside" / ".aside-half").write_bytes(b"half")
    store.sweep()
    assert not (lab.state / "store" / "aside").exists()
    assert store.find(KEY) == result


def test_two_stores_in_one_folder_do_not_disturb_each_other(lab: Lab) -> None:
    one, two = lab.store(), lab.store()
    records = [put(s, lab, name) for s in (one, two) for name in ("a", "b")]
    assert len({r.digest for r in records}) == 1
    assert [p.name for p in (lab.state / "store" / "objects").rglob("*") if p.is_file()] == [records[0].digest.hex]


def test_records_are_the_same_bytes_for_the_same_result(store: Store, lab: Lab) -> None:
    save(store, lab)
    first = record_file(lab).read_bytes()
    record_file(lab).unlink()
    save(store, lab)
    assert record_file(lab).read_bytes() == first
    assert json.loads(first)["body"]["files"][0] == ["lib.so", Digest.of(CONTENT).hex, len(CONTENT), False]


def test_file_names_of_actions_are_safe_and_never_meet() -> None:
    ids = ["native@x86_64-unknown-linux-gnu", "image:base", "image_base", "a/b", "a%2fb", "..", "a b", "Ä"]
    names = [file_name(i) for i in ids]
    assert len(set(names)) == len(ids)
    assert names[0] == ids[0]
    assert all("/" not in n and n not in (".", "..") and n.isascii() for n in names)


def test_what_was_read_besides_is_known_by_what_is_declared(store: Store, lab: Lab) -> None:
    declared, read = Digest.of(b"declared"), {"words": Digest.of(b"w"), "absent": None, "/usr/include/x.h": None}
    result = Result(KEY, (), discovered=read, asked={"HOME": None}, declared=declared)
    store.keep(result)
    assert store.find(KEY) == result
    assert list(store.reads(declared, "a")) == [("absent", "words"), ()]
    assert list(store.reads(Digest.of(b"other"), "a")) == [()]
    for n in range(20):
        store.keep(Result(KEY, (), discovered={str(n): None}, declared=declared))
    assert list(store.reads(declared, "a")) == [*((str(n),) for n in range(19, 11, -1)), ()]
    store.save(result, "a", {"read": {"last": "x"}})
    assert list(store.reads(declared, "a"))[-1] == ("last",)
    before = lab.everything()
    store.keep(replace(result, discovered={"19": None}))
    assert [name for name, stat in lab.everything().items() if before.get(name) != stat and "/reads/" in name] == []


@pytest.mark.parametrize("damage", [b"", b"{", b"3", b"[1]", b'{"a": 1}', b"\xff"])
def test_damaged_names_of_what_was_read_are_none(store: Store, damage: bytes) -> None:
    declared = Digest.of(b"declared")
    store.keep(Result(KEY, (), discovered={"words": None}, declared=declared))
    (file,) = (store.root / "reads").iterdir()
    file.write_bytes(damage)
    assert ("words",) not in store.reads(declared, "a")


def test_a_file_of_another_file_system_is_copied(lab: Lab) -> None:
    store, source = lab.store(), Path("/proc/version")  # no link to it can be made
    digest = Digest.of(source.read_bytes())
    assert store.adopt(source, digest)
    assert store.object(digest).read_bytes() == source.read_bytes()
