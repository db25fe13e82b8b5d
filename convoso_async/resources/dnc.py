"""DNC: the numbers that must not be called, found, listed, changed and taken off."""

from datetime import datetime
from typing import Annotated, Required, TypedDict, Unpack

from ..endpoint import (
    IDEMPOTENT,
    IS_THERE,
    READ,
    UNSAFE,
    Endpoint,
    Paging,
    duplicate,
    failed,
    invalid,
    not_found,
)
from ..paging import Pager
from ..parameters import Flag, Id, Ids, IntegerRule, When, WholeRead
from ..resource import Resource
from ..rows import Page, Result, Row, Scope, row


class DncFilters(TypedDict, total=False):
    """What `dnc.search` and `search_all` can filter by.

    `campaign_id` is 0 for entries of all campaigns, -1 for those of a purpose type. `insert_date` is one
    moment, not a range. `reason` and `purpose` may be `-BLANK-` or `-NOTBLANK-`.
    """

    id: Ids | None
    campaign_id: Ids | None
    phone_number: str | None
    phone_code: str | None
    insert_date: When | None
    reason: str | None
    purpose: str | None


class DncPage(DncFilters, total=False):
    """The filters, and the place of one page."""

    offset: Annotated[int, IntegerRule(0, 100_000)] | None
    limit: Annotated[int, IntegerRule(1, 1_000)] | None


class AllDnc(DncFilters, WholeRead, total=False):
    """The filters, and how to read everything."""


class NewDncEntry(TypedDict, total=False):
    """What `dnc.insert` takes.

    `phone_code` is the country's dialling code, 1 for the US and Canada. `campaign_id` is 0 for all
    campaigns, -1 for a purpose type. `reason` is such as DNC, DNCT or ConsentRevoked, `purpose` such as
    TELEMKT; both are free text.
    """

    phone_number: Required[str]
    phone_code: Required[str]
    campaign_id: Required[Id]
    reason: str | None
    purpose: str | None


class DncChange(TypedDict, total=False):
    """What `dnc.update` takes. What is left out stays as it is; an empty `reason` clears it."""

    id: Required[Id]
    phone_number: str | None
    phone_code: str | None
    campaign_id: Id | None
    reason: str | None
    purpose: str | None


class DncRemoval(TypedDict, total=False):
    """What `dnc.delete` takes. `lead_status` is set only with `update_lead_status=True`."""

    phone_number: Required[str]
    phone_code: Required[str]
    campaign_id: Required[Id]
    update_lead_status: Flag | None
    lead_status: str | None


@row
class DncEntry(Row):
    """A number that must not be called.

    `campaign_id` is its scope: `0` for all campaigns, `-1` for a purpose type. Where the service gives only
    the day of `insert_date`, it is the first second of that day.
    """

    id: str | None = None
    phone_number: str | None = None
    phone_code: str | None = None
    campaign_id: Scope = None
    campaign_uid: str | None = None
    campaign_name: str | None = None
    campaign_type: str | None = None
    insert_date: datetime | None = None
    purpose: str | None = None
    reason: str | None = None


@row
class DncResult(Result):
    """The entry that was made or changed. One source shows an insert without an id."""

    id: str | None = None


SEARCH = Endpoint(
    id="dnc.search",
    path="/dnc/search",
    retry=READ,
    params=DncPage,
    result=DncEntry,
    rows=("data.entries", "entries", "results"),
    totals=("data.total", "total"),
    paging=Paging(limit_default=100, limit_max=1_000, offset_max=100_000),
    codes={
        6006: invalid("phone_number form not valid", "campaign_id not valid"),
        6008: invalid("a parameter is not valid", "phone_number already there"),
        6026: invalid("campaign_id not valid", "phone_code absent or not valid"),
        6057: invalid("reason not valid", "purpose not valid"),
        6058: invalid("purpose not valid", "reason not valid"),
        7231: invalid("offset not valid"),
    },
)
INSERT = Endpoint(
    id="dnc.insert",
    path="/dnc/insert",
    retry=IDEMPOTENT,
    params=NewDncEntry,
    result=DncResult,
    codes={
        6006: invalid("phone_number not valid", "campaign_id not valid"),
        6007: duplicate("entry already there", "phone_number not valid"),
        6008: duplicate("phone_number already on DNC", "phone_number already there"),
        6026: invalid("campaign_id not valid", "phone_code absent or not valid"),
        6056: failed("entry could not be added"),
        6057: invalid("reason not valid", "purpose not valid"),
        6058: invalid("purpose not valid", "reason not valid"),
    },
    # By another source, 6007 means a bad number: it counts as done only where the words say so too.
    already={6008: "", 6007: IS_THERE},
    urgent=True,
)
UPDATE = Endpoint(
    id="dnc.update",
    path="/dnc/update",
    retry=IDEMPOTENT,
    params=DncChange,
    result=DncResult,
    codes={
        6004: invalid("phone_number form not valid", "no campaign with that id"),
        6008: duplicate("phone_number already on DNC", "phone_number not valid"),
        6026: invalid("campaign_id not valid", "phone_code absent or not valid"),
        6056: not_found("no DNC entry with that id", "id absent or not valid"),
        6057: invalid("reason not valid", "purpose not valid"),
        6058: invalid("purpose not valid", "reason not valid"),
        6059: failed(
            "entry could not be changed", "phone, campaign and code already combined in another entry"
        ),
    },
    urgent=True,
)
DELETE = Endpoint(
    id="dnc.delete",
    path="/dnc/delete",
    retry=UNSAFE,  # a late second one could undo an opt-out that came in between
    params=DncRemoval,
    result=Result,
    codes={
        6000: invalid("phone_number not valid", "phone_code absent"),
        6001: not_found("phone_number not on DNC", "campaign_id absent"),
        6002: invalid("campaign_id not valid", "phone_number absent"),
        6003: invalid("phone_code not valid", "phone_number not on DNC"),
        6004: failed("entry could not be removed", "lead_status not valid"),
        6005: invalid("lead_status not valid", "lead_status absent"),
    },
)


class Dnc(Resource):
    """The numbers that must not be called."""

    async def search(self, **filters: Unpack[DncPage]) -> Page[DncEntry]:
        """One page of entries.

        POST /dnc/search. `limit` 1 to 1,000, 100 when it is not given; `offset` to 100,000. Several ids
        may be given as a list.

        Raises InvalidRequestError for a bad number, campaign, reason or purpose.
        """
        return await self._page(SEARCH, filters)

    def search_all(self, **filters: Unpack[AllDnc]) -> Pager[DncEntry]:
        """All entries that match.

        POST /dnc/search, as often as it takes. `page_size` is 1,000 unless given. The call has no range
        filter: OffsetCapError when more match than offsets reach; campaign, phone code, reason, purpose or
        an exact insert_date can split the read.
        """
        return self._pager(SEARCH, filters)

    async def insert(self, **values: Unpack[NewDncEntry]) -> DncResult:
        """Puts a number on DNC and gives the entry's `id`, where the reply has it.

        POST /dnc/insert. Not held up by other calls, and tried again until the deadline.

        Raises DuplicateError for a number that is on it already in that scope, InvalidRequestError for a
        bad number, campaign, reason or purpose.
        """
        return await self._object(INSERT, values)

    async def update(self, **changes: Unpack[DncChange]) -> DncResult:
        """Changes an entry. `reason=""` clears the reason.

        POST /dnc/update. Not held up by other calls, and tried again until the deadline.

        Raises NotFoundError for an unknown entry, DuplicateError for a number that is on DNC already,
        InvalidRequestError for a bad number, campaign, reason or purpose.
        """
        return await self._object(UPDATE, changes)

    async def delete(self, **values: Unpack[DncRemoval]) -> Result:
        """Takes a number off DNC, in exactly that scope: an entry for all campaigns outlives that of one.

        POST /dnc/delete. Never sent twice: OutcomeUnknownError when it is not known whether it was removed.

        Raises NotFoundError for a number that is not on it, InvalidRequestError for a bad number, campaign,
        phone code or lead status.
        """
        return await self._object(DELETE, values)
