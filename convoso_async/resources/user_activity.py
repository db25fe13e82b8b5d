"""User activity: how many agents are signed in and free at this moment."""

from typing import TypedDict, Unpack

from ..endpoint import READ, Endpoint, invalid
from ..parameters import Ids, Words
from ..resource import Resource
from ..rows import Result, row


class ActivityFilters(TypedDict, total=False):
    """What `user_activity.search` can filter by. An agent must match all; of several skills, any."""

    campaign_id: Ids | None
    queue_id: Ids | None
    user_id: Ids | None
    filter_by_skill_options: Words | None


@row
class ActivityCounts(Result):
    """How many agents are ready for a call, and how many are signed in, in any state."""

    available_agents: int | None = None
    logged_in_agents: int | None = None


SEARCH = Endpoint(
    id="user_activity.search",
    path="/user-activity/search",
    retry=READ,
    params=ActivityFilters,
    result=ActivityCounts,
    codes={
        6006: invalid("user_id not valid"),
        6026: invalid("campaign_id not valid"),
        6041: invalid("queue_id not valid"),
    },
)


class UserActivity(Resource):
    """Live counts of agents."""

    async def search(self, **filters: Unpack[ActivityFilters]) -> ActivityCounts:
        """How many agents are available and signed in now.

        POST /user-activity/search. Light enough to be asked every few seconds. An unknown campaign, queue
        or user may answer zeros, which looks like an empty floor, or raise InvalidRequestError.
        """
        return await self._object(SEARCH, filters)
