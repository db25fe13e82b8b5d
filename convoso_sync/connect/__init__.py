# Made from convoso_async/connect/__init__.py by convoso_sync._generate: change those.
"""Convoso Connect: webhooks received safely, in any server.

from convoso_sync import connect

receiver = connect.Receiver(secret=os.environ["CONNECT_SECRET"], on_event=handle)
"""

from typing import TYPE_CHECKING

from convoso_async.public_names import public_names

if TYPE_CHECKING:
    from convoso_async.connect import (
        ConnectEvent as ConnectEvent,
        PayloadError as PayloadError,
        Receiver as Receiver,
        WorkflowAction as WorkflowAction,
        WorkflowEvent as WorkflowEvent,
        parse as parse,
    )

    from .lookup import call_log as call_log, lead as lead

_HOMES = {
    ".lookup": "call_log lead",
    "convoso_async.connect": "ConnectEvent PayloadError Receiver WorkflowAction WorkflowEvent parse",
}

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = public_names(__name__, _HOMES)
