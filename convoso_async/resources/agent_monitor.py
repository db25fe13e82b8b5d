"""The agent monitor: who is signed in and does what at this moment, and the call that signs one out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Required, TypedDict, Unpack

from attrs import field

from ..endpoint import READ, UNSAFE, Endpoint, invalid, not_found, state
from ..parameters import Flag, Id, Ids, Words
from ..reply import Json
from ..resource import Resource, form_of
from ..rows import Result, Row, Wire, row


class MonitorFilters(TypedDict, total=False):
    """What `agent_monitor.search` can filter by. `filter_by_skill_options` are names of skills."""

    campaign_id: Ids | None
    queue_id: Ids | None
    user_id: Ids | None
    filter_by_skill_options: Words | None


class Logout(TypedDict, total=False):
    """What `agent_monitor.logout` takes.

    All but `user_id` come from one other source: `campaign_id` and `queue_id` sign out all agents of a
    campaign or a queue there, and `force` cuts live calls.
    """

    user_id: Required[Id]
    campaign_id: Id | None
    queue_id: Id | None
    force: Flag | None


@row
class MonitoredAgent(Row):
    """One signed-in agent.

    `status` is such as READY, INCALL, PAUSED, WRAP; accounts have their own. `status_time_sec` and
    `login_duration` are in seconds, `status_time_mmss` is a text, `MM:SS`. `lead_id` and `call_log_id` are
    those of the present call.
    """

    user_id: str | None = None
    user_full_name: Annotated[str | None, Wire("user_full_name", "full_name")] = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    queue_id: str | None = None
    queue_name: str | None = None
    queue_assignment: datetime | None = None
    list_id: str | None = None
    extension: str | None = None
    channel_type: str | None = None
    call_type: str | None = None
    lead_id: str | None = None
    call_log_id: str | None = None
    calls_today: int | None = None
    total_calls: int | None = None
    status: str | None = None
    status_label: str | None = None
    status_time_sec: int | None = None
    status_time_mmss: str | None = None
    connection_type: str | None = None
    skill_options: list[str] = field(factory=list)
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    login_time: str | None = None
    login_duration: int | None = None
    current_call: dict[str, Json] | None = None


@row
class MonitorSnapshot(Result):
    """The floor at one moment: its agents, and what was counted.

    Attributes:
        agents: one row for each signed-in agent.
        agent_total: agents counted; `agent_incall`, `agent_ready` and `agent_paused` are some of them.
        call_data: counters of calls for the chosen scope, as they came.
        queue_dialable_leads: leads that the queue can still dial.
        queue_calls_today: calls through the queue today; `queue_answered` and `queue_dropped` are some.
        campaigns: figures of the campaigns, as they came, where the reply has them.
        queues: figures of the queues, likewise.
    """

    agents: list[MonitoredAgent] = field(factory=list)
    agent_total: Annotated[int | None, Wire("agent_total", "total_agents", "total")] = None
    agent_incall: Annotated[int | None, Wire("agent_incall", "agents_in_call", "agents_on_call")] = None
    agent_ready: Annotated[int | None, Wire("agent_ready", "agents_ready")] = None
    agent_paused: Annotated[int | None, Wire("agent_paused", "agents_paused")] = None
    call_data: dict[str, Json] | None = None
    queue_dialable_leads: int | None = None
    queue_calls_today: int | None = None
    queue_dropped: int | None = None
    queue_answered: int | None = None
    campaigns: Json = None
    queues: Json = None
    message: str | None = None


@row
class LogoutResult(Result):
    """Who was signed out. One source gives only `success`."""

    message: str | None = None
    count: int | None = None
    logged_out_users: list[str] = field(factory=list)


SEARCH = Endpoint(
    id="agent_monitor.search",
    path="/agent-monitor/search",
    retry=READ,
    params=MonitorFilters,
    result=MonitoredAgent,
    rows=("agents", "data.entries.agents", "data.agents", "data"),
    totals=("agent_total", "total"),
    rows_key="user_id",
    codes={
        6006: invalid("user absent or not valid"),
        6026: invalid("campaign_id not valid"),
        6041: invalid("queue_id not valid"),
    },
    texts={
        "User not found": not_found("no user with that id"),
        "Campaign not found": not_found("no campaign with that id"),
        "Queue not found": not_found("no queue with that id"),
    },
)
LOGOUT = Endpoint(
    id="agent_monitor.logout",
    path="/agent-monitor/logout",
    retry=UNSAFE,  # a late second one would end a session that began in between
    params=Logout,
    result=LogoutResult,
    codes={
        6006: invalid("user absent or not valid", "no user with that id"),
        6012: state("user is not signed in", "a required field is absent"),
    },
    texts={"User not found": not_found("no user with that id")},
)


class AgentMonitor(Resource):
    """The agents who are signed in."""

    async def search(self, **filters: Unpack[MonitorFilters]) -> MonitorSnapshot:
        """The signed-in agents and the counters at this moment.

        POST /agent-monitor/search. Several ids or skills may be given as a list.

        Raises InvalidRequestError or NotFoundError for an unknown user, campaign or queue.
        """
        return await self._snapshot(filters)

    async def logout(self, **values: Unpack[Logout]) -> LogoutResult:
        """Ends an agent's session. What becomes of a live call is not documented.

        POST /agent-monitor/logout. Never sent twice, since the agent may have signed in again:
        OutcomeUnknownError when it is not known whether the session was ended.

        Raises InvalidRequestError or NotFoundError for an unknown user, RejectedError for one who is not
        signed in.
        """
        return await self._object(LOGOUT, values)

    async def _snapshot(self, filters: Mapping[str, object]) -> MonitorSnapshot:
        """Rows and counters together: this call alone gives both."""
        from ..convert import loader

        answer = await self._client._call(SEARCH, form_of(SEARCH).pairs(filters, self._client.zone))
        source: dict[str, Json] = {**counters(answer.payload), "agents": answer.rows}
        snapshot: MonitorSnapshot = loader(MonitorSnapshot, self._client.zone)(source)
        object.__setattr__(snapshot, "raw", answer.payload)
        return snapshot


def counters(payload: Json) -> dict[str, Json]:
    """What stands beside the agents: at the root, under `data`, or under `data.entries`."""
    found: dict[str, Json] = {}
    inner = payload
    for name in ("data", "entries", None):
        if not isinstance(inner, dict):
            break
        found.update((key, value) for key, value in inner.items() if key != name)
        inner = inner.get(name) if name is not None else None
    return found
