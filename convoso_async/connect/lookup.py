"""The record that an event tells of, read back from the service: an event is a hint that nothing signs."""

from typing import TYPE_CHECKING

from ..resources.call_logs import CallLog
from ..resources.leads import Lead
from .event import ConnectEvent

if TYPE_CHECKING:
    from ..client import AsyncConvoso

# Without both ends the service may look at today only. What an unsigned event says of the time may mislead.
EVER = ("2000-01-01 00:00:00", "2099-12-31 23:59:59")


async def call_log(client: "AsyncConvoso", event: ConnectEvent) -> CallLog | None:
    """The call that an event names, as the service has it now; None where it has no such call.

    POST /log/retrieve, with `id`, over all times. A call that has only just ended may not be there yet.

    Raises ValueError for an event without a `call_log_id`, and what `call_logs.retrieve` raises.
    """
    wanted = event.call.id or event.call_log_id
    if wanted is None:
        raise ValueError(
            "the event has no call_log_id; map that field in the adaptor, or its new name in names="
        )
    page = await client.call_logs.retrieve(id=wanted, start_time=EVER[0], end_time=EVER[1], limit=1)
    return next((call for call in page if call.id == wanted), None)


async def lead(client: "AsyncConvoso", event: ConnectEvent) -> Lead | None:
    """The lead that an event names, as the service has it now; None where it has no such lead.

    POST /leads/search, with `lead_id`. A lead that was deleted is not found.

    Raises ValueError for an event with neither `id` nor `lead_id`, and what `leads.search` raises.
    """
    wanted = event.lead.id or event.id or event.lead_id
    if wanted is None:
        raise ValueError(
            "the event has no lead id; map id or lead_id in the adaptor, or its new name in names="
        )
    page = await client.leads.search(lead_id=wanted, limit=1)
    return next((found for found in page if wanted in (found.id, found.lead_id)), None)
