# Made from convoso_async/resources/call_logs.py by convoso_sync._generate: change those.
"""Call logs: the history of calls, read whole or page by page, and extra fields set on them."""

from typing import Unpack

from convoso_async.resources.call_logs import (
    AllCallLogs,
    CallLog,
    CallLogChange,
    CallLogPage,
    CallLogs as AsyncCallLogs,
    CallLogUpdate,
)
from convoso_async.rows import Page

from .._runtime import Facade, run
from ..paging import Pager


class CallLogs(Facade[AsyncCallLogs]):
    """The history of calls."""

    def retrieve(self, **filters: Unpack[CallLogPage]) -> Page[CallLog]:
        """One page of calls, newest first unless `order="asc"`.

        POST /log/retrieve. `limit` 1 to 500, 10 when it is not given; `offset` to 40,000: for more, see
        `retrieve_all`. Times are account time; a plain date as `end_time` is the end of that day. Several
        ids or statuses may be given as a list.

        Raises InvalidRequestError or NotFoundError for an unknown campaign, queue or list, and
        InvalidRequestError for an unknown user or status, or a bad date.
        """
        return run(self._async.retrieve(**filters))

    def retrieve_all(self, **filters: Unpack[AllCallLogs]) -> Pager[CallLog]:
        """All calls that match, oldest first, past the offset cap: a range with any number of rows.

        POST /log/retrieve, as often as it takes. Without `end_time` the read ends now; without
        `start_time` it begins with the first call of the account. `page_size` is 500 unless given.
        """
        return Pager(self._async.retrieve_all(**filters))

    def update(self, **changes: Unpack[CallLogChange]) -> CallLogUpdate:
        """Sets extra fields of a call. At least one must carry a value.

        POST /log/update. Further fields, `extra_field_03` and on, go in `fields={...}`.

        Raises NotFoundError for an unknown call, InvalidRequestError for a field that the account lacks.
        """
        return run(self._async.update(**changes))
