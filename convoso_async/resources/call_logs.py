"""Call logs: the history of calls, read whole or page by page, and extra fields set on them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from attrs import field

from ..endpoint import IDEMPOTENT, READ, Endpoint, Paging, RangeFilter, invalid, missing, not_found
from ..paging import Pager
from ..parameters import Bit, FieldValue, Id, Ids, IntegerRule, Until, When, WholeRead, Words
from ..reply import Json
from ..resource import Resource
from ..rows import Page, Result, Row, row

CallType = Literal["OUTBOUND", "INBOUND", "MANUAL", "3WAY"]


class CallLogFilters(TypedDict, total=False):
    """What `call_logs.retrieve` and `retrieve_all` can filter by. Times are account time, to the second."""

    id: Ids | None
    lead_id: Ids | None
    campaign_id: Ids | None
    queue_id: Ids | None
    list_id: Ids | None
    user_id: Ids | None
    status: Words | None
    phone_number: str | None
    number_dialed: str | None
    first_name: str | None
    last_name: str | None
    start_time: When | None
    end_time: Until | None
    call_type: CallType | None
    called_count: int | None
    include_recordings: Bit | None


class CallLogPage(CallLogFilters, total=False):
    """The filters, and the place of one page."""

    limit: Annotated[int, IntegerRule(1, 500)] | None
    offset: Annotated[int, IntegerRule(0, 40_000)] | None
    order: Literal["asc", "desc"] | None


class AllCallLogs(CallLogFilters, WholeRead, total=False):
    """The filters, and how to read everything."""


class CallLogChange(TypedDict, total=False):
    """What `call_logs.update` takes. The account defines how many extra fields there are."""

    call_log_id: Required[Id]
    extra_field_01: str | None
    extra_field_02: str | None
    fields: Mapping[str, FieldValue] | None


@row
class CallRecording(Row):
    """A recording of a call. `public_url` is the link that is fit for sharing."""

    src: str | None = None
    type: str | None = None
    recording_id: str | None = None
    filename: str | None = None
    public_url: str | None = None

    @classmethod
    def _from_text(cls, text: str) -> dict[str, Json] | None:
        """A bare text is a link or a file name."""
        return {"public_url" if "://" in text else "filename": text} if text not in ("", "-") else None


@row
class CallLog(Row):
    """One call.

    `call_length` is in seconds and None while the call is live; `term_reason` is `NONE` then.
    `recording` is empty unless `include_recordings=True` was asked for.
    """

    id: str | None = None
    lead_id: str | None = None
    list_id: str | None = None
    campaign_id: str | None = None
    campaign: str | None = None
    queue_id: str | None = None
    queue: str | None = None
    user_id: str | None = None
    user: str | None = None
    originating_agent_id: str | None = None
    phone_number: str | None = None
    number_dialed: str | None = None
    caller_id_displayed: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    status: str | None = None
    status_name: str | None = None
    agent_comment: str | None = None
    call_length: int | None = None
    call_date: datetime | None = None
    call_type: str | None = None
    called_count: int | None = None
    term_reason: str | None = None
    queue_position: int | None = None
    queue_seconds: int | None = None
    session_id: str | None = None
    recording: list[CallRecording] = field(factory=list)


@row
class CallLogUpdate(Result):
    """The call log after the change, where the reply has it: one source shows only the flag."""

    id: str | None = None
    lead_id: str | None = None
    list_id: str | None = None
    campaign_id: str | None = None
    user: str | None = None
    user_id: str | None = None
    phone_number: str | None = None
    status: str | None = None
    call_length: int | None = None
    call_date: datetime | None = None
    recording: list[CallRecording] = field(factory=list)


RETRIEVE = Endpoint(
    id="call_logs.retrieve",
    path="/log/retrieve",
    retry=READ,
    params=CallLogPage,
    result=CallLog,
    rows=("results", "data.results", "entries"),
    totals=("total_found", "data.total_found"),
    paging=Paging(
        limit_default=10, limit_max=500, offset_max=40_000, order="order", oldest_first=True, past_only=True
    ),
    ranges=(RangeFilter("start_time", "end_time", field="call_date"),),
    codes={
        6002: not_found("no list with that id"),
        6004: not_found("no campaign with that id"),
        6006: invalid("user_id not valid", "no user with that id"),
        6026: invalid("campaign_id not valid"),
        6030: not_found("no queue with that id"),
        6031: invalid("date form not valid"),
        6041: invalid("queue_id not valid"),
        6042: invalid("list_id not valid"),
        6050: invalid("status not valid"),
        7231: invalid("offset not valid"),
    },
    texts={
        "Invalid date format": invalid("date form not valid"),
        "Limit cannot exceed 500": invalid("limit above 500"),
        "Invalid date range": invalid("date range not valid"),
    },
)
UPDATE = Endpoint(
    id="call_logs.update",
    path="/log/update",
    retry=IDEMPOTENT,
    params=CallLogChange,
    result=CallLogUpdate,
    custom_fields=r"extra_field_[0-9][0-9]+",
    codes={
        6032: missing("call_log_id absent"),
        6033: not_found("no call log with that id"),
        6035: missing("no extra field carries a value"),
        6060: invalid("call_log_id not valid"),
        6061: not_found("call log does not exist"),
        6062: invalid("extra field refused"),
    },
)


class CallLogs(Resource):
    """The history of calls."""

    async def retrieve(self, **filters: Unpack[CallLogPage]) -> Page[CallLog]:
        """One page of calls, newest first unless `order="asc"`.

        POST /log/retrieve. `limit` 1 to 500, 10 when it is not given; `offset` to 40,000: for more, see
        `retrieve_all`. Times are account time; a plain date as `end_time` is the end of that day. Several
        ids or statuses may be given as a list.

        Raises InvalidRequestError or NotFoundError for an unknown campaign, queue or list, and
        InvalidRequestError for an unknown user or status, or a bad date.
        """
        return await self._page(RETRIEVE, filters)

    def retrieve_all(self, **filters: Unpack[AllCallLogs]) -> Pager[CallLog]:
        """All calls that match, oldest first, past the offset cap: a range with any number of rows.

        POST /log/retrieve, as often as it takes. Without `end_time` the read ends now; without
        `start_time` it begins with the first call of the account. `page_size` is 500 unless given.
        """
        return self._pager(RETRIEVE, filters)

    async def update(self, **changes: Unpack[CallLogChange]) -> CallLogUpdate:
        """Sets extra fields of a call. At least one must carry a value.

        POST /log/update. Further fields, `extra_field_03` and on, go in `fields={...}`.

        Raises NotFoundError for an unknown call, InvalidRequestError for a field that the account lacks.
        """
        return await self._object(UPDATE, changes)
