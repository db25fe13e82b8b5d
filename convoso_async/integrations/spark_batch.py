"""Reads in Spark: the driver plans windows, each executor reads some of them, each complete."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from typing import Any

import attrs
from pyspark.sql.datasource import DataSourceReader, InputPartition

from ..client import AsyncConvoso
from ..errors import ConvosoAPIError
from ..paging import Window
from ..rows import Page
from .spark_columns import Batches
from .spark_filters import Pushed, pushed_of
from .spark_options import Account, ReadOptions

AHEAD = 4
"""Requests in flight of one task."""
ACCOUNTS_AT_ONCE = 16
"""Accounts that the driver asks at the same time."""


class Part(InputPartition):
    """What one task reads: a window of an account, or all that matches where `window` is None.

    Attributes:
        account: the account, without its token.
        filters: the parameters of the read.
        window: its part of the plan.
        tasks: how many tasks read this account.
    """

    def __init__(
        self, account: Account, filters: Mapping[str, object], window: Window | None, tasks: int
    ) -> None:
        self.account = account
        self.filters = filters
        self.window = window
        self.tasks = tasks


class BatchReader(DataSourceReader):
    """Reads what the options say. Picklable: it is sent to the executors."""

    def __init__(self, options: ReadOptions, names: Sequence[str]) -> None:
        self._options = options
        self._names = names
        self._pushed = Pushed()

    def partitions(self) -> list[InputPartition]:
        """The windows of the plan, one request for each and one more for each account."""
        ask = partial(parts_of, options=self._options, pushed=self._pushed)
        return list(asyncio.run(of_each(self._options, ask)))

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """The rows of a window as Arrow batches, one for each page."""
        return read(self._options, self._names, partition)


class PushingReader(BatchReader):
    """A reader that is told the conditions on columns.

    Spark refuses any reader that could be told while `spark.sql.python.filterPushdown.enabled` is off, which
    it is by default.
    """

    def pushFilters(self, filters: Iterable[Any]) -> Iterable[Any]:
        """All of them, to be looked at again: what the service is asked may be wider."""
        conditions = list(filters)
        self._pushed = pushed_of(self._options.entity, conditions, self._options.where)
        return conditions


async def of_each(
    options: ReadOptions, ask: Callable[[AsyncConvoso, Account], Awaitable[list[Part]]]
) -> list[Part]:
    """What the tasks read, account after account. Accounts are asked some at a time."""
    places = asyncio.Semaphore(ACCOUNTS_AT_ONCE)

    async def of(account: Account) -> list[Part]:
        async with places, options.client(account) as client:
            return await ask(client, account)

    # Not a task group: its one error would come in a group.
    return [part for parts in await asyncio.gather(*map(of, options.accounts)) for part in parts]


async def parts_of(
    client: AsyncConvoso, account: Account, *, options: ReadOptions, pushed: Pushed
) -> list[Part]:
    """What the tasks of one account read. None where conditions leave nothing."""
    entity = options.entity
    filters = pushed.filters(entity, options.filters, account.zone)
    if filters is None:
        return []
    if not entity.paged:
        return [Part(account, filters, None, 1)]
    try:
        windows = await entity.pager(client, filters).trusted_plan()
    except ConvosoAPIError:
        if not pushed.where:
            raise
        # An id that the account does not have is an error there, and no row here.
        return await parts_of(client, account, options=options, pushed=attrs.evolve(pushed, where={}))
    whole: list[Window | None] = [None]
    return [Part(account, filters, window, len(windows) or 1) for window in windows or whole]


def read(options: ReadOptions, names: Sequence[str], part: InputPartition) -> Iterator[Any]:
    """The rows of a part as Arrow batches, one for each page."""
    if not isinstance(part, Part):
        return  # Spark makes one of its own where a plan has none
    batches = Batches(options.entity, names, part.account.name)
    with asyncio.Runner() as runner:
        pages = pages_of(options, part)
        try:
            while (page := runner.run(following(pages))) is not None:
                if page.rows:
                    yield batches.batch(page)
        finally:  # also when Spark has enough
            runner.run(pages.aclose())


async def following(pages: AsyncIterator[Page[Any]]) -> Page[Any] | None:
    """The next page, None at the end."""
    return await anext(pages, None)


async def pages_of(options: ReadOptions, part: Part) -> AsyncGenerator[Page[Any], None]:
    """The pages of a part, some requests ahead."""
    async with options.client(part.account, part.tasks) as client:
        if not options.entity.paged:
            async for one in options.entity.pages(client, part.filters):
                yield one
            return
        pager = options.entity.pager(client, part.filters)
        if part.window is not None:
            pager = pager.read(part.window)
        async with pager.prefetch(AHEAD) as ahead:
            while (page := await ahead.next_page()) is not None:
                yield page
