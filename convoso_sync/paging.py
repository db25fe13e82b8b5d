# Made from convoso_async/paging.py by convoso_sync._generate: change those.
"""Pagers: all rows that match, one request at a time or several ahead, or as a plan for many readers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from convoso_async.paging import Pager as AsyncPager, Window
from convoso_async.reading import Report
from convoso_async.rows import Page, Row

from ._look_ahead import pages, rows
from ._runtime import Facade, run
from .prefetch import Prefetch

if TYPE_CHECKING:
    import pyarrow

R = TypeVar("R", bound=Row)


class Pager(Facade[AsyncPager[R]]):
    """All rows that match. Iterate it, take `pages()`, or `collect()` a list.

    Each iteration reads anew, and delivers while it reads; `report` tells of the last one. It is complete or
    raises: `OffsetCapError` when rows lie past the largest offset and nothing splits the read,
    `WindowTooDenseError` when too many share one second, `IncompleteError` when the service withholds rows
    that it counted, or the account moves faster than it can be read.
    """

    def __iter__(self) -> Iterator[R]:
        """The rows, one by one."""
        return rows(self._async)

    def collect(self) -> list[R]:
        """All rows as a list."""
        return run(self._async.collect())

    def to_arrow(self) -> "pyarrow.Table":
        """All rows as a `pyarrow.Table`, for pandas (`.to_pandas()`) and polars (`pl.from_arrow(...)`).

        Columns have the types of the row class, stamps in the account's zone; `extra` is JSON in text. Four
        requests are in flight. Needs pyarrow, the extra `arrow`: ImportError without it, and nothing is sent.
        """
        return run(self._async.to_arrow())

    def pages(self) -> Iterator[Page[R]]:
        """The pages, each with the rows that no page before it had."""
        return pages(self._async)

    def prefetch(self, requests: int = 8) -> Prefetch[R]:
        """A context that reads ahead: so many requests in flight, rows still in order.

            with pager.prefetch(8) as rows:
                for row in rows: ...

        It holds at most the rows of the pages in flight. An error comes at its place in the order. Leaving
        the context ends all requests.
        """
        return Prefetch(self._async.prefetch(requests))

    def plan(self) -> list[Window]:
        """The read cut into windows that can be read apart, with `read`, on any machine.

        One request for each window and one more for each search; two for each window, where the order of
        rows is not documented. No row is delivered. Windows do not overlap: together they hold every row
        once, and one that still holds more than offsets reach is cut again by its reader.

        Raises IncompleteError where the windows do not add up to the whole, because some rows have no time.
        Where the order is not documented and the service gives no totals, nobody can tell.
        """
        return run(self._async.plan())

    def read(self, window: Window) -> "Pager[R]":
        """A pager over one window of a plan."""
        return Pager(self._async.read(window))

    @property
    def report(self) -> Report:
        """The `Report` of the last iteration."""
        return self._async.report
