"""A do-not-call or opt-out list as the account has it, in one scope: read whole, or asked for one number."""

from collections.abc import Callable, Collection, Mapping, Sequence

import attrs

from ..errors import IncompleteError
from ..resources.dnc import Dnc, DncEntry
from ..resources.sms_opt_out import OptOut, SmsOptOut
from .phone_rows import Scope
from .phones import Phone, plainly

AHEAD = 4
"""Requests in flight while the list is read."""


@attrs.frozen
class Listed:
    """What a scope held when it was read.

    Attributes:
        phones: its numbers in their own spelling, in the order of the list.
        unclear: entries that came without their number, phone code or campaign.
        requests: pages that it took.
    """

    phones: Collection[Phone]
    unclear: int
    requests: int


class OptOutList:
    """One list of an account, in one scope. Raises TypeError or ValueError for bad `partitions`."""

    def __init__(
        self,
        resource: Dnc | SmsOptOut,
        scope: Scope,
        partitions: Sequence[Mapping[str, object]] | None,
    ) -> None:
        self.scope = scope
        self.partitions = partitions
        self._resource = resource
        self._pager = resource.search_all(
            campaign_id=scope.campaign_id, phone_code=scope.phone_code, partitions=partitions
        )

    async def read(self, tell: Callable[[int, int | None], None]) -> Listed:
        """All entries of the scope. `tell` hears how many were read, and of how many.

        Raises PagingError when it cannot be read to its end.
        """
        phones: dict[Phone, None] = {}
        unclear = 0
        async with self._pager.prefetch(AHEAD) as ahead:
            while (page := await ahead.next_page()) is not None:
                for row in page.rows:
                    unclear += None in (row.phone_number, row.phone_code, row.campaign_id)
                    if row.phone_number is not None and self._is_here(row):
                        phones[Phone(row.phone_code or self.scope.phone_code, row.phone_number)] = None
                tell(self._pager.report.rows, self._pager.report.expected)
        return Listed(phones.keys(), unclear, self._pager.report.requests)

    async def read_all_parts(self, tell: Callable[[int, int | None], None]) -> Listed:
        """All entries of the scope, and the proof that the partitions left none out.

        Raises PagingError as `read`, and where the service counts more than they hold.
        """
        if self.partitions is None:
            return await self.read(tell)
        before = await self._count()
        listed = await self.read(tell)
        counts = [count for count in (before, await self._count()) if count is not None]
        read = self._pager.report.rows
        if counts and read < min(counts):
            raise IncompleteError(
                f"the partitions hold {read:,} of the {min(counts):,} entries of this scope; a mirror needs"
                " partitions that together hold all of them",
                endpoint=self._pager._endpoint.id,
                outcome="rejected",
            )
        return listed

    async def has(self, phone: Phone) -> bool:
        """Whether a number is on the list, in whatever spelling."""
        page = await self._resource.search(
            campaign_id=self.scope.campaign_id, phone_code=phone.code, phone_number=phone.digits
        )
        return any(
            row.phone_number is not None
            and self._is_here(row, phone.code)
            and plainly(Phone(phone.code, row.phone_number)) == plainly(phone)
            for row in page
        )

    async def _count(self) -> int | None:
        page = await self._resource.search(
            campaign_id=self.scope.campaign_id, phone_code=self.scope.phone_code, limit=2
        )
        return page.total

    def _is_here(self, row: DncEntry | OptOut, code: str | None = None) -> bool:
        """Whether an entry is of this scope: a service that passed a filter by would show all."""
        return row.campaign_id in (self.scope.campaign_id, None) and row.phone_code in (
            code or self.scope.phone_code,
            None,
        )
