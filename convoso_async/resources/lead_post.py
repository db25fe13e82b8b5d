"""Lead post: a lead that is checked against the account's criteria, and added where they let it pass."""

from typing import Required, Unpack

from ..endpoint import UNSAFE, Endpoint, invalid, missing, rejected
from ..parameters import NumberOrText
from ..resource import Resource
from ..rows import Result, row
from .leads import LeadDetails


class PostedLead(LeadDetails, total=False):
    """What `lead_post.insert` takes.

    `criteria_key` names the rule set. It decides the list that the lead goes to, and which further fields
    must be there.
    """

    criteria_key: Required[str]
    phone_number: Required[str]
    monthly_revenue: NumberOrText | None
    annual_revenue: NumberOrText | None


@row
class LeadPostResult(Result):
    """Whether the lead was taken.

    Attributes:
        result: the reply's own flag, None where it has none.
        lead_id: the lead that was added.
        error_description: why it was refused, in the service's words.
    """

    result: bool | None = None
    lead_id: str | None = None
    error_description: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the lead was taken: what `result` says, else, where the reply has none, `success`."""
        # One page of the vendor has words here, which are no flag and stay in `extra`: a refusal in words
        # must not pass for a success because the call itself went well.
        words = self.extra.get("result")
        if words is not None:
            return isinstance(words, str) and words.strip().casefold() == "accepted"
        return self.success is True if self.result is None else self.result


INSERT = Endpoint(
    id="lead_post.insert",
    path="/lead-post-validation/insert",
    retry=UNSAFE,
    params=PostedLead,
    result=LeadPostResult,
    custom_fields=r".+",
    refusal_is_answer=True,
    texts={
        "Invalid criteria key": invalid("criteria_key not valid"),
        "Invalid phone number": invalid("phone_number not valid"),
        "Missing required field:": missing("a required field is absent"),
        "Number in DNC list": rejected("phone_number on DNC"),
        "Lead does not meet criteria": rejected("lead does not meet the criteria"),
    },
)


class LeadPost(Resource):
    """Leads that must meet criteria."""

    async def insert(self, **lead: Unpack[PostedLead]) -> LeadPostResult:
        """Adds a lead where the criteria let it pass, and says whether they did.

        POST /lead-post-validation/insert. A refusal is an answer, not an error: `accepted` is False then, and
        `error_description` says why, also for a bad criteria key or phone number and a missing field. The
        phone's form and the DNC list are checked first, then the criteria. Never sent twice after it may have
        arrived: only a rule of the criteria would stop a second lead. Custom fields go in `fields={...}`.

        Raises OutcomeUnknownError where the lead may have been added.
        """
        return await self._object(INSERT, lead)
