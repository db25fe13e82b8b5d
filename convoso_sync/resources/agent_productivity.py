# Made from convoso_async/resources/agent_productivity.py by convoso_sync._generate: change those.
"""Agent productivity: every change of an agent's state, the stuff of time cards."""

from typing import Unpack

from convoso_async.resources.agent_productivity import (
    AgentEvent,
    AgentProductivity as AsyncAgentProductivity,
    AllProductivity,
    ProductivityPage,
)
from convoso_async.rows import Page

from .._runtime import Facade, run
from ..paging import Pager


class AgentProductivity(Facade[AsyncAgentProductivity]):
    """The agents' changes of state."""

    def search(self, **filters: Unpack[ProductivityPage]) -> Page[AgentEvent]:
        """One page of events, oldest first.

        POST /agent-productivity/search. Without days, today; with `date_end` alone, from the first stored
        day to there. `limit` 1 to 1,000, 1,000 when it is not given; `offset` to 50,000: for more, see
        `search_all`. An account keeps events for a year or two.

        Raises InvalidRequestError for a bad date or range, NotFoundError for an unknown campaign.
        """
        return run(self._async.search(**filters))

    def search_all(self, **filters: Unpack[AllProductivity]) -> Pager[AgentEvent]:
        """All events that match, oldest first, past the offset cap.

        POST /agent-productivity/search, as often as it takes. Without `date_end` the read ends today;
        without `date_start` it begins with the first event of the account. `page_size` is 1,000 unless
        given. WindowTooDenseError when a single day has more events than offsets reach.
        """
        return Pager(self._async.search_all(**filters))
