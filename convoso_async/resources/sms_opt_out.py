"""SMS opt-outs: the numbers that must get no text messages, found, added and changed."""

from datetime import datetime
from typing import Annotated, Required, TypedDict, Unpack

from ..endpoint import IDEMPOTENT, IS_THERE, READ, Endpoint, Paging, duplicate, invalid, missing, not_found
from ..paging import Pager
from ..parameters import Day, Id, Ids, IntegerRule, WholeRead
from ..resource import Resource
from ..rows import Page, Result, Row, Scope, Wire, row


class OptOutFilters(TypedDict, total=False):
    """What `sms_opt_out.search` and `search_all` can filter by.

    `campaign_id` is 0 for entries of all campaigns, -1 for those of a purpose type. `insert_date` is one
    day, not a range. `reason` and `purpose` may be `-BLANK-` or `-NOTBLANK-`.
    """

    id: Ids | None
    campaign_id: Ids | None
    phone_number: str | None
    phone_code: str | None
    reason: str | None
    purpose: str | None
    insert_date: Day | None


class OptOutPage(OptOutFilters, total=False):
    """The filters, and the place of one page."""

    offset: Annotated[int, IntegerRule(0, 100_000)] | None
    limit: Annotated[int, IntegerRule(1, 1_000)] | None


class AllOptOuts(OptOutFilters, WholeRead, total=False):
    """The filters, and how to read everything."""


class NewOptOut(TypedDict, total=False):
    """What `sms_opt_out.insert` takes.

    `phone_code` is the country's dialling code, 1 for the US and Canada. `campaign_id` is 0 for all
    campaigns, -1 for a purpose type. A campaign of the Purpose type needs a `purpose`, such as TELEMKT.
    """

    phone_number: Required[str]
    phone_code: Required[str]
    campaign_id: Required[Id]
    reason: str | None
    purpose: str | None


class OptOutChange(TypedDict, total=False):
    """What `sms_opt_out.update` takes. `-BLANK-` clears `reason` or `purpose`.

    Code 4001 suggests that `phone_number`, `phone_code` and `campaign_id` may have to go together.
    """

    id: Required[Id]
    phone_code: str | None
    phone_number: str | None
    campaign_id: Id | None
    reason: str | None
    purpose: str | None


@row
class OptOut(Row):
    """A number that must get no text messages.

    `campaign_id` is its scope: `0` for all campaigns, `-1` for a purpose type. Where the service gives only
    the day of `insert_date`, it is the first second of that day.
    """

    id: str | None = None
    phone_number: str | None = None
    phone_code: str | None = None
    reason: str | None = None
    purpose: Annotated[str | None, Wire("purpose", "Purpose")] = None
    insert_date: datetime | None = None
    campaign_id: Scope = None
    campaign_uid: str | None = None
    campaign_name: str | None = None


@row
class OptOutResult(Result):
    """The entry that was changed."""

    id: str | None = None


SEARCH = Endpoint(
    id="sms_opt_out.search",
    path="/sms-opt-out/search",
    retry=READ,
    params=OptOutPage,
    result=OptOut,
    rows=("records", "data.entries"),
    totals=("total", "data.total"),
    paging=Paging(limit_default=1_000, limit_max=1_000, offset_max=100_000),
    codes={
        6006: invalid("campaign_id not valid"),
        6008: duplicate("phone_number already there"),
        6026: invalid("phone_code absent or not valid"),
        6057: invalid("purpose not valid"),
        6058: invalid("reason not valid"),
        7231: invalid("offset not valid"),
    },
    texts={
        "Invalid phone number": invalid("phone_number not valid"),
        "Campaign not found": not_found("no campaign with that id"),
        "Record not found": not_found("no opt-out with that id"),
    },
)
INSERT = Endpoint(
    id="sms_opt_out.insert",
    path="/sms-opt-out/insert",
    retry=IDEMPOTENT,
    params=NewOptOut,
    result=Result,
    codes={
        6006: invalid("campaign_id not valid"),
        6007: invalid("phone_number not valid"),
        6008: duplicate("phone_number already there"),
        6026: invalid("phone_code absent or not valid"),
        6057: invalid("purpose not valid"),
        6058: invalid("reason not valid"),
        6080: missing("purpose needed for a Purpose campaign"),
    },
    texts={
        "Phone already in SMS opt-out": duplicate("phone_number already there"),
        "Invalid phone number": invalid("phone_number not valid"),
        "Campaign not found": not_found("no campaign with that id"),
    },
    # 6007 means a bad number: it counts as done only where the words say so.
    already={6008: "", 6007: IS_THERE},
    urgent=True,
)
UPDATE = Endpoint(
    id="sms_opt_out.update",
    path="/sms-opt-out/update",
    retry=IDEMPOTENT,
    params=OptOutChange,
    result=OptOutResult,
    codes={
        4001: missing("phone_number, phone_code or campaign_id absent"),
        4002: invalid("phone_number, phone_code or campaign_id not numeric"),
        6004: not_found("no campaign with that id"),
        6008: invalid("phone_number not valid"),
        6026: invalid("phone_code absent or not valid"),
        6056: invalid("id absent or not valid"),
        6057: invalid("purpose not valid"),
        6058: invalid("reason not valid"),
        6059: duplicate("phone, campaign and code already combined in another entry"),
        6080: missing("purpose needed for a Purpose campaign"),
    },
    texts={
        "Invalid phone number": invalid("phone_number not valid"),
        "Campaign not found": not_found("no campaign with that id"),
        "Record not found": not_found("no opt-out with that id"),
    },
    urgent=True,
)


class SmsOptOut(Resource):
    """The numbers that must get no text messages. There is no call to remove one."""

    async def search(self, **filters: Unpack[OptOutPage]) -> Page[OptOut]:
        """One page of opt-outs.

        POST /sms-opt-out/search. `limit` 1 to 1,000, 1,000 when it is not given; `offset` to 100,000.
        Several ids may be given as a list.

        Raises InvalidRequestError for a bad number, campaign, reason or purpose, NotFoundError for an
        unknown id or campaign.
        """
        return await self._page(SEARCH, filters)

    def search_all(self, **filters: Unpack[AllOptOuts]) -> Pager[OptOut]:
        """All opt-outs that match.

        POST /sms-opt-out/search, as often as it takes. `page_size` is 1,000 unless given. The call has no
        range filter: OffsetCapError when more match than offsets reach; campaign, phone code, reason,
        purpose or an insert_date can split the read.
        """
        return self._pager(SEARCH, filters)

    async def insert(self, **values: Unpack[NewOptOut]) -> Result:
        """Opts a number out of text messages. No id comes back: `search` finds it.

        POST /sms-opt-out/insert. Not held up by other calls, and tried again until the deadline.

        Raises DuplicateError for a number that is opted out already in that scope, InvalidRequestError or
        NotFoundError for an unknown campaign, InvalidRequestError for a bad number, or where a Purpose
        campaign lacks a purpose.
        """
        return await self._object(INSERT, values)

    async def update(self, **changes: Unpack[OptOutChange]) -> OptOutResult:
        """Changes an opt-out and gives its `id`. `reason="-BLANK-"` clears the reason.

        POST /sms-opt-out/update. Not held up by other calls, and tried again until the deadline.

        Raises InvalidRequestError or NotFoundError for an unknown id or campaign, DuplicateError where
        another entry has that number, code and campaign.
        """
        return await self._object(UPDATE, changes)
