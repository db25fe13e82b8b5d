# Made from convoso_async/resources/agent_performance.py by convoso_sync._generate: change those.
"""Agent performance: how each agent's time was spent over some days, and what came of it."""

from typing import Unpack

from convoso_async.resources.agent_performance import (
    AgentPerformance as AsyncAgentPerformance,
    AgentStatistics,
    PerformanceFilters,
)
from convoso_async.rows import Page

from .._runtime import Facade, run


class AgentPerformance(Facade[AsyncAgentPerformance]):
    """The agents' figures over some days."""

    def search(self, **filters: Unpack[PerformanceFilters]) -> Page[AgentStatistics]:
        """One row for each agent, all in one page: the call knows no paging.

        POST /agent-performance/search. Without days, today, whose figures still move; with `date_start`
        alone, from there to now; with `date_end` alone, from the first stored day to there. Several ids may
        be given as a list.

        Raises InvalidRequestError for an unknown user, campaign, queue, list or status, or a bad date.
        """
        return run(self._async.search(**filters))
