# Made from convoso_async/resources/leads.py by convoso_sync._generate: change those.
"""Leads: found, added, changed and removed, and the recordings of their calls."""

from typing import Unpack

from convoso_async.resources.leads import (
    AllLeadRecordings,
    AllLeads,
    Lead,
    LeadChange,
    LeadPage,
    LeadRecordingPage,
    LeadRemoval,
    LeadResult,
    Leads as AsyncLeads,
    NewLead,
    Recording,
)
from convoso_async.rows import Page, Result

from .._runtime import Facade, run
from ..paging import Pager


class Leads(Facade[AsyncLeads]):
    """The people to call."""

    def search(self, **filters: Unpack[LeadPage]) -> Page[Lead]:
        """One page of leads. No match is an empty page.

        POST /leads/search. `limit` 1 to 2,000, 10 when it is not given; for more, see `search_all`. `total`
        is None where the reply has none, as in its documented form. Times are account time; a plain date at
        the end of a range is the end of that day. Several ids or statuses may be given as a list. The
        documentation does not say how several filters combine.

        Raises NotFoundError for an unknown list, InvalidRequestError for a bad phone number, limit or offset.
        """
        return run(self._async.search(**filters))

    def search_all(self, **filters: Unpack[AllLeads]) -> Pager[Lead]:
        """All leads that match.

        POST /leads/search, as often as it takes. `page_size` is 2,000 unless given. No offset cap is
        documented: past 40,000 rows the read is cut by `created_at`, or by a range of `updated_at` or
        `last_call` where that is among the filters.
        """
        return Pager(self._async.search_all(**filters))

    def insert(self, **lead: Unpack[NewLead]) -> LeadResult:
        """Adds a lead to a list, and gives its `lead_id`; with `update_if_found`, that of a match.

        POST /leads/insert. Never sent twice after it may have arrived: a second call would add a second lead,
        unless `check_dup` or `update_if_found` is set. Custom fields go in `fields={...}`; the service
        ignores those that the account does not define. The account's own settings may refuse duplicates and
        line types whatever the call says.

        Raises DuplicateError for a phone number that is there already, NotFoundError for an unknown list or
        user, InvalidRequestError for a bad phone number or email address, OutcomeUnknownError where the lead
        may have been added.
        """
        return run(self._async.insert(**lead))

    def update(self, **changes: Unpack[LeadChange]) -> LeadResult:
        """Changes a lead. What is left out keeps its value.

        POST /leads/update. Custom fields go in `fields={...}`. Whether an empty text clears a field is not
        documented.

        Raises NotFoundError for an unknown lead, list or user, InvalidRequestError for a bad id, phone number
        or email address.
        """
        return run(self._async.update(**changes))

    def delete(self, **lead: Unpack[LeadRemoval]) -> Result:
        """Removes a lead. `search` seems to find it for a while by `deleted_at_start` and `deleted_at_end`.

        POST /leads/delete. Raises NotFoundError for an unknown lead, one already removed among them.
        """
        return run(self._async.delete(**lead))

    def get_recordings(self, **filters: Unpack[LeadRecordingPage]) -> Page[Recording]:
        """One page of the recordings of a lead's calls.

        POST /leads/get-recordings. `limit` 1 to 100, 10 when it is not given; for more, see
        `get_recordings_all`. `total` is None where the reply has none, as in its documented form. Times are
        account time. Recordings go after the account's retention time.

        Raises InvalidRequestError for code 6005, which speaks of users although this call takes a lead, and
        for a bad offset.
        """
        return run(self._async.get_recordings(**filters))

    def get_recordings_all(self, **filters: Unpack[AllLeadRecordings]) -> Pager[Recording]:
        """All recordings of a lead's calls.

        POST /leads/get-recordings, as often as it takes. `page_size` is 100 unless given.
        """
        return Pager(self._async.get_recordings_all(**filters))
