"""One iteration of a pager: the pages with new rows, one request at a time."""

from collections import deque
from typing import Generic, TypeVar

import attrs

from .errors import ConvosoAPIError, PagingError
from .reading import Ask, Report
from .rows import Page, Row
from .search import Searches

R = TypeVar("R", bound=Row)


class Iteration(Generic[R]):
    """A pass over all searches of a read.

    With `raw`, pages have the decoded reply. Without, it is given up while their rows are made, which takes
    less time and memory.
    """

    def __init__(self, searches: Searches[R], report: Report, *, raw: bool = False) -> None:
        self._searches = searches
        self._report = report
        self._raw = raw
        self._left = searches.max_rows
        self._waiting = deque(searches.each)
        self._seen: set[object] | None = None if len(self._waiting) == 1 else set()
        self._expected: list[int | None] = []
        self._failed: PagingError | None = None  # raised when the rows that came before are delivered
        self._begin_search()

    def _begin_search(self) -> None:
        self._search = self._waiting.popleft()
        self._reading = self._searches.reading(self._search, self._report, self._seen)
        self._steps = self._reading.steps()
        self._next: Ask | None = next(self._steps)
        self._expected.append(None)

    async def next_page(self) -> Page[R] | None:
        """The next page with new rows, None at the end."""
        if self._left == 0:
            return None
        while self._next is not None:
            page = await self._answer(self._next)
            try:
                self._next = self._steps.send(page)
            except StopIteration:
                self._next = None
            except PagingError as error:
                self._next, self._failed = None, error
            page.rows = self._take()
            if self._next is None and self._failed is None and self._waiting:
                self._begin_search()
            if page.rows:
                return page
        if self._failed is not None:
            raise self._failed
        self._report.complete = True
        return None

    def _take(self) -> list[R]:
        """The new rows, up to `max_rows`."""
        rows = self._reading.take_fresh()
        self._expected[-1] = self._reading.expected
        counts = [count for count in self._expected if count is not None]
        self._report.expected = sum(counts) if len(counts) == len(self._expected) else None
        if self._left is not None:
            rows = rows[: self._left]
            self._left -= len(rows)
        self._report.rows += len(rows)
        return rows

    async def _answer(self, ask: Ask) -> Page[R]:
        """The page asked for; smaller ones when the service refuses the size."""
        while True:
            try:
                return await self._send(ask)
            except ConvosoAPIError as refused:
                about_size = "limit" in f"{refused.description} {refused.text}".lower()
                if not about_size or not self._reading.smaller_pages():
                    raise
                ask = attrs.evolve(ask, limit=self._reading.limit)

    async def _send(self, ask: Ask) -> Page[R]:
        self._report.requests += 1
        unread = await self._searches.ask(self._search, ask)
        return unread(raw=self._raw)
