"""Exports: all rows of a pager in a file, complete, or with a word that it is not."""

import asyncio
import copy
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import IO, Any, Generic, TypeVar

import attrs

from ..endpoint import Endpoint
from ..form import Pairs
from ..paging import Pager, Window
from ..prefetch import Prefetch
from ..reading import Report
from ..rows import Page, Row
from ..search import Unread
from .formats import FormatName
from .part_file import Checkpoint, Mark
from .progress import Meter, OnProgress
from .targets import Target, target_of

R = TypeVar("R", bound=Row)


@attrs.frozen(kw_only=True)
class ExportReport:
    """What an export did.

    Attributes:
        rows: rows that were written, those of earlier runs among them.
        resumed: how many of them an earlier run had written.
        path: the file, None where a file object or a callable took the rows.
        windows: stretches that were read, each below the offset cap.
        requests: calls made, those of the plan and of earlier runs among them, without retries.
        seconds: time it took, earlier runs included.
        complete: whether everything is there. False only where the pager's `max_rows` cut it.
    """

    rows: int
    resumed: int
    path: Path | None
    windows: int
    requests: int
    seconds: float
    complete: bool


async def export(
    pager: Pager[R],
    to: "str | os.PathLike[str] | IO[Any] | Callable[[list[R]], object]",
    *,
    format: FormatName | None = None,
    columns: Sequence[str] | None = None,
    concurrency: int = 4,
    resume: bool = True,
    progress: OnProgress | None = None,
) -> ExportReport:
    """Writes all rows of a pager, in their order, and gives a report.

        await jobs.export(client.call_logs.retrieve_all(start_time=a, end_time=b), "calls.parquet")

    `to` is a path that ends in `.jsonl`, `.csv` or `.parquet` (or any, with `format`); a file object, which
    stays open, binary, or for the first two text with `newline=""`; or a function, plain or async, that gets
    the rows of each page as a list. Parquet needs pyarrow, the extra `arrow`.

    Columns are the attributes of the row class, `extra` last; or those that `columns` names, in its order, a
    key of `extra` as `extra.job_group`. JSON lines hold `extra` as an object, CSV and Parquet as JSON in
    text. Stamps carry the account's zone. In CSV, text that a spreadsheet would run as a formula gets an
    apostrophe before it; signed numbers and phone numbers do not.

    `progress` is told of the phases planning, in requests, and writing, in rows. So many requests as
    `concurrency` are in flight; memory holds the pages of those. A file is written beside its place, as
    `calls.csv.part`, and renamed when it is complete. With `resume`, an export that was interrupted goes on
    after its last whole window (some 40,000 rows), from `calls.csv.checkpoint`; a range that was open then
    still ends where it ended then. Reads with `partitions` or `max_rows` begin anew.

    Raises what the pager raises; OSError where the file cannot be written; JournalError where an interrupted
    export there was another one, or one is at work. After an error the file is as it was before, and the same
    call goes on where there is something to go on with.
    """
    if concurrency < 1:
        raise ValueError("concurrency must be 1 or more")
    with ThreadPoolExecutor(1, "convoso-export") as thread:
        target = target_of(pager, to, format, columns, thread)
        return await Export(Counted(pager, concurrency), target, concurrency, progress).run(resume=resume)


class Export(Generic[R]):
    """One run of an export."""

    def __init__(
        self, counted: "Counted[R]", target: "Target", concurrency: int, progress: OnProgress | None
    ) -> None:
        self._pager = counted.pager
        self._counted = counted
        self._target = target
        self._concurrency = concurrency
        self._began = monotonic()
        self._meter = Meter(progress, monotonic)
        self._before = self._mark = Mark()
        self._rows = 0

    async def run(self, *, resume: bool) -> ExportReport:
        """Reads and writes everything there is to read and write."""
        checkpoint = await self._target.open(resume=resume)
        try:
            complete = await self._go_on(checkpoint)
            await self._target.finish()
        except BaseException:
            await self._target.drop(keep=resume)
            if self._meter.has_told:  # whoever watches waits for the end
                self._tell_end()
            raise
        self._tell_end()
        return ExportReport(
            rows=self._rows,
            resumed=self._before.rows,
            path=self._target.path,
            windows=self._mark.stretches,
            requests=self._before.requests + self._counted.requests,
            seconds=self._before.seconds + monotonic() - self._began,
            complete=complete,
        )

    async def _go_on(self, checkpoint: Checkpoint | None) -> bool:
        """Reads what was not read before. Whether everything was."""
        if checkpoint is None:
            windows: Sequence[Window] = await self._plan()
        else:
            windows, self._before = checkpoint.windows, checkpoint.mark
            self._mark, self._rows = self._before, self._before.rows
        readers = [self._pager.read(window) for window in windows] if windows else [self._pager]
        counts = [window.expected for window in windows]
        self._meter.enter("writing", None if None in counts or not counts else sum(filter(None, counts)))
        following: Reader[R] | None = None
        try:
            for place in range(self._before.windows, len(readers)):
                reader = following or Reader(readers[place], self._concurrency)
                following = (
                    Reader(readers[place + 1], self._concurrency) if place + 1 < len(readers) else None
                )
                await self._read(reader, counts[place] if counts else None, following)
                self._mark = Mark(
                    windows=place + 1,
                    rows=self._rows,
                    stretches=self._mark.stretches + reader.report.windows,
                    requests=self._before.requests + self._counted.requests,
                    seconds=self._before.seconds + monotonic() - self._began,
                )
                if windows:
                    await self._target.mark(self._mark, windows)
        finally:
            if following is not None:
                await following.aclose()
        return all(reader.report.complete for reader in readers[self._before.windows :])

    async def _plan(self) -> list[Window]:
        self._meter.enter("planning", None)
        self._counted.answered = lambda requests: self._meter.tell(done=requests)
        try:
            return await self._pager.trusted_plan()
        finally:
            self._counted.answered = None

    async def _read(self, reader: "Reader[R]", expected: int | None, following: "Reader[R] | None") -> None:
        """Writes the rows of one window. When its last pages are under way, the next window is begun."""
        left = expected
        try:
            while (page := await reader.next_page()) is not None:
                if left is not None and following is not None:
                    left -= len(page)
                    if left <= len(page) * self._concurrency:
                        following.begin()
                await self._target.write(page.rows)
                self._rows += len(page)
                self._meter.tell(done=self._rows, earlier=self._before.rows)
        finally:
            await reader.aclose()

    def _tell_end(self) -> None:
        self._meter.enter(None, self._meter.total)
        self._meter.tell(done=self._rows, earlier=self._before.rows, finished=True)


class Reader(Generic[R]):
    """The pages of one window, with so many requests in flight. The first page can be asked for before."""

    def __init__(self, pager: Pager[R], requests: int) -> None:
        self._pager = pager
        self._ahead: Prefetch[R] = pager.prefetch(requests)
        self._first: asyncio.Task[Page[R] | None] | None = None

    @property
    def report(self) -> Report:
        """What the reading did."""
        return self._pager.report

    def begin(self) -> None:
        """Asks for the first page, once."""
        if self._first is None:
            self._first = asyncio.ensure_future(self._ahead.next_page())

    async def next_page(self) -> Page[R] | None:
        """The next page, None at the end."""
        if self._first is None:
            return await self._ahead.next_page()
        first, self._first = self._first, None
        return await first

    async def aclose(self) -> None:
        """Ends all requests."""
        if self._first is not None:
            self._first.cancel()
            await asyncio.gather(self._first, return_exceptions=True)
        await self._ahead.__aexit__(None, None, None)


class Counted(Generic[R]):
    """A pager like another, whose requests are counted, with those of its plan and of all its readers.

    No more than `most` of them are in flight, also where one window ends and the next begins. `answered` is
    told how many there were, after each.
    """

    def __init__(self, pager: Pager[R], most: int) -> None:
        self.requests = 0
        self.answered: Callable[[int], object] | None = None
        self._places = asyncio.Semaphore(most)
        self.pager = copy.copy(pager)
        self._fetch = pager._searches.fetch
        self.pager._searches = attrs.evolve(pager._searches, fetch=self._count)

    async def _count(self, endpoint: Endpoint[R], pairs: Pairs, *, later: bool = False) -> Unread[R]:
        async with self._places:
            self.requests += 1
            reply = await self._fetch(endpoint, pairs, later=later)
        if self.answered is not None:
            self.answered(self.requests)
        return reply
