"""Pagers on the wire: every call that has one, against a service that bends every rule it may."""

import pickle
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from math import ceil
from typing import Any

import attrs
import pytest

from convoso_async import (
    AsyncConvoso,
    ConvosoAPIError,
    IncompleteError,
    InvalidRequestError,
    OffsetCapError,
    Pager,
    PagingError,
    Window,
    WindowTooDenseError,
)
from convoso_async.endpoint import DAY, SECOND
from convoso_async.search import latest
from convoso_async.simulator import Simulator
from convoso_async.simulator.service import Request

SMALL: dict[str, Any] = {"leads": 30, "callbacks": 0, "dnc": 0, "sms_opt_outs": 0, "agent_events": 0}
CAP = 60
Account = Callable[..., AbstractAsyncContextManager[tuple[Simulator, AsyncConvoso]]]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Opens an account, and a client of it that believes in a small offset cap, as the service has it."""

    @asynccontextmanager
    async def opened(
        cap: int | None = CAP, timezone: str = "America/Los_Angeles", **switches: Any
    ) -> AsyncIterator[tuple[Simulator, AsyncConvoso]]:
        if cap is not None:
            lower_caps(monkeypatch, cap)
            switches = {"offset_cap": cap, **switches}
        switches = {**SMALL, "call_logs": 0, "timezone": timezone, **switches}
        async with (
            Simulator(**switches) as sim,
            AsyncConvoso(sim.token, base_url=sim.url, timezone=timezone, max_retries=0) as client,
        ):
            yield sim, client

    return opened


def lower_caps(monkeypatch: pytest.MonkeyPatch, cap: int) -> None:
    """Declares another offset cap for every call that is read page by page."""
    for name in ("agent_productivity", "call_logs", "callbacks", "dnc", "leads", "sms_opt_out", "users"):
        module = import_module(f"convoso_async.resources.{name}")
        for call in ("SEARCH", "RETRIEVE", "GET_RECORDINGS", "RECORDINGS"):
            endpoint = getattr(module, call, None)
            if endpoint is not None:
                paging = attrs.evolve(endpoint.paging, offset_max=cap)
                monkeypatch.setattr(module, call, attrs.evolve(endpoint, paging=paging))


def everything(sim: Simulator, call: str, key: str, **filters: object) -> list[str]:
    """The keys of all rows that a call has, in the service's own order, without any limit."""
    plain = Simulator(**SMALL)
    plain.account = sim.account
    found: list[str] = []
    while True:
        page = rows_in(plain.call(call, limit=100, offset=len(found), **filters))
        found += [str(row[key]) for row in page]
        if not page:
            return found


def rows_in(reply: Any) -> list[dict[str, Any]]:
    """The rows of a documented reply: its only list."""
    lists = [value for value in [reply, *nested(reply)] if isinstance(value, list)]
    assert len(lists) == 1
    return list(lists[0])


def nested(reply: Any) -> Iterator[Any]:
    """The values of an object, and of its objects."""
    for value in reply.values() if isinstance(reply, dict) else ():
        yield value
        yield from nested(value)


async def until_error(pager: Pager[Any]) -> tuple[list[str], PagingError]:
    """The ids that a pager delivered, and the error that it ended with."""
    delivered: list[str] = []
    try:
        async for row in pager:
            delivered.append(row.id)
    except PagingError as error:
        assert not pager.report.complete
        assert pager.report.rows == len(delivered)
        return delivered, error
    pytest.fail("it came to its end")


def requests(sim: Simulator) -> int:
    """How many requests came; none of them past the cap."""
    assert sim.offset_cap is None or all(
        int(request.params["offset"]) <= sim.offset_cap for request in sim.requests
    )
    return len(sim.requests)


def assert_complete(pager: Pager[Any], sim: Simulator, rows: int) -> None:
    """The report of a read that came to its end."""
    report = pager.report
    assert report.complete
    assert report.rows == rows
    assert report.requests == requests(sim)
    assert report.windows >= 1


# -- every pager ------------------------------------------------------------------------------------

PAGERS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "call_logs.retrieve": ("retrieve_all", "id", {}, {"call_logs": 500}),
    "leads.search": ("search_all", "id", {}, {"leads": 500}),
    "leads.get_recordings": ("get_recordings_all", "recording_id", {"lead_id": "880001"}, {"leads": 1}),
    "users.recordings": ("recordings_all", "recording_id", {"user": "ada.abara@example.org"}, {"users": 1}),
    "users.search": ("search_all", "id", {}, {"users": 60}),
    "callbacks.search": ("search_all", "id", {}, {"callbacks": 500}),
    "dnc.search": ("search_all", "id", {}, {"dnc": 60}),
    "sms_opt_out.search": ("search_all", "id", {}, {"sms_opt_outs": 60}),
    "agent_productivity.search": ("search_all", "id", {"date_start": "2026-01-01"}, {"agent_events": 500}),
}


def pager_of(client: AsyncConvoso, call: str, **more: Any) -> Pager[Any]:
    """The pager of a call."""
    method, _, filters, _ = PAGERS[call]
    pager: Pager[Any] = getattr(getattr(client, call.partition(".")[0]), method)(**filters, **more)
    return pager


def keys(rows: list[Any], call: str) -> list[str]:
    """The ids of rows. That of a recording is a bare number in one form."""
    recording = "r-" if "recordings" in call else ""
    return [recording + getattr(row, PAGERS[call][1]).removeprefix("r-") for row in rows]


@pytest.mark.parametrize("profile", ["documented", "observed", "mixed"])
@pytest.mark.parametrize("call", PAGERS)
async def test_every_pager_reads_past_its_cap_in_every_form(
    account: Account, call: str, profile: str
) -> None:
    _, key, filters, population = PAGERS[call]
    recordings = {"call_logs": 700} if "recordings" in call else {}
    async with account(profile=profile, **recordings, **population) as (sim, client):
        expected = everything(sim, call, key, **filters)
        pager = pager_of(client, call, page_size=20)
        delivered = keys(await pager.collect(), call)
        assert Counter(expected) == Counter(delivered)
        assert_complete(pager, sim, len(expected))
        assert pager.report.windows > 1 or len(expected) <= CAP
        assert pager.report.requests <= 1.1 * ceil(len(expected) / 20) + 3 * pager.report.windows or (
            call == "callbacks.search"  # whose order, by id, follows no time
        )
        if call in ("call_logs.retrieve", "agent_productivity.search"):
            assert expected[::-1] == delivered if call == "call_logs.retrieve" else expected == delivered


@pytest.mark.parametrize("call", PAGERS)
async def test_what_fits_below_the_cap_takes_no_probe(account: Account, call: str) -> None:
    _, key, filters, population = PAGERS[call]
    fewer = {name: min(count, 45) for name, count in population.items()}
    recordings = {"call_logs": 60} if "recordings" in call else {}
    async with account(**recordings, **fewer) as (sim, client):
        expected = everything(sim, call, key, **filters)
        pager = pager_of(client, call, page_size=20)
        assert Counter(expected) == Counter(keys(await pager.collect(), call))
        assert_complete(pager, sim, len(expected))
        assert sim.requests[0].params["offset"] == "0"
        assert sim.requests[0].params["limit"] == "20"
        assert requests(sim) <= ceil(len(expected) / 19) + 1


async def test_the_largest_page_is_the_default(account: Account) -> None:
    async with account(cap=None, call_logs=1_200, leads=20) as (sim, client):
        assert len(await client.call_logs.retrieve_all().collect()) == 1_200
        assert {request.params["limit"] for request in sim.requests} == {"500"}
        assert len(sim.requests) == 4  # the last asks what comes after the last row
        await client.leads.search_all().collect()
        assert sim.requests[-1].params["limit"] == "2000"


# -- ranges -----------------------------------------------------------------------------------------


def stamps(sim: Simulator) -> Mapping[str, str]:
    """The time of each call, by id."""
    return {call: str(sim.account.call_log(call)["call_date"]) for call in sim.account.call_log_ids()}


RANGES: dict[str, dict[str, Any]] = {
    "none": {},
    "start": {"start_time": datetime(2026, 3, 10, 12)},
    "end": {"end_time": datetime(2026, 3, 10, 12)},
    "both": {"start_time": "2026-03-05 00:00:00", "end_time": "2026-03-20T13:30:00"},
    "aware": {
        "start_time": datetime(2026, 3, 5, 8, tzinfo=UTC),
        "end_time": datetime(2026, 3, 20, 20, tzinfo=UTC),
    },
    "dates": {"start_time": date(2026, 3, 5), "end_time": date(2026, 3, 20)},
    "a day": {"start_time": date(2026, 3, 18), "end_time": date(2026, 3, 18)},
    "nothing": {"start_time": date(2027, 3, 18), "end_time": date(2027, 3, 19)},
    "the future": {"start_time": date(2050, 3, 18)},
}
BOUNDS = {
    "none": ("", "9"),
    "start": ("2026-03-10 12:00:00", "9"),
    "end": ("", "2026-03-10 12:00:00"),
    "both": ("2026-03-05 00:00:00", "2026-03-20 13:30:00"),
    "aware": ("2026-03-05 00:00:00", "2026-03-20 13:00:00"),
    "dates": ("2026-03-05 00:00:00", "2026-03-20 23:59:59"),
    "a day": ("2026-03-18 00:00:00", "2026-03-18 23:59:59"),
    "nothing": ("9", "9"),
    "the future": ("9", "9"),
}


@pytest.mark.parametrize(("end_inclusive", "default_range"), [(True, "today"), (False, "all")])
@pytest.mark.parametrize("given", RANGES)
async def test_a_range_of_calls(
    account: Account, given: str, end_inclusive: bool, default_range: str
) -> None:
    async with account(call_logs=500, default_range=default_range, end_inclusive=end_inclusive) as (
        sim,
        client,
    ):
        sim.account.add_call_log("2026-03-10 12:00:00")
        low, high = BOUNDS[given]
        expected = [
            call
            for call, stamp in stamps(sim).items()
            if low <= stamp and (stamp <= high if end_inclusive else stamp < high)
        ]
        pager = client.call_logs.retrieve_all(page_size=20, **RANGES[given])
        assert expected == [call.id for call in await pager.collect()]
        assert_complete(pager, sim, len(expected))
        assert all(
            {"start_time", "end_time", "limit", "order"} <= request.params.keys() for request in sim.requests
        )


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"start_date": date(2026, 4, 2)},
        {"end_date": date(2026, 4, 12)},
        {"start_date": "2026-04-02", "end_date": "2026-04-12"},
    ],
)
async def test_callbacks_lie_in_the_future(account: Account, given: dict[str, Any], inclusive: bool) -> None:
    async with account(callbacks=500, day_end_inclusive=inclusive) as (sim, client):
        sim.account.add_callback("2031-01-01 09:00:00")
        filters = {name: str(value) for name, value in given.items()}
        plain = everything(sim, "callbacks.search", "id", **filters)
        if not inclusive and "end_date" in filters:
            day_before = {**filters, "end_date": "2026-04-11"}
            plain = everything(sim, "callbacks.search", "id", **day_before)
        pager = client.callbacks.search_all(page_size=20, **given)
        assert Counter(plain) == Counter(row.id for row in await pager.collect())
        assert_complete(pager, sim, len(plain))


@pytest.mark.parametrize(
    ("names", "column"),
    [
        (("created_at_start_date", "created_at_end_date"), "created_at"),
        (("updated_at_start_date", "updated_at_end_date"), "modified_at"),
        (("last_call_start_date", "last_call_end_date"), "last_called"),
        (("changed_at_start_date", "changed_at_end_date"), "modified_at"),
    ],
)
@pytest.mark.parametrize("totals", [None, "missing"])
async def test_leads_are_cut_by_the_callers_own_range(
    account: Account, names: tuple[str, str], column: str, totals: str | None
) -> None:
    async with account(leads=500, totals=totals, profile="observed") as (sim, client):
        start, end = "2026-02-01 00:00:00", "2026-03-29 00:00:00"
        expected = [
            lead
            for lead in sim.account.lead_ids()
            if start <= str(sim.account.lead(lead)[column] or "") <= end
        ]
        assert len(expected) > 2 * CAP
        pager = client.leads.search_all(page_size=20, **{names[0]: start, names[1]: end})
        assert Counter(expected) == Counter(lead.id for lead in await pager.collect())
        assert_complete(pager, sim, len(expected))
        assert all(request.params[names[0]] >= start for request in sim.requests)
        assert sim.requests[-1].params != sim.requests[0].params


async def test_leads_by_creation_where_no_range_is_given(account: Account) -> None:
    async with account(leads=500) as (sim, client):
        pager = client.leads.search_all(page_size=20, list_id=701)
        expected = [lead for lead in sim.account.lead_ids() if sim.account.lead(lead)["list_id"] == "701"]
        assert expected == [lead.id for lead in await pager.collect()]
        assert "created_at_start_date" not in sim.requests[0].params
        assert "created_at_start_date" in sim.requests[-1].params


@pytest.mark.parametrize("inclusive", [True, False])
async def test_a_day_of_events_beyond_the_reach(account: Account, inclusive: bool) -> None:
    async with account(agent_events=900, day_end_inclusive=inclusive, days=10) as (sim, client):
        pager = client.agent_productivity.search_all(date_start="2026-03-01", page_size=20)
        delivered, error = await until_error(pager)
        assert isinstance(error, WindowTooDenseError)
        assert "rows share one day, 2026-03-21, and offsets reach 80 of them; split" in str(error)
        assert error.endpoint == "agent_productivity.search"
        everyone = everything(sim, "agent_productivity.search", "id", date_start="2026-03-01")
        assert delivered == [one for one in everyone if one in set(delivered)]


def test_the_present_while_the_clock_shows_an_hour_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Second(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 11, 1, 1, 10, 5, 7, fold=1)

    monkeypatch.setattr("convoso_async.search.datetime", Second)
    assert latest(UTC, SECOND) == datetime(2026, 11, 1, 2, 10, 5)
    assert latest(UTC, DAY) == datetime(2026, 11, 1)


ZONES = ["America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe"]


@pytest.mark.parametrize("zone", ZONES)
async def test_a_range_across_both_clock_changes_is_the_union_of_its_days(
    account: Account, zone: str
) -> None:
    first, last = date(2026, 3, 1), date(2026, 11, 8)
    async with account(timezone=zone, start="2026-03-01", end="2026-11-08 23:59:59", call_logs=400) as (
        sim,
        client,
    ):
        changes = [
            date(2026, 3, 8),
            date(2026, 3, 29),
            date(2026, 4, 5),
            date(2026, 10, 4),
            date(2026, 10, 25),
            date(2026, 11, 1),
        ]
        for change in changes:
            for minute in range(0, 240, 5):
                sim.account.add_call_log(
                    datetime(change.year, change.month, change.day) + timedelta(minutes=minute)
                )
        whole = client.call_logs.retrieve_all(start_time=first, end_time=last, page_size=20)
        delivered = [call.id for call in await whole.collect()]
        assert delivered == sim.account.call_log_ids("2026-03-01", "2026-11-08 23:59:59")
        united: list[str | None] = []
        for start, end in days_and_the_rest(first, last, changes):
            part = client.call_logs.retrieve_all(start_time=start, end_time=end, page_size=20)
            united += [call.id for call in await part.collect()]
        assert delivered == united
        assert whole.report.complete


def days_and_the_rest(first: date, last: date, changes: list[date]) -> Iterator[tuple[date, date]]:
    """The days around clock changes one by one, and the weeks between as a whole."""
    near = {change + timedelta(days=days) for change in changes for days in (-1, 0, 1)}
    day = first
    while day <= last:
        end = day
        while day not in near and end < last and end + timedelta(days=1) not in near:
            end += timedelta(days=1)
        yield day, end
        day = end + timedelta(days=1)


# -- a service that bends the rules -----------------------------------------------------------------


def crowded(sim: Simulator) -> list[str]:
    """Adds seconds with many calls, one of nearly twice the reach; all ids, oldest first."""
    sim.account.add_call_logs(30, "2026-03-04 10:00:00")
    sim.account.add_call_logs(110, "2026-03-12 11:00:00")
    sim.account.add_call_logs(70, "2026-03-12 11:00:01")
    return sim.account.call_log_ids()


@pytest.mark.parametrize("totals", [None, "text", "missing", "low"])
@pytest.mark.parametrize(
    "cut", [{}, {"page_cut": 7}, {"limit_max": 12}, {"limit_max": 12, "page_refuse": False}]
)
@pytest.mark.parametrize("end_inclusive", [True, False])
async def test_every_call_once(
    account: Account, end_inclusive: bool, cut: dict[str, Any], totals: str | None
) -> None:
    bent = {"profile": "mixed", "end_inclusive": end_inclusive, "totals": totals, **cut}
    async with account(call_logs=300, **bent) as (sim, client):
        expected = crowded(sim)
        pager = client.call_logs.retrieve_all(page_size=20)
        assert expected == [call.id for call in await pager.collect()]
        assert_complete(pager, sim, len(expected))
        assert {request.params["limit"] for request in sim.requests} <= {"20", "10", "2"}


async def test_a_total_that_is_too_high_is_an_error(account: Account) -> None:
    async with account(call_logs=300, totals="high") as (sim, client):
        delivered, error = await until_error(client.call_logs.retrieve_all(page_size=20))
        assert isinstance(error, IncompleteError)
        assert "although it counts" in str(error)
        assert "300 rows were delivered; read again" in str(error)
        assert delivered == sim.account.call_log_ids()
        assert (error.endpoint, error.attempts, error.outcome) == ("call_logs.retrieve", 1, "rejected")


async def test_a_total_that_wavers_is_an_error_or_of_no_account(account: Account) -> None:
    async with account(call_logs=300, totals="wrong") as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=20)
        try:
            await pager.collect()
        except IncompleteError:
            return
        assert_complete(pager, sim, 300)


@pytest.mark.parametrize("beyond", ["refuse", "empty"])
@pytest.mark.parametrize("totals", [None, "missing"])
async def test_a_cap_below_the_documented_one_is_an_error(
    account: Account, beyond: str, totals: str | None
) -> None:
    async with account(call_logs=300, offset_cap=50, beyond_cap=beyond, totals=totals) as (_, client):
        pager = client.call_logs.retrieve_all(page_size=20)
        error = InvalidRequestError if beyond == "refuse" else IncompleteError
        with pytest.raises(error) as caught:
            await pager.collect()
        assert caught.value.endpoint == "call_logs.retrieve"
        assert not pager.report.complete


async def test_a_refused_page_size_is_remembered(account: Account) -> None:
    async with account(call_logs=100, limit_max=30) as (sim, client):
        await client.call_logs.retrieve_all(page_size=100).collect()
        assert [int(request.params["limit"]) for request in sim.requests][:4] == [100, 50, 25, 25]
        assert [int(request.params["limit"]) for request in sim.requests].count(100) == 1


@pytest.mark.parametrize("call", ["users.search", "callbacks.search", "leads.search"])
async def test_a_page_size_refused_in_other_words(account: Account, call: str) -> None:
    async with account(limit_max=7, users=20, callbacks=20) as (sim, client):
        pager = pager_of(client, call, page_size=40)
        expected = everything(sim, call, "id")
        assert Counter(expected) == Counter(keys(await pager.collect(), call))


async def test_other_refusals_are_not_taken_for_the_page_size(account: Account) -> None:
    async with account(call_logs=30) as (sim, client):
        with pytest.raises(ConvosoAPIError):
            await client.call_logs.retrieve_all(campaign_id=999).collect()
        assert len(sim.requests) == 1


@pytest.mark.parametrize("end_inclusive", [True, False])
async def test_more_calls_in_a_second_than_can_be_reached(account: Account, end_inclusive: bool) -> None:
    async with account(call_logs=200, end_inclusive=end_inclusive) as (sim, client):
        hot = sim.account.add_call_logs(400, "2026-03-12 11:00:00")
        others = [call for call in sim.account.call_log_ids() if call not in set(hot)]
        delivered, error = await until_error(client.call_logs.retrieve_all(page_size=20))
        assert isinstance(error, WindowTooDenseError)
        assert "400 rows share one second, 2026-03-12 11:00:00, and offsets reach 80 of them" in str(error)
        assert "partitions=" in str(error)
        assert (error.endpoint, error.attempts, error.outcome) == ("call_logs.retrieve", 1, "rejected")
        assert set(others) <= set(delivered)
        assert len(delivered) == len(set(delivered))
        requests(sim)


async def test_a_dense_second_is_read_whole_with_partitions(account: Account) -> None:
    async with account(call_logs=50) as (sim, client):
        for status in ("NA", "AM", "BUSY", "SALE"):
            sim.account.add_call_logs(100, "2026-03-12 11:00:00", status=status)
        statuses = {
            str(sim.account.call_log(call)["status"] or "") for call in sim.account.call_log_ids()
        } - {""}
        live = [call for call in sim.account.call_log_ids() if not sim.account.call_log(call)["status"]]
        partitions = [{"status": status} for status in sorted(statuses)]
        pager = client.call_logs.retrieve_all(page_size=20, partitions=partitions)
        delivered = [call.id for call in await pager.collect()]
        assert Counter(delivered) + Counter(live) == Counter(sim.account.call_log_ids())
        assert_complete(pager, sim, len(delivered))


# -- a living account -------------------------------------------------------------------------------


class Life:
    """Adds and removes calls before each request, and remembers which were there all the time."""

    def __init__(self, sim: Simulator, seed: int, changes: int) -> None:
        self._random = random.Random(seed)
        self._changes = changes
        self.survivors = set(sim.account.call_log_ids())
        sim.before_request = self

    def __call__(self, sim: Simulator, request: Request) -> None:
        for _ in range(self._random.randrange(self._changes + 1)):
            ids = sim.account.call_log_ids()
            gone = self._random.choice(ids)
            sim.account.remove_call_log(gone)
            self.survivors.discard(gone)
            again = self._random.choice(ids)
            at = sim.account.now if again == gone else sim.account.call_log(again)["call_date"]
            sim.account.add_call_log(at)


@pytest.mark.parametrize("prefetch", [None, 8])
@pytest.mark.parametrize("seed", range(4))
async def test_an_account_that_changes_and_keeps_its_total(
    account: Account, seed: int, prefetch: int | None
) -> None:
    async with account(call_logs=400, profile="mixed", end_inclusive=bool(seed % 2)) as (sim, client):
        life = Life(sim, seed, 3)
        pager = client.call_logs.retrieve_all(page_size=20)
        if prefetch is None:
            delivered = [call.id for call in await pager.collect()]
        else:
            async with pager.prefetch(prefetch) as rows:
                delivered = [call.id async for call in rows]
        assert len(delivered) == len(set(delivered))
        assert life.survivors <= set(delivered)
        assert pager.report.complete
        assert pager.report.duplicates > 0
        requests(sim)


def arrive(sim: Simulator, request: Request) -> None:
    """One more call, now."""
    sim.account.add_call_log(sim.account.tick())


async def test_new_calls_at_the_end_do_not_disturb(account: Account) -> None:
    async with account(call_logs=400) as (sim, client):
        before = sim.account.call_log_ids()
        sim.before_request = arrive
        pager = client.call_logs.retrieve_all(page_size=20, end_time=sim.account.now)
        assert before == [call.id for call in await pager.collect()]
        assert pager.report.requests <= 1.1 * ceil(400 / 20) + 3 * pager.report.windows
        endless = client.call_logs.retrieve_all(page_size=20)
        assert [call.id for call in await endless.collect()][:400] == before
        assert endless.report.complete


# -- calls without a range --------------------------------------------------------------------------


async def test_dnc_of_150_000_entries(account: Account) -> None:
    async with account(cap=None, dnc=150_000, profile="observed") as (sim, client):
        pager = client.dnc.search_all()
        delivered, error = await until_error(pager)
        assert not delivered
        assert isinstance(error, OffsetCapError)
        assert "150000 rows match, and offsets reach 101000" in str(error)
        assert "partitions=" in str(error)
        assert (error.endpoint, error.attempts, error.outcome) == ("dnc.search", 1, "rejected")
        assert len(sim.requests) == 1
        assert len(await client.dnc.search_all(max_rows=150).collect()) == 150
        campaigns = [{"campaign_id": 0}, {"campaign_id": -1}, {"campaign_id": sim.account.ids("campaigns")}]
        pager = client.dnc.search_all(partitions=campaigns)
        sim.clear()
        async with pager.prefetch(8) as rows:
            found = [row.id async for row in rows]
        assert len(found) == 150_000
        assert set(found) == set(sim.account.ids("dnc"))
        assert pager.report.complete
        assert pager.report.expected == 150_000
        assert pager.report.windows == 3


@pytest.mark.parametrize(
    ("partitions", "error", "says"),
    [
        ("campaign_id=1", TypeError, "list of mappings"),
        ([], ValueError, "empty"),
        ([{"campaign_id": 1}, 3], TypeError, r"partitions\[1\]"),
        ([{"reason": "x"}], ValueError, "must not hold reason"),
        ([{"limit": 3}], ValueError, "must not hold limit"),
        ([{"page_size": 3}], ValueError, "must not hold page_size"),
        ([{"campain_id": 3}], TypeError, "did you mean 'campaign_id'"),
    ],
)
async def test_partitions_are_checked_before_anything_is_sent(
    account: Account, partitions: Any, error: type[Exception], says: str
) -> None:
    async with account() as (sim, client):
        with pytest.raises(error, match=says):
            client.dnc.search_all(reason="y", partitions=partitions)
        assert not sim.requests


async def test_partitions_that_overlap_deliver_nothing_twice(account: Account) -> None:
    async with account(call_logs=300, dnc=50) as (sim, client):
        statuses = ["NA", "AM", "BUSY"]
        pager = client.call_logs.retrieve_all(
            page_size=20, partitions=[{"status": "NA"}, {"status": statuses}]
        )
        delivered = [call.id for call in await pager.collect()]
        expected = [
            call for call in sim.account.call_log_ids() if sim.account.call_log(call)["status"] in statuses
        ]
        assert Counter(expected) == Counter(delivered)
        assert_complete(pager, sim, len(expected))
        numbers = client.dnc.search_all(
            partitions=[{"campaign_id": 0}, {"campaign_id": "0,-1"}, {"campaign_id": -1}]
        )
        found = [entry.id for entry in await numbers.collect()]
        assert len(found) == len(set(found))
        assert numbers.report.duplicates >= len(found)


# -- plans ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["documented", "observed"])
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize(
    "call",
    [
        "call_logs.retrieve",
        "leads.search",
        "callbacks.search",
        "users.recordings",
        "agent_productivity.search",
    ],
)
async def test_the_windows_of_a_plan_make_the_whole(
    account: Account, call: str, inclusive: bool, profile: str
) -> None:
    _, key, filters, population = PAGERS[call]
    recordings = {"call_logs": 700} if "recordings" in call else {}
    ends = {"end_inclusive": inclusive, "day_end_inclusive": inclusive}
    async with account(profile=profile, **recordings, **population, **ends) as (sim, client):
        expected = everything(sim, call, key, **filters)
        pager = pager_of(client, call, page_size=20)
        windows = await pager.plan()
        assert len(windows) > len(expected) / (CAP + 2)
        asked = requests(sim)
        probes = 1 if call in ("call_logs.retrieve", "agent_productivity.search") else 2
        assert asked <= probes * len(windows) + 3 or call == "callbacks.search"
        elsewhere: list[Window] = pickle.loads(pickle.dumps(windows))
        assert elsewhere == windows
        random.Random(1).shuffle(elsewhere)
        delivered = []
        for window in elsewhere:
            part = pager_of(client, call, page_size=20).read(window)
            rows = keys(await part.collect(), call)
            if window.expected is not None:
                assert len(rows) == window.expected
            assert part.report.complete
            delivered += rows
        assert Counter(expected) == Counter(delivered)
        if profile == "observed":
            assert sum(window.expected or 0 for window in windows) == len(expected)


async def test_a_plan_of_what_fits_is_one_window(account: Account) -> None:
    async with account(call_logs=50, dnc=20) as (sim, client):
        (window,) = await client.call_logs.retrieve_all(campaign_id=61, end_time="2026-04-01 00:00:00").plan()
        assert window.filters == {"campaign_id": "61"}
        assert window.end == datetime(2026, 4, 1)
        assert window.last
        (window,) = await client.dnc.search_all().plan()
        assert (window.start, window.end, window.expected) == (None, None, 20)
        assert len(sim.requests) == 2


async def test_a_plan_over_partitions_with_ranges_of_their_own(account: Account) -> None:
    async with account(leads=500) as (sim, client):
        early = {"created_at_start_date": "2025-01-01 00:00:00", "created_at_end_date": "2026-02-15 00:00:00"}
        late = {"updated_at_start_date": "2026-02-01 00:00:00", "updated_at_end_date": "2026-12-01 00:00:00"}
        pager = client.leads.search_all(page_size=20, partitions=[early, late])
        found: set[str | None] = set()
        for window in await pager.plan():
            found |= {lead.id for lead in await pager.read(window).collect()}
        assert found == {lead.id for lead in await pager.collect()}
        assert found == set(sim.account.lead_ids())


@pytest.mark.parametrize(
    ("call", "more", "windows"),
    [
        ("call_logs.retrieve", {}, 5),
        ("leads.search", {}, 5),
        ("dnc.search", {}, 1),
        ("leads.search", {"max_rows": 9}, 0),
        ("leads.search", {"partitions": [{"status": "NEW"}, {"status": "NI"}]}, 0),
    ],
)
@pytest.mark.parametrize("totals", ["number", "missing"])
async def test_a_plan_is_trusted_where_every_row_is_sure_to_lie_in_it(
    account: Account, call: str, more: dict[str, Any], windows: int, totals: str
) -> None:
    async with account(call_logs=300, leads=300, dnc=20, profile="observed", totals=totals) as (_, client):
        pager = pager_of(client, call, page_size=20, **more)
        plan = await pager.trusted_plan()
        if call == "leads.search" and totals == "missing":
            assert plan == []
        else:
            assert len(plan) >= windows
            assert plan == (await pager.plan() if windows else [])


async def test_a_plan_that_lacks_rows_without_a_time_is_not_trusted(account: Account) -> None:
    async with account(leads=300, profile="observed") as (sim, client):
        sim.account.leads.change(sim.account.lead_ids()[7], {"created_at": ""})
        assert await client.leads.search_all(page_size=20).trusted_plan() == []


# -- cost and report --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 400, 5_000])
async def test_the_cost_of_calls(account: Account, count: int) -> None:
    async with account(cap=1_000, call_logs=count) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=50)
        assert len(await pager.collect()) == count
        assert_complete(pager, sim, count)
        assert pager.report.windows <= max(1, ceil(count / 950))
        assert pager.report.requests <= 1.1 * ceil(count / 50) + 3 * pager.report.windows


async def test_the_report_of_each_kind_of_end(account: Account) -> None:
    async with account(call_logs=100) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=20)
        assert (pager.report.rows, pager.report.requests, pager.report.complete) == (0, 0, False)
        await pager.collect()
        report = pager.report
        assert (report.rows, report.expected, report.complete) == (100, 100, True)
        assert report.requests == requests(sim)

        async for _ in pager:
            break
        assert pager.report is not report
        assert (pager.report.rows, pager.report.requests, pager.report.complete) == (20, 1, False)

        cut = client.call_logs.retrieve_all(page_size=20, max_rows=30)
        assert len(await cut.collect()) == 30
        assert (cut.report.rows, cut.report.expected, cut.report.complete) == (30, 100, False)
        none = client.call_logs.retrieve_all(max_rows=0)
        sim.clear()
        assert await none.collect() == []
        assert not none.report.complete
        assert not sim.requests
        more = client.call_logs.retrieve_all(page_size=20, max_rows=1_000)
        assert len(await more.collect()) == 100
        assert more.report.complete

        sim.fail("call_logs.retrieve", skip=2, status=403)
        with pytest.raises(Exception, match="403"):
            await pager.collect()
        assert (pager.report.rows, pager.report.requests, pager.report.complete) == (39, 3, False)
        await pager.collect()
        assert pager.report.complete


async def test_pages_carry_only_new_rows(account: Account) -> None:
    async with account(call_logs=150) as (sim, client):
        pager = client.call_logs.retrieve_all(page_size=20)
        pages = [page async for page in pager.pages()]
        assert [call.id for page in pages for call in page] == sim.account.call_log_ids()
        assert all(pages)
        assert pages[0].total == 150


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"limit": 5}, TypeError),
        ({"offset": 5}, TypeError),
        ({"order": "asc"}, TypeError),
        ({"page_size": 0}, ValueError),
        ({"page_size": 501}, ValueError),
        ({"page_size": "20"}, TypeError),
        ({"max_rows": -1}, ValueError),
        ({"max_rows": 1.5}, TypeError),
        ({"start_time": "yesterday"}, ValueError),
        ({"campain_id": 1}, TypeError),
    ],
)
async def test_a_pager_is_checked_before_anything_is_sent(
    account: Account, given: dict[str, Any], error: type[Exception]
) -> None:
    async with account() as (sim, client):
        with pytest.raises(error, match=r"call_logs\.retrieve"):
            client.call_logs.retrieve_all(**given)
        assert not sim.requests


async def test_the_smallest_page_on_the_wire_is_two(account: Account) -> None:
    async with account(call_logs=20) as (sim, client):
        assert len(await client.call_logs.retrieve_all(page_size=1).collect()) == 20
        assert {request.params["limit"] for request in sim.requests} == {"2"}
