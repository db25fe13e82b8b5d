"""Campaigns: all of them with their state, and the switch that starts and stops one."""

from datetime import datetime
from typing import Required, TypedDict, Unpack

from ..endpoint import IDEMPOTENT, READ, Endpoint, forbidden, invalid, missing, not_found
from ..parameters import Flag, Id
from ..resource import Resource
from ..rows import Page, Result, Row, row


class CampaignFilters(TypedDict, total=False):
    """`campaigns.search` takes nothing."""


class CampaignState(TypedDict, total=False):
    """What `campaigns.status` takes: True starts the campaign, False stops it."""

    campaign_id: Required[Id]
    status: Required[Flag]


@row
class Campaign(Row):
    """A campaign.

    `status` is True while it is active. `last_call_date` is None for one that never dialled; where the
    service gives only the day, it is the first second of that day.
    """

    id: str | None = None
    name: str | None = None
    status: bool | None = None
    last_call_date: datetime | None = None


SEARCH = Endpoint(
    id="campaigns.search",
    path="/campaigns/search",
    retry=READ,
    params=CampaignFilters,
    result=Campaign,
    rows=("data",),
    codes={6026: invalid("campaign_id not valid")},
)
STATUS = Endpoint(
    id="campaigns.status",
    path="/campaigns/status",
    retry=IDEMPOTENT,
    params=CampaignState,
    result=Result,
    codes={
        6004: not_found("no campaign with that id"),
        6010: missing("status absent"),
        6026: invalid("campaign_id not valid"),
        6080: invalid("campaign status value not valid"),
    },
    texts={
        "Campaign not found": not_found("no campaign with that id"),
        "Status must be true or false": invalid("campaign status value not valid"),
        "Insufficient permissions": forbidden("token lacks the right to start and stop campaigns"),
    },
)


class Campaigns(Resource):
    """The account's campaigns."""

    async def search(self) -> Page[Campaign]:
        """All campaigns, active and inactive, in one page.

        POST /campaigns/search. The call takes no filters and knows no paging.
        """
        return await self._page(SEARCH, {})

    async def status(self, **values: Unpack[CampaignState]) -> Result:
        """Starts a campaign with `status=True`, stops it with `status=False`.

        POST /campaigns/status. A stopped campaign dials no more; work already assigned may finish, and its
        history stays. The token needs rights to campaigns, normally an administrator's.

        Raises InvalidRequestError or NotFoundError for an unknown campaign, PermissionDeniedError where the
        token lacks the right.
        """
        return await self._object(STATUS, values)
