"""Revenue: what a call earned."""

from datetime import datetime
from typing import Required, TypedDict, Unpack

from ..endpoint import IDEMPOTENT, Endpoint, missing, not_found
from ..parameters import Bit, Id, Number
from ..resource import Resource
from ..rows import Money, Result, row


class RevenueChange(TypedDict, total=False):
    """What `revenue.update` takes, at least one beside the id.

    The sources differ on `return_`: by the documentation, 1 asks for the updated call in the reply; by two
    others, it marks a returned sale.
    """

    call_log_id: Required[Id]
    revenue: Number | None
    return_: Bit | None


@row
class RevenueResult(Result):
    """The call that was changed. All but its id may come only with `return_=1`."""

    call_log_id: str | None = None
    revenue: Money = None
    lead_id: str | None = None
    campaign_id: str | None = None
    call_date: datetime | None = None
    status: str | None = None


UPDATE = Endpoint(
    id="revenue.update",
    path="/revenue/update",
    retry=IDEMPOTENT,
    params=RevenueChange,
    result=RevenueResult,
    codes={
        6032: missing("call_log_id absent"),
        6033: not_found("no call log with that id"),
        6036: missing("neither revenue nor return has a value"),
    },
)


class Revenue(Resource):
    """What calls earned."""

    async def update(self, **changes: Unpack[RevenueChange]) -> RevenueResult:
        """Sets the revenue of a call, at any time after it. The last value wins.

        POST /revenue/update. `revenue` is an amount, usually with two decimals.

        Raises NotFoundError for an unknown call, InvalidRequestError where neither `revenue` nor `return_`
        has a value.
        """
        return await self._object(UPDATE, changes)
