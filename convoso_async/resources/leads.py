"""Leads: found, added, changed and removed, and the recordings of their calls."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from ..endpoint import (
    IDEMPOTENT,
    READ,
    UNSAFE,
    Endpoint,
    Paging,
    RangeFilter,
    duplicate,
    invalid,
    missing,
    not_found,
)
from ..paging import Pager
from ..parameters import (
    ChoiceRule,
    Day,
    FieldValue,
    Flag,
    Id,
    Ids,
    IntegerRule,
    ListRule,
    Number,
    Until,
    When,
    WholeRead,
    Words,
)
from ..resource import Resource
from ..rows import Page, Result, Row, Wire, row

LineType = Literal["MOBILE", "VOIP", "LANDLINE"]


class LeadFilters(TypedDict, total=False):
    """What `leads.search` and `search_all` can filter by. Times are account time, to the second.

    `user_id` is the assigned agent, `owner_id` the lead's owner. `notes`, `carrier_and_plan_*`,
    `individual_or_family` and `current_coverage` are columns that one source lists as not searchable.
    """

    lead_id: Ids | None
    list_id: Ids | None
    user_id: Ids | None
    owner_id: Ids | None
    status: Words | None
    created_by: Ids | None
    last_modified_by: Ids | None
    email: str | None
    first_name: str | None
    last_name: str | None
    phone_number: str | None
    alt_phone_1: str | None
    alt_phone_2: str | None
    address1: str | None
    address2: str | None
    city: str | None
    state: str | None
    province: str | None
    postal_code: str | None
    country: str | None
    gender: str | None
    date_of_birth: Day | None
    created_at_start_date: When | None
    created_at_end_date: Until | None
    updated_at_start_date: When | None
    updated_at_end_date: Until | None
    changed_at_start_date: When | None
    changed_at_end_date: Until | None
    deleted_at_start: When | None
    deleted_at_end: Until | None
    archived_at_start: When | None
    archived_at_end: Until | None
    last_call_start_date: When | None
    last_call_end_date: Until | None
    std_company_name: str | None
    std_consumer_number: str | None
    std_account_number: str | None
    notes: str | None
    carrier_and_plan_1: str | None
    carrier_and_plan_2: str | None
    carrier_and_plan_3: str | None
    carrier_and_plan_4: str | None
    individual_or_family: str | None
    current_coverage: str | None


class LeadPage(LeadFilters, total=False):
    """The filters, and the place of one page."""

    limit: Annotated[int, IntegerRule(1, 2_000)] | None
    offset: Annotated[int, IntegerRule(0)] | None


class AllLeads(LeadFilters, WholeRead, total=False):
    """The filters, and how to read everything."""


class LeadRecordingFilters(TypedDict, total=False):
    """What `leads.get_recordings` and `get_recordings_all` take: one lead, and a range of account time."""

    lead_id: Required[Id]
    start_time: When | None
    end_time: Until | None


class LeadRecordingPage(LeadRecordingFilters, total=False):
    """The filters, and the place of one page."""

    limit: Annotated[int, IntegerRule(1, 100)] | None
    offset: Annotated[int, IntegerRule(0)] | None


class AllLeadRecordings(LeadRecordingFilters, WholeRead, total=False):
    """The filters, and how to read everything."""


class LeadDetails(TypedDict, total=False):
    """What every call that writes a lead can set.

    `alt_phone_1` is the cell phone, `alt_phone_2` the one at work; `dba` is the trading name, `start_date`
    the day when the business began. `carrier_and_plan_*`, `individual_or_family` and `current_coverage` are
    columns that only some accounts have. Further columns go in `fields`, by their names, not their labels.
    """

    phone_code: str | None
    status: str | None
    created_by: Id | None
    last_modified_by: Id | None
    owner_id: Id | None
    first_name: str | None
    last_name: str | None
    alt_phone_1: str | None
    alt_phone_2: str | None
    email: str | None
    address1: str | None
    address2: str | None
    city: str | None
    state: str | None
    province: str | None
    postal_code: str | None
    country: str | None
    gender: str | None
    date_of_birth: Day | None
    std_company_name: str | None
    std_consumer_number: str | None
    std_account_number: str | None
    notes: str | None
    title: str | None
    business_name: str | None
    dba: str | None
    industry: str | None
    start_date: Day | None
    carrier_and_plan_1: str | None
    carrier_and_plan_2: str | None
    carrier_and_plan_3: str | None
    carrier_and_plan_4: str | None
    individual_or_family: str | None
    current_coverage: str | None
    fields: Mapping[str, FieldValue] | None


class LeadOptions(LeadDetails, total=False):
    """What `leads.insert` takes, but for the list and the number, and so an import for all of its leads.

    - `hopper` queues the lead for dialling at once; `hopper_priority` is 0 to 99, 99 first;
      `hopper_expires_in` is at most 300, in minutes (the vendor's criteria page says seconds).
    - `check_dup` is 0 off, 1 this list, 2 all lists, 3 all lists and the archive, 4 everything (another
      source: 1 the whole account, 2 this list, 3 the list's campaign). `check_dup_list` looks in the list,
      `check_dup_archive` also in the archive.
    - `check_dnc` refuses numbers on the DNC list (another source: only for a lead that goes straight to the
      hopper), `check_wireless` checks against the wireless list, `reject_by_carrier_type` refuses line types.
    - `update_if_found` updates a match by `lead_id` or phone instead of adding. It looks in `search_list_id`,
      else in `search_campaign_id`; `update_order_by_last_called_time` picks among several.
    - `filter_phone_code` filters by the phone code (other sources: takes it off the phone number).
    - `blueinkdigital_token` lets the service look the phone up at Blue Ink Digital.
    """

    monthly_revenue: Number | None
    annual_revenue: Number | None
    hopper: Flag | None
    hopper_priority: Annotated[int, IntegerRule(0, 99)] | None
    hopper_expires_in: Annotated[int, IntegerRule(most=300)] | None
    update_if_found: Flag | None
    check_dup: Annotated[int, IntegerRule(0, 4)] | None
    check_dup_list: Flag | None
    check_dup_archive: Flag | None
    check_dnc: Flag | None
    check_wireless: Flag | None
    filter_phone_code: Flag | None
    blueinkdigital_token: str | None
    reject_by_carrier_type: (
        Annotated[LineType | Sequence[LineType], ListRule(ChoiceRule(("MOBILE", "VOIP", "LANDLINE")))] | None
    )
    search_campaign_id: Id | None
    search_list_id: Id | None
    update_order_by_last_called_time: Literal["ASC", "DESC"] | None
    lead_id: Id | None


class NewLead(LeadOptions, total=False):
    """What `leads.insert` takes."""

    list_id: Required[Id]
    phone_number: Required[str]


class LeadChange(LeadDetails, total=False):
    """What `leads.update` takes. Another `list_id` moves the lead to that list."""

    lead_id: Required[Id]
    list_id: Id | None
    phone_number: str | None
    monthly_revenue: Number | None
    annual_revenue: Number | None


class LeadRemoval(TypedDict, total=False):
    """What `leads.delete` takes."""

    lead_id: Required[Id]


@row
class Lead(Row):
    """One lead. The account's own columns are in `extra`.

    `id` and `lead_id` are the same where a row has both; not every reply form has `lead_id`.
    `directory_*` is the list, as one source names it; `locale_gmt` the lead's offset from UTC, as text.
    """

    id: str | None = None
    lead_id: str | None = None
    list_id: str | None = None
    owner_id: str | None = None
    user_id: str | None = None
    source_id: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    created_by: str | None = None
    status: str | None = None
    status_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone_code: str | None = None
    phone_number: str | None = None
    alt_phone_1: str | None = None
    alt_phone_2: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    province: str | None = None
    postal_code: str | None = None
    country: str | None = None
    gender: str | None = None
    date_of_birth: date | None = None
    notes: str | None = None
    carrier_name: str | None = None
    carrier_type: str | None = None
    locale_gmt: str | None = None
    called_since_last_reset: str | None = None
    called_count: int | None = None
    called_count_inbound: int | None = None
    last_called: datetime | None = None
    object_type: str | None = None
    user_uid: str | None = None
    user_name: str | None = None
    directory_uid: str | None = None
    directory_name: str | None = None
    source_uid: str | None = None
    source_name: str | None = None
    campaign_uid: str | None = None
    campaign_name: str | None = None


@row
class Recording(Row):
    """One recording of a lead's or a user's call.

    `seconds` is its length. `url` may be a bare file name instead of a link; the audio goes after the
    account's retention time, and the link may expire before.
    """

    recording_id: str | None = None
    lead_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    seconds: int | None = None
    url: str | None = None


@row
class LeadResult(Result):
    """The lead that was added or changed: `lead_id`, and the same again as `id`."""

    lead_id: Annotated[str | None, Wire("lead_id", "id")] = None
    id: Annotated[str | None, Wire("id", "lead_id")] = None


SEARCH = Endpoint(
    id="leads.search",
    path="/leads/search",
    retry=READ,
    params=LeadPage,
    result=Lead,
    rows=("results", "data.entries"),
    totals=("data.total", "total"),
    paging=Paging(limit_default=10, limit_max=2_000),
    ranges=(
        RangeFilter("created_at_start_date", "created_at_end_date", field="created_at"),
        RangeFilter("updated_at_start_date", "updated_at_end_date", field="modified_at"),
        RangeFilter("changed_at_start_date", "changed_at_end_date"),
        RangeFilter("deleted_at_start", "deleted_at_end"),
        RangeFilter("archived_at_start", "archived_at_end"),
        RangeFilter("last_call_start_date", "last_call_end_date", field="last_called"),
    ),
    codes={
        6000: missing("no lists given or found"),
        7230: invalid("limit not valid"),
        7231: invalid("offset not valid"),
        7258: invalid("limit not valid"),
    },
    texts={
        "List not found": not_found("no list with that id"),
        "Invalid phone number": invalid("phone_number not valid"),
    },
)
INSERT = Endpoint(
    id="leads.insert",
    path="/leads/insert",
    retry=UNSAFE,
    params=NewLead,
    result=LeadResult,
    custom_fields=r".+",
    codes={
        6002: not_found("no list with that id"),
        6006: not_found("no user with that id"),
        6007: missing("phone_number or list_id absent"),
        6008: invalid("phone_number not valid"),
        6009: duplicate("phone_number already there"),
        6023: missing("a required field is absent"),
        6079: invalid("an email address is not valid"),
    },
    texts={
        "List not found": not_found("no list with that id"),
        "Lead already exists": duplicate("phone_number already there"),
        "Invalid phone number": invalid("phone_number not valid"),
    },
)
UPDATE = Endpoint(
    id="leads.update",
    path="/leads/update",
    retry=IDEMPOTENT,
    params=LeadChange,
    result=LeadResult,
    custom_fields=r".+",
    codes={
        6001: not_found("no lead with that id"),
        6002: not_found("no list with that id"),
        6006: not_found("no user with that id"),
        6008: invalid("phone_number not valid"),
        6070: invalid("lead_id not valid"),
        6071: not_found("lead does not exist"),
        6079: invalid("an email address is not valid"),
    },
    texts={
        "List not found": not_found("no list with that id"),
        "Invalid phone number": invalid("phone_number not valid"),
    },
)
DELETE = Endpoint(
    id="leads.delete",
    path="/leads/delete",
    retry=IDEMPOTENT,
    params=LeadRemoval,
    result=Result,
    codes={6001: not_found("no lead with that id")},
    already={6001: ""},
)
GET_RECORDINGS = Endpoint(
    id="leads.get_recordings",
    path="/leads/get-recordings",
    retry=READ,
    params=LeadRecordingPage,
    result=Recording,
    rows=("entries", "data.entries"),
    totals=("data.total", "total"),
    paging=Paging(limit_default=10, limit_max=100, key="recording_id"),
    ranges=(RangeFilter("start_time", "end_time", field="start_time"),),
    codes={6005: missing("no users given or found"), 7231: invalid("offset not valid")},
)


class Leads(Resource):
    """The people to call."""

    async def search(self, **filters: Unpack[LeadPage]) -> Page[Lead]:
        """One page of leads. No match is an empty page.

        POST /leads/search. `limit` 1 to 2,000, 10 when it is not given; for more, see `search_all`. `total`
        is None where the reply has none, as in its documented form. Times are account time; a plain date at
        the end of a range is the end of that day. Several ids or statuses may be given as a list. The
        documentation does not say how several filters combine.

        Raises NotFoundError for an unknown list, InvalidRequestError for a bad phone number, limit or offset.
        """
        return await self._page(SEARCH, filters)

    def search_all(self, **filters: Unpack[AllLeads]) -> Pager[Lead]:
        """All leads that match.

        POST /leads/search, as often as it takes. `page_size` is 2,000 unless given. No offset cap is
        documented: past 40,000 rows the read is cut by `created_at`, or by a range of `updated_at` or
        `last_call` where that is among the filters.
        """
        return self._pager(SEARCH, filters)

    async def insert(self, **lead: Unpack[NewLead]) -> LeadResult:
        """Adds a lead to a list, and gives its `lead_id`; with `update_if_found`, that of a match.

        POST /leads/insert. Never sent twice after it may have arrived: a second call would add a second lead,
        unless `check_dup` or `update_if_found` is set. Custom fields go in `fields={...}`; the service
        ignores those that the account does not define. The account's own settings may refuse duplicates and
        line types whatever the call says.

        Raises DuplicateError for a phone number that is there already, NotFoundError for an unknown list or
        user, InvalidRequestError for a bad phone number or email address, OutcomeUnknownError where the lead
        may have been added.
        """
        return await self._object(INSERT, lead)

    async def update(self, **changes: Unpack[LeadChange]) -> LeadResult:
        """Changes a lead. What is left out keeps its value.

        POST /leads/update. Custom fields go in `fields={...}`. Whether an empty text clears a field is not
        documented.

        Raises NotFoundError for an unknown lead, list or user, InvalidRequestError for a bad id, phone number
        or email address.
        """
        return await self._object(UPDATE, changes)

    async def delete(self, **lead: Unpack[LeadRemoval]) -> Result:
        """Removes a lead. `search` seems to find it for a while by `deleted_at_start` and `deleted_at_end`.

        POST /leads/delete. Raises NotFoundError for an unknown lead, one already removed among them.
        """
        return await self._object(DELETE, lead)

    async def get_recordings(self, **filters: Unpack[LeadRecordingPage]) -> Page[Recording]:
        """One page of the recordings of a lead's calls.

        POST /leads/get-recordings. `limit` 1 to 100, 10 when it is not given; for more, see
        `get_recordings_all`. `total` is None where the reply has none, as in its documented form. Times are
        account time. Recordings go after the account's retention time.

        Raises InvalidRequestError for code 6005, which speaks of users although this call takes a lead, and
        for a bad offset.
        """
        return await self._page(GET_RECORDINGS, filters)

    def get_recordings_all(self, **filters: Unpack[AllLeadRecordings]) -> Pager[Recording]:
        """All recordings of a lead's calls.

        POST /leads/get-recordings, as often as it takes. `page_size` is 100 unless given.
        """
        return self._pager(GET_RECORDINGS, filters)
