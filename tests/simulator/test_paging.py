"""Pages, their bounds, and the switches that bend them."""

from __future__ import annotations

import pytest

from convoso_async.simulator import Simulator


def page(sim, **params):
    """One page of call logs."""
    return sim.call("call_logs.retrieve", **params)


def ids(sim, **params):
    """Ids on one page of call logs."""
    return [row["id"] for row in page(sim, **params)["results"]]


def test_order_and_pages(sim):
    oldest_first = sim.account.call_log_ids()
    assert ids(sim, limit=500, order="asc") + ids(sim, limit=500, offset=500, order="asc") == oldest_first
    assert ids(sim, limit=500) == oldest_first[:499:-1]
    assert len(ids(sim)) == 10
    assert page(sim, offset=1000)["results"] == []
    assert page(sim, offset=1000)["total_found"] == 1000


def test_calls_of_one_second_keep_the_order_of_their_ids(sim):
    added = sim.account.add_call_logs(5, "2026-03-10 12:00:00", status="SALE")
    bounds = {"start_time": "2026-03-10 12:00:00", "end_time": "2026-03-10 12:00:00"}
    assert ids(sim, order="asc", **bounds)[-5:] == added
    assert ids(sim, order="desc", **bounds)[:5] == added[::-1]


def test_the_end_of_a_range_is_in_or_out(sim):
    edge = sim.account.call_log(sim.account.call_log_ids()[500])["call_date"]
    inside = page(sim, end_time=edge, start_time=edge)["total_found"]
    assert inside >= 1
    with_edge = page(sim, end_time=edge)["total_found"]
    sim.end_inclusive = False
    assert page(sim, end_time=edge)["total_found"] == with_edge - inside
    assert page(sim, start_time=edge, end_time=edge) == {"success": True, "results": []}


def test_a_range_left_out_is_all_or_today(sim):
    assert page(sim)["total_found"] == 1000
    sim.default_range = "today"
    today = sim.account.call_log_ids("2026-03-31 00:00:00", "2026-03-31 23:59:59")
    assert 0 < page(sim)["total_found"] == len(today)
    assert page(sim, start_time="2026-03-01 00:00:00")["total_found"] == 1000


def test_limit_above_the_maximum_is_refused_or_cut(sim):
    assert page(sim, limit=501)["error"] == "Limit cannot exceed 500"
    sim.page_refuse = False
    body = page(sim, limit=10_000)
    assert (len(body["results"]), body["limit"]) == (500, 10_000)
    sim.page_cut = 7
    assert len(ids(sim, limit=500)) == 7
    assert len(ids(sim, limit=3)) == 3
    sim.page_cut, sim.limit_max, sim.page_refuse = None, 4, True
    assert len(ids(sim)) == 4
    assert "error" in page(sim, limit=5)


def test_offsets_up_to_the_cap(sim):
    assert page(sim, offset=40_000)["results"] == []
    assert page(sim, offset=40_001)["code"] == 7231
    sim.offset_cap = 20
    assert len(ids(sim, offset=20)) == 10
    assert page(sim, offset=21)["code"] == 7231
    sim.beyond_cap = "empty"
    body = page(sim, offset=21)
    assert (body["results"], body["total_found"]) == ([], 1000)
    assert sim.call("leads.search", offset=21)["results"] == []


@pytest.mark.parametrize(
    ("call", "cap"),
    [("callbacks.search", 50_000), ("dnc.search", 100_000), ("sms_opt_out.search", 100_000)],
)
def test_documented_caps(call, cap, sim):
    assert "code" not in sim.call(call, offset=cap)
    assert sim.call(call, offset=cap + 1)["code"] == 7231


def test_totals(sim):
    for form, expected in (("number", 1000), ("text", "1000"), ("low", 997), ("high", 1003), (None, 1000)):
        sim.totals = form
        assert page(sim)["total_found"] == expected
    sim.totals = "missing"
    assert "total_found" not in page(sim)
    sim.totals = "wrong"
    assert {page(sim)["total_found"], page(sim)["total_found"]} == {997, 1003}
    observed = Simulator(profile="observed", totals="number")
    assert observed.call("call_logs.retrieve")["data"]["total_found"] == 1000


FILTERS = [
    {"campaign_id": "61"},
    {"campaign_id": "61,62"},
    {"list_id": "701"},
    {"queue_id": "9"},
    {"user_id": "40801,40805"},
    {"status": "SALE"},
    {"status": "sale,NI"},
    {"call_type": "INBOUND"},
    {"called_count": "2"},
    {"lead_id": "880005"},
    {"phone_number": "2015550100"},
    {"number_dialed": "12015550100"},
    {"first_name": "ada"},
    {"last_name": "Abara"},
    {"campaign_id": "61", "status": "SALE", "user_id": "40801"},
]


@pytest.mark.parametrize("filters", FILTERS)
def test_filters_and_windows(filters, sim):
    sim.account.add_call_log("2026-03-15 12:00:00", status="SALE", user_id=40801, campaign_id=61)
    rows = [sim.account.call_log(call_id) for call_id in sim.account.call_log_ids()]
    wanted = {name: value.casefold().split(",") for name, value in filters.items()}
    bounds = {"start_time": "2026-03-08 00:00:00", "end_time": "2026-03-20 23:59:59"}

    def kept(row):
        return all(str(row[name]).casefold() in values for name, values in wanted.items())

    matching = [row for row in rows if kept(row)]
    inside = [row for row in matching if bounds["start_time"] <= row["call_date"] <= bounds["end_time"]]
    assert matching
    for _ in range(2):
        assert page(sim, **filters)["total_found"] == len(matching)
        assert ids(sim, limit=500, order="asc", **filters, **bounds) == [row["id"] for row in inside][:500]


def test_a_filter_sees_what_changed_since(sim):
    before = page(sim, status="SALE")["total_found"]
    call_id = next(i for i in sim.account.call_log_ids() if sim.account.call_log(i)["status"] == "NI")
    sim.account.change_call_log(call_id, status="SALE")
    assert page(sim, status="SALE")["total_found"] == before + 1
    assert ids(sim, id=call_id, status="SALE") == [call_id]
    sim.account.remove_call_log(call_id)
    assert page(sim, status="SALE")["total_found"] == before
    assert page(sim, id=call_id) == {"success": True, "results": []}


def test_live_calls_are_the_last(sim):
    rows = page(sim)["results"]
    assert [row["term_reason"] for row in rows[:4]].count("NONE") == 3
    assert [row["call_length"] for row in rows[:3]] == [None] * 3
    sim.account.change_call_log(rows[0]["id"], call_length=60, term_reason="AGENT", status="SALE")
    assert page(sim)["results"][0]["call_length"] == 60
