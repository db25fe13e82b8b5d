"""An event is a hint; the record is read back."""

import pytest

from convoso_async import AsyncConvoso, connect
from convoso_async.simulator import Simulator


async def test_the_call_and_the_lead_are_read_back() -> None:
    with Simulator(call_logs=50, leads=10, default_range="today") as sim:
        call_id, lead_id = sim.account.call_log_ids()[0], sim.account.lead_ids()[3]
        async with AsyncConvoso(sim.token, base_url=sim.url) as client:
            event = connect.parse(f"call_log_id={call_id}&lead_id={lead_id}&status=FAKE&call_date=2001-01-01")
            call = await connect.call_log(client, event)
            lead = await connect.lead(client, event)
        assert call is not None
        assert lead is not None
        kept = sim.account.call_log(call_id)
        assert (call.id, call.status, call.call_length) == (call_id, kept["status"], kept["call_length"])
        assert (lead.id, lead.phone_number) == (lead_id, sim.account.lead(lead_id)["phone_number"])


@pytest.mark.parametrize("call_id", ["1", "no such", "{first},{second}", "{first} ", "0{first}"])
async def test_what_is_not_there_is_none(call_id: str) -> None:
    """Also where the id reads as several, or as another one: what comes back must be what was asked for."""
    with Simulator(call_logs=10, leads=3) as sim:
        first, second, *_ = sim.account.call_log_ids()
        wanted = call_id.format(first=first, second=second)
        async with AsyncConvoso(sim.token, base_url=sim.url) as client:
            assert await connect.call_log(client, connect.ConnectEvent(call_log_id=wanted)) is None
            gone, other, *_ = sim.account.lead_ids()
            sim.account.remove_lead(gone)
            for lead_id in (gone, "1", f"{other},{gone}"):
                assert await connect.lead(client, connect.ConnectEvent(lead_id=lead_id)) is None


async def test_an_event_that_names_nothing() -> None:
    async with AsyncConvoso("t", base_url="http://127.0.0.1:9") as client:
        event = connect.parse("status=SALE")
        with pytest.raises(ValueError, match="call_log_id"):
            await connect.call_log(client, event)
        with pytest.raises(ValueError, match="lead_id"):
            await connect.lead(client, event)
