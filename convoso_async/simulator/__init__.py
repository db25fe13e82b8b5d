"""Convoso itself, small, in memory, on a real socket: for tests, for the demo, and for tests of your own.

async with Simulator(call_logs=120_000, seed=7, profile="observed") as sim:    # or `with`
    client = AsyncConvoso(auth_token=sim.token, base_url=sim.url)
"""

from typing import TYPE_CHECKING

from ..public_names import public_names

if TYPE_CHECKING:
    from .account import Account as Account, Criteria as Criteria
    from .faults import Fault as Fault, Reply as Reply
    from .service import Request as Request
    from .simulator import Simulator as Simulator, serve as serve
    from .switches import (
        Population as Population,
        Profile as Profile,
        Switches as Switches,
        Totals as Totals,
    )
    from .webhooks import Delivery as Delivery, Webhooks as Webhooks

# The pytest plugin is below this package and must not load a web server into every test run.
_HOMES = {
    ".account": "Account Criteria",
    ".faults": "Fault Reply",
    ".service": "Request",
    ".simulator": "Simulator serve",
    ".switches": "Population Profile Switches Totals",
    ".webhooks": "Delivery Webhooks",
}

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = public_names(__name__, _HOMES)
