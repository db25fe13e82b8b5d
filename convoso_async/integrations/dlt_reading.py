"""The reading of an account for dlt: one client for all resources, and what each of them asks for."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import date, datetime
from typing import Any, TypeVar

import dlt

from convoso_sync._runtime import run

from ..client import AsyncConvoso
from ..endpoint import DAY, RangeFilter
from ..errors import ConfigurationError, ReplyError
from ..paging import Pager
from ..rows import Page, Row
from .dlt_items import PageFormat, items_of
from .entities import Entity

T = TypeVar("T")
AHEAD = 4
"""Requests of one resource that are in flight. Resources are read at the same time."""


class Account:
    """One account, and the client for all that is read of it at the same time."""

    def __init__(self, client: Callable[[], AsyncConvoso]) -> None:
        self._make = client
        self.unopened = client()
        self.zone = self.unopened.zone
        self._client: AsyncConvoso | None = None
        self._readers = 0

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncConvoso]:
        """The client that all readers share, and so its rate. The last one closes it."""
        client = self._client = self._client or self._make()
        self._readers += 1
        try:
            yield client
        finally:
            self._readers -= 1
            if not self._readers:
                self._client = None
                await client.aclose()


class Reading:
    """The rows of one entity, as items for dlt."""

    def __init__(
        self, account: Account, entity: Entity, filters: Mapping[str, object], page_format: PageFormat
    ) -> None:
        self._account = account
        self._entity = entity
        self._filters = filters
        self._items = items_of(entity.row, account.zone, page_format)

    def whole(self) -> Callable[[], Iterator[Any]]:
        """What gives all rows."""

        def rows() -> Iterator[Any]:  # dlt notes things on it, which a method does not take
            return in_background(self._whole())

        return rows

    def since_mark(
        self, start: datetime | None, end: datetime | None, lag: float
    ) -> Callable[..., Iterator[Any]]:
        """What gives the rows that are new or changed since the last load; at first, those since `start`."""
        mark = dlt.sources.incremental[datetime](
            stamp_of(self._entity), initial_value=start, end_value=end, lag=lag
        )

        def rows(since: dlt.sources.incremental[datetime] = mark) -> Iterator[Any]:
            if self._entity.needs_start and since.initial_value is None:
                raise ConfigurationError(
                    f"{self._entity.name} needs start, as convoso_source(start='2026-01-01') or"
                    " start under [sources.convoso] in dlt's config.toml"
                )
            return in_background(self._since(since))

        return rows

    async def _whole(self) -> AsyncGenerator[Any, None]:
        empty = True
        async with self._account.client() as client, aclosing(self._pages(client, [{}])) as pages:
            async for page in pages:
                empty = False
                yield self._items.item(page.rows)
        if empty:
            yield dlt.mark.materialize_table_schema()

    async def _since(self, since: "dlt.sources.incremental[datetime]") -> AsyncGenerator[Any, None]:
        """Moves the mark to the newest row when all rows are read; never beyond the moment when the reading
        began, for what changes behind its back is read by the next one.
        """
        since.advance(None)  # type: ignore[arg-type]  # all rows pass: the service has selected them
        began = datetime.now(self._account.zone)
        newest: datetime | None = None
        stamp = stamp_of(self._entity)
        searches = self._searches(since.start_value, since.end_value)
        async with self._account.client() as client, aclosing(self._pages(client, searches)) as pages:
            async for page in pages:
                moments = [moment for row in page.rows if (moment := getattr(row, stamp)) is not None]
                newest = max(moments if newest is None else [newest, *moments], default=None)
                yield self._items.item(page.rows)
        if newest is None:
            yield dlt.mark.materialize_table_schema()
        else:
            since.advance(min(newest, began))

    def _searches(self, start: datetime | None, end: datetime | None) -> list[Mapping[str, object]]:
        """What is asked for so that no row is missed: one may be new without having been changed."""
        if start is None:
            return [{}]
        return [
            {span.start: self._bound(span, start), span.end: self._bound(span, end)}
            for span in spans_of(self._entity)
        ]

    def _bound(self, span: RangeFilter, moment: datetime | None) -> date | None:
        if moment is None or span.unit != DAY:
            return moment
        return moment.astimezone(self._account.zone).date()

    async def _pages(
        self, client: AsyncConvoso, searches: Iterable[Mapping[str, object]]
    ) -> AsyncGenerator[Page[Any], None]:
        """The pages with rows of all searches."""
        for search in searches:
            filters = {**self._filters, **search}
            if not self._entity.paged:
                async for page in self._entity.pages(client, filters):
                    if page.rows:
                        yield self._with_keys(page)
                continue
            for reader in await self._readers(self._entity.pager(client, filters)):
                async with reader.prefetch(AHEAD) as ahead:
                    while (following := await ahead.next_page()) is not None:
                        yield self._with_keys(following)

    async def _readers(self, pager: Pager[Any]) -> list[Pager[Any]]:
        """Pagers that together read all of it in little memory.

        Where the order of rows is not documented, one pager must remember all that it has read.
        """
        paging = self._entity.call.paging
        if paging is not None and paging.oldest_first:
            return [pager]
        return [pager.read(window) for window in await pager.trusted_plan()] or [pager]

    def _with_keys(self, page: Page[Row]) -> Page[Row]:
        for name in self._entity.key:
            if any(getattr(row, name) is None for row in page.rows):
                call = self._entity.call.id
                raise ReplyError(
                    f"{call}: a row came without its {name}, by which it would be merged",
                    endpoint=call,
                    outcome="applied",
                    attempts=1,
                )
        return page


def spans_of(entity: Entity) -> Sequence[RangeFilter]:
    """The ranges in which a load since a mark asks for rows: of what was changed, and of what is new."""
    if entity.change is None:
        return ()
    return tuple(dict.fromkeys(filter(None, (entity.change, entity.time))))


def stamp_of(entity: Entity) -> str:
    """The attribute that a mark is taken from."""
    assert entity.change is not None
    assert entity.change.field is not None
    return entity.change.field


def in_background(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """Items of a generator that lives in the loop of `convoso_sync`, which reads ahead while dlt writes.

    dlt has a loop as well, but when a load fails it ends its generators all at once, in the middle of their
    work.
    """

    async def following() -> tuple[T, ...]:
        async for item in items:
            return (item,)
        return ()

    try:
        while item := run(following()):
            yield item[0]
    finally:
        run(items.aclose())
