"""Convoso itself, small, in memory, on a real socket: for tests, for the demo, and for tests of your own.

async with Simulator(call_logs=120_000, seed=7, profile="observed") as sim:    # or `with`
    client = AsyncConvoso(auth_token=sim.token, base_url=sim.url)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .account import Account, Criteria
    from .faults import Fault, Reply
    from .service import Request
    from .simulator import Simulator, serve
    from .switches import Population, Profile, Switches, Totals
    from .webhooks import Delivery, Webhooks
else:
    # The pytest plugin is below this package and must not load a web server into every test run.
    _HOMES = {
        "Account": "account",
        "Criteria": "account",
        "Fault": "faults",
        "Reply": "faults",
        "Request": "service",
        "Simulator": "simulator",
        "serve": "simulator",
        "Population": "switches",
        "Profile": "switches",
        "Switches": "switches",
        "Totals": "switches",
        "Delivery": "webhooks",
        "Webhooks": "webhooks",
    }

    def __getattr__(name):
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)


__all__ = [
    "Account",
    "Criteria",
    "Delivery",
    "Fault",
    "Population",
    "Profile",
    "Reply",
    "Request",
    "Simulator",
    "Switches",
    "Totals",
    "Webhooks",
    "serve",
]
