# Made from convoso_async/resources/lead_validation.py by convoso_sync._generate: change those.
"""Lead validation: whether a phone number would meet the account's criteria. Nothing is written."""

from typing import Unpack

from convoso_async.resources.lead_validation import LeadCheck, LeadValidation as AsyncLeadValidation, Verdict

from .._runtime import Facade, run


class LeadValidation(Facade[AsyncLeadValidation]):
    """Checks of a lead before it is added."""

    def search(self, **lead: Unpack[LeadCheck]) -> Verdict:
        """Whether the criteria would take the lead: `accepted`, and the service's word in `result`.

        POST /lead-validation/search. A refusal is an answer, not an error, and gives no reason;
        `lead_post.insert` gives one, but also adds the lead. Duplicates are not checked; on the DNC list the
        documentation contradicts itself.

        Raises InvalidRequestError for a bad phone number or criteria key.
        """
        return run(self._async.search(**lead))
