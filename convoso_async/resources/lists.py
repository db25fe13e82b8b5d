"""Lists: the groups that leads belong to, found, made, changed and removed."""

from datetime import datetime
from typing import Annotated, Required, TypedDict, Unpack

from ..endpoint import IDEMPOTENT, READ, UNSAFE, Endpoint, duplicate, invalid, missing, not_found, success
from ..parameters import Bit, Id, Ids, TextRule
from ..resource import Resource
from ..rows import Page, Result, Row, Wire, row


class ListFilters(TypedDict, total=False):
    """What `lists.search` can filter by. `status` is a must, also for a single id."""

    status: Required[Bit]
    id: Ids | None
    campaign_id: Ids | None


class NewList(TypedDict, total=False):
    """What `lists.insert` takes. A name has 10 characters or more and is unique in the account."""

    name: Required[Annotated[str, TextRule(10)]]
    campaign_id: Required[Id]
    description: Annotated[str, TextRule(0, 255)] | None
    status: Bit | None


class ListChange(TypedDict, total=False):
    """What `lists.update` takes. What is left out stays as it is."""

    list_id: Required[Id]
    name: Annotated[str, TextRule(10, 30)] | None
    campaign_id: Id | None
    status: Bit | None
    description: Annotated[str, TextRule(0, 255)] | None


class ListRemoval(TypedDict, total=False):
    """What `lists.delete` takes."""

    list_id: Required[Id]


@row
class LeadList(Row):
    """A list of leads. `status` is True while it is active."""

    id: str | None = None
    name: str | None = None
    status: bool | None = None
    last_called_at: datetime | None = None
    campaign_id: str | None = None


@row
class ListResult(Result):
    """The list that was made or changed. `id` is the same id again, on some inserts."""

    list_id: Annotated[str | None, Wire("list_id", "id")] = None
    id: str | None = None


@row
class ListDeletion(Result):
    """How far a removal is. One that still runs may come with `success` False, and is no failure."""

    code: Annotated[int | None, Wire("code", "error_code")] = None

    @property
    def in_progress(self) -> bool:
        """Whether the service still removes it, which takes a while for a big list."""
        return self.code == 102


SEARCH = Endpoint(
    id="lists.search",
    path="/lists/search",
    retry=READ,
    params=ListFilters,
    result=LeadList,
    rows=("data", "results"),
    codes={6002: not_found("no list with that id")},
    texts={
        "List not found": not_found("no list with that id"),
        "Status must be 0 or 1": invalid("status is neither 0 nor 1"),
    },
)
INSERT = Endpoint(
    id="lists.insert",
    path="/lists/insert",
    retry=UNSAFE,
    params=NewList,
    result=ListResult,
    codes={
        6003: missing("list name absent"),
        6004: not_found("no campaign with that id"),
        6046: invalid("list name under 10 characters"),
        6081: duplicate("list name already used"),
    },
    texts={
        "Name must be at least 10 characters": invalid("list name under 10 characters"),
        "List name already exists": duplicate("list name already used"),
        "Campaign not found": not_found("no campaign with that id"),
        "Status must be 0 or 1": invalid("status is neither 0 nor 1"),
    },
)
UPDATE = Endpoint(
    id="lists.update",
    path="/lists/update",
    retry=IDEMPOTENT,
    params=ListChange,
    result=ListResult,
    codes={
        6002: not_found("no list with that id"),
        6004: not_found("no campaign with that id"),
        6046: invalid("list name under 10 characters"),
        6081: duplicate("list name already used"),
    },
    texts={
        "List not found": not_found("no list with that id"),
        "Name must be at least 10 characters": invalid("list name under 10 characters"),
        "List name already exists": duplicate("list name already used"),
        "Campaign not found": not_found("no campaign with that id"),
        "Status must be 0 or 1": invalid("status is neither 0 nor 1"),
    },
)
DELETE = Endpoint(
    id="lists.delete",
    path="/lists/delete",
    retry=IDEMPOTENT,
    params=ListRemoval,
    result=ListDeletion,
    codes={
        102: success("list removal has started and still runs; not a failure"),
        6002: not_found("no list with that id"),
    },
    texts={"List not found": not_found("no list with that id")},
    already={6002: ""},
)


class Lists(Resource):
    """The groups that leads belong to."""

    async def search(self, **filters: Unpack[ListFilters]) -> Page[LeadList]:
        """All lists that match, in one page: the call knows no paging.

        POST /lists/search. `status` must be given: True for the active lists, False for the inactive ones;
        no way to ask for both is documented. Several ids may be given as a list.

        Raises NotFoundError for an unknown list.
        """
        return await self._page(SEARCH, filters)

    async def insert(self, **values: Unpack[NewList]) -> ListResult:
        """Makes a list and gives its `list_id`. It is active unless `status=False`.

        POST /lists/insert. `name` has 10 characters or more (another source: 30 at most), `description` 255
        at most. Never sent twice: OutcomeUnknownError when it is not known whether it was made.

        Raises DuplicateError for a name in use, NotFoundError for an unknown campaign.
        """
        return await self._object(INSERT, values)

    async def update(self, **changes: Unpack[ListChange]) -> ListResult:
        """Changes a list. `status=False` sets it inactive, the gentle alternative to a removal.

        POST /lists/update. `name` has 10 to 30 characters, `description` 255 at most.

        Raises NotFoundError for an unknown list or campaign, DuplicateError for a name in use.
        """
        return await self._object(UPDATE, changes)

    async def delete(self, **values: Unpack[ListRemoval]) -> ListDeletion:
        """Removes a list for good, its leads with it; past call logs stay.

        POST /lists/delete. `in_progress` is True while the service still removes a big list.

        Raises NotFoundError for an unknown list.
        """
        return await self._object(DELETE, values)
