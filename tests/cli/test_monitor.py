import json
import re
import shlex
import signal
from collections.abc import Iterator
from datetime import datetime

import pytest

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from rich.console import Console

from convoso_async import AsyncConvoso, ConvosoTimeoutError, MonitoredAgent, MonitorSnapshot, RateLimitError
from convoso_async.cli import monitor as module
from convoso_async.cli.floor import picture
from convoso_async.simulator import Simulator

from .emulator import Terminal, assert_screen, convoso, masked, pointed_at, started

SEEN = r"\d:\d\d, every \d+ s, q leaves"
"""What stands below the agents once there are any."""


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=20, leads=20) as made:
        yield made


def drawn(snapshot: MonitorSnapshot, width: int = 80, **how: object) -> str:
    console = Console(width=width, color_system=None)
    settings = {"elapsed": 0.0, "long": 600.0, "order": "state", "width": width} | how
    with console.capture() as shown:
        console.print(picture(snapshot, **settings))  # type: ignore[arg-type]
    return "\n".join(line.rstrip() for line in shown.get().splitlines())


def agents(*told: tuple[str, str, int | None]) -> MonitorSnapshot:
    return MonitorSnapshot(
        agents=[
            MonitoredAgent(user_full_name=name, status=state, status_time_sec=t) for name, state, t in told
        ]
    )


# -- the screen -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (132, 40), (48, 12)])
def test_the_screen_in_windows_of_several_sizes(sim: Simulator, columns: int, lines: int) -> None:
    with Terminal("monitor", columns=columns, lines=lines, **pointed_at(sim)) as terminal:
        shown = terminal.until(SEEN)
        terminal.hit("q")
        assert terminal.ended() == 0
    assert b"\x1b[?1049h" in terminal.raw, "the screen is an alternate one: what stood there comes back"
    assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"q leaves")
    assert_screen(f"monitor-{columns}", masked(shown))


def test_without_colours_a_sign_still_marks_who_is_long_in_a_state(sim: Simulator) -> None:
    with Terminal("monitor", NO_COLOR="1", **pointed_at(sim)) as terminal:
        terminal.until(SEEN)
        terminal.hit("q")
        assert terminal.ended() == 0
    assert re.search(r"PAUSED +13:0\d !", terminal.text)
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", terminal.raw)


def test_a_window_that_changes_its_size_is_drawn_anew(sim: Simulator) -> None:
    with Terminal("monitor", "--every", "60", lines=24, **pointed_at(sim)) as terminal:
        assert "window is too low" not in terminal.until(SEEN)
        terminal.resize(60, 12)
        assert "q leaves" in terminal.until("window is too low")
        terminal.hit("q")
        assert terminal.ended() == 0


def test_the_screen_survives_failures_and_says_so(sim: Simulator) -> None:
    with Terminal("monitor", "--every", "2", **pointed_at(sim)) as terminal:
        terminal.until(SEEN)
        sim.fail("agent_monitor.search", times=3, status=500)
        shown = terminal.until("Nothing since")
        assert "Ada Abara" in shown
        assert "trying again every 2 s" in shown
        assert "HTTP 500, the service failed" in shown
        seen = re.search(r"Nothing since (\d\d:\d\d:\d\d)", shown)
        assert seen is not None
        assert "HTTP 500" not in terminal.until_gone("Nothing since")
        terminal.hit("q")
        assert terminal.ended() == 0


def test_a_service_that_is_not_there_yet_is_waited_for(sim: Simulator) -> None:
    with Terminal("monitor", "--every", "2", **pointed_at(sim)) as terminal:
        sim.fail("agent_monitor.search", times=3, drop="before")
        terminal.until(SEEN)
        terminal.hit("q")
        assert terminal.ended() == 0


def test_ctrl_c_gives_the_terminal_back_and_is_130(sim: Simulator) -> None:
    with Terminal("monitor", **pointed_at(sim)) as terminal:
        terminal.until(SEEN)
        terminal.hit("\x03")
        assert terminal.ended() == 130
        assert terminal.echoes
    assert terminal.raw.rstrip().endswith(b"Interrupted.")
    assert b"\x1b[?25h" in terminal.raw.rpartition(b"\x1b[?1049l")[2] + terminal.raw[-200:]


def test_an_end_from_outside_gives_the_terminal_back(sim: Simulator) -> None:
    with Terminal("monitor", **pointed_at(sim)) as terminal:
        terminal.until(SEEN)
        terminal.kill(signal.SIGTERM)
        assert terminal.ended() == 0
        assert terminal.echoes
    assert b"\x1b[?1049l" in terminal.raw


def test_a_wrong_token_ends_it_with_what_to_do(sim: Simulator) -> None:
    env = pointed_at(sim) | {"CONVOSO_AUTH_TOKEN": "wrong"}
    with Terminal("monitor", **env) as terminal:
        assert terminal.ended() == 3
    assert "agent_monitor.search: token not valid" in terminal.text
    assert "convoso doctor" in terminal.text


def test_the_example_of_the_help_runs(sim: Simulator) -> None:
    example = convoso("monitor", "--help").stdout.splitlines()[2]
    assert example.startswith("Example: convoso monitor ")
    with Terminal(*shlex.split(example)[2:], **pointed_at(sim)) as terminal:
        terminal.until(SEEN)
        terminal.hit("q")
        assert terminal.ended() == 0


def test_a_token_is_asked_for_before_the_screen_goes_up(sim: Simulator) -> None:
    with Terminal("monitor", CONVOSO_BASE_URL=sim.url) as terminal:
        terminal.until("Auth token")
        terminal.hit(f"{sim.token}\r")
        terminal.until(SEEN)
        terminal.hit("q")
        assert terminal.ended() == 0
    assert sim.token.encode() not in terminal.raw


# -- one look, and pipes ----------------------------------------------------------------------------


def test_once_is_one_table(sim: Simulator) -> None:
    with Terminal("monitor", "--campaign-id", "61", "--once", **pointed_at(sim)) as terminal:
        assert terminal.ended() == 0
    assert_screen("monitor-once", masked(terminal.text))
    assert len(sim.calls("agent_monitor.search")) == 1


def test_all_filters_are_sent(sim: Simulator) -> None:
    words = "--campaign-id 61,62 --queue-id 9 --user-id 40801,40807 --skill billing".split()
    assert convoso("monitor", "--once", *words, **pointed_at(sim)).returncode == 0
    (request,) = sim.calls("agent_monitor.search")
    assert request.params == {
        "campaign_id": "61,62",
        "queue_id": "9",
        "user_id": "40801,40807",
        "filter_by_skill_options": "billing",
    }


def test_in_a_pipe_each_look_is_a_line_until_it_is_interrupted(sim: Simulator) -> None:
    with started("monitor", "--every", "2", **pointed_at(sim)) as process:
        assert process.stdout
        first, second = json.loads(process.stdout.readline()), json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    assert datetime.fromisoformat(first["time"]) < datetime.fromisoformat(second["time"])
    assert first["agents"] == second["agents"]
    assert first["agent_total"] == len(first["agents"]) == 9
    assert "raw" not in first
    assert (process.returncode, complaint) == (130, "Interrupted.\n")


def test_in_a_pipe_a_failure_is_a_line_on_standard_error(sim: Simulator) -> None:
    sim.fail("agent_monitor.search", times=3, status=503)
    with started("monitor", "--every", "2", **pointed_at(sim)) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["agents"]
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    assert re.match(r"\d\d:\d\d:\d\d agent_monitor.search: HTTP 503", complaint)
    assert process.returncode == 130


def test_a_reader_that_goes_away_ends_it_without_a_word(sim: Simulator) -> None:
    with started("monitor", "--every", "2", **pointed_at(sim)) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("words", "code", "lines"),
    [
        (["--every", "1"], 2, ["--every", "2.0", "See: convoso monitor --help"]),
        (["--long", "0"], 2, ["--long", "> 0"]),
        (["--sort", "shoe"], 2, ["--sort", "state", "time", "agent"]),
        (["--campaign", "61"], 2, ["--campaign", "--campaign-id"]),
        (["--campaign-id", "111"], 3, ["campaign_id not valid"]),
    ],
)
def test_what_cannot_be_done_is_told_in_two_lines(
    sim: Simulator, words: list[str], code: int, lines: list[str]
) -> None:
    done = convoso("monitor", *words, **pointed_at(sim))
    assert (done.returncode, done.stdout) == (code, "")
    assert [part for part in lines if part not in done.stderr] == []
    assert len(done.stderr.splitlines()) <= 2


def test_no_network_is_told_by_once(sim: Simulator) -> None:
    done = convoso("monitor", "--once", **pointed_at(sim) | {"CONVOSO_BASE_URL": "http://127.0.0.1:9/v1"})
    assert done.returncode == 3
    assert "no reply" in done.stderr
    assert "convoso doctor" in done.stderr


def test_a_terminal_that_cannot_draw_is_told_what_can_be_had(sim: Simulator) -> None:
    with Terminal("monitor", TERM="dumb", **pointed_at(sim)) as terminal:
        assert terminal.ended() == 2
    assert terminal.text.startswith(
        "Nothing can be drawn here (TERM): --once is a look, --json a line for each"
    )
    assert sim.requests == []


async def test_where_no_key_is_heard_the_screen_names_another_way_out(sim: Simulator) -> None:
    with module.keys(lambda key: None) as read:
        assert not read, "a test has no keyboard"
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        screen = module.LiveScreen(module.Floor(client, {}, 5.0), 600.0, "state", way_out="Ctrl-C")
        assert [str(line) for line in screen.status()] == ["Looking, every 5 s, Ctrl-C leaves"]


# -- the picture ------------------------------------------------------------------------------------


def test_agents_are_sorted_by_state_and_the_longest_first() -> None:
    floor = agents(("Ann", "PAUSED", 5), ("Bob", "LUNCH", 7), ("Cid", "READY", 3), ("Dan", "READY", 40))
    names = re.compile("Ann|Bob|Cid|Dan")
    assert names.findall(drawn(floor)) == ["Dan", "Cid", "Ann", "Bob"]
    assert names.findall(drawn(floor, order="time")) == ["Dan", "Bob", "Ann", "Cid"]
    assert names.findall(drawn(floor, order="agent")) == ["Ann", "Bob", "Cid", "Dan"]


def test_time_goes_on_between_two_looks() -> None:
    floor = agents(("Ann", "PAUSED", 595), ("Bob", "READY", 3600), ("Cid", "READY", None))
    assert re.search(r"PAUSED +9:55 +Ann", drawn(floor))
    later = drawn(floor, elapsed=6.5)
    assert re.search(r"PAUSED +10:01 ! +Ann", later)
    assert re.search(r"READY +1:00:06 ! +Bob", later)
    assert re.search(r"READY +Cid", later)
    assert "Agents 3   2 over 10 min !   READY 2   PAUSED 1" in later


def test_agents_that_do_not_fit_are_counted() -> None:
    floor = agents(*((f"Agent {n:02}", "READY", 100 - n) for n in range(30)))
    shown = drawn(floor, height=15)
    assert len(shown.splitlines()) == 15
    assert shown.splitlines()[-1] == "and 21 more, for whom the window is too low"
    assert "Agents 30" in shown


def test_an_empty_floor_says_so() -> None:
    assert drawn(MonitorSnapshot()).splitlines()[-1] == "Nobody is signed in."


def test_a_name_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in drawn(agents(("Ann\x1b[2J\nBob", "READY", 1)))


async def test_a_look_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with Simulator(call_logs=0, latency=5) as sim:
        async with AsyncConvoso(sim.token, base_url=sim.url) as client:
            floor = module.Floor(client, {}, 5.0)
            with pytest.raises(ConvosoTimeoutError, match=r"no answer in 0.05 s"):
                await floor.look()


async def test_after_a_429_it_waits_as_long_as_the_service_asks(sim: Simulator) -> None:
    pauses: list[float] = []

    async def noted(seconds: float) -> None:
        pauses.append(seconds)

    async with (
        AsyncConvoso(sim.token, base_url=sim.url, max_retries=0) as throttled,
        AsyncConvoso(sim.token, base_url=sim.url) as rested,
    ):
        floor = module.Floor(throttled, {}, 5.0, clock=lambda: 100.0, sleep=noted)
        sim.fail("agent_monitor.search", status=429, headers={"Retry-After": "90"})
        looks = floor.looks()
        await anext(looks)
        assert isinstance(floor.trouble, RateLimitError)
        floor.client = rested
        await anext(looks)
        assert floor.trouble is None
        await looks.aclose()
    assert pauses == [90.0]
