"""Callbacks: calls that were promised for a later time, found, made, moved and removed."""

from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from ..endpoint import (
    DAY,
    IDEMPOTENT,
    READ,
    UNSAFE,
    Endpoint,
    Paging,
    RangeFilter,
    invalid,
    missing,
    not_found,
)
from ..paging import Pager
from ..parameters import CallbackTime, Day, Id, Ids, IntegerRule, Offset, WholeRead
from ..resource import Resource
from ..rows import Page, Result, Row, row

# Two sources spell and list the stages differently.
Stage = Literal["COMPLETED", "PAST_DUE", "PENDING", "DISMISSED", "MISSED", "PASTDUE"]


class CallbackFilters(TypedDict, total=False):
    """What `callbacks.search` and `search_all` can filter by.

    `recipient` is `System` for callbacks that the platform dials, `Personal` for those that remind one
    agent. The documentation does not say which stamp `start_date` and `end_date` test.
    """

    start_date: Day | None
    end_date: Day | None
    campaign_id: Ids | None
    id: Ids | None
    lead_id: Ids | None
    list_id: Ids | None
    recipient: Literal["System", "Personal"] | None
    user_id: Ids | None
    stage: Stage | None
    comments: str | None


class CallbackPage(CallbackFilters, total=False):
    """The filters, and the place of one page."""

    offset: Annotated[int, IntegerRule(0, 50_000)] | None
    limit: Annotated[int, IntegerRule(1, 5_000)] | None


class AllCallbacks(CallbackFilters, WholeRead, total=False):
    """The filters, and how to read everything."""


class CallbackValues(TypedDict, total=False):
    """What `callbacks.insert` takes beside the zone. `callback_time` is local to the zone, to the minute."""

    lead_id: Required[Id]
    user_id: Id | None
    recipient: Required[Literal["system", "personal"]]
    comments: str | None
    callback_time: Required[CallbackTime]


class NewCallback(CallbackValues, total=False):
    """What `callbacks.insert` takes.

    `callback_time_zone` is in hours with minutes after the point: -7, 5.30 for five and a half. An aware
    `callback_time` brings its own.
    """

    callback_time_zone: Offset | None


class SentCallback(CallbackValues, total=False):
    """What the service wants: the zone always. The caller of `insert` may leave it to an aware time."""

    callback_time_zone: Required[Offset]


class CallbackChange(TypedDict, total=False):
    """What `callbacks.update` takes. `status` is another source's name for `callback_status`."""

    callback_id: Required[Id]
    user_id: Id | None
    recipient: Literal["system", "personal"] | None
    comments: str | None
    callback_time_zone: Offset | None
    callback_time: CallbackTime | None
    callback_status: Literal["dismissed"] | None
    status: str | None


class CallbackRemoval(TypedDict, total=False):
    """What `callbacks.delete` takes."""

    callback_id: Required[Id]


@row
class Callback(Row):
    """A promised call.

    `callback_time` comes without its zone and is read as account time. `user` is the agent's name, or
    their id in another source; `user_name` is the login address. `recipient` `USERONLY` means personal.
    """

    id: str | None = None
    lead_id: str | None = None
    list_id: str | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    campaign_type: str | None = None
    status: str | None = None
    status_name: str | None = None
    stage: str | None = None
    callback_time: datetime | None = None
    callback_seen: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    user: str | None = None
    user_name: str | None = None
    recipient: str | None = None
    comments: str | None = None
    phone_number: str | None = None
    context: str | None = None
    class_: str | None = None
    directory_name: str | None = None


@row
class CallbackResult(Result):
    """The callback that was made or changed."""

    callback_id: str | None = None


SEARCH = Endpoint(
    id="callbacks.search",
    path="/callbacks/search",
    retry=READ,
    params=CallbackPage,
    result=Callback,
    rows=("results", "data.results"),
    totals=("total", "data.total"),
    paging=Paging(limit_default=20, limit_max=5_000, offset_max=50_000),
    ranges=(RangeFilter("start_date", "end_date", unit=DAY, field="callback_time"),),
    codes={
        6000: missing("no callbacks given or found"),
        6006: invalid("user_id not valid"),
        6026: invalid("campaign_id not valid"),
        6031: invalid("date form not valid"),
        6042: invalid("list_id not valid"),
        7231: invalid("offset not valid"),
    },
    texts={"Invalid callback stage": invalid("stage not valid")},
)
INSERT = Endpoint(
    id="callbacks.insert",
    path="/callbacks/insert",
    retry=UNSAFE,
    params=SentCallback,
    result=CallbackResult,
    codes={
        6001: not_found("no lead with that id"),
        6006: not_found("no user with that id"),
        6023: missing("a required field is absent"),
        6038: not_found("no callback with that id"),
        6070: invalid("lead_id not valid"),
        6071: invalid("callback_time not valid"),
        6072: invalid("callback_time_zone not valid"),
        7237: invalid("callback_time not valid"),
    },
    texts={
        "Lead not found": not_found("no lead with that id"),
        "Invalid callback time format": invalid("callback_time not valid"),
        "Invalid timezone offset": invalid("callback_time_zone not valid"),
    },
)
UPDATE = Endpoint(
    id="callbacks.update",
    path="/callbacks/update",
    retry=IDEMPOTENT,
    params=CallbackChange,
    result=CallbackResult,
    codes={
        6006: not_found("no user with that id"),
        6023: missing("a required field is absent"),
        6038: not_found("no callback with that id"),
        6073: invalid("callback_id not valid"),
        6074: not_found("callback does not exist"),
        7237: invalid("callback_time not valid"),
    },
    texts={
        "Callback not found": not_found("callback does not exist"),
        "Invalid callback time format": invalid("callback_time not valid"),
        "Invalid timezone offset": invalid("callback_time_zone not valid"),
    },
)
DELETE = Endpoint(
    id="callbacks.delete",
    path="/callbacks/delete",
    retry=IDEMPOTENT,
    params=CallbackRemoval,
    result=Result,
    codes={
        6038: not_found("no callback with that id"),
        6073: invalid("callback_id not valid"),
        6074: not_found("callback does not exist"),
    },
    texts={"Callback not found": not_found("callback does not exist")},
    already={6074: "", 6038: ""},
)


class Callbacks(Resource):
    """Calls that were promised for a later time."""

    async def search(self, **filters: Unpack[CallbackPage]) -> Page[Callback]:
        """One page of callbacks.

        POST /callbacks/search. `limit` 1 to 5,000, 20 when it is not given; `offset` to 50,000: for more,
        see `search_all`. Several ids may be given as a list.

        Raises InvalidRequestError for an unknown campaign, list, user or stage, or a bad date.
        """
        return await self._page(SEARCH, filters)

    def search_all(self, **filters: Unpack[AllCallbacks]) -> Pager[Callback]:
        """All callbacks that match, past the offset cap, where the read is cut by days.

        POST /callbacks/search, as often as it takes. `page_size` is 5,000 unless given. WindowTooDenseError
        when a single day has more callbacks than offsets reach.
        """
        return self._pager(SEARCH, filters)

    async def insert(self, **values: Unpack[NewCallback]) -> CallbackResult:
        """Makes a callback and gives its `callback_id`.

        POST /callbacks/insert. `callback_time_zone` may be left out where `callback_time` is aware. Never
        sent twice: OutcomeUnknownError when it is not known whether it was made.

        Raises InvalidRequestError for a bad lead, time or zone, NotFoundError for an unknown lead.
        """
        return await self._object(INSERT, values)

    async def update(self, **changes: Unpack[CallbackChange]) -> CallbackResult:
        """Moves, hands over, comments or dismisses a callback. What is left out stays as it is.

        POST /callbacks/update. A new `callback_time` should come with its zone; an aware one does.

        Raises NotFoundError for an unknown callback, InvalidRequestError for a bad id, time or zone.
        """
        return await self._object(UPDATE, changes)

    async def delete(self, **values: Unpack[CallbackRemoval]) -> Result:
        """Removes a callback.

        POST /callbacks/delete.

        Raises NotFoundError for an unknown callback, InvalidRequestError for a bad id.
        """
        return await self._object(DELETE, values)
