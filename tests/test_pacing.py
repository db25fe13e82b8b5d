"""Places, rates, rests, and the rate that finds its limit. Rates are measured on a clock of their own."""

import asyncio
import gc
import heapq
import itertools
import random
import tracemalloc
import warnings
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import pytest

from convoso_async import ConvosoError, ConvosoTimeoutError, transport
from convoso_async.pacing import AdaptiveRate, Pacing, Rate

from .fault_server import (
    GOOD,
    UNSAFES,
    URGENT,
    Fault,
    FaultServer,
    bomb,
    client_of,
    endless,
    fine,
    http,
    make,
    no_waiting,
    served,
    status,
    until,
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    no_waiting(monkeypatch)


# -- places, and the lane of their own --------------------------------------------------------------


async def test_no_more_calls_are_under_way_than_there_are_places() -> None:
    async with served(max_connections=5) as (server, client):
        server.gate.clear()
        calls = [asyncio.ensure_future(make(client, "leads.search")) for _ in range(40)]
        await until(lambda: server.waiting == 5)
        await asyncio.sleep(0.05)
        assert (server.waiting, server.connections) == (5, 5)
        server.gate.set()
        await asyncio.gather(*calls)
        assert (server.arrived, server.connections) == (40, 5)


@pytest.mark.parametrize("call", URGENT)
async def test_an_opt_out_goes_out_at_once_with_a_thousand_slow_reads_in_flight(call: str) -> None:
    loop = asyncio.get_running_loop()
    async with served(max_connections=20, requests_per_second=1_000.0) as (server, client):
        server.gate.clear()
        reads = [asyncio.ensure_future(make(client, "leads.search")) for _ in range(1_000)]
        await until(lambda: server.waiting == 20)
        begun = loop.time()
        opt_outs = [asyncio.ensure_future(make(client, call)) for _ in range(4)]
        await until(lambda: server.waiting == 24)
        assert loop.time() - begun < 1.0
        assert sum(request.path != "/leads/search" for request in server.requests) == 4
        assert sum(read.done() for read in reads) == 0
        server.gate.set()
        await asyncio.gather(*opt_outs, *reads)


async def test_an_opt_out_passes_the_rate_and_the_rest_by() -> None:
    async with served(requests_per_second=0.01) as (server, client):
        await make(client, "leads.search")
        client._transport._pacing.rest(60.0)
        for call in URGENT:
            await asyncio.wait_for(make(client, call), 5.0)
        assert server.arrived == 1 + len(URGENT)


# -- a rate -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_second", [0.5, 3.0, 7.0, 200.0])
def test_a_rate_is_smooth(per_second: float) -> None:
    """However the calls come, no two start closer than one interval, and none waits longer than it must."""
    random_source = random.Random(7)
    rate = Rate(per_second)
    now: float = 100.0
    starts = [now + rate.reserve(now)]
    for _ in range(500):
        now += random_source.choice([0.0, 0.0, 0.1 / per_second, 3.0 / per_second])
        starts.append(now + rate.reserve(now))
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert min(gaps) == pytest.approx(1.0 / per_second, rel=1e-9)
    assert starts[0] == 100.0


def test_a_pause_saves_nothing_up() -> None:
    rate = Rate(10.0)
    rate.reserve(0.0)
    assert [rate.reserve(1_000.0) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])


def test_a_new_rate_holds_from_the_next_start_on() -> None:
    rate = Rate(1.0)
    assert [rate.reserve(0.0), rate.reserve(0.0)] == [0.0, 1.0]
    rate.per_second = 10.0
    assert rate.reserve(1.0) == pytest.approx(0.1)


async def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    rate, order = Rate(500.0), []

    async def turn(number: int) -> None:
        await rate.turn()
        order.append(number)

    waiting = [asyncio.ensure_future(turn(number)) for number in range(20)]
    await asyncio.sleep(0)
    waiting[5].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [number for number in range(20) if number != 5]


async def test_calls_are_spread_at_the_rate_of_the_client() -> None:
    async with served(requests_per_second=100.0) as (server, client):
        await asyncio.gather(*(make(client, "leads.search") for _ in range(21)))
        times = [request.at for request in server.requests]
        assert times[-1] - times[0] >= 0.2 - 0.01


# -- a rest -----------------------------------------------------------------------------------------


async def test_after_a_429_all_calls_rest_together() -> None:
    """Those that had a 429, those that wait for a place, and those that come later."""
    throttled = status("429 Slow Down", "Retry-After: 0.3")
    async with served(*[throttled] * 5, max_connections=5) as (server, client):
        loop = asyncio.get_running_loop()
        calls = [asyncio.ensure_future(make(client, "leads.search")) for _ in range(20)]
        await until(lambda: len(server.requests) == 5)
        rest = loop.time()
        await asyncio.sleep(0.1)
        calls += [asyncio.ensure_future(make(client, call)) for call in UNSAFES]
        await asyncio.gather(*calls)
        assert min(request.at for request in server.requests[5:]) - rest >= 0.3 - 0.02
        assert server.applied == 20 + len(UNSAFES)


async def test_all_calls_rest_also_when_the_throttled_one_is_given_up() -> None:
    throttled = status("429 Slow Down", "Retry-After: 0.3")
    async with served(throttled, max_retries=0) as (server, client):
        with pytest.raises(ConvosoError):
            await make(client, "leads.search")
        await make(client, "leads.insert")
        first, second = server.requests
        assert second.at - first.at >= 0.3 - 0.02


async def test_a_rest_that_the_deadline_ends_does_not_outlive_it_for_others() -> None:
    """A service that names a day must not put the client to sleep for a day."""
    async with served(status("429 Slow Down", "Retry-After: 86400"), deadline=0.2) as (server, client):
        with pytest.raises(ConvosoError):
            await make(client, "leads.search")
        await asyncio.sleep(0.2)
        await make(client, "leads.insert")
        assert server.arrived == 2


async def test_no_burst_follows_a_rest() -> None:
    """Calls that had their turn before the rest take a new one after it."""
    pacing = Pacing(10, 50.0)
    loop = asyncio.get_running_loop()
    starts: list[float] = []

    async def call() -> None:
        await pacing.enter(loop.time() + 10.0)
        starts.append(loop.time())
        pacing.leave()

    calls = [asyncio.ensure_future(call()) for _ in range(10)]
    await asyncio.sleep(0.03)
    pacing.rest(0.2)
    before = len(starts)
    await asyncio.gather(*calls)
    assert 0 < before < 5
    after = starts[before:]
    assert after[0] - starts[0] >= 0.2
    assert after[-1] - after[0] >= (len(after) - 1) / 50.0 - 0.02


async def test_once_the_rest_is_over_a_call_passes_without_a_stop() -> None:
    pacing = Pacing(1)
    pacing.rest(0.01)
    await asyncio.sleep(0.02)
    entering = pacing.enter(0.0)  # a deadline long past: only the way without a stop does not look at it
    with pytest.raises(StopIteration):
        entering.send(None)
    pacing.leave()


# -- a rate that finds its limit --------------------------------------------------------------------


@attrs.define
class Bucket:
    """A hidden limit: so many a second, with some saved up."""

    per_second: float
    size: float
    left: float = 1.0
    at: float = 0.0

    def admits(self, now: float) -> bool:
        self.left = min(self.size, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


@attrs.define
class Sliding:
    """A hidden limit: so many in the last second."""

    per_second: float
    starts: deque[float] = attrs.field(factory=deque)

    def admits(self, now: float) -> bool:
        while self.starts and self.starts[0] <= now - 1.0:
            self.starts.popleft()
        if len(self.starts) >= self.per_second:
            return False
        self.starts.append(now)
        return True


@attrs.define
class Share:
    """What came of a stretch of time: good replies a second, the share that was throttled."""

    good: float
    throttled: float


def simulate(limit: Any, seconds: float, round_trip: float, rate: AdaptiveRate, clock: list[float]) -> Share:
    """Runs a job at an adaptive rate, from `clock` on, against a hidden limit; no real time passes."""
    random_source = random.Random(3)
    begin = clock[0]
    number = itertools.count()
    events = [(begin + rate.reserve(begin), next(number), "start", 0.0)]
    good = bad = 0
    while events[0][0] < begin + seconds:
        now, _, kind, started = heapq.heappop(events)
        clock[0] = now
        if kind == "start":
            kind = "good" if limit.admits(now) else "throttled"
            reply = now + round_trip * random_source.uniform(0.7, 1.5)
            heapq.heappush(events, (reply, next(number), kind, now))
            heapq.heappush(events, (now + rate.reserve(now), next(number), "start", 0.0))
        elif kind == "good":
            good += 1
            rate.succeeded()
        else:
            bad += 1
            rate.throttled(started)
    clock[0] = begin + seconds
    return Share(good / seconds, bad / (good + bad))


LIMITS: list[tuple[str, Callable[[float], Any]]] = [
    ("sliding", Sliding),
    ("bucket of one", lambda per_second: Bucket(per_second, 1.0)),
    ("bucket of a second", lambda per_second: Bucket(per_second, max(1.0, per_second))),
]


@pytest.mark.parametrize(("name", "limited"), LIMITS)
@pytest.mark.parametrize("round_trip", [0.05, 0.3])
@pytest.mark.parametrize("per_second", [1.0, 3.0, 20.0, 100.0])
def test_an_adaptive_rate_finds_a_hidden_limit_and_follows_it(
    per_second: float, round_trip: float, name: str, limited: Callable[[float], Any]
) -> None:
    clock = [0.0]
    rate = AdaptiveRate(clock=lambda: clock[0])
    limit = limited(per_second)
    simulate(limit, 120.0, round_trip, rate, clock)
    settled = simulate(limit, 300.0, round_trip, rate, clock)
    assert 0.7 <= settled.good / per_second <= 1.01
    assert settled.throttled < 0.05

    limit.per_second *= 2
    if isinstance(limit, Bucket):
        limit.size *= 1 if limit.size == 1.0 else 2
    simulate(limit, max(60.0, 300.0 / per_second), round_trip, rate, clock)
    doubled = simulate(limit, 200.0, round_trip, rate, clock)
    assert 0.7 <= doubled.good / limit.per_second <= 1.01
    assert doubled.throttled < 0.05

    limit.per_second = per_second
    simulate(limit, 60.0, round_trip, rate, clock)
    back = simulate(limit, 300.0, round_trip, rate, clock)
    assert 0.7 <= back.good / per_second <= 1.02


def test_one_round_trip_cuts_once() -> None:
    clock = [10.0]
    rate = AdaptiveRate(8.0, cut=0.5, clock=lambda: clock[0])
    for started in (9.5, 9.6, 9.9):
        rate.throttled(started)
    assert rate.per_second == 4.0
    clock[0] = 11.0
    rate.throttled(10.2)  # its time was set before the cut
    assert rate.per_second == 4.0
    rate.throttled(10.5)
    assert rate.per_second == 2.0


def test_a_rate_stays_within_its_bounds() -> None:
    clock = [0.0]
    rate = AdaptiveRate(5.0, least=1.0, most=6.0, clock=lambda: clock[0])
    for _ in range(1_000):
        rate.succeeded()
    assert rate.per_second == 6.0
    for _ in range(20):
        clock[0] += 10.0
        rate.throttled(clock[0])
    assert rate.per_second == 1.0


# -- giving a call up -------------------------------------------------------------------------------


async def given_up(client: Any, call: str, reached: Callable[[], bool]) -> None:
    """Starts a call, and cancels it once something is so."""
    task = asyncio.ensure_future(make(client, call))
    await until(reached)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def still_works(server: FaultServer, client: Any, places: int) -> None:
    """Every place is free again, and later calls work."""
    server.faults.clear()
    server.then = fine()
    server.gate.set()
    pacing = client._transport._pacing
    assert pacing._places._value == places
    await asyncio.gather(*(make(client, "leads.search") for _ in range(3 * places)))
    assert pacing._places._value == places
    assert {task for task in asyncio.all_tasks() if "convoso_async" in repr(task)} == set()


@pytest.fixture
async def _no_leak() -> AsyncIterator[None]:
    """Fails on anything that is left: a socket, a connection, an error that nobody took."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
        gc.collect()
    assert told == []


CALLS = ["leads.search", "leads.insert", "dnc.insert"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("fault", "when"),
    [
        (Fault("before reading", at="data", end="stall"), "touched"),
        (Fault("before the reply", end="stall"), "requests"),
        (Fault("in the headers", reply=b"HTTP/1.1 200 OK\r\n", end="stall"), "requests"),
        (Fault("in the body", reply=http(GOOD[:5], length=99), end="stall"), "requests"),
        (Fault("in an endless body", reply=endless, pause=0.01), "requests"),
        (status("429 Slow Down", "Retry-After: 30"), "requests"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("_no_leak")
async def test_a_call_can_be_given_up_while_it_is_under_way(call: str, fault: Fault, when: str) -> None:
    async with served(fault, max_connections=2) as (server, client):
        for _ in range(4):
            server.faults.append(fault)
            seen = server.touched
            await given_up(client, call, lambda seen=seen: server.touched > seen)
            await asyncio.sleep(0.01)
            if client._transport._pacing._resting():
                break
        client._transport._pacing._rest_until = 0.0
        await still_works(server, client, 2)


@pytest.mark.usefixtures("_no_leak")
async def test_a_call_can_be_given_up_while_it_waits_for_a_place() -> None:
    async with served(max_connections=2) as (server, client):
        server.gate.clear()
        held = [asyncio.ensure_future(make(client, "leads.search")) for _ in range(2)]
        await until(lambda: server.waiting == 2)
        waiting = [asyncio.ensure_future(make(client, "leads.insert")) for _ in range(10)]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        server.gate.set()
        await asyncio.gather(*held)
        assert server.arrived == 2
        await still_works(server, client, 2)


@pytest.mark.parametrize("where", ["turn", "rest"])
@pytest.mark.usefixtures("_no_leak")
async def test_a_call_can_be_given_up_while_it_waits_for_its_turn(where: str) -> None:
    async with served(max_connections=3, requests_per_second=0.5 if where == "turn" else None) as (
        server,
        client,
    ):
        await make(client, "leads.search")
        pacing = client._transport._pacing
        if where == "rest":
            pacing.rest(60.0)
        waiting = [asyncio.ensure_future(make(client, "leads.insert")) for _ in range(10)]
        await asyncio.sleep(0.02)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert server.arrived == 1
        pacing._rest_until = 0.0
        if pacing._rate is not None:
            pacing._rate.per_second = 10_000.0
            pacing._rate._last_start = 0.0
        await still_works(server, client, 3)


@pytest.mark.usefixtures("_no_leak")
async def test_a_call_can_be_given_up_while_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(max_connections=2) as (server, client):
        connecting = asyncio.Event()

        async def never(*args: object, **kwargs: object) -> None:
            connecting.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", never)
            for call in CALLS:
                connecting.clear()
                await given_up(client, call, connecting.is_set)
        assert server.connections == 0
        await still_works(server, client, 2)


@pytest.mark.usefixtures("_no_leak")
async def test_a_call_can_be_given_up_at_any_step_of_the_loop() -> None:
    """Cancelled after 0, 1, 2, ... steps, wherever that is."""
    async with served(max_connections=2, requests_per_second=100_000.0) as (server, client):
        await make(client, "leads.search")
        for fault in (fine(), status("503 Busy"), status("429 Slow Down")):
            for steps in range(40):
                server.faults.append(fault)
                task = asyncio.ensure_future(make(client, "leads.search"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await still_works(server, client, 2)


@pytest.mark.usefixtures("_no_leak")
async def test_a_time_limit_of_the_caller_ends_a_call() -> None:
    async with served(Fault("stall", end="stall"), max_connections=2) as (server, client):
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await make(client, "leads.insert")
        assert not isinstance(caught.value, ConvosoTimeoutError)
        await still_works(server, client, 2)


# -- memory -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bomb", "endless"])
async def test_memory_stays_within_twice_the_cap(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cap = 8_000_000
    monkeypatch.setattr(transport, "MAX_BODY", cap)
    reply = bomb(10 * cap) if kind == "bomb" else endless
    async with served(Fault("large", reply=reply), max_retries=0, timeout=60.0) as (_, client):
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            with pytest.raises(ConvosoError, match="larger than"):
                await make(client, "leads.search")
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    assert peak < 2 * cap


async def test_a_refused_large_reply_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 1_000_000)
    async with (
        FaultServer(then=Fault("large", reply=endless)) as server,
        client_of(server, max_retries=0) as client,
    ):
        with pytest.raises(ConvosoError) as caught:
            await make(client, "leads.search")
    assert len(caught.value.body or "") <= 2_000
