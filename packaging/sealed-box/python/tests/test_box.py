"""The package as its users call it; the vectors are in the project's own tests."""

import copy
import gc
import pickle
import weakref

import pytest

from ferrule_sealed_box import (
    Algorithm,
    ClosedError,
    InvalidKeyError,
    KeyUse,
    MalformedError,
    NotAllowedError,
    Operation,
    Policy,
    RejectedError,
    SealedBox,
    SealedBoxError,
    Status,
    UnknownAlgorithmError,
    WrongKeyError,
    _bindings,
    build_info,
)

SECRET = bytes(range(100, 132))


@pytest.fixture
def box():
    with SealedBox() as opened:
        yield opened


@pytest.fixture
def key(box):
    with box.import_key(Algorithm.XCHACHA20_POLY1305, SECRET, id=7) as imported:
        yield imported


def test_what_is_sealed_is_opened_by_the_same_key_and_for_the_same_purpose(box, key):
    sealed = box.seal(key, b"text", associated=b"to")
    assert box.open(key, bytearray(sealed), associated=memoryview(b"to")) == b"text"
    for wrong, associated in ((sealed, b"from"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"to")):
        with pytest.raises(RejectedError):
            box.open(key, wrong, associated=associated)
    with pytest.raises(MalformedError):
        box.open(key, sealed[:20], associated=b"to")


def test_pieces_are_one_message_and_a_cut_is_noticed(box, key):
    sealed = b"".join(box.seal_pieces(key, [b"a" * 100_000, b"", b"b"], associated=b"to"))
    pieces = [sealed[at : at + 777] for at in range(0, len(sealed), 777)]
    assert b"".join(box.open_pieces(key, pieces, associated=b"to")) == b"a" * 100_000 + b"b"
    with pytest.raises(SealedBoxError):
        b"".join(box.open_pieces(key, pieces[:-1], associated=b"to"))


def test_hashes_signatures_and_agreement(box):
    with box.generate_key(Algorithm.HMAC_SHA256) as mac:
        tag = box.hash(mac, b"one two")
        assert box.hash_pieces(mac, [b"one ", b"two"]) == tag
        box.check_hash(mac, b"one two", tag)
        with pytest.raises(RejectedError):
            box.check_hash(mac, b"one", tag)
    with box.generate_key(Algorithm.ED25519) as pair:
        signature = box.sign(pair, b"text")
        with box.import_public_key(Algorithm.ED25519, pair.public()) as public:
            box.verify(public, b"text", signature)
            with pytest.raises(RejectedError):
                box.verify(public, b"other", signature)
            with pytest.raises(WrongKeyError):
                box.sign(public, b"text")
    with box.generate_key(Algorithm.X25519) as ours, box.generate_key(Algorithm.X25519) as theirs:
        sealing = Algorithm.XCHACHA20_POLY1305
        one, other = box.agree(ours, theirs.public()), box.agree(theirs, ours.public())
        left, right = (box.derive_key(shared, sealing, info=b"x") for shared in (one, other))
        assert box.open(right, box.seal(left, b"text")) == b"text"


def test_what_the_policy_does_not_allow_is_refused(box, key):
    for refused in (
        lambda: box.generate_key(Algorithm.AES256_GCM),
        lambda: box.export_key(key),
        lambda: box.encrypt(key, bytes(24), b"text"),
        lambda: SealedBox(Policy(())).generate_key(Algorithm.ED25519),
    ):
        with pytest.raises(NotAllowedError):
            refused()
    with pytest.raises(InvalidKeyError):
        box.import_key(Algorithm.ED25519, b"short")
    with pytest.raises(UnknownAlgorithmError):
        box.generate_key(1)
    free = Policy((Algorithm.XCHACHA20_POLY1305,), allow_caller_nonces=True, allow_export=True)
    with SealedBox(free) as other:
        assert other.export_key(key) == SECRET
        assert other.decrypt(key, bytes(24), other.encrypt(key, bytes(24), b"text")) == b"text"


def test_uses_of_keys_are_told_also_those_that_were_refused():
    uses, calls = [], []
    with SealedBox(audit=uses.append, observe=calls.append) as box:
        key = box.generate_key(Algorithm.XCHACHA20_POLY1305, id=2**64 - 1)
        box.seal(key, b"text")
        with pytest.raises(NotAllowedError):
            box.export_key(key)
    told = [(use.operation, use.status) for use in uses]
    assert told == [
        (Operation.GENERATE, Status.OK),
        (Operation.SEAL, Status.OK),
        (Operation.EXPORT, Status.NOT_ALLOWED),
    ]
    assert uses[0] == KeyUse(Operation.GENERATE, Algorithm.XCHACHA20_POLY1305, 2**64 - 1, Status.OK)
    assert [call.function for call in calls][1:] == [
        "sealed_box_key_generate",
        "sealed_box_seal",
        "sealed_box_key_export",
    ]


def test_what_an_audit_raises_is_raised():
    def full(_use):
        raise OSError("the disk is full")

    with SealedBox(audit=full) as box, pytest.raises(OSError, match="the disk is full"):
        box.generate_key(Algorithm.ED25519)


def test_nothing_secret_shows(box, key):
    shown = [repr(key), str(key), repr(box), repr(vars(key)), repr(vars(key._handle))]
    with pytest.raises(SealedBoxError) as failed:
        box.import_key(Algorithm.XCHACHA20_POLY1305, SECRET + b"x")
    shown += [repr(failed.value), str(failed.value)]
    for form in (SECRET.hex(), repr(SECRET)[2:-1], SECRET.decode("latin-1")):
        assert not [text for text in shown if form[:8] in text]


def test_a_closed_key_is_refused_and_none_is_copied(box, key):
    for copying in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copying(key)
    key.close()
    key.close()
    with pytest.raises(ClosedError):
        box.seal(key, b"text")


def test_a_closed_key_is_gone_though_what_was_made_with_it_lives(box, key):
    sealing = box.seal_pieces(key, [b"one ", b"two"])
    first = next(sealing)
    key.close()
    assert key._handle._pointer.value is None
    with box.import_key(Algorithm.XCHACHA20_POLY1305, SECRET, id=7) as again:
        assert b"".join(box.open_pieces(again, [first, *sealing])) == b"one two"
    box.close()
    assert box._handle._pointer.value is None


def test_the_library_says_what_it_is_made_of():
    assert {"aes-gcm", "chacha20poly1305", "ed25519-dalek"} <= build_info()["cryptography"].keys()


def owed():
    """Structures of callbacks that there are, and those that the library has not released."""
    gc.collect()
    structures = sum(isinstance(one, _bindings.Callbacks) for one in gc.get_objects())
    return structures, len(_bindings._alive_callbacks)


def test_callbacks_go_when_the_library_releases_them():
    class Service:
        def __init__(self):
            self.uses = []
            self.box = SealedBox(audit=self.note)

        def note(self, use):
            self.uses.append(use)

    before = owed()
    service = Service()
    key = service.box.import_key(Algorithm.XCHACHA20_POLY1305, SECRET, id=7)
    assert (len(service.uses), owed()) == (1, (before[0] + 1, before[1] + 1))
    service.box.close()
    assert owed() == before, "the key calls none of them"
    seen = weakref.ref(service)
    del service
    gc.collect()
    assert seen() is None
    key.close()
    other = Service()  # which is never closed, and refers to itself
    seen = weakref.ref(other)
    del other
    assert (owed(), seen()) == (before, None)
