"""Agent performance: how each agent's time was spent over some days, and what came of it."""

from typing import TypedDict, Unpack

from ..endpoint import DAY, READ, Endpoint, RangeFilter, invalid, missing
from ..parameters import Day, Ids
from ..resource import Resource
from ..rows import Money, Page, Row, row


class PerformanceFilters(TypedDict, total=False):
    """What `agent_performance.search` can filter by. Days are the account's, both ends included."""

    date_start: Day | None
    date_end: Day | None
    campaign_ids: Ids | None
    list_ids: Ids | None
    queue_ids: Ids | None
    user_ids: Ids | None
    status_ids: Ids | None


@row
class AgentStatistics(Row):
    """One agent's figures.

    `talk_sec`, `wait_sec`, `pause_sec`, `wrap_sec` and `total_time` are texts, `HH:MM:SS`; those in `_pt`
    are percent. The attributes from `username` on are another source's, with times in whole seconds.
    """

    user_id: str | None = None
    name: str | None = None
    calls: int | None = None
    human_answered: int | None = None
    talk_sec_pt: float | None = None
    wait_sec_pt: float | None = None
    pause_sec_pt: float | None = None
    wrap_sec_pt: float | None = None
    talk_sec: str | None = None
    wait_sec: str | None = None
    pause_sec: str | None = None
    wrap_sec: str | None = None
    total_time: str | None = None
    am: int | None = None
    others: int | None = None
    am_pt: float | None = None
    others_pt: float | None = None
    call_type: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    queue_id: str | None = None
    queue_name: str | None = None
    total_calls: int | None = None
    talk_time: int | None = None
    wait_time: int | None = None
    pause_time: int | None = None
    login_time: int | None = None
    contacts: int | None = None
    conversion_rate: float | None = None
    avg_handle_time: int | None = None
    calls_per_hour: float | None = None
    sales: int | None = None
    revenue: Money = None


SEARCH = Endpoint(
    id="agent_performance.search",
    path="/agent-performance/search",
    retry=READ,
    params=PerformanceFilters,
    result=AgentStatistics,
    rows=("$", "data"),
    totals=("total",),
    rows_key="user_id",
    ranges=(RangeFilter("date_start", "date_end", unit=DAY),),
    codes={
        6006: invalid("user_id not valid"),
        6026: invalid("campaign_id not valid"),
        6031: missing("no agents given or found"),
        6041: invalid("queue_id not valid"),
        6042: invalid("list_id not valid"),
        6050: invalid("status not valid"),
    },
    texts={"Invalid date format. Use YYYY-MM-DD": invalid("date form not valid")},
)


class AgentPerformance(Resource):
    """The agents' figures over some days."""

    async def search(self, **filters: Unpack[PerformanceFilters]) -> Page[AgentStatistics]:
        """One row for each agent, all in one page: the call knows no paging.

        POST /agent-performance/search. Without days, today, whose figures still move; with `date_start`
        alone, from there to now; with `date_end` alone, from the first stored day to there. Several ids may
        be given as a list.

        Raises InvalidRequestError for an unknown user, campaign, queue, list or status, or a bad date.
        """
        return await self._page(SEARCH, filters)
