"""The columns behind the call logs: order, clock changes, size."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from convoso_async.simulator import Simulator

SPRING, AUTUMN = "2026-03-08", "2025-11-02"


def stamps(sim):
    """Dates of all calls in the order of the logs."""
    history = sim.account.calls.history
    return [sim.account.calls.row(at)["call_date"] for at in range(len(history))]


def test_calls_are_spread_as_people_work(sim):
    big = Simulator(call_logs=20_000)
    dates = stamps(big)
    assert len(dates) == 20_000
    assert dates == sorted(dates)
    assert dates[0] >= "2026-03-01 00:00:00"
    assert dates[-1] < "2026-03-31 17:00:00"
    hours = Counter(date[11:13] for date in dates)
    assert hours["11"] > 20 * hours["03"]
    assert (
        Counter(date[:10] for date in dates)["2026-03-11"]
        > 5 * Counter(date[:10] for date in dates)["2026-03-15"]
    )
    assert Counter(Counter(dates).values())[2] > 100
    ids = big.account.call_log_ids()
    assert len(set(ids)) == len(ids)
    assert int(ids[-1]) - int(ids[0]) > len(ids)


def test_the_clock_skips_an_hour_in_spring():
    sim = Simulator(call_logs=20_000, start=SPRING, end="2026-03-09")
    assert {date[11:13] for date in stamps(sim)} == {f"{hour:02d}" for hour in range(24)} - {"02"}


@pytest.mark.parametrize(
    ("zone", "day"), [("America/Los_Angeles", AUTUMN), ("Australia/Lord_Howe", "2026-04-05")]
)
def test_the_clock_shows_an_hour_twice_in_autumn(zone, day):
    sim = Simulator(call_logs=20_000, start=day, days=1, end=f"{day} 23:59:59", timezone=zone)
    dates, ids = stamps(sim), [int(call_id) for call_id in sim.account.call_log_ids()]
    assert dates == sorted(dates)
    assert len(set(ids)) == len(ids) == 20_000
    late = [date for date, number, after in zip(dates, ids, ids[1:], strict=False) if number > after]
    assert {date[11:13] for date in late} == {"01"}
    assert sim.account.call_log(ids[5000])["call_date"] == dates[5000]


def test_a_span_may_end_in_the_repeated_hour():
    sim = Simulator(call_logs=2000, start=f"{AUTUMN} 01:00:00", end=f"{AUTUMN} 01:30:00")
    ids = [int(call_id) for call_id in sim.account.call_log_ids()]
    assert len(ids) == 2000
    assert ids != sorted(ids)
    assert f"{AUTUMN} 01:00:00" <= min(stamps(sim))
    assert max(stamps(sim)) < f"{AUTUMN} 01:30:00"


moments = st.integers(0, 40).map(lambda second: f"2026-03-10 12:00:{second:02d}")
changes = st.one_of(
    st.tuples(st.just("add"), moments, st.integers(1, 4)),
    st.tuples(st.just("remove"), st.integers(0, 10**6)),
)


@settings(max_examples=60)
@given(
    steps=st.lists(changes, max_size=15),
    start=moments,
    end=moments,
    inclusive=st.booleans(),
    limit=st.integers(1, 7),
    order=st.sampled_from(["asc", "desc"]),
)
def test_a_living_account_answers_as_a_plain_list_would(steps, start, end, inclusive, limit, order):
    span = {"start": "2026-03-10 12:00:00", "end": "2026-03-10 12:00:30"}
    sim = Simulator(
        call_logs=25, leads=3, callbacks=0, dnc=0, agent_events=0, **span, end_inclusive=inclusive
    )
    account = sim.account
    model = [(account.call_log(i)["call_date"], int(i)) for i in account.call_log_ids()]
    for kind, *values in steps:
        if kind == "add":
            model += [(values[0], int(i)) for i in account.add_call_logs(values[1], values[0])]
        elif model:
            account.remove_call_log(model.pop(values[0] % len(model))[1])
    model.sort(reverse=order == "desc")
    wanted = [str(i) for date, i in model if start <= date and (date < end or (inclusive and date == end))]
    found = []
    while start <= end:
        params = {"start_time": start, "end_time": end, "limit": limit, "order": order, "offset": len(found)}
        rows = sim.call("call_logs.retrieve", **params)["results"]
        found += [row["id"] for row in rows]
        if not rows:
            break
    assert found == (wanted if start <= end else [])


def test_a_million_calls_are_small():
    sim = Simulator(call_logs=1_000_000)
    history = sim.account.calls.history
    columns = (history.ids, history.stamps, history.dice)
    assert [len(column) for column in columns] == [1_000_000] * 3
    assert sum(column.itemsize * len(column) for column in columns) == 24_000_000
    window = {"start_time": "2026-03-11 10:00:00", "end_time": "2026-03-11 10:30:00"}
    body = sim.call("call_logs.retrieve", **window, limit=500, order="asc")
    assert body["total_found"] == len(sim.account.call_log_ids("2026-03-11 10:00:00", "2026-03-11 10:30:00"))
    assert len(body["results"]) == 500
    filtered = sim.call("call_logs.retrieve", campaign_id=61, status="SALE", limit=1)
    assert 20_000 < filtered["total_found"] < 60_000
    assert sim.call("call_logs.retrieve", offset=40_000, limit=500)["total_found"] == 1_000_000
    late = sim.account.add_call_log("2026-03-02 03:00:00")
    assert sim.call("call_logs.retrieve", id=late)["results"][0]["call_date"] == "2026-03-02 03:00:00"
