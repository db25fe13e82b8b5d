# Made from convoso_async/resources/users.py by convoso_sync._generate: change those.
"""Users: the people who work with the account, and the recordings of their calls."""

from typing import Unpack

from convoso_async.resources.leads import Recording
from convoso_async.resources.users import (
    AllUserRecordings,
    AllUsers,
    User,
    UserPage,
    UserRecordingPage,
    Users as AsyncUsers,
)
from convoso_async.rows import Page

from .._runtime import Facade, run
from ..paging import Pager


class Users(Facade[AsyncUsers]):
    """The people who work with the account."""

    def search(self, **filters: Unpack[UserPage]) -> Page[User]:
        """One page of users; all of them where `user` is not given.

        POST /users/search. `limit` 20 when it is not given, no maximum is documented; for more, see
        `search_all`. `user` is one email address, first or last name, or a list of them. `total` is None
        where the reply is a bare list, as documented.

        Raises InvalidRequestError where no user was found, by code 6005, and for a bad offset.
        """
        return run(self._async.search(**filters))

    def search_all(self, **filters: Unpack[AllUsers]) -> Pager[User]:
        """All users that match.

        POST /users/search, as often as it takes. `page_size` is 1,000 unless given.
        """
        return Pager(self._async.search_all(**filters))

    def recordings(self, **filters: Unpack[UserRecordingPage]) -> Page[Recording]:
        """One page of the recordings of a user's calls.

        POST /users/recordings. `limit` 20 when it is not given, no maximum is documented; for more, see
        `recordings_all`. `user` is one email address or a list of them: a recording does not say whose it
        is, so ask for one user at a time where that matters. Times are account time; long ranges are slow.
        Recordings go after the account's retention time.

        Raises InvalidRequestError where no user was found, by code 6005, and for a bad offset.
        """
        return run(self._async.recordings(**filters))

    def recordings_all(self, **filters: Unpack[AllUserRecordings]) -> Pager[Recording]:
        """All recordings of the calls of one or several users.

        POST /users/recordings, as often as it takes. `page_size` is 1,000 unless given.
        """
        return Pager(self._async.recordings_all(**filters))
