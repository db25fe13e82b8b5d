"""Users: the people who work with the account, and the recordings of their calls."""

from datetime import datetime
from typing import Annotated, Required, TypedDict, Unpack

from attrs import field

from ..endpoint import READ, Endpoint, Paging, RangeFilter, invalid, missing
from ..paging import Pager
from ..parameters import IntegerRule, Until, When, WholeRead, Words
from ..resource import Resource
from ..rows import Page, Row, row
from .leads import Recording


class UserFilters(TypedDict, total=False):
    """What `users.search` and `search_all` can filter by: email addresses, first or last names."""

    user: Words | None


class UserPage(UserFilters, total=False):
    """The filter, and the place of one page."""

    limit: Annotated[int, IntegerRule(1)] | None
    offset: Annotated[int, IntegerRule(0)] | None


class AllUsers(UserFilters, WholeRead, total=False):
    """The filter, and how to read everything."""


class UserRecordingFilters(TypedDict, total=False):
    """What `users.recordings` and `recordings_all` take: email addresses, and a range of account time."""

    user: Required[Words]
    start_time: When | None
    end_time: Until | None


class UserRecordingPage(UserRecordingFilters, total=False):
    """The filters, and the place of one page."""

    limit: Annotated[int, IntegerRule(1)] | None
    offset: Annotated[int, IntegerRule(0)] | None


class AllUserRecordings(UserRecordingFilters, WholeRead, total=False):
    """The filters, and how to read everything."""


@row
class User(Row):
    """One user.

    `acl_access_profile` and `user_level` are a word (agent, supervisor, manager, admin) or a number, as text.
    `queue_override` is `Y`, `N` or a word such as `USE_CAMPAIGN`; `status` a word such as `active`, or `Y`.
    `local_gmt` is the offset from UTC as text, such as `-7.00`.
    """

    id: str | None = None
    acl_access_profile: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_level: str | None = None
    queue_override: str | None = None
    allow_queue_selection: bool | None = None
    allow_callbacks: bool | None = None
    callback_types_allowed: list[str] = field(factory=list)
    allow_transfers: bool | None = None
    status: str | None = None
    local_gmt: str | None = None
    connection_type: str | None = None
    extension: list[str] = field(factory=list)
    last_login: datetime | None = None
    default_blended_selection: str | None = None
    alter_custdata_override: str | None = None
    allow_blended_campaign: bool | None = None
    notification: str | None = None
    created_at: datetime | None = None


SEARCH = Endpoint(
    id="users.search",
    path="/users/search",
    retry=READ,
    params=UserPage,
    result=User,
    rows=("$", "data.results"),
    totals=("data.total", "total"),
    rows_key="id",
    paging=Paging(limit_default=20),
    codes={6005: missing("no users given or found"), 7231: invalid("offset not valid")},
)
RECORDINGS = Endpoint(
    id="users.recordings",
    path="/users/recordings",
    retry=READ,
    params=UserRecordingPage,
    result=Recording,
    rows=("entries", "data.entries"),
    totals=("data.total", "total"),
    paging=Paging(limit_default=20, key="recording_id"),
    ranges=(RangeFilter("start_time", "end_time", field="start_time"),),
    codes={6005: missing("no users given or found"), 7231: invalid("offset not valid")},
)


class Users(Resource):
    """The people who work with the account."""

    async def search(self, **filters: Unpack[UserPage]) -> Page[User]:
        """One page of users; all of them where `user` is not given.

        POST /users/search. `limit` 20 when it is not given, no maximum is documented; for more, see
        `search_all`. `user` is one email address, first or last name, or a list of them. `total` is None
        where the reply is a bare list, as documented.

        Raises InvalidRequestError where no user was found, by code 6005, and for a bad offset.
        """
        return await self._page(SEARCH, filters)

    def search_all(self, **filters: Unpack[AllUsers]) -> Pager[User]:
        """All users that match.

        POST /users/search, as often as it takes. `page_size` is 1,000 unless given.
        """
        return self._pager(SEARCH, filters)

    async def recordings(self, **filters: Unpack[UserRecordingPage]) -> Page[Recording]:
        """One page of the recordings of a user's calls.

        POST /users/recordings. `limit` 20 when it is not given, no maximum is documented; for more, see
        `recordings_all`. `user` is one email address or a list of them: a recording does not say whose it
        is, so ask for one user at a time where that matters. Times are account time; long ranges are slow.
        Recordings go after the account's retention time.

        Raises InvalidRequestError where no user was found, by code 6005, and for a bad offset.
        """
        return await self._page(RECORDINGS, filters)

    def recordings_all(self, **filters: Unpack[AllUserRecordings]) -> Pager[Recording]:
        """All recordings of the calls of one or several users.

        POST /users/recordings, as often as it takes. `page_size` is 1,000 unless given.
        """
        return self._pager(RECORDINGS, filters)
