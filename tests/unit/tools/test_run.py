from __future__ import annotations

import os
import signal
import sys
import threading
import time
import tracemalloc
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from fakes.toolchain import PATIENCE_SECONDS
from ferrule.core.errors import StorageError
from ferrule.tools import run
from ferrule.tools.program_output import SHOWN
from ferrule.tools.run import ToolFailed, ToolMissing

ENV = {"PATH": os.defpath}


def shell(tmp_path, script, *, env=None, secrets=(), on_line=None, stdout=None):
    return run.run(
        ["sh", "-c", script],
        env={**ENV, **(env or {})},
        cwd=tmp_path,
        log=tmp_path / "logs" / "sh.log",
        on_line=on_line,
        secrets=secrets,
        stdout=stdout,
    )


def test_capture_returns_both_outputs_and_feeds_input():
    captured = run.capture(["sh", "-c", "cat; echo aside >&2"], env=ENV, input="héllo")
    assert (captured.stdout, captured.stderr) == ("héllo", "aside\n")


def test_input_is_closed_unless_given(tmp_path):
    assert run.capture(["cat"], env=ENV).stdout == ""
    assert shell(tmp_path, "cat") == ""


def test_environment_comes_from_nothing(tmp_path):
    assert shell(tmp_path, "echo ${HOME-none} $GIVEN", env={"GIVEN": "yes"}) == "none yes\n"


def test_run_logs_every_line_and_tells_it(tmp_path):
    heard = []
    script = "echo one; echo two >&2; printf 'half\\rwhole'"
    assert shell(tmp_path, script) == "one\nwhole\n"
    assert shell(tmp_path, script, on_line=heard.append) == ""
    assert sorted(heard) == ["one", "two", "whole"]
    log = (tmp_path / "logs/sh.log").read_text()
    assert log.startswith(f"$ cd {tmp_path} && sh -c ")
    assert log.endswith("= ended with exit code 0\n")
    assert "\ntwo\n" in log


def test_a_failure_can_be_pasted_and_shows_the_last_lines(tmp_path):
    with pytest.raises(ToolFailed) as failure:
        shell(
            tmp_path, "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do echo $i; done; exit 3", env={"FLAG": "a b"}
        )
    failed = failure.value
    assert failed.code == 3
    assert failed.tail == tuple(str(n) for n in range(2, 17))
    assert str(failed).startswith("sh ended with exit code 3\n  | 2\n")
    assert failed.command.startswith(f"cd {tmp_path} && FLAG='a b' sh -c ")
    assert failed.command not in str(failed)  # it is long, and in the log
    assert failed.hint == f"all of it, and the command, is in {tmp_path}/logs/sh.log"


def test_the_output_of_a_failure_has_its_colours_and_what_is_read_of_it_has_none(tmp_path):
    with pytest.raises(ToolFailed) as failure:
        shell(tmp_path, r"printf '\033[31merror\033[0m: no\n' >&2; exit 1")
    failed = failure.value
    assert failed.output == failed.coloured.rstrip("\n") == "\x1b[31merror\x1b[0m: no"
    assert failed.tail == ("error: no",)
    assert failed.stderr == "error: no\n"
    assert "\x1b" not in str(failed) + (tmp_path / "logs/sh.log").read_text()


def test_lines_for_machines_are_left_to_the_log(tmp_path):
    with pytest.raises(ToolFailed) as failure:
        shell(tmp_path, """echo '{"reason":"x"}'; echo; echo human; exit 1""")
    assert failure.value.tail == ("human",)
    assert '{"reason":"x"}' in (tmp_path / "logs/sh.log").read_text()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, "ended with exit code 2"),
        (-11, "was ended by SIGSEGV"),
        (-9, "was ended by SIGKILL (often: out of memory)"),
        (137, "ended with exit code 137, which shells use for SIGKILL (often: out of memory)"),
        (255, "ended with exit code 255"),
    ],
)
def test_ends_are_said_in_words(code, words):
    assert run.describe_exit(code) == words


def test_secrets_are_removed_by_value(tmp_path):
    heard = []
    with pytest.raises(ToolFailed) as failure:
        shell(
            tmp_path,
            "echo $TOKEN; echo second-line-of-key; exit 1",
            env={"TOKEN": "hunter2"},
            secrets=["first-line-of-key\nsecond-line-of-key"],
            on_line=heard.append,
        )
    assert "hunter2" in heard  # it is read by a program, to which changed lines would be others
    everything = str(failure.value) + failure.value.stdout + (tmp_path / "logs/sh.log").read_text()
    assert "hunter2" not in everything
    assert "second-line-of-key" not in everything
    assert "***" in everything
    with pytest.raises(ToolFailed) as failure:
        run.capture(["sh", "-c", "echo hunter2 >&2; exit 1"], env=ENV, secrets=["hunter2"])
    assert "hunter2" not in str(failure.value) + failure.value.stderr


def test_what_cannot_be_started_is_a_sentence(tmp_path):
    with pytest.raises(ToolMissing, match="the program no-such-program was not found in "):
        run.capture(["no-such-program"], env=ENV)
    plain = tmp_path / "plain"
    plain.write_text("")
    with pytest.raises(ToolMissing, match="may not be executed"):
        run.capture([str(plain)], env=ENV)
    plain.chmod(0o755)
    with pytest.raises(ToolMissing, match="could not be started"):
        run.capture([str(plain)], env=ENV)
    with pytest.raises(StorageError, match="does not exist, so sh cannot work in it"):
        run.capture(["sh"], env=ENV, cwd=tmp_path / "gone")


def test_a_log_goes_on_with_the_next_program_of_an_action_and_follows_no_link(tmp_path):
    log = tmp_path / "log"
    for number, append in enumerate([False, True]):
        run.run(["echo", f"program {number}"], env=ENV, cwd=tmp_path, log=log, append=append)
    assert log.read_text().count("= ended with exit code 0\n") == 2
    assert "program 0" in log.read_text()
    (tmp_path / "other").write_text("of somebody else")
    log.unlink()
    log.symlink_to(tmp_path / "other")
    run.run(["echo", "program 2"], env=ENV, cwd=tmp_path, log=log, append=True)
    assert (tmp_path / "other").read_text() == "of somebody else"
    assert "program 2" in log.read_text()


def test_a_log_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "logs").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot write the log"):
        shell(tmp_path, "true")


def test_a_timeout_ends_the_program_and_its_children(tmp_path):
    pid, script = tmp_path / "pid", f"sleep 300 & echo $! > '{tmp_path}/pid'; wait"
    for seconds in (0.2, 1, 5, 25):
        with pytest.raises(ToolFailed, match=f"sh did not end within {seconds:g} s"):
            run.capture(["sh", "-c", script], env=ENV, timeout=seconds)
        if pid.exists() and pid.read_text():
            break  # where much else runs, it may take longer to start
    assert_gone(int(pid.read_text()))


def test_a_listener_that_fails_leaves_no_program_behind(tmp_path):
    def refuse(line):
        raise RuntimeError(line)

    with pytest.raises(RuntimeError):
        shell(tmp_path, f"echo $$ > '{tmp_path}/pid'; echo line; sleep 300", on_line=refuse)
    assert_gone(int((tmp_path / "pid").read_text()))


QUICK_SECONDS = 20  # far less than the 300 that the programs below sleep


@pytest.mark.parametrize("goes_on", ["sleep 300", "while :; do echo more; sleep 0.01; done", "trap '' TERM; sleep 300"])
def test_what_a_program_leaves_behind_dies_with_it_and_stalls_nothing(tmp_path, goes_on):
    begun = time.monotonic()
    assert shell(tmp_path, f"echo done; ({goes_on}) & echo $! > '{tmp_path}/pid'").startswith("done\n")
    assert_gone(int((tmp_path / "pid").read_text()))
    script = f"echo done; ({goes_on}) & echo $! > '{tmp_path}/pid2'"
    assert run.capture(["sh", "-c", script], env=ENV, input="x" * 200_000).stdout.startswith("done\n")
    assert_gone(int((tmp_path / "pid2").read_text()))
    assert time.monotonic() - begun < QUICK_SECONDS


def test_a_program_that_has_to_be_killed_is_told_with_the_signal():
    with pytest.raises(ToolFailed, match=r"did not end within 0\.3 s") as failure:
        run.capture(["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"], env=ENV, timeout=0.3)
    assert failure.value.code == -signal.SIGKILL


def test_what_closed_its_outputs_dies_with_its_program_too(tmp_path):
    shell(tmp_path, f"sleep 300 >/dev/null 2>&1 & echo $! > '{tmp_path}/pid'")
    assert_gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_closed_its_outputs_still_has_a_time_limit():
    with pytest.raises(ToolFailed, match=r"did not end within 0\.3 s"):
        run.capture(["sh", "-c", "exec sleep 300 >&- 2>&-"], env=ENV, timeout=0.3)


def test_input_of_any_size_is_fed_while_output_is_read():
    text = "0123456789abcde\n" * 65_536
    assert run.capture(["cat"], env=ENV, input=text).stdout == text
    assert run.capture(["true"], env=ENV, input=text).stdout == ""


def grown(work):
    """Bytes by which the memory of Python's own objects grew at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    "script",
    ["yes a line of some length that a build prints | head -c 300000000", "head -c 300000000 /dev/zero"],
    ids=["many lines", "one line"],
)
def test_300_megabytes_cost_bounded_memory_and_leave_beginning_and_end(tmp_path, script):
    assert grown(lambda: shell(tmp_path, f"exec >&2; echo first; {script}; echo; echo last")) < 48 * MEBIBYTE
    log = (tmp_path / "logs/sh.log").read_bytes()
    assert len(log) < 24 * MEBIBYTE
    assert b"\nfirst\n" in log
    assert b"last\n= ended with exit code 0\n" in log
    assert b" left out" in log


def test_a_failure_after_much_output_shows_its_first_and_last_lines(tmp_path):
    with pytest.raises(ToolFailed) as failure:
        shell(tmp_path, "echo error: first >&2; yes filler | head -n 1000000 >&2; echo error: last >&2; exit 1")
    failed = failure.value
    assert failed.tail[-1] == "error: last"
    assert failed.stderr.startswith("error: first\n")
    assert "bytes were left out here" in failed.stderr
    assert len(failed.stderr) < 5 * MEBIBYTE


def test_an_answer_that_is_too_long_to_be_one_is_refused(tmp_path):
    line = "y" * 1023
    script = f"yes {line} | head -c {run.ANSWER_BYTES + 1024}"
    for start in (lambda: shell(tmp_path, script), lambda: run.capture(["sh", "-c", script], env=ENV)):
        with pytest.raises(ToolFailed, match="wrote more than 64 MiB where an answer is read"):
            start()
    heard = Counter()
    shell(tmp_path, script, on_line=lambda line: heard.update([line]))
    assert heard == {line: run.ANSWER_BYTES // 1024 + 1}


def test_standard_output_goes_into_a_file_byte_for_byte(tmp_path):
    target = tmp_path / "printed"
    assert shell(tmp_path, r"echo aside >&2; printf 'a\rb\r\n\377\0end'", stdout=target) == ""
    assert target.read_bytes() == b"a\rb\r\n\xff\0end"
    assert "\naside\n" in (tmp_path / "logs/sh.log").read_text()
    with pytest.raises(ToolFailed, match="wrote more than 64 MiB where an answer is read"):
        shell(tmp_path, f"yes | head -c {run.ANSWER_BYTES + (1 << 20)}", stdout=target)
    with pytest.raises(StorageError, match=r"cannot write .*/none/file: No such file or directory"):
        shell(tmp_path, "echo", stdout=tmp_path / "none" / "file")


def test_no_half_of_a_secret_is_left_where_a_line_is_cut(tmp_path):
    secret = "canary-0123456789"
    before = SHOWN - 5
    shell(tmp_path, f"head -c {before} /dev/zero | tr '\\0' x; echo $TOKEN; echo end", env={"TOKEN": secret})
    log = (tmp_path / "logs/sh.log").read_text()
    assert "canary" not in log
    assert "\nend\n" in log


def test_control_characters_of_programs_are_made_visible_in_logs_and_failures(tmp_path):
    with pytest.raises(ToolFailed) as failure:
        shell(tmp_path, r"printf '\033]0;title\007\033[31mred\033[0m \302\233x\342\200\256y\n'; exit 1")
    assert failure.value.tail == (r"\x1b]0;title\x07red \x9bx\u202ey",)
    assert r"\x1b]0;title\x07red \x9bx\u202ey" in (tmp_path / "logs/sh.log").read_text()


def test_all_programs_end_on_request_even_deaf_ones(tmp_path):
    failures = []

    def work(number):
        try:
            run.run(
                ["sh", "-c", f"trap '' TERM; echo $$ > {number}; while :; do sleep 0.05; done"],
                env=ENV,
                cwd=tmp_path,
                log=tmp_path / f"{number}.log",
            )
        except ToolFailed as failed:
            failures.append(failed)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    pids = [wait_for_pid(tmp_path / str(n)) for n in range(3)]
    assert run.end_all(grace=0.2) == 3
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert [failed.interrupted for failed in failures] == [True] * 3
    for pid in pids:
        assert_gone(pid)


def test_after_all_were_ended_for_good_nothing_starts_until_it_may_again(tmp_path):
    run.end_all(for_good=True)
    try:
        for start in (run.capture, partial(run.run, cwd=tmp_path, log=tmp_path / "log")):
            with pytest.raises(run.ToolFailed, match="not started, because everything is to end") as failure:
                start([sys.executable, "-c", f"open({str(tmp_path / 'x')!r}, 'w')"], env={})
            assert failure.value.interrupted
        assert not (tmp_path / "x").exists()
    finally:
        run.reopen()
    assert run.capture([sys.executable, "-c", "print(1)"], env={}).stdout == "1\n"


def test_environment_for_children_keeps_places_and_clients_only():
    given = {
        "PATH": "/bin",
        "HOME": "/builds",
        "TMPDIR": "/scratch",
        "USER": "me",
        "https_proxy": "proxy",
        "PIP_INDEX_URL": "mirror",
        "CARGO_REGISTRIES_OURS_INDEX": "index",
        "PIP_TARGET": "/elsewhere",
        "RUSTFLAGS": "-Ctarget-cpu=native",
        "CARGO_BUILD_TARGET": "other",
        "CFLAGS": "-O0",
        "RUSTUP_TOOLCHAIN": "nightly",
        "RUSTUP_AUTO_INSTALL": "1",
        "LANG": "de_DE",
        "SOURCE_DATE_EPOCH": "1",
        "GITHUB_TOKEN": "secret",
    }
    assert run.base_environment(given) == {
        "PATH": "/bin",
        "HOME": "/builds",
        "TMPDIR": "/scratch",
        "USER": "me",
        "https_proxy": "proxy",
        "PIP_INDEX_URL": "mirror",
        "CARGO_REGISTRIES_OURS_INDEX": "index",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "RUSTUP_AUTO_INSTALL": "0",
    }


def test_a_clock_that_was_set_is_that_of_children_too():
    clock = {"LD_PRELOAD": "libfaketime.so.1", "FAKETIME": "+400d", "FAKETIME_SHARED": "/a /b"}
    # Who waits until a moment of another clock than the kernel's may wait for years.
    assert run.base_environment(clock).items() > {**clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}.items()
    assert "LD_PRELOAD" not in run.base_environment({"LD_PRELOAD": "other.so"})


def test_a_pasteable_command_hides_client_settings_and_escapes_control_characters():
    env = {"PATH": "/bin", "CARGO_REGISTRIES_OURS_TOKEN": "secret", "FLAGS": "a\x1fb'c"}
    assert run.pasteable(["x", "y z"], env, None) == "FLAGS=$'a\\x1fb\\x27c' x 'y z'"


def wait_for_pid(path):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text().strip()):
            return int(text)
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


def assert_gone(pid):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")


def test_a_program_runs_with_the_mask_of_another_person(tmp_path):
    output = run.run(["sh", "-c", "umask"], env=ENV, cwd=tmp_path, log=tmp_path / "log", person=run.RunAs(umask=0o027))
    assert output == "0027\n"


def test_only_root_may_start_a_program_as_another_user(tmp_path):
    tmp_path.chmod(0o755)
    nobody = run.RunAs(user=65534, group=65534)
    try:
        output = run.run(["id", "-u"], env=ENV, cwd=Path("/"), log=tmp_path / "log", person=nobody)
    except ToolMissing:
        output = ""
    assert output == ("65534\n" if os.geteuid() == 0 else "")
