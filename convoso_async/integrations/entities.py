"""What can be copied from an account as a whole: each kind of row, its call, its key, and its times."""

from collections.abc import AsyncIterator, Mapping, Sequence
from difflib import get_close_matches
from string import ascii_uppercase, digits
from typing import Any

import attrs

from ..client import AsyncConvoso
from ..endpoint import Endpoint, RangeFilter
from ..paging import Pager
from ..resources import (
    agent_productivity,
    call_logs,
    callbacks,
    campaigns,
    dnc,
    leads,
    lists,
    sms_opt_out,
    status,
    users,
)
from ..rows import Page, Row


@attrs.frozen(kw_only=True)
class Entity:
    """One kind of row.

    Attributes:
        name: what users call it, such as `call_logs`.
        call: the call that gives the rows. Its `result` is their class, its `params` what they can be
            filtered by.
        key: the attributes that together tell a row from all others.
        time: the range filter that selects rows by the time they are of, and that a read is cut by; None
            where there is none. `time.field` is the row's attribute.
        change: the range filter that finds what is new or changed since a moment; None where there is none.
        searches: filters of searches that hold every row together, where the call wants one: rows of several
            searches may be the same. The caller's own filter goes before.
    """

    name: str
    call: Endpoint[Any]
    key: tuple[str, ...] = ("id",)
    time: RangeFilter | None = None
    change: RangeFilter | None = None
    searches: Sequence[Mapping[str, object]] = ({},)

    @property
    def row(self) -> type[Row]:
        """The class of its rows."""
        cls: type[Row] = self.call.result
        return cls

    @property
    def paged(self) -> bool:
        """Whether its call has pages, and so a pager. Those without are small: a page or a few."""
        return self.call.paging is not None

    @property
    def needs_start(self) -> bool:
        """Whether a read must say where it starts: history without end, of which nobody wants all unasked."""
        return self.call.paging is not None and self.call.paging.past_only

    def pager(self, client: AsyncConvoso, filters: Mapping[str, object]) -> Pager[Any]:
        """A pager over all rows that match. Raises TypeError for an entity that is not `paged`."""
        if not self.paged:
            raise TypeError(f"{self.name} has no pages")
        pager: Pager[Any] = self._method(client, "_all")(**filters)
        return pager

    async def pages(self, client: AsyncConvoso, filters: Mapping[str, object]) -> AsyncIterator[Page[Any]]:
        """The rows that match, page by page, each row once."""
        if self.paged:
            async for page in self.pager(client, filters).pages():
                yield page
            return
        seen = set()
        searches = self.searches if not any(set(search) & set(filters) for search in self.searches) else ({},)
        for search in searches:
            page = await self._method(client)(**search, **filters)
            keys = [tuple(getattr(row, name) for name in self.key) for row in page.rows]
            page.rows = [row for key, row in zip(keys, page.rows, strict=True) if key not in seen]
            seen.update(keys)
            yield page

    def _method(self, client: AsyncConvoso, ending: str = "") -> Any:
        resource, _, method = self.call.id.partition(".")
        return getattr(getattr(client, resource), method + ending)


def _timed(name: str, call: Endpoint[Any], **more: Any) -> Entity:
    """An entity whose rows do not change but near their own time."""
    return Entity(name=name, call=call, time=call.ranges[0], **{"change": call.ranges[0], **more})


ENTITIES: Mapping[str, Entity] = {
    entity.name: entity
    for entity in (
        _timed("call_logs", call_logs.RETRIEVE),
        _timed("leads", leads.SEARCH, change=leads.SEARCH.ranges[1]),
        _timed("callbacks", callbacks.SEARCH, change=None),
        Entity(name="dnc", call=dnc.SEARCH),
        Entity(name="opt_outs", call=sms_opt_out.SEARCH),
        Entity(name="users", call=users.SEARCH),
        Entity(name="lists", call=lists.SEARCH, searches=({"status": True}, {"status": False})),
        Entity(name="campaigns", call=campaigns.SEARCH),
        # The call wants a part of a code or a name, and every code has a letter or a digit.
        Entity(
            name="statuses",
            call=status.SEARCH,
            key=("status",),
            searches=tuple({"query": sign} for sign in ascii_uppercase + digits),
        ),
        _timed("agent_events", agent_productivity.SEARCH),
    )
}
"""All of them by their names."""


def entity_named(name: str) -> Entity:
    """The entity of that name, in any case, with `_` or `-`. Raises ValueError, with the near name."""
    found = ENTITIES.get(name.casefold().replace("-", "_"))
    if found is not None:
        return found
    near = get_close_matches(name.casefold(), ENTITIES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(ENTITIES)}"
    raise ValueError(f"there is no entity {name!r}; {hint}")
