"""Statuses, also called dispositions: how a call ended, and what that means to the dialer."""

from typing import Annotated, Required, TypedDict, Unpack

from ..endpoint import (
    IDEMPOTENT,
    READ,
    UNSAFE,
    Endpoint,
    duplicate,
    invalid,
    missing,
    not_found,
    state,
    success,
)
from ..parameters import Color, TextRule, YesNo
from ..resource import Resource
from ..rows import Page, Result, Row, Wire, row


class StatusQuery(TypedDict, total=False):
    """What `status.search` takes: a code or a name, in any case."""

    query: Required[str]


class NewStatus(TypedDict, total=False):
    """What `status.insert` takes.

    `status` is the code: 2 to 6 letters and digits, usually upper case. `final` closes the lead, `reached`
    means that someone was spoken to, `success` a good outcome, `dnc` puts the number on DNC, `callback`
    allows callbacks, `contact` means contact made, `voicemail` that a voicemail was reached.
    """

    status: Required[Annotated[str, TextRule(2, 6)]]
    name: Required[str]
    hex_color: Color | None
    final: Required[YesNo]
    reached: Required[YesNo]
    success: Required[YesNo]
    dnc: Required[YesNo]
    callback: Required[YesNo]
    contact: Required[YesNo]
    voicemail: Required[YesNo]


class StatusChange(TypedDict, total=False):
    """What `status.update` takes, `status` being the code. What is left out stays as it is."""

    status: Required[str]
    name: str | None
    hex_color: Color | None
    final: YesNo | None
    reached: YesNo | None
    success: YesNo | None
    dnc: YesNo | None
    callback: YesNo | None
    contact: YesNo | None
    voicemail: YesNo | None


@row
class Disposition(Row):
    """A status that a call can end with.

    `status` is the code. `success` is the status's own flag for a good outcome, not the reply's.
    `custom_status` is True for one that the account made; the others cannot be changed. `hex_color` comes
    with a leading `#`.
    """

    status: str | None = None
    name: str | None = None
    final: bool | None = None
    reached: bool | None = None
    success: bool | None = None
    dnc: bool | None = None
    callback: bool | None = None
    contact: bool | None = None
    voicemail: bool | None = None
    workflow_disposition_event_option: Annotated[
        str | None, Wire("workflow_disposition_event_option", "workflow_dispositon_event_option")
    ] = None
    custom_status: bool | None = None
    hex_color: str | None = None


@row
class StatusResult(Result):
    """The status that was made or changed, by its code.

    `code` is 200 after an insert. `new` is True where the insert made a status.
    """

    code: int | None = None
    new: bool | None = None
    status: str | None = None


SEARCH = Endpoint(
    id="status.search",
    path="/status/search",
    retry=READ,
    params=StatusQuery,
    result=Disposition,
    rows=("data",),
)
INSERT = Endpoint(
    id="status.insert",
    path="/status/insert",
    retry=UNSAFE,
    params=NewStatus,
    result=StatusResult,
    codes={
        200: success("status created; success marker, not an error"),
        6060: missing("status name absent"),
        6061: invalid("status code absent or not 2 to 6 alphanumerics"),
        6062: invalid("final absent or not Y/N"),
        6063: invalid("reached absent or not Y/N"),
        6064: invalid("success absent or not Y/N"),
        6065: invalid("dnc absent or not Y/N"),
        6066: invalid("callback absent or not Y/N"),
        6067: invalid("contact absent or not Y/N"),
        6068: invalid("voicemail absent or not Y/N"),
        6078: invalid("hex_color not valid, no # allowed"),
    },
    texts={"Status code already exists": duplicate("status code already used")},
)
UPDATE = Endpoint(
    id="status.update",
    path="/status/update",
    retry=IDEMPOTENT,
    params=StatusChange,
    result=StatusResult,
    codes={
        6069: state("status code unknown or not a custom one"),
        6071: invalid("final sent empty"),
        6072: invalid("reached sent empty"),
        6073: invalid("success sent empty"),
        6074: invalid("dnc sent empty"),
        6075: invalid("callback sent empty"),
        6076: invalid("contact sent empty"),
        6077: invalid("voicemail sent empty"),
        6078: invalid("hex_color not valid, no # allowed"),
    },
    texts={"Status not found": not_found("status code unknown or not a custom one")},
)


class Status(Resource):
    """The statuses that calls can end with. There is no call to remove one."""

    async def search(self, **filters: Unpack[StatusQuery]) -> Page[Disposition]:
        """The statuses whose code or name matches `query`, in one page: the call knows no paging.

        POST /status/search. Those of the system and those of the account; no match is an empty page.
        """
        return await self._page(SEARCH, filters)

    async def insert(self, **values: Unpack[NewStatus]) -> StatusResult:
        """Makes a status and gives its code as `status`.

        POST /status/insert. Never sent twice: OutcomeUnknownError when it is not known whether it was made.

        Raises DuplicateError for a code in use, InvalidRequestError for a bad code, flag or color.
        """
        return await self._object(INSERT, values)

    async def update(self, **changes: Unpack[StatusChange]) -> StatusResult:
        """Changes a status of the account; those of the system are read-only.

        POST /status/update.

        Raises RejectedError or NotFoundError for a code that is unknown or the system's own.
        """
        return await self._object(UPDATE, changes)
