"""Convoso Connect: webhooks received safely, in any server.

from convoso_async import connect

receiver = connect.Receiver(secret=os.environ["CONNECT_SECRET"], on_event=handle)
"""

from typing import TYPE_CHECKING

from ..public_names import public_names

if TYPE_CHECKING:
    from .event import ConnectEvent as ConnectEvent, PayloadError as PayloadError, parse as parse
    from .lookup import call_log as call_log, lead as lead
    from .receiver import Receiver as Receiver
    from .workflow import WorkflowAction as WorkflowAction, WorkflowEvent as WorkflowEvent

_HOMES = {
    ".event": "ConnectEvent PayloadError parse",
    ".lookup": "call_log lead",
    ".receiver": "Receiver",
    ".workflow": "WorkflowAction WorkflowEvent",
}

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = public_names(__name__, _HOMES)
