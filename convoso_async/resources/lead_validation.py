"""Lead validation: whether a phone number would meet the account's criteria. Nothing is written."""

from typing import Required, TypedDict, Unpack

from ..endpoint import READ, Endpoint, invalid, missing
from ..resource import Resource
from ..rows import Result, row


class LeadCheck(TypedDict, total=False):
    """What `lead_validation.search` takes.

    `criteria_key` names the rule set. `state` is two letters, `postal_code` five digits; a bad state is
    ignored.
    """

    criteria_key: Required[str]
    phone_number: Required[str]
    state: str | None
    postal_code: str | None


@row
class Verdict(Result):
    """Whether the criteria would take the lead.

    `success` says only that the check ran, whatever it found.

    Attributes:
        result: the verdict in the service's word: `Accepted`, or `Denied`, also spelt `Declined`.
    """

    result: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the verdict is `Accepted`."""
        return self.result is not None and self.result.strip().casefold() == "accepted"


SEARCH = Endpoint(
    id="lead_validation.search",
    path="/lead-validation/search",
    retry=READ,
    params=LeadCheck,
    result=Verdict,
    refusal_is_answer=True,
    codes={6004: invalid("phone_number form not valid"), 6090: invalid("criteria_key not valid")},
    texts={"phone_number required": missing("phone_number absent")},
)


class LeadValidation(Resource):
    """Checks of a lead before it is added."""

    async def search(self, **lead: Unpack[LeadCheck]) -> Verdict:
        """Whether the criteria would take the lead: `accepted`, and the service's word in `result`.

        POST /lead-validation/search. A refusal is an answer, not an error, and gives no reason;
        `lead_post.insert` gives one, but also adds the lead. Duplicates are not checked; on the DNC list the
        documentation contradicts itself.

        Raises InvalidRequestError for a bad phone number or criteria key.
        """
        return await self._object(SEARCH, lead)
