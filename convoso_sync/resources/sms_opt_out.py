# Made from convoso_async/resources/sms_opt_out.py by convoso_sync._generate: change those.
"""SMS opt-outs: the numbers that must get no text messages, found, added and changed."""

from typing import Unpack

from convoso_async.resources.sms_opt_out import (
    AllOptOuts,
    NewOptOut,
    OptOut,
    OptOutChange,
    OptOutPage,
    OptOutResult,
    SmsOptOut as AsyncSmsOptOut,
)
from convoso_async.rows import Page, Result

from .._runtime import Facade, run
from ..paging import Pager


class SmsOptOut(Facade[AsyncSmsOptOut]):
    """The numbers that must get no text messages. There is no call to remove one."""

    def search(self, **filters: Unpack[OptOutPage]) -> Page[OptOut]:
        """One page of opt-outs.

        POST /sms-opt-out/search. `limit` 1 to 1,000, 1,000 when it is not given; `offset` to 100,000.
        Several ids may be given as a list.

        Raises InvalidRequestError for a bad number, campaign, reason or purpose, NotFoundError for an
        unknown id or campaign.
        """
        return run(self._async.search(**filters))

    def search_all(self, **filters: Unpack[AllOptOuts]) -> Pager[OptOut]:
        """All opt-outs that match.

        POST /sms-opt-out/search, as often as it takes. `page_size` is 1,000 unless given. The call has no
        range filter: OffsetCapError when more match than offsets reach; campaign, phone code, reason,
        purpose or an insert_date can split the read.
        """
        return Pager(self._async.search_all(**filters))

    def insert(self, **values: Unpack[NewOptOut]) -> Result:
        """Opts a number out of text messages. No id comes back: `search` finds it.

        POST /sms-opt-out/insert. Not held up by other calls, and tried again until the deadline.

        Raises DuplicateError for a number that is opted out already in that scope, InvalidRequestError or
        NotFoundError for an unknown campaign, InvalidRequestError for a bad number, or where a Purpose
        campaign lacks a purpose.
        """
        return run(self._async.insert(**values))

    def update(self, **changes: Unpack[OptOutChange]) -> OptOutResult:
        """Changes an opt-out and gives its `id`. `reason="-BLANK-"` clears the reason.

        POST /sms-opt-out/update. Not held up by other calls, and tried again until the deadline.

        Raises InvalidRequestError or NotFoundError for an unknown id or campaign, DuplicateError where
        another entry has that number, code and campaign.
        """
        return run(self._async.update(**changes))
