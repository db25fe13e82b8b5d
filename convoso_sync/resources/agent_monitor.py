# Made from convoso_async/resources/agent_monitor.py by convoso_sync._generate: change those.
"""The agent monitor: who is signed in and does what at this moment, and the call that signs one out."""

from typing import Unpack

from convoso_async.resources.agent_monitor import (
    AgentMonitor as AsyncAgentMonitor,
    Logout,
    LogoutResult,
    MonitorFilters,
    MonitorSnapshot,
)

from .._runtime import Facade, run


class AgentMonitor(Facade[AsyncAgentMonitor]):
    """The agents who are signed in."""

    def search(self, **filters: Unpack[MonitorFilters]) -> MonitorSnapshot:
        """The signed-in agents and the counters at this moment.

        POST /agent-monitor/search. Several ids or skills may be given as a list.

        Raises InvalidRequestError or NotFoundError for an unknown user, campaign or queue.
        """
        return run(self._async.search(**filters))

    def logout(self, **values: Unpack[Logout]) -> LogoutResult:
        """Ends an agent's session. What becomes of a live call is not documented.

        POST /agent-monitor/logout. Never sent twice, since the agent may have signed in again:
        OutcomeUnknownError when it is not known whether the session was ended.

        Raises InvalidRequestError or NotFoundError for an unknown user, RejectedError for one who is not
        signed in.
        """
        return run(self._async.logout(**values))
