"""One rate for many processes: evenly spread, at rest together, and nobody's death holds it up."""

import asyncio
import gc
import heapq
import itertools
import logging
import os
import pickle
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from convoso_async import AsyncConvoso, ConfigurationError, ConvosoTimeoutError, jobs
from convoso_async.auth_token import Token
from convoso_async.integrations import rate_file, shared_rate
from convoso_async.integrations.rate_record import FIRST_RATE, Record, Turn
from convoso_async.integrations.shared_rate import SharedLine, SharedRate
from convoso_async.simulator import Fault, Simulator
from convoso_sync import Convoso

from .sharing import Seen, about, answered, sharers, simulator
from .sync.programs import output_of
from .test_pacing import LIMITS, Bucket

posix = pytest.mark.skipif(os.name == "nt", reason="no signals and no fork as POSIX knows them")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "convoso.rate"


def line(at: Path, per_second: float | None = None, token: str = "invented") -> SharedLine:
    return SharedRate(per_second, at=at).line("https://api.example.org/v1", Token(token))


async def one_turn(each: SharedLine) -> None:
    await each.turn()
    await each.aclose()


def client(sim: Simulator, at: Path, per_second: float | None = None, **settings: Any) -> AsyncConvoso:
    rate = SharedRate(per_second, at=at)
    return AsyncConvoso(sim.token, base_url=sim.url, requests_per_second=rate, **settings)


# -- the record -------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 0.7), st.integers(0, 3)), min_size=2, max_size=50))
def test_turns_are_evenly_spread_and_none_is_later_than_it_must_be(asked: list[tuple[float, int]]) -> None:
    record, now, last = Record(3.0), 1_000.0, 0.0
    for step, good in asked:
        now += step
        turn = record.take(now, good)
        assert turn.per_second == 3.0
        assert turn.at == pytest.approx(max(now, last + 1 / 3))
        assert turn.taken == now
        last = turn.at


def test_a_clock_that_goes_back_holds_nobody_up() -> None:
    """As after a start of the machine: what was due in a second still is, and not in a week."""
    record = Record(2.0)
    for _ in range(3):
        record.take(600_000.0, 0)
    record.rest(600_000.0, 600_000.5, 4.0)
    assert record.take(20.0, 0).at == pytest.approx(24.0)
    assert record.take(20.0, 0).at == pytest.approx(24.0 + 1 / 1.5)


def test_a_clock_that_leaps_ahead_is_no_reason_for_a_burst() -> None:
    record = Record(2.0)
    turns = [record.take(now, 0).at for now in (100.0, 100.0, 5_000.0, 5_000.0, 5_000.0)]
    assert turns == [100.0, 100.5, 5_000.0, 5_000.5, 5_001.0]


def test_turns_that_a_429_made_void_are_given_again() -> None:
    record = Record(4.0)
    turns = [record.take(100.0, 0).at for _ in range(4)]
    record.rest(100.1, turns[0], 0.05)
    assert record.values.void_before == 100.1
    assert [record.take(100.2, 0).at for _ in range(2)] == pytest.approx([100.1 + 1 / 3, 100.1 + 2 / 3])


def test_a_rate_that_nobody_waits_for_does_not_grow() -> None:
    record = Record(None)
    for now in range(100, 200):
        assert record.take(float(now), 5).per_second == FIRST_RATE
    assert record.take(199.0, 5).per_second > FIRST_RATE


def test_a_rate_that_was_told_is_a_ceiling_and_comes_back_to_it() -> None:
    record, now = Record(4.0), 10.0
    record.rest(now, None, 0.1)
    assert record.take(now, 0).per_second == 3.0
    for _ in range(200):
        now = record.take(now, 1).at
    assert record.take(now, 1).per_second == 4.0


def test_the_new_rate_of_a_user_counts_at_once_where_no_limit_was_found() -> None:
    before, after = Record(2.0), Record(6.0)
    before.take(10.0, 0)
    after.load(before.values)
    assert after.take(20.0, 0).per_second == 6.0


NO_TURN = Turn(0.0, 0.0, 0.0)


def simulated(limit: Any, seconds: float, round_trip: float, record: Record, clock: list[float]) -> Any:
    """What came of four processes that want all they can get: good replies a second, the share of 429s."""
    chance = random.Random(5)
    begin, number = clock[0], itertools.count()
    events = [(begin, next(number), "ask", who, NO_TURN) for who in range(4)]
    good, gained, bad = 0, [0] * 4, 0
    while events[0][0] < begin + seconds:
        now, _, kind, who, turn = heapq.heappop(events)
        if kind == "start" and record.values.void_before <= turn.taken:
            kind = "good" if limit.admits(now) else "throttled"
            reply = now + round_trip * chance.uniform(0.7, 1.5)
            heapq.heappush(events, (reply, next(number), kind, who, turn))
            heapq.heappush(events, (now, next(number), "ask", who, NO_TURN))
        elif kind in ("ask", "start"):
            turn = record.take(now, gained[who])
            gained[who] = 0
            heapq.heappush(events, (turn.at, next(number), "start", who, turn))
        elif kind == "good":
            good += 1
            gained[who] += 1
        else:
            bad += 1
            record.rest(now, turn.at, chance.random())
    clock[0] = begin + seconds
    return good / seconds, bad / (good + bad)


@pytest.mark.parametrize(("name", "limited"), LIMITS)
@pytest.mark.parametrize("round_trip", [0.05, 0.3])
@pytest.mark.parametrize("per_second", [1.0, 30.0])
@pytest.mark.parametrize("told", [True, False])
def test_four_processes_find_a_hidden_limit_together_and_follow_it(
    told: bool, per_second: float, round_trip: float, name: str, limited: Callable[[float], Any]
) -> None:
    clock = [1_000.0]
    limit, record = limited(2 * per_second), Record(2 * per_second if told else None)
    for factor in (2, 1, 2):
        limit.per_second = factor * per_second
        if isinstance(limit, Bucket) and limit.size > 1.0:
            limit.size = limit.per_second
        simulated(limit, max(120.0, 300.0 / per_second), round_trip, record, clock)
        good, throttled = simulated(limit, 300.0, round_trip, record, clock)
        assert 0.7 <= good / limit.per_second <= 1.02
        assert throttled < 0.05


# -- processes --------------------------------------------------------------------------------------


def test_four_processes_keep_within_a_limit_together(place: Path) -> None:
    with simulator(rate_limit=40.0) as sim, sharers(sim.url, place, 40.0, 5.0) as processes:
        counts = answered(processes)
        seen = Seen.of(sim)
    assert seen.throttled < 0.05
    assert sum(counts) > 5 * 25  # of 40, and more on a machine that does nothing else
    assert max(counts) - min(counts) <= 0.1 * max(counts) + 2


def test_four_processes_find_a_limit_that_nobody_told_them(place: Path) -> None:
    with simulator(rate_limit=20.0) as sim, sharers(sim.url, place, 0, 12.0) as processes:
        counts = answered(processes)
        seen, settled = Seen.of(sim), Seen.of(sim, 8, 12)
    assert seen.throttled < 0.05
    assert settled.good(4) > 12
    assert max(counts) - min(counts) <= 0.1 * max(counts) + 2


def test_turns_of_four_processes_are_evenly_spread(place: Path) -> None:
    with simulator() as sim, sharers(sim.url, place, 20.0, 5.0) as processes:
        answered(processes)
        seen = Seen.of(sim)
    assert about(20.0, seen.per_second)
    assert seen.gaps[len(seen.gaps) // 20] > 0.03


def test_four_processes_follow_a_limit_that_halves_and_doubles(place: Path) -> None:
    with simulator(rate_limit=40.0) as sim, sharers(sim.url, place, 40.0, 15.0) as processes:
        begun = time.monotonic()
        for until, limit in ((3.0, 20.0), (9.0, 40.0)):
            time.sleep(max(0.0, begun + until - time.monotonic()))
            sim.rate_limit = limit
        answered(processes)
        full, half, again = Seen.of(sim, 0, 3), Seen.of(sim, 5, 9), Seen.of(sim, 12, 15)
        assert Seen.of(sim).throttled < 0.05
    assert full.good(3) > 25
    assert 10 < half.good(4) <= 26  # and the burst that the bucket had saved
    assert again.good(3) > half.good(4)


def test_accounts_do_not_share(place: Path) -> None:
    async def main() -> float:
        lines = [line(place, 1.0, token) for token in ("one", "another")]
        begun = time.monotonic()
        for each in lines:
            await each.turn()
            await each.aclose()
        return time.monotonic() - begun

    assert asyncio.run(main()) < 0.5


MANY = """
import asyncio, sys
from convoso_async.auth_token import Token
from convoso_async.integrations.shared_rate import SharedRate

rate = SharedRate(3.0, at=sys.argv[1])

async def account(number):
    line = rate.line("https://api.example.org/v1", Token(f"invented-{number}"))
    for _ in range(4):
        await line.turn()
    await line.aclose()

async def main():
    await asyncio.gather(*map(account, range(200)))

asyncio.run(main())
"""


def test_hundreds_of_accounts_do_not_keep_each_other_from_the_file(place: Path) -> None:
    """All begin at once, in four processes; who could not get at it would say so."""
    command = [sys.executable, "-W", "error", "-c", MANY, str(place)]
    begun = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=60)[1] for process in begun] == [""] * 4


# -- a 429, and what passes by ----------------------------------------------------------------------


def throttling(call: str, seconds: float) -> Fault:
    return Fault(endpoint=call, status=429, headers={"Retry-After": f"{seconds:g}"})


async def test_after_a_429_in_one_process_all_wait_and_go_on_more_slowly(sim: Simulator, place: Path) -> None:
    async with client(sim, place, 40.0) as one, client(sim, place, 40.0) as other:
        ended = asyncio.Event()

        async def calls(each: AsyncConvoso) -> None:
            while not ended.is_set():
                await each.campaigns.search()

        both = [asyncio.ensure_future(calls(each)) for each in (one, other)]
        await asyncio.sleep(0.3)
        sim.faults.add(throttling("campaigns.search", 0.6))
        await asyncio.sleep(1.6)
        ended.set()
        await asyncio.gather(*both)
    seen = Seen.of(sim)
    (throttled,) = [one for one in seen.requests if one.status == 429]
    after = [one.time for one in seen.requests if one.time > throttled.time]
    assert after[0] - throttled.time > 0.55
    assert sum(at < after[0] + 0.2 for at in after) <= 8  # six turns and some jitter, no burst
    assert about(30.0, (len(after) - 1) / (after[-1] - after[0]))


async def test_opt_outs_pass_the_line(sim: Simulator, place: Path) -> None:
    async with client(sim, place, 0.01) as one:
        await one.campaigns.search()
        begun = time.monotonic()
        await one.dnc.insert(phone_number="2125550123", phone_code="1", campaign_id=0)
        await one.sms_opt_out.insert(phone_number="2125550124", phone_code="1", campaign_id=0)
        assert time.monotonic() - begun < 1.0


async def test_a_throttled_opt_out_slows_the_line_down(sim: Simulator, place: Path) -> None:
    sim.faults.add(throttling("dnc.insert", 0.3))
    async with client(sim, place, 40.0) as one, client(sim, place, 40.0) as other:
        await one.dnc.insert(phone_number="2125550123", phone_code="1", campaign_id=0)
        await other.campaigns.search()
    throttled, again = (one for one in sim.requests if one.endpoint_id == "dnc.insert")
    assert again.time - throttled.time > 0.28
    assert Seen.of(sim).requests[0].time - throttled.time > 0.28


async def test_a_call_waits_no_longer_than_its_deadline(sim: Simulator, place: Path) -> None:
    async with client(sim, place, 0.1, deadline=0.2) as one:
        await one.campaigns.search()
        with pytest.raises(ConvosoTimeoutError) as caught:
            await one.campaigns.search()
    assert caught.value.outcome == "not_sent"
    assert len(sim.requests) == 1


# -- jobs, and the sync package ---------------------------------------------------------------------


async def test_a_job_goes_by_the_shared_rate_instead_of_its_own(sim: Simulator, place: Path) -> None:
    target = sim.account.ids("lists")[0]
    rows = [{"list_id": target, "phone_number": f"2125550{number:03}"} for number in range(40)]
    async with client(sim, place, 50.0) as one:
        report = await jobs.run(one.leads.insert, rows)
    times = [request.time for request in sim.requests]
    assert (report.done, report.ok) == (40, True)
    assert about(50.0, 39 / (times[-1] - times[0]))  # its own would begin with 5


def test_the_sync_client_takes_it_too(sim: Simulator, place: Path) -> None:
    rate = SharedRate(20.0, at=place)
    with (
        Convoso(sim.token, base_url=sim.url, requests_per_second=rate) as one,
        Convoso(sim.token, base_url=sim.url, requests_per_second=rate) as other,
    ):
        for _ in range(10):
            one.campaigns.search()
            other.campaigns.search()
    assert about(20.0, Seen.of(sim).per_second)


@posix
def test_a_fork_goes_on_in_the_same_line(sim: Simulator, place: Path) -> None:
    said = output_of(
        f"""
        from convoso_async.integrations.shared_rate import SharedRate
        client = connect(requests_per_second=SharedRate(20.0, at={str(place)!r}))
        client.campaigns.search()
        child = os.fork()
        for _ in range(15):
            client.campaigns.search()
        if child:
            say(os.waitpid(child, 0)[1])
            client.campaigns.search()
            client.close()
        """,
        sim.url,
    )
    assert said == ["0"]
    *seen, last = Seen.of(sim).requests
    assert (len(seen), last.status) == (31, 200)
    assert about(20.0, Seen(seen).per_second)


def test_one_rate_serves_any_number_of_loops(place: Path) -> None:
    rate, starts = SharedRate(50.0, at=place), list[float]()

    async def turns() -> None:
        each = rate.line("https://api.example.org/v1", Token("invented"))
        for _ in range(20):
            await each.turn()
            starts.append(time.monotonic())
        await each.aclose()

    threads = [threading.Thread(target=lambda: asyncio.run(turns())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    starts.sort()
    assert about(50.0, 59 / (starts[-1] - starts[0]))


def test_the_example_runs(sim: Simulator, place: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", Path(__file__).parents[1] / "examples/shared_rate.py", place, "20"],
        env={**os.environ, "CONVOSO_AUTH_TOKEN": sim.token, "CONVOSO_BASE_URL": sim.url},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("40 calls in ")
    assert Seen.of(sim).per_second < 1.05 * 20


# -- what goes wrong --------------------------------------------------------------------------------

HOLDER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE rates SET last_start = last_start + 1000")
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def holder(place: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process in the middle of its change."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, place], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


async def longest_halt(of: asyncio.Task[Any]) -> float:
    """For how long the event loop did nothing else, at most, while a task ran."""
    longest, last = 0.0, time.monotonic()
    while not of.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return longest


async def test_a_holder_that_is_killed_stalls_nobody(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    each = line(place, 100.0)
    await each.turn()
    with holder(place) as process:
        waiting = asyncio.ensure_future(each.turn())
        halt = asyncio.ensure_future(longest_halt(waiting))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        await asyncio.wait_for(waiting, 0.5)
        assert await halt < 0.2
    await each.aclose()
    assert caplog.records == []


async def test_each_goes_on_alone_while_somebody_holds_it_and_comes_back(
    place: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "convoso_async")
    monkeypatch.setattr(rate_file, "PATIENCE", 0.2)
    monkeypatch.setattr(shared_rate, "ALONE_FOR", 0.3)
    each = line(place, 100.0)
    await each.turn()
    with holder(place):
        begun = time.monotonic()
        for _ in range(10):
            await each.turn()
        assert 0.2 + 9 * 0.04 < time.monotonic() - begun < 2.0
    await asyncio.sleep(0.3)
    await each.turn()
    await each.aclose()
    gone, back = [record.getMessage() for record in caplog.records]
    assert gone.startswith(
        f"the shared rate at {place} cannot be used (OperationalError: database is locked)"
    )
    assert "alone, at 25 requests per second" in gone
    assert back == f"the shared rate at {place} is back"


async def test_a_429_while_it_is_alone_slows_it_down(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_file, "PATIENCE", 0.05)
    each = line(place, 80.0)
    await each.turn()
    with holder(place):
        each.ended(await each.turn(), 429)
        await each.rest(0.3)
        begun = time.monotonic()
        await each.turn()
        await each.turn()
        assert 0.28 + 1 / 15 < time.monotonic() - begun < 1.0
    await each.aclose()


async def test_a_file_that_is_deleted_is_made_anew_and_the_rate_goes_on(place: Path) -> None:
    lines = [line(place, 40.0) for _ in range(2)]
    for each in lines:
        each.ended(await each.turn(), 429)
        await each.rest(0.0)
    rate = (await lines[0]._place.take(0)).per_second
    assert rate < 40.0
    place.unlink()  # noqa: ASYNC240
    starts = []
    for _ in range(5):
        for each in lines:
            await each.turn()
            starts.append(time.monotonic())
    for each in lines:
        await each.aclose()
    assert place.is_file()  # noqa: ASYNC240
    assert about(rate, 9 / (starts[-1] - starts[0]))


async def test_a_damaged_file_leaves_each_on_its_own(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    for damaged in (False, True):
        if damaged:
            with place.open("r+b") as file:
                file.seek(100)
                file.write(b"\xff" * 4_000)
        each = line(place, 400.0)
        await each.turn()
        await each.turn()
        await each.aclose()
    (told,) = [record.getMessage() for record in caplog.records]
    assert "malformed" in told


async def test_what_is_no_rate_file_is_refused_and_left_alone(sim: Simulator, tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "app.db"
    text.write_text("all sorts of notes, and more of them than a header has bytes" * 20)
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE orders (id)")
    database.close()
    for path, words in (
        (text, "is not a rate file; delete it"),
        (other, "is another program's; name a file"),
    ):
        before = path.read_bytes()
        async with client(sim, path, 3.0) as one:
            with pytest.raises(ConfigurationError, match=words) as caught:
                await one.campaigns.search()
        assert caught.value.outcome == "not_sent"
        assert path.read_bytes() == before
    assert sim.requests == []


async def test_the_folder_may_go_and_come_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_rate, "ALONE_FOR", 0.0)
    folder = tmp_path / "rates"
    folder.mkdir()
    each = line(folder / "convoso.rate", 400.0)
    await each.turn()
    shutil.rmtree(folder)
    await each.turn()
    folder.mkdir()
    await each.turn()
    await each.aclose()
    gone, back = [record.getMessage() for record in caplog.records]
    assert "unable to open database file" in gone
    assert back.endswith("is back")


# -- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"per_second": 0}, "per_second must be a number above 0"),
        ({"per_second": -3}, "per_second must be a number above 0"),
        ({"per_second": True}, "per_second must be a number above 0"),
        ({"per_second": "3"}, "per_second must be a number above 0"),
        ({"at": ""}, "at must be the path of a file, or the URL of a Redis"),
        ({"at": 3}, "at must be the path of a file, or the URL of a Redis"),
        ({"at": "{tmp}/none/convoso.rate"}, "the folder .*none does not exist; make it"),
        ({"at": "{tmp}"}, "is a folder; name a file in it"),
        ({"at": "memcached://h:1/0"}, "memcached:// is not known here; give a path, or a URL with redis://"),
        ({"at": "redis://"}, "at must be a URL such as redis://host:6379/0"),
        ({"at": "redis://u:s3cret@host:none/0"}, "at must be a URL such as redis://host:6379/0"),
    ],
)
def test_a_bad_option_fails_at_once(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    if isinstance(options.get("at"), str):
        options["at"] = options["at"].format(tmp=tmp_path)
    with pytest.raises(ConfigurationError, match=words) as caught:
        SharedRate(**{"per_second": 3.0, "at": tmp_path / "convoso.rate", **options})
    assert "s3cret" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_fails_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigurationError, match="cannot be written to; allow it"):
        SharedRate(3.0, at=tmp_path / "convoso.rate")


@pytest.mark.parametrize("rate", ["3", object(), 0, True, SharedRate])
def test_a_client_takes_a_number_or_a_shared_rate(rate: Any) -> None:
    with pytest.raises(ConfigurationError, match="requests_per_second must be a number above 0"):
        AsyncConvoso("t", requests_per_second=rate)


def test_redis_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "convoso_async.integrations.rate_redis", None)
    with pytest.raises(ConfigurationError, match=r"install convoso\[redis\]"):
        SharedRate(at="redis://cache.example.org")


def test_a_shared_rate_goes_to_other_processes_and_shows_no_password(place: Path) -> None:
    rate = pickle.loads(pickle.dumps(SharedRate(3, at=place)))
    assert repr(rate) == f"SharedRate(3.0, at={str(place)!r})"
    pytest.importorskip("redis")
    rate = SharedRate(at="rediss://user:s3cret@cache.example.org:6380/1?x=s3cret")
    assert repr(rate) == "SharedRate(None, at='rediss://cache.example.org:6380/1')"


def test_the_file_has_the_account_as_a_digest(place: Path) -> None:
    asyncio.run(one_turn(line(place, 3.0, token="s3cret-invented-token")))
    assert b"s3cret" not in place.read_bytes()
    assert [path.name for path in place.parent.iterdir() if path.stat().st_size] == [place.name]


async def test_nothing_is_left_open_after_the_client(sim: Simulator, place: Path) -> None:
    async with client(sim, place, 100.0) as one:
        await one.campaigns.search()
    del one
    gc.collect()
    place.unlink()  # noqa: ASYNC240  # Windows would refuse it to what is open
