# Made from convoso_async/resources/campaigns.py by convoso_sync._generate: change those.
"""Campaigns: all of them with their state, and the switch that starts and stops one."""

from typing import Unpack

from convoso_async.resources.campaigns import Campaign, Campaigns as AsyncCampaigns, CampaignState
from convoso_async.rows import Page, Result

from .._runtime import Facade, run


class Campaigns(Facade[AsyncCampaigns]):
    """The account's campaigns."""

    def search(self) -> Page[Campaign]:
        """All campaigns, active and inactive, in one page.

        POST /campaigns/search. The call takes no filters and knows no paging.
        """
        return run(self._async.search())

    def status(self, **values: Unpack[CampaignState]) -> Result:
        """Starts a campaign with `status=True`, stops it with `status=False`.

        POST /campaigns/status. A stopped campaign dials no more; work already assigned may finish, and its
        history stays. The token needs rights to campaigns, normally an administrator's.

        Raises InvalidRequestError or NotFoundError for an unknown campaign, PermissionDeniedError where the
        token lacks the right.
        """
        return run(self._async.status(**values))
