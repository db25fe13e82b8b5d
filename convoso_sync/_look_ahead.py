"""Pagers without `await`: one hop to the loop for each page, and the next page asked for meanwhile."""

import asyncio
import os
from collections import deque
from collections.abc import Iterator
from typing import Self, TypeVar

from convoso_async.iteration import Iteration
from convoso_async.paging import Pager
from convoso_async.prefetch import Prefetch
from convoso_async.reading import Ask
from convoso_async.rows import Page, Row

from ._runtime import Facade, is_at_home, run, running

R = TypeVar("R", bound=Row)


class LookAhead(Iteration[R]):
    """One iteration of a pager that has asked for the next page when it gives one."""

    def __init__(self, pager: Pager[R], *, raw: bool) -> None:
        super().__init__(pager._searches, pager._new_report(), raw=raw)
        self._asked: asyncio.Task[Page[R]] | None = None

    async def next_page(self) -> Page[R] | None:
        """The next page with new rows, None at the end."""
        page = await super().next_page()
        if page is not None and self._next is not None and self._left != 0:
            self._asked = asyncio.get_running_loop().create_task(super()._send(self._next))
            self._asked.add_done_callback(_note_error)
        return page

    async def _send(self, ask: Ask) -> Page[R]:
        asked, self._asked = self._asked, None
        if asked is not None and is_at_home(asked):
            return await asked
        return await super()._send(ask)

    def drop(self) -> None:
        """Ends the request that is under way, if any. For any thread."""
        asked, self._asked = self._asked, None
        if asked is not None and is_at_home(asked):
            running().soon(asked.cancel)


def _note_error(asked: "asyncio.Task[Page[R]]") -> None:
    """A page that nobody wants any more may fail without a word."""
    if not asked.cancelled():
        asked.exception()


def pages(pager: Pager[R]) -> Iterator[Page[R]]:
    """The pages of a pager, each with the rows that no page before it had."""
    return ahead_of(pager, raw=True)


def rows(pager: Pager[R]) -> Iterator[R]:
    """The rows of a pager, one by one."""
    for page in ahead_of(pager, raw=False):
        yield from page.rows


def ahead_of(pager: Pager[R], *, raw: bool) -> Iterator[Page[R]]:
    """The pages of a pager, with the decoded replies or without."""
    ahead = LookAhead(pager, raw=raw)
    try:
        while (page := run(ahead.next_page(), leaves_tasks=True)) is not None:
            yield page
    finally:
        ahead.drop()


class PrefetchedRows(Facade[Prefetch[R]]):
    """The rows of a prefetch, a page with each hop. Several threads may share them."""

    def __init__(self, behind: Prefetch[R]) -> None:
        super().__init__(behind)
        self._process = os.getpid()
        self._rows: deque[R] = deque()

    def _enter(self) -> Self:
        run(self._async.__aenter__())
        return self

    def _leave(self) -> None:
        """Ends all requests, and waits until they have ended: not in a forked child, whose they are not."""
        if os.getpid() == self._process:
            run(self._async.__aexit__(None, None, None))

    def _take(self) -> R:
        if not self._async._open:
            raise RuntimeError("prefetch is a context: with pager.prefetch(8) as rows: ...")
        while True:
            try:
                return self._rows.popleft()
            except IndexError:
                more = run(self._more(), leaves_tasks=True)
                if not more:
                    raise StopIteration from None
                self._rows.extend(more)

    async def _more(self) -> list[R]:
        """The rows of the next page, none at the end."""
        try:
            first = await anext(self._async)
        except StopAsyncIteration:
            return []
        rest = list(self._async._rows)
        self._async._rows.clear()
        return [first, *rest]
