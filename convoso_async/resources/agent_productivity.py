"""Agent productivity: every change of an agent's state, the stuff of time cards."""

from datetime import (
    date as Date,  # a row has an attribute `date`
    datetime,
)
from typing import Annotated, TypedDict, Unpack

from ..endpoint import DAY, READ, Endpoint, Paging, RangeFilter, auth, failed, invalid, not_found
from ..paging import Pager
from ..parameters import Day, Ids, IntegerRule, WholeRead, Words
from ..resource import Resource
from ..rows import Page, Row, Seconds, row


class ProductivityFilters(TypedDict, total=False):
    """What `agent_productivity.search` and `search_all` can filter by.

    Days are the account's, both ends included. `agent_emails` are the agents' addresses.
    """

    date_start: Day | None
    date_end: Day | None
    campaign_id: Ids | None
    agent_emails: Words | None


class ProductivityPage(ProductivityFilters, total=False):
    """The filters, and the place of one page."""

    offset: Annotated[int, IntegerRule(0, 50_000)] | None
    limit: Annotated[int, IntegerRule(1, 1_000)] | None


class AllProductivity(ProductivityFilters, WholeRead, total=False):
    """The filters, and how to read everything."""


@row
class AgentEvent(Row):
    """One change of an agent's state.

    `state` is LOGIN, Ready, NotReady or LogOut. `event_epoch` is in Unix seconds. `event_sec` is in
    seconds: into the day by one source, since the event by another. The attributes from `username` on,
    another source's, are sums over a day, with times in seconds.
    """

    id: str | None = None
    user_id: str | None = None
    state: str | None = None
    availability_code: str | None = None
    campaign_id: str | None = None
    event_epoch: int | None = None
    event_sec: Seconds = None
    created_at: datetime | None = None
    browser: str | None = None
    ip_address: str | None = None
    user_name: str | None = None
    campaign_name: str | None = None
    campaign_type: str | None = None
    username: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    date: Date | None = None
    login_time: int | None = None
    available_time: int | None = None
    on_call_time: int | None = None
    wrap_up_time: int | None = None
    pause_time: int | None = None
    calls_handled: int | None = None
    leads_contacted: int | None = None
    productivity_percentage: float | None = None
    utilization_percentage: float | None = None


SEARCH = Endpoint(
    id="agent_productivity.search",
    path="/agent-productivity/search",
    retry=READ,
    params=ProductivityPage,
    result=AgentEvent,
    rows=("entries", "$", "data.entries", "data"),
    totals=("total", "data.total"),
    paging=Paging(limit_default=1_000, limit_max=1_000, offset_max=50_000, oldest_first=True, past_only=True),
    ranges=(RangeFilter("date_start", "date_end", unit=DAY, field="created_at"),),
    codes={
        4001: auth("token not valid"),
        6031: invalid("date form not valid", "no agents given or found"),
        6032: invalid("start lies after end"),
        6033: not_found("campaign does not exist"),
        6034: invalid("limit above 1000"),
        7231: failed("search could not be completed", "offset not valid"),
    },
    texts={
        "Invalid date format. Use YYYY-MM-DD": invalid("date form not valid"),
        "Start date must be before end date": invalid("start lies after end"),
        "Campaign not found": not_found("campaign does not exist"),
        "Limit cannot exceed 1000": invalid("limit above 1000"),
        "An error occurred while processing your search": failed("search could not be completed"),
    },
)


class AgentProductivity(Resource):
    """The agents' changes of state."""

    async def search(self, **filters: Unpack[ProductivityPage]) -> Page[AgentEvent]:
        """One page of events, oldest first.

        POST /agent-productivity/search. Without days, today; with `date_end` alone, from the first stored
        day to there. `limit` 1 to 1,000, 1,000 when it is not given; `offset` to 50,000: for more, see
        `search_all`. An account keeps events for a year or two.

        Raises InvalidRequestError for a bad date or range, NotFoundError for an unknown campaign.
        """
        return await self._page(SEARCH, filters)

    def search_all(self, **filters: Unpack[AllProductivity]) -> Pager[AgentEvent]:
        """All events that match, oldest first, past the offset cap.

        POST /agent-productivity/search, as often as it takes. Without `date_end` the read ends today;
        without `date_start` it begins with the first event of the account. `page_size` is 1,000 unless
        given. WindowTooDenseError when a single day has more events than offsets reach.
        """
        return self._pager(SEARCH, filters)
