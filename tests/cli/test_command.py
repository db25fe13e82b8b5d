import asyncio
import errno
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    ConfigurationError,
    ConvosoTimeoutError,
    IncompleteError,
    NotFoundError,
    PermissionDeniedError,
)
from convoso_async.jobs import JournalError
from convoso_async.simulator import Simulator

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from convoso_async.cli import demo as demo_module, screen
from convoso_async.cli.command import GROUPS, HINTS, VERBS, explain
from convoso_async.cli.completion import install
from convoso_async.cli.exit import BadUse, Interrupted
from convoso_async.cli.simulator import Tally, introduce, refusal, setting

from .emulator import ENV, RUN, Terminal, assert_screen, convoso, started

OURS = ("demo", "simulator", "export", "import_", "sync", "recordings")


def fact(output: str, name: str) -> str:
    found = re.search(rf"^{name} +(.*)$", output, re.MULTILINE)
    assert found, f"no line {name!r} in:\n{output}"
    return found[1]


def url_of(process: "subprocess.Popen[str]") -> tuple[str, str]:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "CONVOSO_AUTH_TOKEN" in line:
            break
    output = "".join(lines)
    return fact(output, "url"), fact(output, "token")


# -- demo -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "rows", "windows", "requests"), [("observed", 700, 1, 3), ("documented", 41_000, 2, 84)]
)
def test_demo_reads_everything_and_says_so(profile: str, rows: int, windows: int, requests: int) -> None:
    done = convoso("demo", "--rows", str(rows), "--profile", profile)

    assert (done.returncode, done.stderr) == (0, "")
    assert fact(done.stdout, "rows") == f"{rows:,} of {rows:,} expected"
    assert fact(done.stdout, "complete").startswith("yes")
    assert fact(done.stdout, "windows").startswith(f"{windows},")
    assert abs(int(fact(done.stdout, "requests")) - requests) <= 3
    assert fact(done.stdout, "class").split() == ["DuplicateError", "InvalidRequestError"]
    assert fact(done.stdout, "code").split() == ["6008", "6008"]
    assert fact(done.stdout, "found").startswith("Jane, 2125550142, status NEW")
    assert "convoso simulator --port 8080" in done.stdout


def test_demo_in_a_pipe_has_neither_colours_nor_frames_nor_a_bar() -> None:
    output = convoso("demo", "--rows", "50").stdout

    assert output
    assert not re.search(r"[\x1b\r\u2500-\u257f]|rows/s", output)
    assert [line for line in output.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("columns", [80, 120])
def test_demo_on_a_terminal_shows_a_bar_and_frames_and_fits(columns: int) -> None:
    with Terminal("demo", "--rows", "900", columns=columns, lines=70) as terminal:
        assert terminal.ended() == 0
        shown = terminal.text
    assert b"\x1b[32m" in terminal.raw
    assert_screen(f"demo-{columns}", without_the_chance(shown))


def test_demo_without_colours_has_the_same_words() -> None:
    with Terminal("demo", "--rows", "900", lines=70, NO_COLOR="1") as terminal:
        assert terminal.ended() == 0
        shown = terminal.text
    assert not re.search(rb"\x1b\[[0-9;]*(3[0-7]|38;[0-9;]+)m", terminal.raw)
    assert_screen("demo-80", without_the_chance(shown))


def without_the_chance(shown: str) -> str:
    """A screen of the demo with what is different each time as zeros."""
    shown = re.sub(r"(?<=127\.0\.0\.1:)\d+", "0", shown)
    shown = re.sub(r"[\d,]+ rows/s \d:\d\d:\d\d", "0 rows/s 0:00:00", shown)
    speed = "0.0, at 0 rows a second"
    return re.sub(r"[\d.]+, at [\d,]+ rows a second", lambda found: speed.ljust(len(found[0])), shown)


def test_demo_gives_the_same_account_for_the_same_seed() -> None:
    first, again, other = (
        fact(convoso("demo", "--rows", "40", "--seed", seed).stdout, "from") for seed in ("7", "7", "8")
    )
    assert first == again != other


async def test_an_export_that_lacks_calls_is_not_passed_off_as_complete() -> None:
    with Simulator(call_logs=20) as sim:
        held = Simulator(call_logs=21).account
        async with AsyncConvoso(sim.token, base_url=sim.url) as client:
            with pytest.raises(IncompleteError, match="20 call logs arrived, and the account has 21"):
                await demo_module.export(client, held)


async def test_a_refusal_that_does_not_come_ends_the_demo() -> None:
    with pytest.raises(RuntimeError, match="should refuse"):
        await demo_module.error_of(asyncio.sleep(0))


def test_the_snippet_at_the_end_runs() -> None:
    with Simulator(call_logs=30) as sim:
        done = subprocess.run(
            [sys.executable, "-c", demo_module.SNIPPET],
            env=ENV | {"CONVOSO_BASE_URL": sim.url, "CONVOSO_AUTH_TOKEN": sim.token},
            check=False,
            capture_output=True,
            encoding="utf-8",
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 30


def test_ctrl_c_in_the_demo_is_one_line_and_130() -> None:
    with started("demo", "--rows", "2000000") as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    assert (process.returncode, complaint) == (130, "Interrupted.\n")


def test_a_reader_that_goes_away_gets_no_traceback() -> None:
    with started("demo", "--rows", "3000") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 3


# -- simulator --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_simulator_serves_until_it_is_told_to_stop(end: signal.Signals) -> None:
    async def total(url: str, token: str) -> tuple[int | None, int]:
        async with AsyncConvoso(token, base_url=url) as client:
            page = await client.call_logs.retrieve(limit=5)
            return page.total, len(page)

    with started("simulator", "--port", "0", "--call-logs", "321", "--profile", "observed") as process:
        assert asyncio.run(total(*url_of(process))) == (321, 5)
        process.send_signal(end)
        last, complaint = process.communicate(timeout=30)
    assert (process.returncode, last, complaint) == (0, "Stopped. Requests answered: 1\n", "")


def test_simulator_on_a_port_in_use_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = convoso("simulator", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Port {port} is in use: end what listens there, or choose another with --port\n"


def test_a_host_without_an_address_is_named() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert refusal(error, "nowhere", 1) == "Cannot listen on nowhere, port 1: Name or service not known"
    error = PermissionError(13, "while attempting to bind to ('127.0.0.1', 80)")
    assert refusal(error, "127.0.0.1", 80) == f"Cannot listen on 127.0.0.1, port 80: {os.strerror(13)}"


@pytest.mark.parametrize(("host", "local"), [("::1", "[::1]"), ("::", "[::1]"), ("", "127.0.0.1")])
def test_the_url_of_an_address_of_the_sixth_version_has_brackets(
    host: str, local: str, capsys: pytest.CaptureFixture[str]
) -> None:
    introduce(Simulator(host=host, port=8080, call_logs=0))
    assert fact(capsys.readouterr().out, "url") == f"http://{local}:8080/v1"


def test_what_is_to_be_set_is_told_for_the_shell_of_the_system() -> None:
    assert setting("NAME", "a", windows=False) == "export NAME=a"
    assert setting("NAME", "a", windows=True) == '$env:NAME = "a"'


async def test_a_simulator_that_runs_long_keeps_no_requests() -> None:
    tally = Tally()
    with Simulator(call_logs=5, before_request=tally) as sim:
        async with AsyncConvoso(sim.token, base_url=sim.url) as client:
            for _ in range(3):
                assert len(await client.call_logs.retrieve(limit=5)) == 5
        assert (tally.requests, sim.requests) == (3, [])


def test_the_url_of_a_simulator_for_all_machines_is_one_that_the_client_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    introduce(Simulator(host="0.0.0.0", port=8080, call_logs=0))
    shown = capsys.readouterr().out

    assert fact(shown, "url") == "http://127.0.0.1:8080/v1"
    assert fact(shown, "call logs") == "0"
    assert "https" in shown


# -- the command ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["demo", "--rowz", "5"], ["--rowz", "Did you mean", "--rows"]),
        (["demo", "--rows", "many"], ["--rows", "many", "int"]),
        (["demo", "--rows", "0"], ["--rows", "0", "> 0"]),
        (["demo", "--profile", "x"], ["--profile", "documented", "observed"]),
        (["demo", "extra", "words"], ["Not understood: extra words"]),
        (["simulator", "--port", "70000"], ["--port", "70000", "65535"]),
        (["demon"], ["Unknown command demon", "did you mean demo?"]),
        (["synch", "dnc"], ["Unknown command synch", "did you mean sync?"]),
        (["--dry-run", "sync"], ["A command goes before --dry-run; there are demo, export, import, "]),
        (["call", "--limit", "5"], ["A command goes before --limit; all of them: convoso endpoints"]),
        (["frobnicate"], ["Unknown command frobnicate", "there are demo, export, import, sync, "]),
        (["--debug=perhaps", "demo"], ["--debug", "perhaps"]),
    ],
)
def test_bad_use_is_two_lines_and_2(words: list[str], named: list[str]) -> None:
    done = convoso(*words)
    line, hint = done.stderr.splitlines()

    assert (done.returncode, done.stdout) == (2, "")
    assert [part for part in named if part not in line] == []
    assert hint == f"See: convoso {f'{words[0]} ' if words[0] in VERBS else ''}--help"


def test_a_second_word_that_is_none_is_told_with_those_there_are() -> None:
    done = convoso("sync", "dncc")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["Unknown command dncc; did you mean dnc?", "See: convoso sync --help"]
    lone = convoso("recordings", "--out", "audio")
    assert lone.stderr.splitlines()[0] == "A command goes before --out; there is download"


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("cyclopts", ["demo"]),
        ("rich", ["demo"]),
        ("rich.console", ["demo"]),
        ("phonenumbers", ["import", "leads", "leads.csv", "--list-id", "1", "--dry-run"]),
    ],
)
def test_without_the_extra_it_says_what_to_install(missing: str, words: list[str]) -> None:
    done = convoso(*words, before=f"import sys; sys.modules[{missing!r}] = None", CONVOSO_AUTH_TOKEN="t")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "The command needs the extra cli: pip install 'convoso[cli]'\n"


def test_another_missing_module_is_not_taken_for_the_extra() -> None:
    done = convoso("demo", before="import sys; sys.modules['convoso_async.cli.screen'] = None")
    assert done.returncode == 1
    assert "convoso_async.cli.screen" in done.stderr
    assert "extra" not in done.stderr


def noted(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (BadUse("the port is taken"), 2, ["the port is taken"]),
        (ConfigurationError("no token"), 2, ["no token"]),
        (
            NotFoundError("no lead with that id", endpoint="leads.delete"),
            3,
            ["leads.delete: no lead with that id"],
        ),
        (IncompleteError("a page is empty"), 3, ["a page is empty"]),
        (KeyError("x"), 3, ["Unexpected KeyError: 'x'", "With --debug it shows where that came from."]),
        (Interrupted("Interrupted. Go on."), 130, ["Interrupted. Go on."]),
        (JournalError("x.journal is no journal"), 2, ["x.journal is no journal"]),
        (noted(ConvosoTimeoutError("no reply in time"), "Go on."), 3, ["no reply in time", "Go on."]),
        (AuthenticationError("no"), 3, ["no", HINTS[AuthenticationError]]),
        (PermissionDeniedError("no"), 3, ["no", HINTS[PermissionDeniedError]]),
        (ImportError("Arrow needs pyarrow"), 2, ["Arrow needs pyarrow"]),
        (OSError(errno.EACCES, "Permission denied", "x.csv"), 3, ["x.csv: Permission denied"]),
        (
            OSError(errno.ENOSPC, "No space left on device", "x.csv"),
            3,
            ["x.csv: No space left on device", "Make room there, or write elsewhere."],
        ),
    ],
)
def test_each_error_has_its_lines_and_its_exit_code(
    error: Exception, code: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(error) == code
    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()) == ("", lines)


def test_debug_shows_the_traceback_before_the_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = convoso("simulator", "--port", str(taken.getsockname()[1]), "--debug")
    assert done.returncode == 2
    assert done.stderr.startswith("Traceback")
    assert done.stderr.splitlines()[-1].endswith("--port")


HEAVY = {"aiohttp", "cattrs", "anyio", "orjson", "pygments", "phonenumbers", "pyarrow", "sqlite3", "yarl"}
MINE = [name for name, verb in VERBS.items() if verb.place.partition(":")[0] in OURS]


def loaded(*words: str) -> set[str]:
    """What is imported to answer."""
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    done = convoso(*words, before=tell)
    assert done.returncode == 0
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [["--help"], [], ["--version"], ["sync", "--help"]])
def test_the_overview_loads_no_verb_and_nothing_heavy(words: list[str]) -> None:
    modules = loaded(*words)
    assert HEAVY.isdisjoint(modules)
    verbs = {f"convoso_async.cli.{verb.place.partition(':')[0]}" for verb in VERBS.values()}
    assert verbs.isdisjoint(modules)


@pytest.mark.parametrize("verb", MINE)
def test_the_help_of_a_verb_begins_with_an_example_and_loads_nothing_heavy(verb: str) -> None:
    assert HEAVY.isdisjoint(loaded(*verb.split(), "--help"))
    usage, blank, example, after, *_ = convoso(*verb.split(), "--help").stdout.splitlines()
    assert usage.startswith(f"Usage: convoso {verb}")
    assert example.startswith(f"Example: convoso {verb}")
    assert (blank, after) == ("", "")


def test_the_list_of_verbs_is_whole() -> None:
    overview = convoso("--help").stdout
    for name, verb in VERBS.items():
        first, _, second = name.partition(" ")
        shown = convoso(first, "--help").stdout if second else overview
        assert re.search(rf"{second or first} +{verb.summary[:40]}", shown)
    for group, (text, example) in GROUPS.items():
        assert re.search(rf"{group} +{text[:40]}", overview)
        assert convoso(group, "--help").stdout.splitlines()[2] == f"Example: {example}"


def test_a_complaint_keeps_its_line_whole(capsys: pytest.CaptureFixture[str]) -> None:
    screen.complain("[bold]" + " long" * 40, "and so on")
    assert capsys.readouterr().err.splitlines() == ["[bold]" + " long" * 40, "and so on"]


@pytest.mark.parametrize("words", [["--help"], ["demo", "--rows", "50"], ["export", "--help"]])
def test_a_full_disk_behind_the_output_is_two_lines_and_3(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", RUN, *words],
            env=ENV, stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.splitlines() == [os.strerror(errno.ENOSPC), "Make room there, or write elsewhere."]


@pytest.mark.parametrize("words", [["--help"], ["call", "--help"]])
def test_help_whose_reader_goes_away_ends_without_a_word(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as pipe:  # noqa: PTH123  # a descriptor has no path
        done = subprocess.run(
            [sys.executable, "-c", RUN, *words],
            env=ENV, stdout=pipe, stderr=subprocess.PIPE, encoding="utf-8", check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (3, "")


def test_without_a_standard_output_nothing_is_begun(tmp_path: Path) -> None:
    words = shlex.join([sys.executable, "-c", RUN, "demo", "--rows", "50"])
    done = subprocess.run(
        f"{words} >&-", shell=True, env=ENV, stderr=subprocess.PIPE, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert done.stderr == "Standard output is closed: send what is not wanted to /dev/null\n"


# -- completion -------------------------------------------------------------------------------------


def completed(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    line = " ".join(map(shlex.quote, words))
    asked = (
        f'. "{script}"; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _convoso; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", asked], env=ENV, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_completion_is_installed_and_completes(tmp_path: Path) -> None:
    done = convoso("--install-completion", "--shell", "bash", folder=tmp_path, HOME=str(tmp_path))
    script = tmp_path / ".local/share/bash-completion/completions/convoso"

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"Completion is in {script}.", "It works in every new shell."]
    assert str(script) in (tmp_path / ".bashrc").read_text("utf-8")
    assert completed(script, "convoso", "ex") == ["export"]
    assert completed(script, "convoso", "sync", "") == ["dnc", "opt-outs"]
    assert completed(script, "convoso", "export", "ca") == ["call-logs", "callbacks"]
    assert completed(script, "convoso", "export", "call-logs", "--format", "p") == ["parquet"]
    assert completed(script, "convoso", "import", "leads", "--dry") == ["--dry-run"]


def test_a_completion_script_elsewhere_changes_nothing_else(tmp_path: Path) -> None:
    done = convoso(
        "--install-completion", "--shell", "zsh", "--output", "convoso.zsh",
        folder=tmp_path, HOME=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0
    assert [found.name for found in tmp_path.iterdir()] == ["convoso.zsh"]


def test_a_shell_that_is_not_known_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from cyclopts.completion import detect

    def unknown() -> None:
        raise detect.ShellDetectionError

    monkeypatch.setattr(detect, "detect_shell", unknown)
    with pytest.raises(BadUse, match="--shell bash, zsh, fish or powershell"):
        install()
