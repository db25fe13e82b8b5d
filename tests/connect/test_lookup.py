"""An event is a hint; the record is read back, by either package."""

import asyncio
import http.client
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

import convoso_async.connect
import convoso_sync.connect
from convoso_async import AsyncConvoso, connect
from convoso_async.simulator import Simulator
from convoso_sync import Convoso, connect as sync_connect

LookUp = Callable[..., Awaitable[Any]]


async def in_async(name: str, sim: Simulator, event: connect.ConnectEvent) -> Any:
    """What a look-up of the async package gives."""
    async with AsyncConvoso(sim.token, base_url=sim.url) as client:
        return await getattr(convoso_async.connect, name)(client, event)


async def in_sync(name: str, sim: Simulator, event: connect.ConnectEvent) -> Any:
    """What a look-up of the sync package gives."""

    def look_up() -> Any:
        with Convoso(sim.token, base_url=sim.url) as client:
            return getattr(convoso_sync.connect, name)(client, event)

    return await asyncio.to_thread(look_up)


each_package = pytest.mark.parametrize("look_up", [in_async, in_sync], ids=["async", "sync"])


@each_package
async def test_the_call_and_the_lead_are_read_back(look_up: LookUp) -> None:
    with Simulator(call_logs=50, leads=10, default_range="today") as sim:
        call_id, lead_id = sim.account.call_log_ids()[0], sim.account.lead_ids()[3]
        event = connect.parse(f"call_log_id={call_id}&lead_id={lead_id}&status=FAKE&call_date=2001-01-01")
        call = await look_up("call_log", sim, event)
        lead = await look_up("lead", sim, event)
        kept = sim.account.call_log(call_id)
        assert (call.id, call.status, call.call_length) == (call_id, kept["status"], kept["call_length"])
        assert (lead.id, lead.phone_number) == (lead_id, sim.account.lead(lead_id)["phone_number"])


@each_package
@pytest.mark.parametrize("call_id", ["1", "no such", "{first},{second}", "{first} ", "0{first}"])
async def test_what_is_not_there_is_none(look_up: LookUp, call_id: str) -> None:
    """Also where the id reads as several, or as another one: what comes back must be what was asked for."""
    with Simulator(call_logs=10, leads=3) as sim:
        first, second, *_ = sim.account.call_log_ids()
        wanted = call_id.format(first=first, second=second)
        assert await look_up("call_log", sim, connect.ConnectEvent(call_log_id=wanted)) is None
        gone, other, *_ = sim.account.lead_ids()
        sim.account.remove_lead(gone)
        for lead_id in (gone, "1", f"{other},{gone}"):
            assert await look_up("lead", sim, connect.ConnectEvent(lead_id=lead_id)) is None


@each_package
async def test_an_event_that_names_nothing(look_up: LookUp) -> None:
    with Simulator() as sim:
        event = connect.parse("status=SALE")
        with pytest.raises(ValueError, match="call_log_id"):
            await look_up("call_log", sim, event)
        with pytest.raises(ValueError, match="lead_id"):
            await look_up("lead", sim, event)
        assert sim.requests == []


class Silent(WSGIRequestHandler):
    """A handler of requests without a log."""

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@contextmanager
def served(app: Any) -> Iterator[int]:
    """The port of a WSGI app."""
    with make_server("127.0.0.1", 0, app, handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_sync_app_needs_nothing_async() -> None:
    found: list[str | None] = []
    with Simulator(call_logs=10, leads=5) as sim, Convoso(sim.token, base_url=sim.url) as client:

        def handle(event: sync_connect.ConnectEvent) -> None:
            lead = sync_connect.lead(client, event)
            found.append(lead and lead.phone_number)

        receiver = sync_connect.Receiver(secret="blue-heron-7", on_event=handle)
        lead_id = sim.account.lead_ids()[2]
        with served(receiver.wsgi) as port:
            wire = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            wire.request("POST", "/", f"lead_id={lead_id}", {"X-Connect-Secret": "blue-heron-7"})
            assert wire.getresponse().status == 200
            wire.close()
        assert found == [sim.account.lead(lead_id)["phone_number"]]
