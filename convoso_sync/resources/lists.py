# Made from convoso_async/resources/lists.py by convoso_sync._generate: change those.
"""Lists: the groups that leads belong to, found, made, changed and removed."""

from typing import Unpack

from convoso_async.resources.lists import (
    LeadList,
    ListChange,
    ListDeletion,
    ListFilters,
    ListRemoval,
    ListResult,
    Lists as AsyncLists,
    NewList,
)
from convoso_async.rows import Page

from .._runtime import Facade, run


class Lists(Facade[AsyncLists]):
    """The groups that leads belong to."""

    def search(self, **filters: Unpack[ListFilters]) -> Page[LeadList]:
        """All lists that match, in one page: the call knows no paging.

        POST /lists/search. `status` must be given: True for the active lists, False for the inactive ones;
        no way to ask for both is documented. Several ids may be given as a list.

        Raises NotFoundError for an unknown list.
        """
        return run(self._async.search(**filters))

    def insert(self, **values: Unpack[NewList]) -> ListResult:
        """Makes a list and gives its `list_id`. It is active unless `status=False`.

        POST /lists/insert. `name` has 10 characters or more (another source: 30 at most), `description` 255
        at most. Never sent twice: OutcomeUnknownError when it is not known whether it was made.

        Raises DuplicateError for a name in use, NotFoundError for an unknown campaign.
        """
        return run(self._async.insert(**values))

    def update(self, **changes: Unpack[ListChange]) -> ListResult:
        """Changes a list. `status=False` sets it inactive, the gentle alternative to a removal.

        POST /lists/update. `name` has 10 to 30 characters, `description` 255 at most.

        Raises NotFoundError for an unknown list or campaign, DuplicateError for a name in use.
        """
        return run(self._async.update(**changes))

    def delete(self, **values: Unpack[ListRemoval]) -> ListDeletion:
        """Removes a list for good, its leads with it; past call logs stay.

        POST /lists/delete. `in_progress` is True while the service still removes a big list.

        Raises NotFoundError for an unknown list.
        """
        return run(self._async.delete(**values))
