"""Rows read ahead: several requests of one iteration in flight, rows in order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from itertools import islice
from types import TracebackType
from typing import Generic, Self, TypeVar

import attrs

from .errors import ConvosoError
from .iteration import Iteration
from .reading import Ask, Report
from .rows import Page, Row
from .search import Search, Searches, Unread

R = TypeVar("R", bound=Row)

TURNS_TO_SEND = 2
"""Turns of the event loop after which a request that was started has gone out."""


class Prefetch(Iteration[R]):
    """Rows read ahead. Made by `Pager.prefetch`; an async context manager and an async iterator."""

    def __init__(self, searches: Searches[R], report: Report, requests: int) -> None:
        super().__init__(searches, report)
        self._requests = requests
        self._ahead: deque[_Sent[R]] = deque()
        self._look: _Sent[R] | None = None
        self._dropped: list[_Sent[R]] = []
        self._rows: deque[R] = deque()
        self._open = False
        self._turn = asyncio.Lock()  # several tasks may take rows

    async def __aenter__(self) -> Self:
        """The rows, to iterate over."""
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends all requests, and waits until they have ended."""
        self._open = False
        await self._drop()

    def __aiter__(self) -> AsyncIterator[R]:
        """The rows, one by one."""
        return self

    async def __anext__(self) -> R:
        """The next row. Several tasks may share the rows."""
        if not self._open:
            raise RuntimeError("prefetch is a context: async with pager.prefetch(8) as rows: ...")
        while not self._rows:
            async with self._turn:
                if not self._rows:
                    page = await self.next_page()
                    if page is None:
                        raise StopAsyncIteration
                    self._rows.extend(page.rows)
        return self._rows.popleft()

    async def _send(self, ask: Ask) -> Page[R]:
        if not self._ahead or not self._ahead[0].is_for(self._search, ask):
            self._forget_from(0)
            self._ahead.append(self._start(ask))
        self._fill(ask, self._requests - 1)
        try:
            unread = await asyncio.shield(self._ahead[0].task)
        except Exception:
            self._ahead.popleft()
            raise
        self._look_ahead()
        self._fill(ask, self._requests)
        for _ in range(TURNS_TO_SEND):  # the requests go out before this page takes its time
            await asyncio.sleep(0)
        self._ahead.popleft()
        try:
            return unread(raw=False)
        except ConvosoError:  # it only looked like a page
            pass
        return await super()._send(ask)  # which is decoded at once, and tried again as all reads are

    def _fill(self, ask: Ask, beyond: int) -> None:
        """Starts what will be asked after `ask`, as far as it can be told, and forgets what will not be."""
        wanted = list(islice(self._reading.upcoming(ask), beyond))
        kept = 1
        while kept < len(self._ahead) and kept <= len(wanted) and self._ahead[kept].ask == wanted[kept - 1]:
            kept += 1
        self._forget_from(kept)
        free = beyond + 1 - kept - (self._look is not None)
        self._ahead.extend(self._start(following) for following in wanted[kept - 1 :][: max(0, free)])

    def _forget_from(self, place: int) -> None:
        """Ends requests whose pages will not be asked for."""
        self._dropped = [sent for sent in self._dropped if not sent.task.done()]
        while len(self._ahead) > place:
            self._dropped.append(self._ahead.pop().cancelled())

    def _look_ahead(self) -> None:
        """Learns where the next window begins before this one is read, so that no request waits for it."""
        look = self._look
        if look is not None and look.task.done():
            self._look = None
            failed = look.task.cancelled() or look.task.exception() is not None
            if look.search is self._search:
                self._reading.looked_ahead(look.ask, None if failed else look.task.result()(raw=False))
        elif look is None and self._requests > 2:  # of two, one would wait for it
            ask = self._reading.look_ahead(self._requests)
            self._look = self._start(ask, later=False) if ask is not None else None

    def _start(self, ask: Ask, *, later: bool = True) -> "_Sent[R]":
        self._report.requests += 1
        task = asyncio.ensure_future(self._searches.ask(self._search, ask, later=later))
        task.add_done_callback(_retrieved)
        return _Sent(self._search, ask, task)

    async def _drop(self) -> None:
        """Ends what is in flight, and waits until it has ended."""
        self._forget_from(0)
        if self._look is not None:
            self._dropped.append(self._look)
            self._look = None
        await asyncio.gather(*(sent.cancelled().task for sent in self._dropped), return_exceptions=True)
        self._dropped.clear()


def _retrieved(task: "asyncio.Future[Unread[R]]") -> None:
    """Marks an error as seen: a page that is dropped must not warn of it."""
    if not task.cancelled():
        task.exception()


@attrs.frozen
class _Sent(Generic[R]):
    """A request in flight."""

    search: Search
    ask: Ask
    task: "asyncio.Future[Unread[R]]"

    def is_for(self, search: Search, ask: Ask) -> bool:
        """Whether this is the request for a page of a search, and will have an answer."""
        return search is self.search and ask == self.ask and not self.task.cancelled()

    def cancelled(self) -> Self:
        """Itself, told to end."""
        self.task.cancel()
        return self
