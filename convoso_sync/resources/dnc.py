# Made from convoso_async/resources/dnc.py by convoso_sync._generate: change those.
"""DNC: the numbers that must not be called, found, listed, changed and taken off."""

from typing import Unpack

from convoso_async.resources.dnc import (
    AllDnc,
    Dnc as AsyncDnc,
    DncChange,
    DncEntry,
    DncPage,
    DncRemoval,
    DncResult,
    NewDncEntry,
)
from convoso_async.rows import Page, Result

from .._runtime import Facade, run
from ..paging import Pager


class Dnc(Facade[AsyncDnc]):
    """The numbers that must not be called."""

    def search(self, **filters: Unpack[DncPage]) -> Page[DncEntry]:
        """One page of entries.

        POST /dnc/search. `limit` 1 to 1,000, 100 when it is not given; `offset` to 100,000. Several ids
        may be given as a list.

        Raises InvalidRequestError for a bad number, campaign, reason or purpose.
        """
        return run(self._async.search(**filters))

    def search_all(self, **filters: Unpack[AllDnc]) -> Pager[DncEntry]:
        """All entries that match.

        POST /dnc/search, as often as it takes. `page_size` is 1,000 unless given. The call has no range
        filter: OffsetCapError when more match than offsets reach; campaign, phone code, reason, purpose or
        an exact insert_date can split the read.
        """
        return Pager(self._async.search_all(**filters))

    def insert(self, **values: Unpack[NewDncEntry]) -> DncResult:
        """Puts a number on DNC and gives the entry's `id`, where the reply has it.

        POST /dnc/insert. Not held up by other calls, and tried again until the deadline.

        Raises DuplicateError for a number that is on it already in that scope, InvalidRequestError for a
        bad number, campaign, reason or purpose.
        """
        return run(self._async.insert(**values))

    def update(self, **changes: Unpack[DncChange]) -> DncResult:
        """Changes an entry. `reason=""` clears the reason.

        POST /dnc/update. Not held up by other calls, and tried again until the deadline.

        Raises NotFoundError for an unknown entry, DuplicateError for a number that is on DNC already,
        InvalidRequestError for a bad number, campaign, reason or purpose.
        """
        return run(self._async.update(**changes))

    def delete(self, **values: Unpack[DncRemoval]) -> Result:
        """Takes a number off DNC, in exactly that scope: an entry for all campaigns outlives that of one.

        POST /dnc/delete. Never sent twice: OutcomeUnknownError when it is not known whether it was removed.

        Raises NotFoundError for a number that is not on it, InvalidRequestError for a bad number, campaign,
        phone code or lead status.
        """
        return run(self._async.delete(**values))
