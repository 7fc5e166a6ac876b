from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import logging
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import ferrule_email_validator as ev
from ferrule_email_validator import Decision, EmailType, EmailValidationConfig, Lookups, Status, Validator

FREE = EmailValidationConfig(blocked_emails=["FREE"])


class Lists:
    """Look-ups as a class writes them."""

    def is_free_email(self, domain: str, /) -> bool:
        return domain == "mail.example"

    def is_disposable_email(self, domain: str, /) -> bool:
        return domain == "trash.example"

    def has_mx_records(self, domain: str, /) -> bool:
        return domain != "nowhere.example"

    def has_gravatar(self, email: str, /) -> bool:
        return email == "joe@example.com"


ALL = EmailValidationConfig(blocked_emails=list(EmailType))


def test_a_decision_says_why_and_is_true_where_allowed():
    with Validator(ALL, Lists()) as validator:
        allowed, denied = validator.check("joe@example.com"), validator.check("ann@nowhere.example")
    assert allowed
    assert allowed == Decision((), '{"decision":"Allowed"}')
    assert not denied
    assert denied.blocked == (EmailType.NO_MX_RECORDS, EmailType.NO_GRAVATAR)


def test_without_options_the_syntax_decides():
    assert ev.is_valid_email("joe@localhost")
    assert ev.is_valid_email("joe@").blocked == (EmailType.INVALID,)


def test_lookups_get_the_canonical_domain():
    asked: list[str] = []
    config = EmailValidationConfig(blocked_emails=["FREE", "NO_GRAVATAR"])

    def note(text: str) -> bool:
        asked.append(text)
        return True

    ev.is_valid_email("Jo\u00e9@B\u00fccher.Example", config, Lookups(is_free_email=note, has_gravatar=note))
    assert asked == ["xn--bcher-kva.example", "Jo\u00e9@xn--bcher-kva.example"]


def test_batches_keep_their_order():
    with Validator(FREE, Lists()) as validator:
        decisions = validator.check_batch(["joe@mail.example", "joe@example.com", "joe@"])
        assert [d.blocked for d in decisions] == [(EmailType.FREE,), (), (EmailType.INVALID,)]
        assert [d.json for d in decisions] == [validator.check(c).json for c in ("joe@mail.example", "a@b", "joe@")]
        assert validator.check_batch([]) == []


def test_options_are_a_copy():
    names = ["FREE"]
    config = EmailValidationConfig(blocked_emails=names)
    names.append("SPAM")
    assert config.blocked_emails == ("FREE",)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.allow_domain_literal = True


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"blocked_emails": "FREE"}, "not one name"),
        ({"blocked_emails": [b"FREE"]}, "is a str, not bytes"),
        ({"require_top_level_domain": 2}, "True or False, not 2"),
        ({"allow_domain_literal": None}, "True or False, not None"),
    ],
)
def test_options_of_the_wrong_type_are_refused(options, said):
    with pytest.raises(TypeError, match=said):
        EmailValidationConfig(**options)


@pytest.mark.parametrize("candidate", [None, b"joe@example.com", 7])
def test_candidates_of_the_wrong_type_are_refused(candidate):
    with Validator() as validator:
        with pytest.raises(TypeError, match="the candidate is a str"):
            validator.check(candidate)
        with pytest.raises(TypeError, match="candidate 1 is a str"):
            validator.check_batch(["joe@example.com", candidate])


def test_one_text_is_no_batch():
    with Validator() as validator, pytest.raises(TypeError, match="see check"):
        validator.check_batch("joe@example.com")


# Errors


def test_every_failing_status_has_its_exception():
    kinds = {v for v in vars(ev).values() if isinstance(v, type) and issubclass(v, ev.EmailValidatorError)}
    own = sorted(k.status for k in kinds - {ev.EmailValidatorError, ev.ClosedError})
    assert own == sorted(set(Status) - {Status.OK})


def test_an_unknown_type_is_named():
    with pytest.raises(ev.UnknownEmailTypeError, match='"SPAM", "€"; the types are FREE') as caught:
        Validator(EmailValidationConfig(blocked_emails=["SPAM", "FREE", "€"]))
    assert isinstance(caught.value, ValueError)


def test_a_message_quotes_the_beginning_of_a_long_name():
    name = "\u20ac" * 5000
    with pytest.raises(ev.UnknownEmailTypeError) as caught:
        Validator(EmailValidationConfig(blocked_emails=[name]))
    message = str(caught.value)
    assert f'"{name[:32]}"\u2026; the types are FREE, ' in message


def test_a_type_without_its_lookup_is_refused():
    with pytest.raises(ev.MissingCallbackError, match="FREE needs a callback"):
        Validator(FREE)
    with pytest.raises(ev.MissingCallbackError, match="NO_GRAVATAR"):
        Validator(EmailValidationConfig(blocked_emails=["NO_GRAVATAR"]), Lookups(is_free_email=lambda _: True))


def test_half_a_surrogate_pair_is_refused():
    with Validator() as validator:
        with pytest.raises(ev.NotUtf8Error, match="candidate is not UTF-8"):
            validator.check("joe\ud800@example.com")
        with pytest.raises(ev.NotUtf8Error, match="item 1: the candidate is not UTF-8"):
            validator.check_batch(["joe@example.com", "\udfff"])
        assert validator.check("joe@example.com")


def test_lengths_have_a_limit():
    with Validator() as validator:
        assert not validator.check("a" * (1 << 20))
        with pytest.raises(ev.TooLongError, match="longer than 1048576 bytes"):
            validator.check("a" * (1 << 20) + "a")
        with pytest.raises(ev.TooLongError, match="more than 1048576 items"):
            validator.check_batch([""] * ((1 << 20) + 1))


def test_a_nul_ends_nothing():
    assert not ev.is_valid_email("joe@example.com\0.evil.example")


# Closing


def test_a_closed_validator_says_so():
    validator = Validator()
    validator.close()
    validator.close()
    for call in (
        lambda: validator.check("a@b"),
        lambda: validator.check_batch([]),
        lambda: validator.check_batch(["a@b"]),
    ):
        with pytest.raises(ev.ClosedError, match="closed"):
            call()


def test_closing_waits_for_the_calls_of_other_threads():
    started, go_on = threading.Event(), threading.Event()

    def slow(_: str) -> bool:
        started.set()
        assert go_on.wait(10)
        return True

    validator = Validator(FREE, Lookups(is_free_email=slow))
    with ThreadPoolExecutor(1) as pool:
        decision = pool.submit(validator.check, "joe@example.com")
        assert started.wait(10)
        validator.close()
        assert validator._handle._pointer.value
        go_on.set()
        assert decision.result(10).blocked == (EmailType.FREE,)
    assert validator._handle._pointer.value is None


def test_a_callback_may_close_its_validator():
    validator = Validator(FREE, Lookups(is_free_email=lambda _: validator.close() or False))
    assert validator.check("joe@example.com")
    with pytest.raises(ev.ClosedError):
        validator.check("joe@example.com")


def test_a_forgotten_validator_frees_itself_even_in_a_cycle():
    class Owner(Lists):
        def __init__(self) -> None:
            self.validator = Validator(FREE, self)

    owner = Owner()
    gone = weakref.ref(owner.validator._handle)
    assert owner.validator.check("joe@example.com")
    del owner
    gc.collect()
    assert gone() is None


def test_callbacks_stay_alive_with_the_validator():
    validator = Validator(FREE, Lookups(is_free_email=lambda domain: domain == "mail.example"))
    gc.collect()
    made = [Validator(FREE, Lookups(is_free_email=lambda _: True)) for _ in range(100)]
    assert not validator.check("joe@mail.example")
    assert validator.check("joe@example.com")
    assert len(made) == 100


# Callbacks


class RefusedError(Exception):
    pass


def refuse(text: str) -> bool:
    raise RefusedError(text)


@pytest.mark.parametrize("call", ["check", "check_batch"])
def test_what_a_lookup_raises_arrives(call):
    with Validator(FREE, Lookups(is_free_email=refuse)) as validator:
        candidate = "joe@example.com"
        with pytest.raises(RefusedError, match=r"example\.com") as caught:
            getattr(validator, call)(candidate if call == "check" else [candidate, candidate])
        assert [entry.name for entry in caught.traceback][-1] == "refuse"
        assert not validator.check("joe@")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, MemoryError])
def test_interruptions_arrive_too(kind):
    def interrupt(_: str) -> bool:
        raise kind

    with Validator(FREE, Lookups(is_free_email=interrupt)) as validator, pytest.raises(kind):
        validator.check("joe@example.com")


async def later(_: str) -> bool:
    return True


@pytest.mark.parametrize("answer", [None, 1, "yes", b""])
def test_only_a_bool_is_an_answer(answer):
    said = f"is_free_email returned {type(answer).__name__}, not True or False"
    with Validator(FREE, Lookups(is_free_email=lambda _: answer)) as validator, pytest.raises(TypeError, match=said):
        validator.check("joe@example.com")


@pytest.mark.filterwarnings("ignore:coroutine 'later' was never awaited")
def test_a_coroutine_is_no_answer():
    with Validator(FREE, Lookups(is_free_email=later)) as validator, pytest.raises(TypeError, match="coroutine"):
        validator.check("joe@example.com")


def test_what_a_logger_raises_arrives():
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RefusedError(record.getMessage())

    logger = logging.getLogger("broken")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(Broken())
    with Validator(logger=logger) as validator, pytest.raises(RefusedError, match="not well formed"):
        validator.check("joe@")
    with pytest.raises(RefusedError, match="SPAM"):
        Validator(EmailValidationConfig(blocked_emails=["SPAM"]), logger=logger)


def test_the_first_exception_arrives_and_the_others_are_reported(unraisable):
    def observe(call: ev.Call) -> None:
        if call.function == "email_validator_check":
            raise RefusedError("second")

    with Validator(FREE, Lookups(is_free_email=refuse), observe=observe) as validator:
        with pytest.raises(RefusedError, match=r"example\.com"):
            validator.check("joe@example.com")
        assert [str(e) for e in unraisable] == ["second"]
        with pytest.raises(RefusedError, match="second"):
            validator.check("joe@")
    assert len(unraisable) == 1


def test_a_callback_may_call_the_library():
    inner = Validator(FREE, Lookups(is_free_email=refuse))

    def ask(_: str) -> bool:
        with pytest.raises(RefusedError):
            inner.check("joe@inner.example")
        return bool(inner.check("joe@"))

    with inner, Validator(FREE, Lookups(is_free_email=ask)) as outer:
        assert outer.check("joe@example.com")


def test_an_exception_leaves_no_cycle():
    class Marker:
        """Something that a weak reference may lead to."""

    def fail(_: str) -> bool:
        marker = Marker()
        alive.append(weakref.ref(marker))
        raise RefusedError(marker)

    alive: list[weakref.ref[Marker]] = []
    gc.disable()
    try:
        with Validator(FREE, Lookups(is_free_email=fail)) as validator, contextlib.suppress(RefusedError):
            validator.check("joe@example.com")
        assert alive[0]() is None
    finally:
        gc.enable()


def test_messages_go_to_the_logger_without_the_address(caplog):
    logger = logging.getLogger("email")
    with caplog.at_level(logging.DEBUG, "email"):
        ev.is_valid_email("someone@", logger=logger)
        with pytest.raises(ev.UnknownEmailTypeError):
            ev.is_valid_email("someone@example.com", EmailValidationConfig(blocked_emails=["SPAM"]), logger=logger)
    assert [record.levelno for record in caplog.records] == [logging.DEBUG, logging.ERROR]
    assert "someone" not in caplog.text


def test_calls_are_observed():
    calls: list[ev.Call] = []
    with Validator(FREE, Lookups(is_free_email=refuse), observe=calls.append) as validator:
        with pytest.raises(RefusedError):
            validator.check("joe@example.com")
        validator.check_batch(["joe@"])
    assert [(c.function, c.status) for c in calls] == [
        ("email_validator_new", Status.OK),
        ("email_validator_check", Status.CALLBACK_FAILED),
        ("email_validator_check_batch", Status.OK),
    ]
    assert all(0 < c.nanoseconds < 10**10 for c in calls)


# Threads


def test_many_threads_share_a_validator_and_each_gets_its_own_answer_and_exception():
    def ask(domain: str) -> bool:
        if domain.startswith("raise"):
            raise RefusedError(domain)
        return domain.startswith("free")

    def work(number: int) -> None:
        for turn in range(200):
            kind = ("free", "paid", "raise")[(number + turn) % 3]
            domain = f"{kind}{number}-{turn}.example"
            try:
                got = validator.check(f"joe@{domain}").json
            except RefusedError as error:
                got = str(error)
            expected = {"free": '{"decision":"Denied","blocked":["FREE"]}', "paid": '{"decision":"Allowed"}'}
            assert got == expected.get(kind, domain)

    with Validator(FREE, Lookups(is_free_email=ask)) as validator, ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(32)))


def test_messages_belong_to_their_thread():
    def work(number: int) -> None:
        for _ in range(100):
            with pytest.raises(ev.UnknownEmailTypeError, match=f'"T{number}";'):
                Validator(EmailValidationConfig(blocked_emails=[f"T{number}"]))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))


def test_threads_may_close_while_others_check():
    def check(validator: Validator) -> None:
        try:
            while True:
                validator.check("joe@example.com")
        except ev.ClosedError:
            pass

    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            validator = Validator(ALL, Lists())
            running = [pool.submit(check, validator) for _ in range(7)]
            pool.submit(validator.close).result(10)
            for future in running:
                future.result(10)
            assert validator._handle._pointer.value is None


def test_other_threads_run_during_a_call():
    barrier = threading.Barrier(2, timeout=10)

    def meet(_: str) -> bool:
        barrier.wait()
        return True

    with Validator(FREE, Lookups(is_free_email=meet)) as validator, ThreadPoolExecutor(2) as pool:
        assert not any(pool.map(validator.check, ["joe@example.com"] * 2))


def test_json_is_what_it_says():
    denied = ev.is_valid_email("joe@")
    assert json.loads(denied.json) == {"decision": "Denied", "blocked": ["INVALID"]}
