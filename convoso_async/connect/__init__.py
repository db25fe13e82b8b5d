"""Convoso Connect: webhooks received safely, in any server.

from convoso_async import connect

receiver = connect.Receiver(secret=os.environ["CONNECT_SECRET"], on_event=handle)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .event import ConnectEvent as ConnectEvent, PayloadError as PayloadError, parse as parse
    from .lookup import call_log as call_log, lead as lead
    from .receiver import Receiver as Receiver
    from .workflow import WorkflowAction as WorkflowAction, WorkflowEvent as WorkflowEvent

_HOMES = {
    "ConnectEvent": "event",
    "PayloadError": "event",
    "Receiver": "receiver",
    "WorkflowAction": "workflow",
    "WorkflowEvent": "workflow",
    "call_log": "lookup",
    "lead": "lookup",
    "parse": "event",
}

__all__ = sorted(_HOMES)

if not TYPE_CHECKING:  # type checkers read the imports above, or they would accept any name

    def __getattr__(name: str) -> Any:
        """Imports a public name on its first use."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        return value


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
