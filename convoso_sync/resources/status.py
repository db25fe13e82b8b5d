# Made from convoso_async/resources/status.py by convoso_sync._generate: change those.
"""Statuses, also called dispositions: how a call ended, and what that means to the dialer."""

from typing import Unpack

from convoso_async.resources.status import (
    Disposition,
    NewStatus,
    Status as AsyncStatus,
    StatusChange,
    StatusQuery,
    StatusResult,
)
from convoso_async.rows import Page

from .._runtime import Facade, run


class Status(Facade[AsyncStatus]):
    """The statuses that calls can end with. There is no call to remove one."""

    def search(self, **filters: Unpack[StatusQuery]) -> Page[Disposition]:
        """The statuses whose code or name matches `query`, in one page: the call knows no paging.

        POST /status/search. Those of the system and those of the account; no match is an empty page.
        """
        return run(self._async.search(**filters))

    def insert(self, **values: Unpack[NewStatus]) -> StatusResult:
        """Makes a status and gives its code as `status`.

        POST /status/insert. Never sent twice: OutcomeUnknownError when it is not known whether it was made.

        Raises DuplicateError for a code in use, InvalidRequestError for a bad code, flag or color.
        """
        return run(self._async.insert(**values))

    def update(self, **changes: Unpack[StatusChange]) -> StatusResult:
        """Changes a status of the account; those of the system are read-only.

        POST /status/update.

        Raises RejectedError or NotFoundError for a code that is unknown or the system's own.
        """
        return run(self._async.update(**changes))
