# Made from convoso_async/connect/lookup.py by convoso_sync._generate: change those.
"""The record that an event tells of, read back from the service: an event is a hint that nothing signs."""

from typing import TYPE_CHECKING

from convoso_async.connect.event import ConnectEvent
from convoso_async.connect.lookup import call_log as async_call_log, lead as async_lead
from convoso_async.resources.call_logs import CallLog
from convoso_async.resources.leads import Lead

from .._handed_in import unwrapped
from .._runtime import run

if TYPE_CHECKING:
    from ..client import Convoso


def call_log(client: "Convoso", event: ConnectEvent) -> CallLog | None:
    """The call that an event names, as the service has it now; None where it has no such call.

    POST /log/retrieve, with `id`, over all times. A call that has only just ended may not be there yet.

    Raises ValueError for an event without a `call_log_id`, and what `call_logs.retrieve` raises.
    """
    return run(async_call_log(unwrapped("client", client), event))


def lead(client: "Convoso", event: ConnectEvent) -> Lead | None:
    """The lead that an event names, as the service has it now; None where it has no such lead.

    POST /leads/search, with `lead_id`. A lead that was deleted is not found.

    Raises ValueError for an event with neither `id` nor `lead_id`, and what `leads.search` raises.
    """
    return run(async_lead(unwrapped("client", client), event))
