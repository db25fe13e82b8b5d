"""Reading ahead on the wire: busy across windows, in order, and nothing left behind however it ends."""

import asyncio
import gc
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from math import ceil
from typing import Any

import attrs
import pytest

from convoso_async import (
    AsyncConvoso,
    IncompleteError,
    Page,
    Pager,
    ReplyError,
    ServerError,
    WindowTooDenseError,
)
from convoso_async.endpoint import SECOND, Endpoint
from convoso_async.form import Pairs
from convoso_async.resources import call_logs
from convoso_async.search import Unread
from convoso_async.simulator import Simulator
from convoso_async.simulator.service import Request

from .model_account import BEGIN, Account as Model, Event, Service, numbers, run

LATENCY = 0.02
CAP = 600
Account = Callable[..., AbstractAsyncContextManager[tuple[Simulator, AsyncConvoso]]]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Opens an account with a small offset cap, and a client of it."""

    @asynccontextmanager
    async def opened(cap: int = CAP, **switches: Any) -> AsyncIterator[tuple[Simulator, AsyncConvoso]]:
        paging = attrs.evolve(call_logs.RETRIEVE.paging, offset_max=cap)
        monkeypatch.setattr(call_logs, "RETRIEVE", attrs.evolve(call_logs.RETRIEVE, paging=paging))
        small = {"leads": 30, "callbacks": 0, "dnc": 0, "sms_opt_outs": 0, "agent_events": 0}
        async with (
            Simulator(**{**small, "offset_cap": cap, **switches}) as sim,
            AsyncConvoso(sim.token, base_url=sim.url, max_retries=0) as client,
        ):
            yield sim, client
            assert not strays()

    return opened


def strays() -> list[str]:
    """Tasks beside the test and its runner."""
    names = (repr(task.get_coro()) for task in asyncio.all_tasks() - {asyncio.current_task()})
    return [name for name in names if "TestRunner" not in name]


async def quiet(sim: Simulator) -> int:
    """The number of requests, once none is under way and none comes."""
    before = -1
    while before != len(sim.requests) or sim._in_flight:
        before = len(sim.requests)
        await asyncio.sleep(LATENCY)
    return before


async def ids(rows: Any) -> list[str]:
    """The ids of rows."""
    return [row.id async for row in rows]


# -- order, depth, cost -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bent", "totals"),
    [
        ({}, None),
        ({}, "text"),
        ({}, "low"),
        ({}, "missing"),
        ({"page_cut": 30}, None),
        ({"page_cut": 30}, "missing"),
        ({"limit_max": 25}, None),
        ({"end_inclusive": False}, "missing"),
    ],
)
async def test_the_same_rows_in_the_same_order(
    account: Account, bent: dict[str, Any], totals: str | None
) -> None:
    async with account(call_logs=2_000, profile="mixed", totals=totals, **bent) as (sim, client):
        sim.account.add_call_logs(1_100, "2026-03-12 11:00:00")
        pager = client.call_logs.retrieve_all(page_size=50)
        async with pager.prefetch(8) as rows:
            assert await ids(rows) == sim.account.call_log_ids()
        assert pager.report.complete
        assert pager.report.rows == 3_100
        assert sim.in_flight_max <= 8
        assert all(int(request.params["offset"]) <= CAP for request in sim.requests)


@pytest.mark.parametrize("ahead", [1, 2, 3, 16])
async def test_any_number_ahead_gives_the_same(account: Account, ahead: int) -> None:
    async with account(call_logs=1_500, latency=LATENCY) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        async with pager.prefetch(ahead) as rows:
            assert await ids(rows) == sim.account.call_log_ids()
        assert sim.in_flight_max <= ahead
        assert sim.in_flight_max > ahead // 2


@pytest.mark.parametrize("totals", ["true", "missing"])
def test_eight_requests_are_busy_across_windows(totals: str) -> None:
    # Answered in rounds on a model, for sockets and a loaded machine keep no time.
    account = Model(rows={key: key // 2 for key in range(6_000)}, cap=600, totals=totals)
    service = Service(account, slow=False, rounds=[])
    pager = service.pager(page_size=25, end=BEGIN + 10_000 * SECOND)

    async def work() -> list[int]:
        async with pager.prefetch(8) as rows:
            return numbers([row async for row in rows])

    assert run(work) == list(range(6_000))
    assert pager.report.windows == 10
    assert service.rounds is not None
    assert service.rounds[0] == 1  # the first page tells how many there are
    assert set(service.rounds[1:-2]) == {8}  # from then on eight go at a time, window borders or not


def test_requests_go_out_before_a_page_takes_its_time() -> None:
    service = Service(Model(rows={key: key // 2 for key in range(200)}, cap=1_000), slow=False)
    pager = service.pager(page_size=11)
    send = pager._searches.fetch
    asked = 0
    beyond: list[int] = []

    async def fetch(call: Endpoint[Event], pairs: Pairs, *, later: bool = False) -> Unread[Event]:
        nonlocal asked
        asked += 1
        assert later  # pages that wait are not decoded yet
        unread = await send(call, pairs)

        def read(*, raw: bool) -> Page[Event]:
            beyond.append(asked - len(beyond) - 1)
            return unread(raw=raw)

        return read

    async def work() -> list[int]:
        async with pager.prefetch(4) as rows:
            return numbers([row async for row in rows])

    pager._searches = attrs.evolve(pager._searches, fetch=fetch)
    assert run(work) == list(range(200))
    assert beyond == [0, *[4] * 16, 3, 2, 1, 0]  # the first page tells how many there are


async def test_eight_requests_are_busy_on_the_wire(account: Account) -> None:
    async with account(call_logs=2_000, latency=0.05) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        async with pager.prefetch(8) as rows:
            assert await ids(rows) == sim.account.call_log_ids()
        assert pager.report.windows >= 3
        assert 6 <= sim.in_flight_max <= 8


@pytest.mark.parametrize("count", [0, 10, 600, 3_000])
async def test_the_cost_of_reading_ahead(account: Account, count: int) -> None:
    async with account(call_logs=count) as (_, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        async with pager.prefetch(8) as rows:
            assert len(await ids(rows)) == count
        sequential = client.call_logs.retrieve_all(page_size=50)
        await sequential.collect()
        windows = pager.report.windows
        assert pager.report.requests <= 1.1 * ceil(count / 50) + 3 * windows
        # One look ahead for each window border, and what was under way for nothing at a border or the end.
        assert pager.report.requests <= sequential.report.requests + 2 * windows
        if count <= CAP:
            assert pager.report.requests == sequential.report.requests


async def test_what_reading_ahead_costs_without_totals(account: Account) -> None:
    async with account(call_logs=3_000, totals="missing") as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        async with pager.prefetch(8) as rows:
            await ids(rows)
        past_the_end = 8
        assert pager.report.requests <= 1.1 * ceil(3_000 / 50) + 3 * pager.report.windows + past_the_end
        assert len(sim.requests) <= pager.report.requests


async def test_the_first_page_alone_tells_how_many_there_are(account: Account) -> None:
    async with account(call_logs=300, latency=LATENCY) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        async with pager.prefetch(8) as rows:
            await ids(rows)
        assert [int(request.params["offset"]) for request in sim.requests] == [*range(0, 295, 49), 299]


async def test_at_most_the_pages_in_flight_are_held(account: Account) -> None:
    async with account(call_logs=5_000) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        async with pager.prefetch(8) as rows:
            async for number, _ in aenumerate(rows):
                if number % 500 == 0:
                    await quiet_now(sim)
                    assert len(sim.requests) * 49 <= number + 50 + 8 * 50 + 49 * (2 * pager.report.windows)


async def aenumerate(rows: Any) -> AsyncGenerator[tuple[int, Any], None]:
    """Rows with their numbers."""
    number = 0
    async for row in rows:
        yield number, row
        number += 1


async def quiet_now(sim: Simulator) -> None:
    """Waits until nothing is under way."""
    while sim._in_flight:  # noqa: ASYNC110  # the simulator is in another thread
        await asyncio.sleep(0.001)


async def test_several_tasks_may_share_the_rows(account: Account) -> None:
    async with account(call_logs=1_500, latency=0.001) as (sim, client):
        async with client.call_logs.retrieve_all(page_size=50).prefetch(8) as rows:
            parts = await asyncio.gather(*(ids(rows) for _ in range(3)))
        assert sorted(itertools.chain(*parts)) == sorted(sim.account.call_log_ids())


async def test_leads_callbacks_and_numbers_are_read_ahead_too(account: Account) -> None:
    async with account(leads=300, callbacks=200, dnc=200, offset_cap=None, profile="mixed") as (sim, client):
        for pager, what in (
            (client.leads.search_all(page_size=20), "leads"),
            (client.callbacks.search_all(page_size=20), "callbacks"),
            (client.dnc.search_all(page_size=20), "dnc"),
        ):
            async with pager.prefetch(8) as rows:  # type: ignore[attr-defined]  # pagers of three kinds
                found = await ids(rows)
            expected = sim.account.lead_ids() if what == "leads" else sim.account.ids(what)
            assert sorted(found) == sorted(expected)


# -- errors -----------------------------------------------------------------------------------------


async def test_an_error_comes_at_its_place(account: Account) -> None:
    async with account(call_logs=500, latency=LATENCY) as (sim, client):
        sim.before_request = refuse_offset("98")
        pager = client.call_logs.retrieve_all(page_size=50)
        delivered: list[str] = []
        async with pager.prefetch(8) as rows:
            with pytest.raises(ServerError) as caught:
                await into(delivered, rows)
            assert delivered == sim.account.call_log_ids()[:99]
            sim.before_request = None
            await into(delivered, rows)  # the page that failed is asked for again
        assert delivered == sim.account.call_log_ids()
        assert pager.report.complete
        assert (caught.value.endpoint, caught.value.attempts) == ("call_logs.retrieve", 1)


GOOD_TO_LOOK_AT = b'{"success":true,"data":{"total_found":"500","results":[{"id":}]}}'


@pytest.mark.parametrize("body", [GOOD_TO_LOOK_AT, b'{"success":true}', b'{"success":true,"data":[]}\n'])
async def test_what_only_looks_like_a_page_is_asked_for_again(account: Account, body: bytes) -> None:
    async with account(call_logs=500) as (sim, client):
        sim.fail("call_logs.retrieve", skip=3, body=body)
        pager = client.call_logs.retrieve_all(page_size=50)
        async with pager.prefetch(8) as rows:
            assert await ids(rows) == sim.account.call_log_ids()
        assert pager.report.complete
        assert pager.report.requests == len(sim.requests)


async def test_what_never_becomes_a_page_is_an_error_at_its_place(account: Account) -> None:
    async with account(call_logs=500) as (sim, client):
        sim.fail("call_logs.retrieve", skip=3, times=99, body=GOOD_TO_LOOK_AT)
        delivered: list[str] = []
        async with client.call_logs.retrieve_all(page_size=50).prefetch(8) as rows:
            with pytest.raises(ReplyError) as caught:
                await into(delivered, rows)
        assert delivered == sim.account.call_log_ids()[: len(delivered)]
        assert len(delivered) == 148
        assert caught.value.body == GOOD_TO_LOOK_AT.decode()


def refuse_offset(offset: str) -> Callable[[Simulator, Request], None]:
    """Makes a page fail, and pages beyond it come first."""

    def fail(sim: Simulator, request: Request) -> None:
        if request.params["offset"] == offset:
            sim.fail(status=503)

    return fail


async def into(delivered: list[str], rows: Any) -> None:
    """Reads rows into a list, which shows what came before an error."""
    async for row in rows:
        delivered.append(row.id)


async def test_a_dense_second_is_told_of_after_all_else(account: Account) -> None:
    async with account(cap=100, call_logs=500) as (sim, client):
        hot = set(sim.account.add_call_logs(400, "2026-03-12 11:00:00"))
        pager = client.call_logs.retrieve_all(page_size=20)
        delivered: list[str] = []
        async with pager.prefetch(8) as rows:
            for _ in range(2):  # and told of again to whom asks on
                with pytest.raises(
                    WindowTooDenseError, match="400 rows share one second, 2026-03-12 11:00:00"
                ):
                    await into(delivered, rows)
        assert set(sim.account.call_log_ids()) - hot <= set(delivered)
        assert not pager.report.complete


async def test_rows_before_an_error_on_the_same_page_are_delivered(account: Account) -> None:
    async with account(call_logs=1, totals="high") as (sim, client):
        pager = client.call_logs.retrieve_all()
        delivered: list[str] = []
        async with pager.prefetch(8) as rows:
            with pytest.raises(IncompleteError, match="1 rows were delivered"):
                await into(delivered, rows)
        assert delivered == sim.account.call_log_ids()


# -- leaving early ----------------------------------------------------------------------------------


class Left(Exception):
    """The caller's own."""


async def leave(how: str, pager: Pager[Any]) -> None:
    """Reads some rows ahead, and leaves."""
    async with pager.prefetch(8) as rows, aclosing(aenumerate(rows)) as numbered:  # or it is a stray itself
        async for number, _ in numbered:
            if number < 120:
                continue
            if how == "break":
                break
            if how == "error":
                raise Left
            await asyncio.sleep(60)


@pytest.mark.parametrize("how", ["break", "error", "timeout", "cancelled", "cancelled while it waits"])
async def test_leaving_early_leaves_nothing_behind(
    account: Account, how: str, recwarn: pytest.WarningsRecorder
) -> None:
    async with account(call_logs=3_000, latency=LATENCY) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        if how == "break":
            await leave(how, pager)
        elif how == "error":
            with pytest.raises(Left):
                await leave(how, pager)
        elif how == "timeout":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(10 * LATENCY):
                    await leave(how, pager)
        else:
            task = asyncio.create_task(leave(how, pager))
            await asyncio.sleep(LATENCY * (1.5 if how.endswith("waits") else 10))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert not strays()
        assert not pager.report.complete
        before = await quiet(sim)
        assert before < 30
        page = await client.call_logs.retrieve(limit=1)  # the client is as good as new
        assert len(page) == 1
        gc.collect()
        assert not recwarn.list


async def test_a_cancelled_wait_can_be_taken_up_again(account: Account) -> None:
    async with account(call_logs=800, latency=LATENCY) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        delivered: list[str] = []
        interrupted = 0
        async with pager.prefetch(4) as rows:
            while True:
                try:
                    async with asyncio.timeout(LATENCY / 3):
                        delivered.append((await anext(rows)).id)
                except TimeoutError:
                    interrupted += 1
                except StopAsyncIteration:
                    break
        assert interrupted > 3
        assert delivered == sim.account.call_log_ids()
        assert pager.report.complete
        assert pager.report.requests >= len(sim.requests)  # one may be dropped before it leaves


async def test_a_sequential_read_that_is_left_leaves_nothing_behind(account: Account) -> None:
    async with account(call_logs=500) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        async for _ in pager:
            break
        assert not strays()
        async for _ in pager:
            pages = pager.pages()
            await anext(pages)
            break
        await asyncio.sleep(0)
        assert await quiet(sim) == 3


async def test_it_is_a_context(account: Account) -> None:
    async with account(call_logs=500) as (sim, client):
        rows = client.call_logs.retrieve_all(page_size=50).prefetch()
        with pytest.raises(RuntimeError, match="async with"):
            await anext(rows)
        async with rows:
            await anext(rows)
        before = await quiet(sim)
        with pytest.raises(RuntimeError, match="async with"):
            await anext(rows)
        assert len(sim.requests) == before


@pytest.mark.parametrize(
    ("ahead", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
async def test_how_many_ahead_is_checked(account: Account, ahead: Any, error: type[Exception]) -> None:
    async with account() as (_, client):
        with pytest.raises(error, match="requests must be"):
            client.call_logs.retrieve_all().prefetch(ahead)


async def test_max_rows_ends_what_is_under_way(account: Account) -> None:
    async with account(call_logs=3_000, latency=LATENCY) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50, max_rows=120)
        async with pager.prefetch(8) as rows:
            assert await ids(rows) == sim.account.call_log_ids()[:120]
        assert not pager.report.complete
        assert pager.report.rows == 120
        assert await quiet(sim) < 20
