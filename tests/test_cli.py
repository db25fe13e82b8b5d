import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from convoso_async import AsyncConvoso, ConfigurationError, IncompleteError, NotFoundError
from convoso_async.simulator import Simulator

pytest.importorskip("cyclopts")
from convoso_async.cli import demo as demo_module, screen
from convoso_async.cli.command import VERBS, explain
from convoso_async.cli.exit import BadUse
from convoso_async.cli.simulator import introduce, refusal

RUN = "import sys; from convoso_async.cli import main; sys.exit(main())"
# What would have rich take a pipe for a terminal, or wrap elsewhere than at column 80.
OUTSIDE = (
    "FORCE_COLOR",
    "NO_COLOR",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
    "COLUMNS",
    "LINES",
    "CLICOLOR_FORCE",
)
ENV = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
ENV["PYTHONIOENCODING"] = "utf-8"
AS_TEXT = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}


def convoso(*words: str, before: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", f"{before}\n{RUN}", *words],
        env=ENV,
        timeout=60,
        check=False,
        **AS_TEXT,
    )


@contextmanager
def started(*words: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", RUN, *words]
    with subprocess.Popen(command, env=ENV, **AS_TEXT) as process:
        try:
            yield process
        finally:
            process.kill()


def fact(output: str, name: str) -> str:
    found = re.search(rf"^{name} +(.*)$", output, re.MULTILINE)
    assert found, f"no line {name!r} in:\n{output}"
    return found[1]


def everything_from(terminal: int) -> bytes:
    output = b""
    with suppress(OSError):  # Linux reports the closed end so
        while piece := os.read(terminal, 4096):
            output += piece
    os.close(terminal)
    return output


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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals in the standard library")
def test_demo_on_a_terminal_of_80_columns_shows_a_bar_and_frames() -> None:
    import pty

    terminal, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "demo", "--rows", "900"],
        env=ENV | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "50"},
        stdout=child,
        stderr=child,
    )
    os.close(child)
    output = everything_from(terminal)
    assert process.wait() == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.decode())
    lines = [line.rpartition("\r")[2] for line in plain.replace("\r\n", "\n").split("\n")]

    assert b"\x1b[32m" in output
    assert "900 rows" in plain
    assert "rows/s" in plain
    assert sum(line.startswith("╭") for line in lines) == 4
    assert max(map(len, lines)) <= 80


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
            **AS_TEXT,
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
        (["demon"], ["demon", "demo", "simulator"]),
        (["--debug=perhaps", "demo"], ["--debug", "perhaps"]),
    ],
)
def test_bad_use_is_two_lines_and_2(words: list[str], named: list[str]) -> None:
    done = convoso(*words)
    line, hint = done.stderr.splitlines()

    assert (done.returncode, done.stdout) == (2, "")
    assert [part for part in named if part not in line] == []
    assert hint == f"See: convoso {f'{words[0]} ' if words[0] in VERBS else ''}--help"


@pytest.mark.parametrize("missing", ["cyclopts", "rich", "rich.console"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    done = convoso("demo", before=f"import sys; sys.modules[{missing!r}] = None")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "The command needs the extra cli: pip install 'convoso[cli]'\n"


def test_another_missing_module_is_not_taken_for_the_extra() -> None:
    done = convoso("demo", before="import sys; sys.modules['convoso_async.cli.screen'] = None")
    assert done.returncode == 1
    assert "convoso_async.cli.screen" in done.stderr
    assert "extra" not in done.stderr


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


@pytest.mark.parametrize("words", [["--help"], [], ["demo", "--help"], ["simulator", "-h"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    done = convoso(*words, before=tell)

    assert done.returncode == 0
    assert {"aiohttp", "cattrs", "anyio", "orjson", "pygments"}.isdisjoint(done.stderr.split())


def test_the_list_of_verbs_is_that_of_the_modules() -> None:
    overview = convoso("--help").stdout
    for verb, summary in VERBS.items():
        assert re.search(rf"{verb} +{summary[:40]}", overview)
        assert re.search(rf"^Example: convoso {verb}\b", convoso(verb, "--help").stdout, re.MULTILINE)


def test_a_complaint_keeps_its_line_whole(capsys: pytest.CaptureFixture[str]) -> None:
    screen.complain("[bold]" + " long" * 40, "and so on")
    assert capsys.readouterr().err.splitlines() == ["[bold]" + " long" * 40, "and so on"]
