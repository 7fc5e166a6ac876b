"""The command line as a person types it: what it says, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess  # noqa: TID251 - the command line is what is tested
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import jsonschema
import pytest
from click.testing import CliRunner

from fakes.toolchain import PATIENCE_SECONDS
from ferrule import __version__
from ferrule.cli import cli
from ferrule.cli.commands import SUMMARIES
from ferrule.core import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.toolchain import Demo

COMMANDS = sorted(SUMMARIES)


# Exit codes


def test_every_class_of_failure_has_a_code_of_its_own() -> None:
    classes = [
        errors.UsageError,
        errors.ConfigError,
        errors.ToolchainError,
        errors.BuildError,
        errors.VerificationError,
        errors.StorageError,
        errors.NetworkError,
        errors.IncomparableError,
        errors.PublishError,
    ]
    codes = [c.exit_code for c in classes]
    assert codes == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    documented = errors.__doc__ or ""
    for result in classes:
        line = next(line for line in documented.splitlines() if f" {result.__name__} " in line)
        assert f" {result.exit_code} " in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["release", "--no-such-option"], "No such option"),
        (["no-such-command"], "No such command"),
        (["pick", "wheel", "--to", "x"], "'pick' is now 'extract'"),
        (["release", "--jobs", "0"], "0 is not in the range"),
        (["release", "--jobs", "many"], "not a valid number"),
        (["release", "--rust-source", "magic"], "magic"),
        (["release", "--rust", "rustup"], "--rust-source"),
        (["doctor", "--with", "contaner"], "Did you mean container?"),
        (["setup", "--with", "unheard-of"], "There are: cargo, "),
        (["plan", "--graph", "picture"], "picture"),
        (["build", "natve"], "did you mean native?"),
        (["build", "--target", "sparc"], "there is no target 'sparc'"),
        (["release", "--executor", "nobody"], "there is no executor 'nobody'"),
        (["release", "--remote-cache", "ftp://x"], "not an http or https URL"),
        (["release", "--sign-key", "no-such.pem"], "the key cannot be read"),
        (["explain", "99"], "ferrule has no exit code 99"),
        (["help", "relase"], "Did you mean 'release'?"),
        (["--color", "blue", "plan"], "blue"),
        (["completion", "tcsh"], "tcsh"),
        (["verify", "dist", "--identity", ""], "the value of --identity is empty: perhaps a variable is not set"),
        (["verify", "dist", "--issuer="], "the value of --issuer is empty"),
        (["release", "--sign-key", ""], "the value of --sign-key is empty"),
        (["publish", "--sign-key", ""], "the value of --sign-key is empty"),
        (["-C", "", "check"], "the value of -C is empty"),
        (["verify", ""], "an argument is empty"),
    ],
)
def test_mistake_on_the_command_line(demo: Demo, arguments: list[str], message: str) -> None:
    done = demo.ferrule(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_folder_may_stand_before_and_after_the_command(demo: Demo) -> None:
    (demo.project / "rust" / "x").mkdir(parents=True, exist_ok=True)
    for words in (["-C", "rust", "check"], ["check", "-C", "rust"], ["-C", "rust", "check", "-C", "x"]):
        assert demo.ferrule(*words).stdout.startswith("targets.yaml is valid"), words
    lost = demo.ferrule("-C", "rust", "check", "-C", "/")
    assert lost.returncode == 3
    assert "error: /: there is no targets.yaml" in lost.stderr
    for words in (["-C", "gone", "check"], ["check", "-C", "gone"], ["-C", "rust", "check", "-C", "gone"]):
        gone = demo.ferrule(*words)
        assert gone.returncode == 2
        assert "there is no directory '" in gone.stderr


def test_colours_are_those_of_the_command_line_then_of_the_environment(demo: Demo) -> None:
    demo.edit("kind: sdk", "kind: sdkk")
    assert "\x1b[" not in demo.ferrule("check").stderr
    assert "\x1b[31m" in demo.ferrule("check", "--color", "always").stderr
    assert "\x1b[31m" in demo.ferrule("--color", "always", "check", NO_COLOR="1").stderr
    assert "\x1b[31m" in demo.ferrule("check", FORCE_COLOR="1").stderr
    assert "\x1b[" not in demo.ferrule("check", "--color", "never", FORCE_COLOR="1").stderr
    assert "\x1b[" not in demo.ferrule("check", FORCE_COLOR="1", NO_COLOR="1").stderr


def test_a_message_shows_its_line_of_the_file_also_from_a_folder_below(demo: Demo) -> None:
    demo.edit("kind: sdk", "kind: sdkk")
    lines = (demo.project / "targets.yaml").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if "sdkk" in line)
    for words in (["check"], ["-C", "rust", "check"]):
        shown = demo.ferrule(*words).stderr.splitlines()
        assert shown[1] == f"  {number} | {lines[number - 1]}"
        column = lines[number - 1].index("sdkk")
        assert shown[2].partition("| ")[2] == " " * column + "^"
        assert shown[3] == "  hint: did you mean sdk?"


def test_check_writes_sarif(demo: Demo) -> None:
    good = demo.ferrule("check", "--format", "sarif")
    assert (good.returncode, json.loads(good.stdout)["runs"][0]["results"]) == (0, [])
    demo.edit("kind: sdk", "kind: sdkk")
    bad = demo.ferrule("check", "--format", "sarif")
    assert bad.returncode == 3
    (result,) = json.loads(bad.stdout)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "targets.yaml"


def test_version_in_short(demo: Demo) -> None:
    assert demo.ferrule("-V").stdout == demo.ferrule("--version").stdout == f"ferrule {__version__}\n"


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_is_a_command_too(command: list[str]) -> None:
    runner = CliRunner()
    assert runner.invoke(cli, ["help", *command]).output == runner.invoke(cli, [*command, "--help"]).output


def completed(demo: Demo, words: str) -> list[str]:
    """What a shell is told for the last word of a command line: as bash asks, by click's protocol."""
    count = len(words.split(" ")) - 1
    done = demo.ferrule(_FERRULE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(count))
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_names_of_the_project_are_completed(demo: Demo) -> None:
    assert completed(demo, "ferrule rel") == ["release"]
    assert "native" in completed(demo, "ferrule build ")
    assert completed(demo, "ferrule build nat") == ["native"]
    assert completed(demo, "ferrule build --target aarch64-u") == ["aarch64-unknown-linux-gnu"]
    assert completed(demo, "ferrule build --target al") == ["all"]
    assert completed(demo, "ferrule extract whe") == ["wheel"]
    assert completed(demo, "ferrule explain nat") == ["native"]
    assert completed(demo, "ferrule explain dist/x") == ["dist/x"]  # a file, which the shell completes
    assert completed(demo, "ferrule help veri") == ["verify"]


@pytest.mark.parametrize(
    "content", ["artifacts: [", "[]", "artifacts: 5", "artifacts: &a {x: *a}", "\0", "", "x: " + "[" * 5000]
)
def test_what_cannot_be_read_completes_nothing(demo: Demo, content: str) -> None:
    (demo.project / "targets.yaml").write_text(content)
    assert completed(demo, "ferrule build ") in ([], ["x"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(demo: Demo, shell: str) -> None:
    script = demo.ferrule("completion", shell).stdout
    assert f"_FERRULE_COMPLETE={shell}_complete" in script
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


@pytest.mark.parametrize("value", ["tomorrow", "-1", "1.5", "", "١٢٣"])
def test_source_date_epoch_that_is_no_number(demo: Demo, value: str) -> None:
    done = demo.ferrule("check", SOURCE_DATE_EPOCH=value)
    assert done.returncode == 2
    assert "SOURCE_DATE_EPOCH" in done.stderr


def no_project(demo: Demo) -> None:
    (demo.project / "targets.yaml").unlink()


def no_cbindgen(demo: Demo) -> None:
    shutil.rmtree(demo.root / "cache" / "tools" / "cbindgen-0.29.4")


def state_is_a_file(demo: Demo) -> None:
    (demo.project / ".ferrule").write_text("not a folder")


def output_is_a_file(demo: Demo) -> None:
    demo.dist.write_text("not a folder")


def no_package(demo: Demo) -> None:
    shutil.rmtree(demo.root / "cache" / "debs")


def false_package(demo: Demo) -> None:
    demo.edit("packaging/base.lock", "packaging/other.lock")
    shutil.copy(demo.project / "packaging" / "base.lock", demo.project / "packaging" / "other.lock")
    demo.edit("libc6", "libc7", "packaging/other.lock")


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("scratch", "no dynamic loader"),
        ("other.lock", "neither a file of the project nor an image by digest"),
        ("registry.example/base:latest", "neither a file of the project nor an image by digest"),
        ("registry.example/base@sha256:12", "not an image with a digest"),
        ("../base.lock", "leaves the project"),
        ("/base.lock", "leaves the project"),
    ],
)
def test_base_of_an_image_that_cannot_be_one(demo: Demo, base: str, says: str) -> None:
    demo.edit("packaging/base.lock", f'"{base}"')
    done = demo.ferrule("check")
    assert done.returncode == 3
    assert "targets.yaml:34:47: " in done.stderr
    assert says in done.stderr


def test_base_by_digest_needs_no_lock(demo: Demo) -> None:
    demo.edit("packaging/base.lock", f'"registry.example/team/base:1@sha256:{"0" * 64}"')
    done = demo.ferrule("plan", "--json")
    assert done.returncode == 0, done.stderr
    assert [a["recipe"] for a in json.loads(done.stdout)["actions"] if a["id"] == "image:base"] == ["PulledBase"]


def unknown_key(demo: Demo) -> None:
    demo.edit("kind: sdk, library", "kind: sdk, libary")


def two_mistakes(demo: Demo) -> None:
    unknown_key(demo)
    demo.edit('glibc: "2.17"}', "glibc: 2.17}")


def bad_python(demo: Demo) -> None:
    demo.edit('requires-python = ">=3.11"', 'requires-python = "what"', "packaging/python/pyproject.toml")


def no_licence(demo: Demo) -> None:
    (demo.project / "LICENSE").unlink()


@pytest.mark.parametrize(
    ("damage", "code", "says"),
    [
        (no_project, 3, ["there is no targets.yaml here"]),
        (unknown_key, 3, ["targets.yaml:32:22: ", "libary", "did you mean library?"]),
        (two_mistakes, 3, ["targets.yaml:18:37: ", "targets.yaml:32:22: ", "4 errors"]),
        (false_package, 3, ["targets.yaml:34:47: ", "no libc6", "ferrule lock"]),
        (no_licence, 3, ["targets.yaml:8:19: ", "LICENSE"]),
        (no_cbindgen, 4, ["cbindgen 0.29.4", "not installed", "cargo install"]),
        (bad_python, 3, ["packaging/python/pyproject.toml", "requires-python"]),
        (state_is_a_file, 7, [".ferrule"]),
        (output_is_a_file, 7, ["dist: not a directory", "remove or rename it"]),
        (no_package, 8, ["libc6", "apt-get download"]),
    ],
)
def test_failure_says_what_where_and_what_to_do(
    demo: Demo, damage: Callable[[Demo], None], code: int, says: list[str]
) -> None:
    damage(demo)
    done = demo.ferrule("release", "--offline")
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert [text for text in says if text not in output] == []
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nativ"], "did you mean native?"),
        (["xyzzy"], "there are: "),
        (["native", "--target", "x86_64-unknown-linux-gnuu"], "did you mean x86_64-unknown-linux-gnu?"),
        (["component", "--target", "aarch64-apple-darwin"], "component is not made for aarch64-apple-darwin"),
    ],
)
def test_unknown_name_is_told_with_the_nearest(demo: Demo, arguments: list[str], says: str) -> None:
    done = demo.ferrule("build", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.startswith("error: targets.yaml: ")


def test_machine_that_is_no_target(demo: Demo) -> None:
    path = demo.project / "targets.yaml"
    lines = [line for line in path.read_text().splitlines(keepends=True) if "unknown-linux-gnu:" not in line]
    path.write_text("".join(line for line in lines if "kind: image" not in line))
    done = demo.ferrule("build")
    if sys.platform == "linux":
        assert done.returncode == 3
        assert "choose with --target: aarch64-apple-darwin, wasm32-unknown-unknown or all" in done.stderr


# Help


def test_help_of_every_command_has_an_example() -> None:
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        text = (command.help if command else "") or ""
        assert "Example:" in text, name
        assert f"ferrule {name}" in text, name


def test_help_names_every_command_and_exit_code(demo: Demo) -> None:
    done = demo.ferrule("--help")
    assert done.returncode == 0
    assert [name for name in COMMANDS if name not in done.stdout] == []
    for code in ("0 success", "2 command line", "3 targets.yaml", "8 network", "130 interrupted"):
        assert code in " ".join(done.stdout.split())


def test_version_needs_no_project(tmp_path: Path) -> None:
    for option in (["--version"], ["--version", "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "ferrule", *option[:1]],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={"PYTHONPATH": str(Path(errors.__file__).parents[1])},
        )
        assert done.stdout == f"ferrule {__version__}\n"


def test_start_imports_nothing_heavy() -> None:
    lazily = "from ferrule.core import lazy_modules; lazy_modules.install('ferrule')"  # as the program does
    program = f"import sys; {lazily}; import ferrule.cli; print(' '.join(sys.modules))"
    environment = {"PYTHONPATH": str(Path(errors.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    heavy = {"lief", "rich", "pydantic", "yaml", "tarfile", "zipfile", "subprocess", "packaging", "filelock", "ctypes"}
    assert heavy & set(done.stdout.split()) == set()


# What commands say


def test_check(demo: Demo) -> None:
    done = demo.ferrule("check")
    assert (done.returncode, done.stdout) == (0, "targets.yaml is valid: 4 targets, 12 artifacts, 27 actions\n")
    assert json.loads(demo.ferrule("check", "--json").stdout) == {"ok": True, "actions": 27}
    assert demo.ferrule("check", "--quiet").stdout == ""


@pytest.mark.parametrize("folder", ["rust/demo-ffi/src", "packaging", "."])
def test_any_folder_of_the_project_will_do(demo: Demo, folder: str) -> None:
    done = demo.ferrule("check", "-C", folder)
    assert done.returncode == 0, done.stderr


def test_commands_that_only_look_change_nothing_and_start_nothing(demo: Demo) -> None:
    before = sorted(demo.root.rglob("*"))
    for command in (["check"], ["plan"], ["plan", "--json"], ["plan", "--graph", "dot"], ["config"], ["schema"]):
        done = demo.ferrule(*command)
        assert done.returncode == 0, done.stderr
    assert demo.calls == []
    assert sorted(demo.root.rglob("*")) == before


def test_plan_as_json_names_every_action(demo: Demo) -> None:
    document = json.loads(demo.ferrule("plan", "--json").stdout)
    assert (document["project"], document["release"], len(document["actions"])) == ("demo", "1.2.3", 27)
    ids = [a["id"] for a in document["actions"]]
    assert all(ids.index(need) < ids.index(a["id"]) for a in document["actions"] for need in a["needs"])


def test_plan_tells_why(demo: Demo) -> None:
    assert "why: never built here" in demo.ferrule("plan", "--why").stdout
    assert demo.ferrule("release", "--quiet").returncode == 0
    calls = demo.calls
    assert demo.ferrule("plan", "--why").stdout.count("why: nothing changed") == 27
    (demo.project / "LICENSE").write_text("another licence")
    output = demo.ferrule("plan", "--why").stdout
    assert "why: sources LICENSE: " in output
    assert ", which is rebuilt, comes out different" in output
    assert demo.calls == calls


def test_graphs(demo: Demo) -> None:
    dot = demo.ferrule("plan", "--graph", "dot").stdout
    assert dot.startswith("digraph plan {")
    assert 'label="native@aarch64-apple-darwin"' in dot
    assert demo.ferrule("plan", "--graph", "mermaid").stdout.startswith("flowchart LR\n")


def test_config_prints_the_effective_matrix(demo: Demo) -> None:
    document = json.loads(demo.ferrule("config").stdout)
    assert set(document["targets"]) == {
        "x86_64-unknown-linux-gnu",
        "aarch64-unknown-linux-gnu",
        "aarch64-apple-darwin",
        "wasm32-unknown-unknown",
    }


def test_schema_accepts_the_project_and_goes_to_a_file(demo: Demo) -> None:
    import yaml  # noqa: PLC0415

    text = demo.ferrule("schema").stdout
    jsonschema.validate(yaml.safe_load((demo.project / "targets.yaml").read_text()), json.loads(text))
    assert demo.ferrule("schema", "--output", "schema.json").stdout == ""
    assert (demo.project / "schema.json").read_text() == text


def test_doctor_finds_everything_in_order_and_names_what_is_missing(demo: Demo) -> None:
    done = demo.ferrule("doctor", "--no-probe", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    no_cbindgen(demo)
    done = demo.ferrule("doctor", "--no-probe")
    assert done.returncode == 4
    assert "cbindgen" in done.stdout


def test_setup_says_what_it_would_install(demo: Demo) -> None:
    no_cbindgen(demo)
    done = demo.ferrule("setup", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "cbindgen" in done.stdout
    assert not (demo.root / "cache" / "tools" / "cbindgen-0.29.4").exists()


def test_release_as_json_is_one_event_a_line(demo: Demo) -> None:
    done = demo.ferrule("release", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0] == {"event": "run-started", "actions": 27, "jobs": events[0]["jobs"]}
    assert events[-1]["event"] == "run-finished"
    assert (events[-1]["built"], events[-1]["failed"]) == (27, 0)
    assert done.stderr == ""


def test_quiet_says_results_and_errors_only(demo: Demo) -> None:
    done = demo.ferrule("build", "header", "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""


def test_github_gets_folds_a_summary_and_annotations(demo: Demo) -> None:
    page = demo.root / "summary.md"
    (demo.home / "fail-aarch64-apple-darwin").touch()
    done = demo.ferrule("release", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    assert done.returncode == 5
    lines = done.stdout.splitlines()
    assert sum(line.startswith("::group::") for line in lines) == lines.count("::endgroup::") > 10
    errors_told = [line for line in lines if line.startswith("::error ")]
    assert len(errors_told) == 1
    assert "mismatched types [E0308]" in errors_told[0]
    assert "native@aarch64-apple-darwin failed" in page.read_text()


def test_reader_that_goes_away_is_no_failure(demo: Demo) -> None:
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f"'{sys.executable}' -m ferrule schema | :; '{sys.executable}' -m ferrule plan 2>&1 | /bin/true",
        ],
        env=demo.environment,
        cwd=demo.project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_terminal_shows_what_is_done_and_is_left_as_it_was(demo: Demo) -> None:
    import pty  # noqa: PLC0415

    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "ferrule", "release"],
        cwd=demo.project,
        env=demo.environment | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        shown = bytearray()
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
    os.close(leader)
    assert process.returncode == 0
    text = shown.decode()
    assert "27 built, 0 unchanged" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0


def test_waiting_for_another_run_can_be_interrupted(demo: Demo) -> None:
    with demo.held():
        first = demo.start("build", "native", "--target", "x86_64-unknown-linux-gnu")
        demo.await_call(" rustc --locked ")
        second = demo.start("build", "native", "--target", "x86_64-unknown-linux-gnu")
        assert second.stderr is not None
        assert "waiting for it to end" in second.stderr.readline()
        for process in (second, first):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE_SECONDS)
            assert process.returncode == 130
