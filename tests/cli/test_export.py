import csv
import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pyarrow import parquet

pytest.importorskip("cyclopts")
pytest.importorskip("pty", reason="Windows has no pseudo-terminals in the standard library")
from convoso_async.cli.exit import BadUse
from convoso_async.cli.filters import moment_of
from convoso_async.simulator import Simulator

from .emulator import ENV, RUN, Terminal, assert_screen, convoso, masked, pointed_at, started

ZONE = ZoneInfo("America/Los_Angeles")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=700, leads=12) as simulator:
        yield simulator


def held(sim: Simulator) -> list[str]:
    return [str(number) for number in sim.account.call_log_ids()]


# -- files and pipes --------------------------------------------------------------------------------


def test_call_logs_in_a_parquet_file_and_a_line_for_programs(sim: Simulator, tmp_path: Path) -> None:
    done = convoso(
        *("export", "call-logs", "--from", "2026-03-01", "--out", "calls.parquet"),
        folder=tmp_path, **pointed_at(sim),
    )  # fmt: skip
    report = json.loads(done.stdout)

    assert done.returncode == 0
    assert parquet.read_table(tmp_path / "calls.parquet")["id"].to_pylist() == held(sim)
    assert {name: report[name] for name in ("rows", "complete", "file")} == {
        "rows": 700, "complete": True, "file": "calls.parquet"
    }  # fmt: skip
    assert re.search(r"^rows +700$", done.stderr, re.MULTILINE)
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("words", [["--out", "-"], []])
def test_in_a_pipe_the_rows_are_json_lines_and_the_rest_is_elsewhere(
    sim: Simulator, words: list[str]
) -> None:
    done = convoso(
        "export", "call-logs", "--columns", "id,status", *words, **pointed_at(sim), FORCE_COLOR="1"
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 0
    assert [row["id"] for row in rows] == held(sim)
    assert {tuple(row) for row in rows} == {("id", "status")}
    assert "700" in done.stderr


def test_csv_on_standard_output(sim: Simulator) -> None:
    done = convoso("export", "leads", "--out", "-", "--format", "csv", "--columns", "id", **pointed_at(sim))
    assert len(done.stdout.splitlines()) == 1 + 12


def test_quiet_is_quiet_and_json_speaks_all_the_same(sim: Simulator, tmp_path: Path) -> None:
    words = ("export", "leads", "--out", tmp_path / "leads.csv", "--quiet")
    quiet, json_too = convoso(*words, **pointed_at(sim)), convoso(*words, "--json", **pointed_at(sim))
    assert (quiet.stdout, quiet.stderr, json_too.stderr) == ("", "", "")
    assert json.loads(json_too.stdout)["rows"] == 12


def test_filters_and_a_range_are_those_of_the_call() -> None:
    with Simulator(call_logs=3000) as sim:
        rows = json_rows(sim, "call-logs", "--from", "2026-03-10", "--to", "2026-03-10")
        assert {row["call_date"][:10] for row in rows} == {"2026-03-10"}
        campaign = rows[0]["campaign_id"]
        some = json_rows(sim, "call-logs", "--where", f"campaign_id={campaign}", "--max-rows", "7")
        assert [row["campaign_id"] for row in some] == [campaign] * 7


def json_rows(sim: Simulator, *words: str) -> list[dict[str, str]]:
    done = convoso("export", *words, "--out", "-", "--quiet", **pointed_at(sim))
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("what", ["leads", "callbacks", "dnc", "opt-outs", "agent-events"])
def test_every_kind_of_rows_can_be_exported(what: str) -> None:
    with Simulator(call_logs=0, dnc=30) as sim:
        rows = json_rows(sim, what)
        assert rows
        assert len({row["id"] for row in rows}) == len(rows)


def test_the_recordings_of_a_lead_and_of_a_user() -> None:
    with Simulator(call_logs=400, profile="observed") as sim:
        recorded = next(row for row in map(sim.account.calls.row, range(400)) if row["recorded"])
        user = next(row for row in sim.account.users if row["id"] == recorded["user_id"])
        of_lead = json_rows(sim, "recordings", "--where", f"lead_id={recorded['lead_id']}")
        of_user = json_rows(sim, "recordings", "--where", f"user={user['email']}")
    assert {row["lead_id"] for row in of_lead} == {str(recorded["lead_id"])}
    assert {row["recording_id"] for row in of_lead} & {row["recording_id"] for row in of_user}


def test_a_list_past_the_reach_of_a_search_is_read_in_parts() -> None:
    with Simulator(call_logs=0, dnc=60, offset_cap=20) as sim:
        whole = convoso("export", "dnc", "--out", "-", **pointed_at(sim))
        assert whole.returncode == 3 or len(whole.stdout.splitlines()) == 60
        rows = json_rows(sim, "dnc", "--partition", "campaign_id=0", "--partition", "campaign_id=-1")
        assert {row["campaign_id"] for row in rows} <= {"0", "-1"}


# -- going on ---------------------------------------------------------------------------------------


def test_an_export_that_failed_goes_on_with_the_same_command_and_no_other(tmp_path: Path) -> None:
    words = ("export", "call-logs", "--out", "calls.csv", "--concurrency", "1", "--columns")
    with Simulator(call_logs=50_000) as sim:
        sim.fail("call_logs.retrieve", skip=95, status=403)
        first = convoso(*words, "id", folder=tmp_path, **pointed_at(sim))
        other = convoso(*words, "status", folder=tmp_path, **pointed_at(sim))
        again = convoso(*words, "id", folder=tmp_path, **pointed_at(sim))
        ids = held(sim)
    assert (first.returncode, first.stdout) == (3, "")
    assert first.stderr.splitlines()[1] == "The same command goes on where it stopped."
    assert other.returncode == 2
    assert "belongs to another export" in other.stderr
    assert other.stderr.endswith("delete it, or give --no-resume, to begin anew\n")
    assert json.loads(again.stdout)["resumed"] > 30_000
    assert "of them by an earlier run" in again.stderr
    assert (tmp_path / "calls.csv").read_text("utf-8").split() == ["id", *ids]


def test_ctrl_c_is_one_line_that_says_how_to_go_on(tmp_path: Path) -> None:
    words = ("export", "call-logs", "--out", "calls.csv", "--columns", "id", "--concurrency", "1")
    with Simulator(call_logs=50_000) as sim:
        reached = False

        def seen(served: Simulator, request: object) -> None:
            nonlocal reached
            reached = reached or len(served.requests) > 95
            served.latency = 0.05 if reached else 0.0

        sim.before_request = seen
        with started(*words, folder=tmp_path, **pointed_at(sim)) as process:
            while not reached:
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            output, complaint = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert complaint == "Interrupted. The same command goes on where it stopped.\n"
    assert {found.name for found in tmp_path.iterdir()} == {"calls.csv.part", "calls.csv.checkpoint"}


# -- what goes wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [[], ["--columns", "id"]])  # more and less than a buffer holds
def test_a_reader_that_goes_away_is_no_news(sim: Simulator, words: list[str]) -> None:
    with started("export", "call-logs", *words, **pointed_at(sim)) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk at hand")
def test_a_full_disk_behind_the_rows_is_told(sim: Simulator) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", RUN, "export", "call-logs"],
            env=ENV | pointed_at(sim), stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.splitlines() == [os.strerror(errno.ENOSPC), "Make room there, or write elsewhere."]


def test_a_file_that_may_not_grow_is_told(sim: Simulator, tmp_path: Path) -> None:
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    words = ("export", "call-logs", "--out", "calls.jsonl")
    done = convoso(*words, folder=tmp_path, before=limit, **pointed_at(sim))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (3, "")
    assert line == f"calls.jsonl.part: {os.strerror(errno.EFBIG)}"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["leads", "--out", "nowhere/leads.csv"], "There is no folder nowhere"),
        (["leads", "--out", "."], ". is a folder: name a file in it, such as leads.csv"),
        (["leads", "--out", "x.xls"], "x.xls ends in none of .jsonl, .csv and .parquet"),
        (["leads", "--where", "lisst_id=3"], "leads.search has no parameter lisst_id. Did you mean list_id?"),
        (["leads", "--where", "list_id"], "Not understood: list_id. Parameters are given as name=value"),
        (
            ["leads", "--where", "limit=3"],
            "limit is no filter: an export reads every row. For fewer: --max-rows",
        ),
        (["leads", "--columns", "id,statos"], "--columns: there is no column statos. Did you mean status or"),
        (["leads", "--columns", ""], "--columns must name one column or more, each once"),
        (["leads", "--columns", "id,id"], "--columns must name one column or more, each once"),
        (["leads", "--from", "soon"], "--from must be a day or a time, such as 2026-03-01"),
        (["leads", "--from", "2026-03-02", "--to", "2026-03-01"], "--to 2026-03-01 lies before --from"),
        (
            ["call-logs", "--from", "2026-03-02", "--to", "2026-03-01 23:59"],
            "--to 2026-03-01 23:59 lies before --from 2026-03-02",
        ),
        (
            ["dnc", "--from", "today", "--to", "today"],
            "dnc.search has no range of time: leave out --from and",
        ),
        (["callbacks", "--from", "2026-03-01 08:00"], "--from must be a day, such as 2026-03-01: callbacks"),
        (["call-logs", "--to", "today", "--where", "end_time=2026-03-01"], "end_time is given by --from or"),
        (["recordings"], "Whose recordings? --where user=ann@example.org, or --where lead_id=1"),
        (["dnc", "--partition", "campain_id=1"], "dnc.search has no parameter campain_id. Did you mean camp"),
    ],
)
def test_what_cannot_be_exported_is_told_before_anything_is_sent(
    sim: Simulator, tmp_path: Path, words: list[str], told: str
) -> None:
    more = () if "--out" in words else ("--out", "x.csv")
    done = convoso("export", *words, *more, folder=tmp_path, **pointed_at(sim))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(told)
    assert (sim.requests, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize("words", [["callz"], [], ["leads", "--format", "xls"], ["leads", "--max-rows", "x"]])
def test_words_that_make_no_sense_are_two_lines(words: list[str]) -> None:
    done = convoso("export", *words)
    _, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout, hint) == (2, "", "See: convoso export --help")


def test_without_pyarrow_it_says_what_to_install(sim: Simulator, tmp_path: Path) -> None:
    block = "import sys; sys.modules['pyarrow'] = None"
    words = ("export", "leads", "--out", "leads.parquet")
    done = convoso(*words, folder=tmp_path, before=block, **pointed_at(sim))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'convoso[arrow]'" in line


def test_debug_shows_where_an_error_came_from(sim: Simulator) -> None:
    done = convoso("export", "leads", "--debug", "--out", "x.csv", CONVOSO_AUTH_TOKEN="no", **at(sim))
    assert done.returncode == 3
    assert done.stderr.startswith("Traceback")


def at(sim: Simulator) -> dict[str, str]:
    return {"CONVOSO_BASE_URL": sim.url}


def test_what_ends_an_export_is_told_below_its_bar(tmp_path: Path) -> None:
    words = ("export", "call-logs", "--out", "calls.csv", "--concurrency", "1")
    with Simulator(call_logs=20_000) as sim:
        sim.fail("call_logs.retrieve", skip=10, status=403)
        with Terminal(*words, folder=tmp_path, **pointed_at(sim)) as terminal:
            assert terminal.ended() == 3
    told = [line for line in terminal.text.splitlines() if line.strip()]
    assert told[0].startswith("call-logs ")
    assert told[-1].startswith("The token has no right to this call.")


def test_a_range_may_end_on_the_day_of_its_first_moment(sim: Simulator, tmp_path: Path) -> None:
    span = ("--from", "2026-03-05 08:00", "--to", "2026-03-05")
    done = convoso("export", "call-logs", *span, "--out", "x.csv", folder=tmp_path, **pointed_at(sim))
    assert (done.returncode, json.loads(done.stdout)["complete"]) == (0, True)


def test_what_is_missing_is_named_with_what_may_be_given() -> None:
    done = convoso("export")
    assert done.stderr.splitlines()[0].startswith("export needs WHAT, one of call-logs, leads, callbacks, ")
    assert convoso("import", "leads", "x.csv").stderr.splitlines()[0] == "import leads needs --list-id"


# -- moments ----------------------------------------------------------------------------------------


def test_moments_as_people_type_them() -> None:
    now = datetime.now(ZONE).date()
    assert moment_of("--from", "2026-03-01", ZONE) == date(2026, 3, 1)
    assert moment_of("--from", "2026-03-01 08:30", ZONE) == datetime(2026, 3, 1, 8, 30)
    assert moment_of("--from", "2026-03-01T08:30:05Z", ZONE) == datetime.fromisoformat("2026-03-01T08:30:05Z")
    assert moment_of("--from", "today", ZONE) - now <= timedelta(days=1)
    assert moment_of("--from", "today", ZONE) - moment_of("--from", "yesterday", ZONE) == timedelta(days=1)  # type: ignore[operator]
    for words in ("", "2026-3", "March", "20260301080000x"):
        with pytest.raises(BadUse, match="--to must be a day or a time"):
            moment_of("--to", words, ZONE)


# -- in a terminal ----------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 120])
def test_the_screen_of_an_export(sim: Simulator, tmp_path: Path, columns: int) -> None:
    words = ("export", "call-logs", "--from", "2026-03-01", "--out", "calls.csv")
    with Terminal(*words, columns=columns, folder=tmp_path, **pointed_at(sim)) as terminal:
        assert terminal.ended() == 0
    assert b"\x1b[" in terminal.raw
    assert_screen(f"export-{columns}", without_the_chance(terminal.text))


def test_the_screen_of_an_export_without_colours(sim: Simulator, tmp_path: Path) -> None:
    words = ("export", "call-logs", "--from", "2026-03-01", "--out", "calls.csv")
    with Terminal(*words, folder=tmp_path, NO_COLOR="1", **pointed_at(sim)) as terminal:
        assert terminal.ended() == 0
    assert not re.search(rb"\x1b\[[0-9;]*(3[0-7]|38;[0-9;]+)m", terminal.raw)
    assert_screen("export-80", without_the_chance(terminal.text))


def without_the_chance(shown: str) -> str:
    """A screen of an export with what is different each time as zeros."""
    shown = re.sub(r"[\d,.]+/s(, [\d:]+ left)?", "0/s", masked(shown))
    return re.sub(r"(?<=requests  )\d|(?<=seconds   )[\d.]+", lambda found: "0.0"[: len(found[0])], shown)


def test_rows_scroll_over_the_screen_without_a_bar_between_them(sim: Simulator) -> None:
    with Terminal(
        "export", "leads", "--columns", "id", "--out", "-", lines=40, **pointed_at(sim)
    ) as terminal:
        assert terminal.ended() == 0
    lines = terminal.text.splitlines()
    assert [json.loads(line) for line in lines[:12]]
    assert "12" in terminal.text.splitlines()[13]
    assert b"\x1b[?25l" not in terminal.raw


def test_on_a_terminal_it_asks_where_to(sim: Simulator) -> None:
    with Terminal("export", "leads", columns=120, **pointed_at(sim)) as terminal:
        assert terminal.ended() == 2
    assert terminal.text == "Where to? --out leads.csv (or .jsonl, .parquet), or --out - for JSON lines here"


def test_json_on_a_terminal_is_one_line(sim: Simulator, tmp_path: Path) -> None:
    words = ("export", "leads", "--out", "leads.csv", "--json", "--quiet")
    with Terminal(*words, columns=200, folder=tmp_path, **pointed_at(sim)) as terminal:
        assert terminal.ended() == 0
    assert json.loads(terminal.text)["rows"] == 12
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "leads.csv").read_text("utf-8"))))) == 12
