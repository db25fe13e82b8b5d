# Made from convoso_async/prefetch.py by convoso_sync._generate: change those.
"""Rows read ahead: several requests of one iteration in flight, rows in order."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self, TypeVar

from convoso_async.rows import Row

from ._look_ahead import PrefetchedRows

R = TypeVar("R", bound=Row)


class Prefetch(PrefetchedRows[R]):
    """Rows read ahead. Made by `Pager.prefetch`; a context manager and an iterator."""

    def __enter__(self) -> Self:
        """The rows, to iterate over."""
        return self._enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends all requests, and waits until they have ended."""
        self._leave()

    def __iter__(self) -> Iterator[R]:
        """The rows, one by one."""
        return self

    def __next__(self) -> R:
        """The next row. Several threads may share the rows."""
        return self._take()
