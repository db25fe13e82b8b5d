# Made from convoso_async/resources/user_activity.py by convoso_sync._generate: change those.
"""User activity: how many agents are signed in and free at this moment."""

from typing import Unpack

from convoso_async.resources.user_activity import (
    ActivityCounts,
    ActivityFilters,
    UserActivity as AsyncUserActivity,
)

from .._runtime import Facade, run


class UserActivity(Facade[AsyncUserActivity]):
    """Live counts of agents."""

    def search(self, **filters: Unpack[ActivityFilters]) -> ActivityCounts:
        """How many agents are available and signed in now.

        POST /user-activity/search. Light enough to be asked every few seconds. An unknown campaign, queue
        or user may answer zeros, which looks like an empty floor, or raise InvalidRequestError.
        """
        return run(self._async.search(**filters))
