# Made from convoso_async/resources/callbacks.py by convoso_sync._generate: change those.
"""Callbacks: calls that were promised for a later time, found, made, moved and removed."""

from typing import Unpack

from convoso_async.resources.callbacks import (
    AllCallbacks,
    Callback,
    CallbackChange,
    CallbackPage,
    CallbackRemoval,
    CallbackResult,
    Callbacks as AsyncCallbacks,
    NewCallback,
)
from convoso_async.rows import Page, Result

from .._runtime import Facade, run
from ..paging import Pager


class Callbacks(Facade[AsyncCallbacks]):
    """Calls that were promised for a later time."""

    def search(self, **filters: Unpack[CallbackPage]) -> Page[Callback]:
        """One page of callbacks.

        POST /callbacks/search. `limit` 1 to 5,000, 20 when it is not given; `offset` to 50,000: for more,
        see `search_all`. Several ids may be given as a list.

        Raises InvalidRequestError for an unknown campaign, list, user or stage, or a bad date.
        """
        return run(self._async.search(**filters))

    def search_all(self, **filters: Unpack[AllCallbacks]) -> Pager[Callback]:
        """All callbacks that match, past the offset cap, where the read is cut by days.

        POST /callbacks/search, as often as it takes. `page_size` is 5,000 unless given. WindowTooDenseError
        when a single day has more callbacks than offsets reach.
        """
        return Pager(self._async.search_all(**filters))

    def insert(self, **values: Unpack[NewCallback]) -> CallbackResult:
        """Makes a callback and gives its `callback_id`.

        POST /callbacks/insert. `callback_time_zone` may be left out where `callback_time` is aware. Never
        sent twice: OutcomeUnknownError when it is not known whether it was made.

        Raises InvalidRequestError for a bad lead, time or zone, NotFoundError for an unknown lead.
        """
        return run(self._async.insert(**values))

    def update(self, **changes: Unpack[CallbackChange]) -> CallbackResult:
        """Moves, hands over, comments or dismisses a callback. What is left out stays as it is.

        POST /callbacks/update. A new `callback_time` should come with its zone; an aware one does.

        Raises NotFoundError for an unknown callback, InvalidRequestError for a bad id, time or zone.
        """
        return run(self._async.update(**changes))

    def delete(self, **values: Unpack[CallbackRemoval]) -> Result:
        """Removes a callback.

        POST /callbacks/delete.

        Raises NotFoundError for an unknown callback, InvalidRequestError for a bad id.
        """
        return run(self._async.delete(**values))
