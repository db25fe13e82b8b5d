"""A rate in a real Redis: one line for all machines, and what happens while there is no Redis."""

import asyncio
import logging
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from convoso_async import AsyncConvoso, ConfigurationError
from convoso_async.auth_token import Token
from convoso_async.integrations import rate_redis, shared_rate
from convoso_async.integrations.rate_record import Record, Values
from convoso_async.integrations.shared_rate import SharedLine, SharedRate
from convoso_async.simulator import Fault

from ..sharing import Seen, about, answered, sharers, simulator

redis = pytest.importorskip("redis")
SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
pytestmark = pytest.mark.skipif(SERVER is None, reason="no redis-server here (Debian: redis-server)")

PASSWORD = "s3cret-invented"


class Server:
    """A Redis of the test's own, in memory, that can stop and start."""

    def __init__(self, folder: Path, *options: str) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [str(SERVER), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--dir", str(folder), *options]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("redis"))
    yield running
    running.stop()


@pytest.fixture
def url(server: Server) -> str:
    with closing(redis.Redis.from_url(server.url)) as database:
        database.flushall()
    return server.url


def line(url: str, per_second: float | None = None) -> SharedLine:
    return SharedRate(per_second, at=url).line("https://api.example.org/v1", Token("s3cret-token"))


# -- the same as the file ---------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    st.sampled_from([None, 3.0, 200.0]),
    st.lists(
        st.tuples(st.sampled_from(["take", "rest", "rest of none", "clock"]), st.integers(0, 4)), max_size=25
    ),
)
def test_the_script_does_what_the_record_does(
    server: Server, most: float | None, steps: list[tuple[str, int]]
) -> None:
    """Step by step, from what the script wrote before, at the time that it wrote."""

    async def main() -> None:
        place = rate_redis.RateInRedis(server.url, "invented", most)
        record, started = Record(most), 0.0
        try:
            await place._redis.flushall()
            for step, number in steps:
                if step == "clock":  # the clock of Redis goes back by so many seconds
                    if await place._redis.exists(place._key):
                        await place._redis.hincrbyfloat(place._key, "seen", number)
                        record.load(await written(place))
                elif step == "take":
                    turn = await place.take(number)
                    assert record.take(turn.taken, number) == pytest.approx(turn)
                    started = turn.at
                else:
                    told = started if step == "rest" else None
                    await place.throttled(told, number / 10)
                    record.rest((await written(place)).seen, told, number / 10)
                if await place._redis.exists(place._key):
                    assert await written(place) == pytest.approx(record.values)
                    assert await place.void_before() == pytest.approx(record.values.void_before)
        finally:
            await place.aclose()

    asyncio.run(main())


async def written(place: rate_redis.RateInRedis) -> Values:
    read = await place._redis.hmget(place._key, *Values._fields)
    return Values(*map(float, read))


async def test_the_new_rate_of_a_user_counts_at_once_where_no_limit_was_found(url: str) -> None:
    for per_second in (2.0, 6.0, 4.0):
        place = rate_redis.RateInRedis(url, "invented", per_second)
        assert (await place.take(0)).per_second == per_second
        await place.aclose()


# -- processes --------------------------------------------------------------------------------------


def test_four_processes_keep_within_a_limit_together(url: str) -> None:
    with simulator(rate_limit=40.0) as sim, sharers(sim.url, url, 40.0, 5.0) as processes:
        counts = answered(processes)
        seen = Seen.of(sim)
    assert seen.throttled < 0.05
    assert sum(counts) > 5 * 25  # of 40, and more on a machine that does nothing else
    assert max(counts) - min(counts) <= 0.1 * max(counts) + 2


def test_four_processes_find_a_limit_that_nobody_told_them(url: str) -> None:
    with simulator(rate_limit=20.0) as sim, sharers(sim.url, url, 0, 12.0) as processes:
        answered(processes)
        seen, settled = Seen.of(sim), Seen.of(sim, 8, 12)
    assert seen.throttled < 0.05
    assert settled.good(4) > 12


def test_a_process_that_is_killed_holds_nobody_up(url: str) -> None:
    with simulator() as sim, sharers(sim.url, url, 20.0, 4.0) as processes:
        time.sleep(2.0)
        processes[0].kill()
        answered(processes[1:])
        seen = Seen.of(sim)
    assert seen.gaps[-1] < 0.3
    assert about(20.0, seen.per_second)


async def test_after_a_429_in_one_client_all_wait(url: str) -> None:
    with simulator() as sim:
        sim.faults.add(Fault(endpoint="leads.search", status=429, headers={"Retry-After": "0.5"}))
        rate = SharedRate(100.0, at=url)
        settings: dict[str, Any] = {"base_url": sim.url, "requests_per_second": rate}
        async with AsyncConvoso("invented", **settings) as one, AsyncConvoso("invented", **settings) as other:
            await other.campaigns.search()
            throttled = asyncio.ensure_future(one.leads.search())
            while not any(request.status == 429 for request in sim.requests):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            await other.campaigns.search()
            await throttled
        first = next(request.time for request in sim.requests if request.status == 429)
        assert min(request.time for request in sim.requests if request.time > first) - first > 0.45


async def test_redis_knows_the_account_by_a_digest_and_forgets_it_in_time(url: str) -> None:
    each = line(url, 3.0)
    await each.turn()
    await each.aclose()
    async with redis.asyncio.Redis.from_url(url) as database:
        (key,) = await database.keys()
        assert key.startswith(b"convoso:rate:")
        assert b"s3cret" not in key
        assert 0 < await database.ttl(key) <= rate_redis.KEPT


# -- no Redis ---------------------------------------------------------------------------------------


async def test_each_goes_on_alone_while_redis_is_down_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "convoso_async")
    monkeypatch.setattr(shared_rate, "ALONE_FOR", 0.3)
    server = Server(tmp_path)
    try:
        each = line(server.url, 100.0)
        await each.turn()
        server.stop()
        begun = time.monotonic()
        for _ in range(11):
            await each.turn()
        assert time.monotonic() - begun == pytest.approx(0.4, abs=0.25)
        server.start()
        await asyncio.sleep(0.3)
        for _ in range(3):
            await each.turn()
        await each.aclose()
    finally:
        server.stop()
    gone, back = [record.getMessage() for record in caplog.records]
    assert gone.startswith(f"the shared rate at {server.url} cannot be used (ConnectionError")
    assert "alone, at 25 requests per second" in gone
    assert back == f"the shared rate at {server.url} is back"


async def test_a_redis_that_was_never_there_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    each = line(f"redis://user:{PASSWORD}@127.0.0.1:1/0")
    begun = time.monotonic()
    await each.turn()
    each.ended(await each.turn(), 429)
    await each.rest(0.1)
    await each.turn()
    await each.aclose()
    assert time.monotonic() - begun < 5
    (told,) = [record.getMessage() for record in caplog.records]
    assert "redis://127.0.0.1:1/0 cannot be used" in told
    assert PASSWORD not in told


async def test_a_redis_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rate_redis, "PATIENCE", 0.1)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        each = line(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", 100.0)
        begun = time.monotonic()
        await each.turn()
        assert time.monotonic() - begun < 1.0
        await each.aclose()
    assert len(caplog.records) == 1


async def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    server = Server(tmp_path, "--requirepass", PASSWORD)
    try:
        for user in ("", ":wr0ng@"):
            each = line(server.url.replace("//", f"//{user}"), 3.0)
            with pytest.raises(ConfigurationError, match="Redis refuses the user or the password") as caught:
                await each.turn()
            assert "wr0ng" not in str(caught.value)
            await each.aclose()
        each = line(server.url.replace("//", f"//:{PASSWORD}@"), 3.0)
        await each.turn()
        await each.aclose()
    finally:
        server.stop()


def test_a_client_can_be_closed_after_its_loop(url: str) -> None:
    """In a process of its own: the sockets that such a loop leaves open are told of at its end."""
    program = f"""
import asyncio
from convoso_async import AsyncConvoso, ConvosoError
from convoso_async.integrations.shared_rate import SharedRate

rate = SharedRate(at={url!r})
client = AsyncConvoso("t", base_url="http://127.0.0.1:1", max_retries=0, requests_per_second=rate)

async def main():
    try:
        await client.campaigns.search()
    except ConvosoError as error:
        print(error.outcome)

asyncio.run(main())
asyncio.run(client.aclose())
print("closed")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "not_sent\nclosed\n")


async def test_a_redis_that_lost_everything_begins_anew(url: str) -> None:
    each = line(url, 50.0)
    each.ended(await each.turn(), 429)
    await each.rest(0.0)
    await each.turn()
    async with redis.asyncio.Redis.from_url(url) as database:
        await database.flushall()
        await database.script_flush()
    begun = time.monotonic()
    for _ in range(5):
        await each.turn()
    assert 4 / 50 * 0.9 < time.monotonic() - begun < 1.0
    await each.aclose()
