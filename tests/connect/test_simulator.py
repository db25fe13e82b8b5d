"""The simulator sends webhooks when calls and leads change."""

import asyncio
import json
import socket
import threading
from contextlib import closing, suppress
from typing import Any

import pytest

from convoso_async import AsyncConvoso, connect
from convoso_async.connect import ConnectEvent
from convoso_async.simulator import Simulator
from convoso_async.simulator.webhooks import CALL_FIELDS, EXTRA_FIELDS, LEAD_FIELDS

SECRET = {"X-Connect-Secret": "blue-heron-7"}


@pytest.fixture
def sim() -> Simulator:
    """A simulator without a socket: changes by hand send webhooks as well."""
    return Simulator(call_logs=20, leads=5)


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_its_fields_are_those_of_the_fact_sheet(spec: dict[str, Any]) -> None:
    groups: dict[str, list[str]] = {"lead": [], "call_log": [], "extra": []}
    for row in spec["payload"]["fields"]:
        groups[row["group"]].append(row["name"])
    assert groups == {"lead": LEAD_FIELDS, "call_log": CALL_FIELDS, "extra": EXTRA_FIELDS}


@pytest.mark.parametrize("body", ["JSON", "RAW"])
def test_changes_reach_a_receiver(serve: Any, sim: Simulator, body: Any) -> None:
    events: list[ConnectEvent] = []
    list_id = sim.account.ids("lists")[0]
    with (
        serve(on_event=events.append) as server,
        sim.connect(server.url, body=body, headers=SECRET) as webhooks,
    ):
        call_id = sim.account.add_call_log(call_length=None, status="SALE")
        sim.account.change_call_log(call_id, call_length=95)
        lead_id = sim.account.add_lead(first_name="Jane", custom_field_2="blue")
        sim.call("leads.update", lead_id=lead_id, city="Reno")
        inserted = sim.call("leads.insert", list_id=list_id, phone_number="2125550143")["data"]["lead_id"]
        sim.call("leads.delete", lead_id=lead_id)
        sim.account.remove_call_log(call_id)
        sent = webhooks.wait()
    assert [(one.kind, one.record_id) for one in sent] == [
        *[("call", call_id)] * 2,
        *[("lead", lead_id)] * 2,
        ("lead", inserted),
    ]
    assert {(one.status, one.result) for one in sent} == {(200, "true")}
    first, second, third, fourth, fifth = events
    assert [(event.call.id, event.call.call_length, event.call.status) for event in (first, second)] == [
        (call_id, None, "SALE"),
        (call_id, 95, "SALE"),
    ]
    assert (third.lead.id, third.lead.first_name, third.custom_field_2) == (lead_id, "Jane", "blue")
    assert (fourth.lead.city, fifth.lead.phone_number) == ("Reno", "2125550143")
    assert "convoso-webhooks" not in names()


async def test_changes_made_through_the_api(servers: Any) -> None:
    events: list[ConnectEvent] = []
    with (
        Simulator(call_logs=20, leads=5, profile="observed") as sim,
        servers("aiohttp", on_event=events.append) as server,
    ):
        async with AsyncConvoso(sim.token, base_url=sim.url) as client:
            async with sim.connect(server.url, headers=SECRET) as webhooks:
                call_id = sim.account.call_log_ids()[0]
                await client.revenue.update(call_log_id=call_id, revenue=5)
                await asyncio.to_thread(webhooks.wait)
            call = await connect.call_log(client, events[0])
    assert call is not None
    assert (call.id, call.status, call.call_date) == (call_id, events[0].call.status, events[0].call_date)
    assert "null" in webhooks.sent[0].payload.values()


def test_an_adaptor(serve: Any, sim: Simulator) -> None:
    events: list[ConnectEvent] = []
    adaptor = {
        "call_log_id": "crm_call",
        "call_log.status": "outcome",
        "lead.status": "standing",
        "phone_number": "phone_1, phone_2",
        "agent_email": "agent",
        "custom_field_1": "color",
        "email": "email",
    }
    read = {"crm_call": "call_log_id", "outcome": "call_log.status", "standing": "lead.status"}
    lead_id = sim.account.add_lead(status="OPEN", custom_field_1="blue", phone_number="2125550143")
    with (
        serve(on_event=events.append, names=read) as server,
        sim.connect(server.url, headers=SECRET, adaptor=adaptor, leads=False) as webhooks,
    ):
        sim.account.change_call_log(
            sim.account.call_log_ids()[0], lead_id=lead_id, status="SALE", phone_number="2125550100"
        )
        sim.account.add_lead()
        (sent,) = webhooks.wait()
    assert list(sent.payload) == [
        "crm_call",
        "outcome",
        "standing",
        "phone_1",
        "phone_2",
        "agent",
        "color",
        "email",
    ]
    (event,) = events
    assert (event.call.status, event.lead.status) == ("SALE", "OPEN")
    assert (event.extra["phone_1"], event.extra["phone_2"], event.extra["color"]) == ("2125550100",) * 2 + (
        "blue",
    )


def test_the_adaptor_of_a_lead(serve: Any, sim: Simulator) -> None:
    events: list[ConnectEvent] = []
    with (
        serve(on_event=events.append) as server,
        sim.connect(server.url, headers=SECRET, adaptor={"id": "id", "status": "status"}, calls=False),
    ):
        sim.account.add_call_log()
        lead_id = sim.account.add_lead(status="OPEN")
    assert [(event.lead.id, event.lead.status, event.call.status) for event in events] == [
        (lead_id, "OPEN", None)
    ]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"url": "127.0.0.1:80/x"}, "scheme"),
        ({"url": "ftp://x"}, "scheme"),
        ({"body": "XML"}, "RAW or JSON"),
        ({"adaptor": {"call_id": "x"}}, "call_id"),
        ({"adaptor": {"lead.call_date": "x"}}, "lead.call_date"),
    ],
)
def test_what_it_cannot_send(sim: Simulator, arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        sim.connect(**{"url": "http://127.0.0.1:9"} | arguments)


def test_repeats_for_receivers_that_drop_them(serve: Any, sim: Simulator) -> None:
    events: list[ConnectEvent] = []
    with (
        serve(on_event=events.append) as server,
        sim.connect(server.url, headers=SECRET, times=3) as webhooks,
    ):
        sim.account.add_lead()
        assert [one.result for one in webhooks.wait()] == ["true"] * 3
    assert len(events) == 1


def test_a_receiver_that_refuses_or_is_not_there(serve: Any, sim: Simulator) -> None:
    with serve() as server:
        with sim.connect(server.url) as refused:
            sim.account.add_lead()
        url = server.url
    with sim.connect(url) as missing:
        sim.account.add_lead()
    assert [(one.status, one.result) for one in refused.sent + missing.sent] == [
        (404, "null"),
        (None, "null"),
    ]


def test_an_exception_drops_what_waits(sim: Simulator) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        webhooks = sim.connect(url, timeout=0.2)
        with suppress(ZeroDivisionError), webhooks:
            for _ in range(50):
                sim.account.add_lead()
            with pytest.raises(TimeoutError, match="50 webhooks"):
                webhooks.wait(0.01)
            raise ZeroDivisionError
        assert len(webhooks.sent) <= 1
    sim.account.add_lead()
    assert "convoso-webhooks" not in names()


def test_it_can_be_opened_once_at_a_time(sim: Simulator) -> None:
    webhooks = sim.connect("http://127.0.0.1:9")
    webhooks.close()
    with webhooks, pytest.raises(RuntimeError, match="already"):
        webhooks.open()
    with webhooks:
        pass
    assert sim.account.leads.watchers == sim.account.calls.history.watchers == []


def test_what_is_empty(sim: Simulator) -> None:
    webhooks = sim.connect("http://127.0.0.1:9")
    for profile, empty in (("documented", ""), ("observed", "null"), ("mixed", "null")):
        sim.profile = profile  # type: ignore[assignment]
        webhooks._call_changed(int(sim.account.call_log_ids()[0]))
        job = webhooks._jobs.get()
        assert job is not None
        assert job.payload["inbound_number"] == empty
        assert json.dumps(job.payload)
        event = connect.parse(json.dumps(job.payload))
        assert event.inbound_number is None
