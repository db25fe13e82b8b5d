import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from convoso_async.cli import checks, main
from convoso_async.cli.checks import CHECKS, drift, fit, span
from convoso_async.cli.doctor import line_of
from convoso_async.simulator import Simulator

from .emulator import Terminal, assert_screen, convoso, pointed_at

CERTIFICATE = Path(__file__).parents[1] / "certificate.pem"
TOKEN = "s3cret-Tok3n-9Zq4"  # no part of it may be seen
Run = Callable[..., tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The doctor in this process: the exit code, and what each check found."""

    def ran(*words: str) -> tuple[int, dict[str, dict[str, str]]]:
        code = main(["doctor", *words])
        shown = capsys.readouterr()
        found = [json.loads(line) for line in shown.out.splitlines()]
        assert shown.err == ("" if code else "All is well.\n")
        assert not re.search("s3cret|Tok3n|9Zq4", shown.out)
        return code, {finding["check"]: finding for finding in found}

    return ran


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], None]:
    """Sets the environment of the account."""

    def set_to(env: Mapping[str, str]) -> None:
        for name, value in env.items():
            monkeypatch.setenv(name, value)

    return set_to


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=20) as made:
        yield made


def verdicts(found: Mapping[str, Mapping[str, str]]) -> str:
    """The verdicts in order, a letter each."""
    return "".join(finding["verdict"][0] for finding in found.values())


class Answers(BaseHTTPRequestHandler):
    """A service with a clock that can be wrong."""

    ahead: ClassVar[timedelta] = timedelta()
    dated: ClassVar[bool] = True

    def do_HEAD(self) -> None:
        self.wfile.write(b"HTTP/1.0 405 No\r\n")
        if self.dated:
            self.wfile.write(f"Date: {format_datetime(datetime.now(UTC) + self.ahead)}\r\n".encode())
        self.wfile.write(b"\r\n")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        reply = b'{"success": true, "data": {"available_agents": 1, "logged_in_agents": 2}, "results": []}'
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(reply)}\r\n\r\n"
        self.wfile.write(head.encode() + reply)

    def log_message(self, *told: object) -> None:
        """Says nothing."""


@contextmanager
def service(*, ahead: timedelta = timedelta(), dated: bool = True, secured: bool = False) -> Iterator[str]:
    kind = type("Handler", (Answers,), {"ahead": ahead, "dated": dated})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        if secured:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http{'s' if secured else ''}://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def test_all_is_well(sim: Simulator, at: Callable[..., None], run: Run) -> None:
    sim.token = TOKEN
    at(pointed_at(sim))
    code, found = run("--timezone", "America/New_York")
    assert (code, list(found), verdicts(found)) == (0, list(CHECKS), "ooooouoou")
    assert "Python 3." in found["versions"]["found"]
    assert found["token"]["found"] == "found in the environment"
    assert found["zone"]["found"].endswith("from --timezone")
    assert found["a call"]["found"] == "the token is taken; agents signed in: 9"
    assert [request.endpoint_id for request in sim.requests if request.endpoint_id] == [
        "user_activity.search",
        "call_logs.retrieve",
    ]


def test_without_a_token_the_rest_is_still_checked(sim: Simulator, at: Callable[..., None], run: Run) -> None:
    at({"CONVOSO_BASE_URL": sim.url})
    code, found = run()
    assert (code, verdicts(found)) == (3, "ofooouoss")
    assert "CONVOSO_AUTH_TOKEN" in found["token"]["advice"]
    assert "--token-file" in found["token"]["advice"]


def test_a_file_that_is_not_there_is_told(
    sim: Simulator, at: Callable[..., None], run: Run, tmp_path: Path
) -> None:
    at(pointed_at(sim))
    code, found = run("--token-file", str(tmp_path / "token"))
    assert (code, found["token"]["verdict"]) == (3, "failed")
    assert "No such file" in found["token"]["found"]


def test_a_token_with_a_line_break_is_told_and_not_shown(
    sim: Simulator, at: Callable[..., None], run: Run
) -> None:
    at(pointed_at(sim) | {"CONVOSO_AUTH_TOKEN": f"{TOKEN}\n{TOKEN}"})
    code, found = run()
    assert (code, found["token"]["verdict"]) == (3, "failed")
    assert "line breaks" in found["token"]["found"]


def test_a_refused_token_is_told(sim: Simulator, at: Callable[..., None], run: Run) -> None:
    at(pointed_at(sim) | {"CONVOSO_AUTH_TOKEN": TOKEN})
    code, found = run()
    assert (code, verdicts(found)) == (3, "ooooouofs")
    assert "token not valid" in found["a call"]["found"]
    assert "copied whole" in found["a call"]["advice"]


def test_a_service_that_fails_is_not_taken_for_a_bad_token(
    sim: Simulator, at: Callable[..., None], run: Run
) -> None:
    at(pointed_at(sim))
    sim.fail("user_activity.search", times=2, status=500)
    code, found = run()
    assert (code, found["a call"]["verdict"], found["a call"]["advice"]) == (3, "failed", None)
    assert "HTTP 500" in found["a call"]["found"]


def test_a_token_without_a_right_is_still_good(sim: Simulator, at: Callable[..., None], run: Run) -> None:
    at(pointed_at(sim))
    sim.fail("*", status=403, skip=1, times=2)
    code, found = run()
    assert (code, verdicts(found)) == (0, "ooooouoou")
    assert "no right to user_activity.search" in found["a call"]["found"]
    assert "lacks the right" in found["zone fits"]["found"]


@pytest.mark.parametrize(
    ("words", "check", "told"),
    [
        (["--timezone", "Mars"], "zone", "--timezone 'Mars' is not known"),
        (["--base-url", "http://example.org/v1"], "base URL", "--base-url must be https"),
        (["--base-url", "http://127.0.0.1:9/v1"], "network", "takes no connection on port 9"),
        (["--base-url", "https://no.such.name.invalid"], "network", "no.such.name.invalid has no address"),
    ],
)
def test_what_is_wrong_is_told_and_what_hangs_on_it_passed_over(
    sim: Simulator, at: Callable[..., None], run: Run, words: list[str], check: str, told: str
) -> None:
    at(pointed_at(sim))
    code, found = run(*words)
    assert (code, found[check]["verdict"], found["a call"]["verdict"]) == (3, "failed", "skipped")
    assert told in found[check]["found"]


def test_a_service_that_is_not_convoso_is_named(at: Callable[..., None], run: Run) -> None:
    at({"CONVOSO_AUTH_TOKEN": TOKEN, "CONVOSO_BASE_URL": "https://api.invalid"})
    assert run()[1]["base URL"]["advice"] == "That is not Convoso: the token goes to api.invalid."


# -- encryption -------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for_is_told(at: Callable[..., None], run: Run) -> None:
    with service(secured=True) as url:
        at({"CONVOSO_AUTH_TOKEN": TOKEN, "CONVOSO_BASE_URL": url})
        code, found = run()
    assert (code, verdicts(found)) == (3, "ooooofsss")
    assert "cannot be trusted: self" in found["encryption"]["found"]


def test_a_good_certificate_is_told_with_its_end() -> None:
    with service(secured=True) as url:
        env = {"CONVOSO_AUTH_TOKEN": TOKEN, "CONVOSO_BASE_URL": url, "SSL_CERT_FILE": str(CERTIFICATE)}
        done = convoso("doctor", **env)
    found = {finding["check"]: finding for finding in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, verdicts(found)) == (0, "oooooooou")
    assert re.fullmatch(r"TLSv1\.\d, .* good until Oct 29 .* 2126 GMT", found["encryption"]["found"])
    assert TOKEN not in done.stdout + done.stderr


def test_what_speaks_no_tls_is_told(sim: Simulator, at: Callable[..., None], run: Run) -> None:
    at(pointed_at(sim) | {"CONVOSO_BASE_URL": sim.url.replace("http:", "https:")})
    assert run()[1]["encryption"]["found"].startswith("none could be agreed on: ")


# -- clock and zone ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "told", "advice"),
    [(600, "behind, 6", "misses the newest rows"), (-600, "ahead, ", "lies in the service's future")],
)
def test_a_clock_that_is_off_is_told_with_what_it_means(
    ahead: int, told: str, advice: str, at: Callable[..., None], run: Run
) -> None:
    with service(ahead=timedelta(seconds=ahead)) as url:
        at({"CONVOSO_AUTH_TOKEN": TOKEN, "CONVOSO_BASE_URL": url})
        code, found = run()
    assert (code, found["clock"]["verdict"]) == (1, "failed")
    assert re.match(rf"{told}\d* ?\d* s from the service's clock", found["clock"]["found"])
    assert advice in found["clock"]["advice"]
    assert found["a call"]["verdict"] == "ok"


def test_a_service_without_a_date_is_no_failure(at: Callable[..., None], run: Run) -> None:
    with service(dated=False) as url:
        at({"CONVOSO_AUTH_TOKEN": TOKEN, "CONVOSO_BASE_URL": url})
        code, found = run()
    assert (code, found["clock"]["verdict"]) == (0, "unknown")
    assert found["zone fits"]["found"] == "cannot be told: there are no calls"


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0, "ok"), (5, "ok"), (-5, "ok"), (6, "failed"), (-6, "failed")]
)
def test_five_seconds_are_tolerated(seconds: int, verdict: str) -> None:
    assert drift(timedelta(seconds=seconds)).verdict == verdict


@pytest.mark.parametrize(
    ("zone", "code", "verdict", "told"),
    [
        ("America/Los_Angeles", 0, "ok", "the newest call is 0 min old"),
        ("Pacific/Honolulu", 1, "failed", "in the future"),
        ("America/New_York", 0, "unknown", "3 h 0 min old"),
    ],
)
def test_the_newest_call_tells_of_a_wrong_zone(
    zone: str, code: int, verdict: str, told: str, at: Callable[..., None], run: Run
) -> None:
    present = datetime.now(ZoneInfo("America/Los_Angeles")).replace(tzinfo=None, microsecond=0)
    with Simulator(call_logs=20, end=present) as sim:
        sim.account.add_call_log(present)
        at(pointed_at(sim))
        ended, found = run("--timezone", zone)
    assert (ended, found["zone fits"]["verdict"]) == (code, verdict)
    assert told in found["zone fits"]["found"]


@pytest.mark.parametrize(
    ("age", "verdict", "advised"),
    [
        (timedelta(minutes=59), "ok", False),
        (timedelta(hours=3), "unknown", True),
        (timedelta(days=3), "unknown", False),
        (timedelta(seconds=-3), "ok", False),
        (timedelta(hours=-3), "failed", True),
    ],
)
def test_what_the_age_of_the_newest_call_means(age: timedelta, verdict: str, advised: bool) -> None:
    finding = fit(age)
    assert (finding.verdict, bool(finding.advice)) == (verdict, advised)


def test_lengths_of_time_in_words() -> None:
    minutes = (0, 59, 61, 60 * 25)
    assert [span(timedelta(minutes=n)) for n in minutes] == ["0 min", "59 min", "1 h 1 min", "1 d 1 h"]


# -- the screen -------------------------------------------------------------------------------------


def test_the_screen_on_a_terminal_of_80_columns(sim: Simulator) -> None:
    env = pointed_at(sim) | {"CONVOSO_AUTH_TOKEN": TOKEN}
    with Terminal("doctor", lines=30, NO_COLOR="1", **env) as terminal:
        assert terminal.ended() == 3
    shown = re.sub(r"(?s)Python 3.*?(?=\n✓)", "Python 3, and packages", terminal.text)
    shown = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "0000-00-00 00:00", shown)
    assert_screen("doctor", re.sub(r":\d{4,5}/", ":0/", re.sub(r"\d+ (ms|s from)", r"0 \1", shown)))
    assert TOKEN.encode() not in terminal.raw


def test_quiet_shows_only_what_failed(sim: Simulator) -> None:
    with Terminal("doctor", "--quiet", CONVOSO_BASE_URL=sim.url) as terminal:
        assert terminal.ended() == 3
    assert re.fullmatch(r"✗  token .*\n.*No token: set CONVOSO_AUTH_TOKEN.*\n.*", terminal.text)


def test_a_terminal_without_the_marks_gets_plain_ones() -> None:
    failed = checks.Finding("failed", "it is not there")
    assert str(next(iter(line_of("token", failed, "latin-1").columns[0].cells))) == "x"
    assert str(next(iter(line_of("token", failed, "UTF-8").columns[0].cells))) == "✗"


def test_help_begins_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--help"]) == 0
    assert capsys.readouterr().out.splitlines()[2] == "Example: convoso doctor"


def test_ctrl_c_is_one_line_and_130(sim: Simulator) -> None:
    sim.latency = 5
    with Terminal("doctor", **pointed_at(sim)) as terminal:
        terminal.until("encryption")
        terminal.hit("\x03")
        assert terminal.ended() == 130
    assert terminal.text.endswith("Interrupted.")
