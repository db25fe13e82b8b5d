"""Every call in both profiles answers the form that the sources show."""

from __future__ import annotations

import pytest

from convoso_async.simulator import Simulator
from convoso_async.simulator.tables import calls

CALLS = sorted(calls())


def keys_of(value):
    """The keys of a reply, nested objects included, rows left out."""
    if not isinstance(value, dict):
        return type(value).__name__
    return {key: keys_of(item) for key, item in value.items()}


@pytest.mark.parametrize("call", CALLS)
def test_documented(call, endpoints, sim, tools):
    body = tools.good(sim, call)
    response = endpoints[call]["response"]
    example = response["examples"][0]["body"]
    if not response["rows_paths"]:
        assert keys_of(body) == keys_of(example)
        return
    path = response["rows_paths"][0]
    rows, shown = tools.rows_at(body, path), tools.rows_at(example, path)
    assert isinstance(rows, list)
    assert rows
    assert all(row.keys() >= shown[0].keys() for row in rows)
    nullable = {"NoneType"}
    for name, value in shown[0].items():
        assert {type(row[name]).__name__ for row in rows} <= {type(value).__name__} | nullable, name
    if path != "$":
        assert body.keys() == example.keys()
        assert keys_of({k: v for k, v in body.items() if v is not rows}) == keys_of(
            {k: v for k, v in example.items() if v is not shown}
        )


OBSERVED = {
    "call_logs.retrieve": ("data.results", list),
    "leads.search": ("data.entries", list),
    "leads.get_recordings": ("data.entries", list),
    "users.recordings": ("data.entries", list),
    "agent_productivity.search": ("data.entries", list),
    "dnc.search": ("data.entries", list),
    "sms_opt_out.search": ("data.entries", list),
    "callbacks.search": ("data.results", list),
    "users.search": ("data.results", dict),
    "agent_performance.search": ("data", dict),
    "agent_monitor.search": ("data.entries.agents", list),
    "lists.search": ("data", list),
    "campaigns.search": ("data", list),
    "status.search": ("data", list),
}


@pytest.mark.parametrize("call", CALLS)
def test_observed(call, observed, tools):
    body = tools.good(observed, call)
    if call in OBSERVED:
        path, kind = OBSERVED[call]
        rows = tools.rows_at(body, path)
        assert body["success"] is True
        assert isinstance(rows, kind)
        assert rows
    else:
        assert body.get("success", body.get("result")) in (True, "True")


def test_observed_oddities(observed, tools):
    calls_page = tools.good(observed, "call_logs.retrieve", limit=200)["data"]
    assert calls_page["entries"] == 200
    assert calls_page["total_found"] == "1000"
    assert {type(row["call_length"]) for row in calls_page["results"]} == {int, str, type(None)}
    assert {type(row["recording"]) for row in calls_page["results"]} == {list, str}
    assert {"0", "9"} <= {row["queue_id"] for row in calls_page["results"]}
    assert "field_101" in calls_page["results"][0]
    lead = tools.good(observed, "leads.search")["data"]["entries"][0]
    assert lead["id"] == lead["lead_id"]
    assert lead["date_of_birth"] == "0000-00-00"
    assert tools.good(observed, "leads.insert")["data"] == {"lead_id": 880201}
    users = tools.good(observed, "users.search", limit=20)["data"]["results"]
    assert users["40801"]["id"] == 40801
    assert {user["last_login"] for user in users.values()} >= {"0000-00-00 00:00:00"}
    events = tools.good(observed, "agent_productivity.search", limit=1000)["data"]["entries"]
    assert {event["event_sec"].count(":") for event in events} == {1, 2}
    agents = tools.good(observed, "agent_monitor.search")["data"]["entries"]
    assert {agent["queue_name"] for agent in agents["agents"]} >= {"-"}
    assert agents["campaigns"]
    assert agents["queues"]
    status = tools.good(observed, "status.search")["data"][0]
    assert "workflow_dispositon_event_option" in status
    assert "Purpose" in tools.good(observed, "sms_opt_out.search")["data"]["entries"][0]
    recipients = {row["recipient"] for row in tools.good(observed, "callbacks.search")["data"]["results"]}
    assert "USERONLY" in recipients
    recordings = tools.good(observed, "users.recordings", limit=100)["data"]["entries"]
    assert {row["end_time"] == "" for row in recordings} == {True, False}
    assert {row["url"].startswith("http") for row in recordings} == {True, False}
    assert tools.good(observed, "lists.search")["data"][0]["id"] == 701


def test_observed_empty_collections_take_every_form(observed):
    forms = [
        observed.call("leads.search", lead_id=1)["data"]["entries"],
        observed.call("leads.search", lead_id=1)["data"]["entries"],
        observed.call("leads.search", lead_id=1)["data"]["entries"],
    ]
    assert forms == [[], None, {}]


@pytest.mark.parametrize("call", ["call_logs.retrieve", "leads.search", "status.search"])
def test_documented_empty_reply(call, endpoints, sim):
    nothing = {"query": "zzz"} if call == "status.search" else {"lead_id": "1"}
    assert sim.call(call, **nothing) == endpoints[call]["response"]["empty"][0]


def test_mixed_alternates():
    sim = Simulator(profile="mixed")
    kinds = ["data" in sim.call("leads.search", limit=1) for _ in range(4)]
    assert kinds == [False, True, False, True]


def test_a_seed_always_gives_the_same_account(tools):
    pages = [tools.dumped(tools.good(Simulator(seed=seed), "call_logs.retrieve")) for seed in (7, 7, 8)]
    assert pages[0] == pages[1]
    assert pages[0] != pages[2]


def test_only_fictitious_numbers_and_addresses(sim):
    assert all(row["phone_number"][3:8] == "55501" for row in sim.account.leads)
    assert all(row["email"].endswith("@example.org") for row in sim.account.leads)
