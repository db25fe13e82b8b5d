# Made from convoso_async/resources/lead_post.py by convoso_sync._generate: change those.
"""Lead post: a lead that is checked against the account's criteria, and added where they let it pass."""

from typing import Unpack

from convoso_async.resources.lead_post import LeadPost as AsyncLeadPost, LeadPostResult, PostedLead

from .._runtime import Facade, run


class LeadPost(Facade[AsyncLeadPost]):
    """Leads that must meet criteria."""

    def insert(self, **lead: Unpack[PostedLead]) -> LeadPostResult:
        """Adds a lead where the criteria let it pass, and says whether they did.

        POST /lead-post-validation/insert. A refusal is an answer, not an error: `accepted` is False then, and
        `error_description` says why, also for a bad criteria key or phone number and a missing field. The
        phone's form and the DNC list are checked first, then the criteria. Never sent twice after it may have
        arrived: only a rule of the criteria would stop a second lead. Custom fields go in `fields={...}`.

        Raises OutcomeUnknownError where the lead may have been added.
        """
        return run(self._async.insert(**lead))
