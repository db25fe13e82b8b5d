"""What both packages do alike, written once."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    CallLog,
    ConfigurationError,
    ConvosoConnectionError,
    DuplicateError,
    NotFoundError,
    OutcomeUnknownError,
    Page,
    Pager,
    PermissionDeniedError,
    Prefetch,
    RateLimitError,
    ReplyError,
    ServerError,
    Window,
)
from convoso_async.events import CallEnded, Event
from convoso_async.simulator import Simulator

from ..both import Connect, each_package

pytestmark = each_package

PHONE = "2125550142"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=60, leads=20) as running:
        yield running


# -- single calls -----------------------------------------------------------------------------------


async def test_a_lead_from_its_insertion_to_its_end(connect: Connect, sim: Simulator) -> None:
    async with connect(sim) as client:
        lead = await client.leads.insert(
            list_id=701, phone_number=PHONE, first_name="Jane", fields={"job_group": "x"}
        )
        assert lead.lead_id is not None
        found = await client.leads.search(lead_id=lead.lead_id)
        assert isinstance(found, Page)
        assert [(row.id, row.first_name, row.phone_number) for row in found] == [
            (lead.lead_id, "Jane", PHONE)
        ]
        await client.leads.update(lead_id=lead.lead_id, first_name="June")
        assert [row.first_name for row in await client.leads.search(lead_id=lead.lead_id)] == ["June"]
        assert (await client.leads.delete(lead_id=lead.lead_id)).raw == {"success": True}
        assert len(await client.leads.search(lead_id=lead.lead_id)) == 0
        with pytest.raises(NotFoundError) as gone:
            await client.leads.delete(lead_id=lead.lead_id)
    assert (gone.value.endpoint, gone.value.outcome) == ("leads.delete", "rejected")


async def test_a_number_on_dnc(connect: Connect, sim: Simulator) -> None:
    entry: dict[str, Any] = {"phone_number": PHONE, "phone_code": "1", "campaign_id": 0}
    async with connect(sim) as client:
        await client.dnc.insert(**entry)
        with pytest.raises(DuplicateError) as twice:
            await client.dnc.insert(**entry)
        assert [row.phone_number for row in await client.dnc.search(phone_number=PHONE)] == [PHONE]
    assert (twice.value.endpoint, twice.value.code) == ("dnc.insert", 6008)


async def test_any_call(connect: Connect, sim: Simulator) -> None:
    async with connect(sim) as client:
        found = await client.request("/campaigns/search")
        assert found == sim.call("campaigns.search")
        with pytest.raises(ValueError):
            await client.request("campaigns/search")


async def test_several_calls_at_once(connect: Connect, sim: Simulator) -> None:
    sim.latency = 0.2
    async with connect(sim) as client:
        counts = await asyncio.gather(*(client.users.search(limit=n) for n in range(1, 9)))
    assert [len(page) for page in counts] == list(range(1, 9))
    assert sim.in_flight_max >= 4


# -- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"campain_id": 111}, TypeError),
        ({"limit": "many"}, TypeError),
        ({"limit": 501}, ValueError),
        ({"start_time": "2026-03-02", "end_time": "2026-03-01"}, ValueError),
    ],
)
async def test_nothing_is_sent_that_is_wrong(
    connect: Connect, sim: Simulator, params: dict[str, Any], error: type[Exception]
) -> None:
    async with connect(sim) as client:
        with pytest.raises(error):
            await client.call_logs.retrieve(**params)
    assert sim.requests == []


async def test_a_pager_refuses_at_once(connect: Connect, sim: Simulator) -> None:
    wrong: dict[str, Any] = {"limit": 5}
    async with connect(sim) as client:
        with pytest.raises(TypeError, match="limit is the pager's own"):
            client.call_logs.retrieve_all(**wrong)
        with pytest.raises(ValueError, match="1 or more"):
            client.call_logs.retrieve_all().prefetch(0)


@pytest.mark.parametrize(
    ("fault", "error", "outcome"),
    [
        ({"status": 401}, AuthenticationError, "rejected"),
        ({"status": 429}, RateLimitError, "rejected"),
        ({"status": 503}, ServerError, "unknown"),
        ({"html": True}, ReplyError, "unknown"),
        ({"drop": "before"}, ConvosoConnectionError, "unknown"),
    ],
)
async def test_errors_keep_their_facts(
    connect: Connect, sim: Simulator, fault: dict[str, Any], error: type[Exception], outcome: str
) -> None:
    sim.fail("leads.search", **fault)
    async with connect(sim, max_retries=0) as client:
        with pytest.raises(error) as failed:
            await client.leads.search()
    facts = failed.value
    assert isinstance(facts, error)
    assert (facts.endpoint, facts.attempts, facts.outcome) == ("leads.search", 1, outcome)  # type: ignore[attr-defined]


async def test_a_write_is_never_sent_twice(connect: Connect, sim: Simulator) -> None:
    sim.fail("leads.insert", drop="after")
    async with connect(sim) as client:
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.leads.insert(list_id=701, phone_number=PHONE)
    assert unknown.value.reason is ConvosoConnectionError
    assert len(sim.requests) == 1


async def test_a_closed_client(connect: Connect, sim: Simulator) -> None:
    client = connect(sim)
    await client.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.leads.search()
    used = connect(sim)
    await used.leads.search()
    await used.aclose()
    await used.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await used.leads.search()


# -- pagers -----------------------------------------------------------------------------------------


async def ids_of(rows: Any) -> list[str]:
    return [row.id async for row in rows]


async def test_all_rows_come_once(connect: Connect, sim: Simulator) -> None:
    async with connect(sim) as client:
        pager = client.call_logs.retrieve_all(page_size=7)
        assert await ids_of(pager) == sim.account.call_log_ids()
        whole = pager.report
        assert (whole.rows, whole.expected, whole.complete) == (60, 60, True)
        assert len(sim.requests) == whole.requests
        assert [row.id for row in await pager.collect()] == sim.account.call_log_ids()
        assert pager.report == whole
        assert pager.report is not whole


async def test_pages(connect: Connect, sim: Simulator) -> None:
    async with connect(sim) as client:
        pages = [page async for page in client.call_logs.retrieve_all(page_size=25).pages()]
    assert all(isinstance(page, Page) for page in pages)
    assert [row.id for page in pages for row in page] == sim.account.call_log_ids()
    assert [row["id"] for row in pages[0].raw["results"]] == [row.id for row in pages[0]]
    assert len(pages) == 3


async def test_an_early_stop(connect: Connect, sim: Simulator) -> None:
    async with connect(sim) as client:
        pager = client.call_logs.retrieve_all(page_size=10)
        rows = aiter(pager)
        first = await anext(rows)
        assert isinstance(first, CallLog)
        assert pager.report.rows == 10
        await rows.aclose()  # type: ignore[attr-defined]  # a generator, in both
        assert not pager.report.complete
        assert (
            await ids_of(client.call_logs.retrieve_all(max_rows=15, page_size=10))
            == (sim.account.call_log_ids()[:15])
        )


@pytest.mark.parametrize("requests", [1, 3, 8])
async def test_prefetch(connect: Connect, sim: Simulator, requests: int) -> None:
    async with connect(sim) as client:
        pager = client.call_logs.retrieve_all(page_size=5)
        async with pager.prefetch(requests) as rows:
            assert await ids_of(rows) == sim.account.call_log_ids()
        assert pager.report.complete
        with pytest.raises(RuntimeError, match="prefetch is a context"):
            await anext(rows)
    assert sim.in_flight_max <= requests


async def test_a_plan(connect: Connect) -> None:
    with Simulator(call_logs=40_700, leads=1) as sim:
        async with connect(sim) as client:
            pager = client.call_logs.retrieve_all()
            windows = await pager.plan()
            assert len(windows) > 1
            assert all(isinstance(window, Window) for window in windows)
            last = [row.id for row in await pager.read(windows[-1]).collect()]
        assert last == sim.account.call_log_ids()[-len(last) :]
        assert len(last) == windows[-1].expected


async def test_errors_come_at_their_place(connect: Connect, sim: Simulator) -> None:
    sim.fail("call_logs.retrieve", status=403, skip=2)
    seen: list[str | None] = []

    async def read(client: AsyncConvoso) -> None:
        async for row in client.call_logs.retrieve_all(page_size=10):
            seen.append(row.id)

    async with connect(sim) as client:
        with pytest.raises(PermissionDeniedError):
            await read(client)
    assert seen == sim.account.call_log_ids()[:19]


async def test_pagers_are_of_their_package(connect: Connect, sim: Simulator) -> None:
    async with connect(sim) as client:
        pager = client.leads.search_all()
        ours = getattr(pager, "_sync", None)
        assert ours is not None or isinstance(pager, Pager)
        assert ours is not None or isinstance(pager.prefetch(), Prefetch)


# -- events -----------------------------------------------------------------------------------------


async def test_events_are_told_in_order_before_the_call_returns(connect: Connect, sim: Simulator) -> None:
    events: list[Event] = []
    sim.fail("leads.search", status=503, times=2)
    async with connect(sim, on_event=events.append) as client:
        await client.leads.search(list_id=701)
        names = [type(event).__name__ for event in events]
        assert names == ["AttemptStarted", "AttemptEnded", "Retried"] * 2 + [
            "AttemptStarted",
            "AttemptEnded",
            "CallEnded",
        ]
        with pytest.raises(NotFoundError):
            await client.leads.delete(lead_id=1)
        last = events[-1]
        assert isinstance(last, CallEnded)
        assert (last.endpoint, last.error) == ("leads.delete", "NotFoundError")


async def test_a_failing_on_event_fails_no_call(
    connect: Connect, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: Event) -> None:
        raise LookupError("nobody is here")

    async with connect(sim, on_event=broken) as client:
        assert len(await client.leads.search(limit=3)) == 3
    said = {record.getMessage() for record in caplog.records if record.levelname == "ERROR"}
    assert said == {
        f"on_event raised LookupError for {name}" for name in ("AttemptStarted", "AttemptEnded", "CallEnded")
    }
