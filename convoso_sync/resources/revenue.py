# Made from convoso_async/resources/revenue.py by convoso_sync._generate: change those.
"""Revenue: what a call earned."""

from typing import Unpack

from convoso_async.resources.revenue import Revenue as AsyncRevenue, RevenueChange, RevenueResult

from .._runtime import Facade, run


class Revenue(Facade[AsyncRevenue]):
    """What calls earned."""

    def update(self, **changes: Unpack[RevenueChange]) -> RevenueResult:
        """Sets the revenue of a call, at any time after it. The last value wins.

        POST /revenue/update. `revenue` is an amount, usually with two decimals.

        Raises NotFoundError for an unknown call, InvalidRequestError where neither `revenue` nor `return_`
        has a value.
        """
        return run(self._async.update(**changes))
