"""The engine of all jobs: any operation over any number of items, each sent once, each accounted for.

It reads items as it needs them, keeps so many under way, and finds the rate that the service allows. What is
throttled goes back and waits; what fails for good is kept with its error; what nobody can know is `unknown`.
"""

import asyncio
import json
import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Hashable,
    Iterable,
    Mapping,
    Sized,
)
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from random import random
from typing import TypeVar

import attrs

from ..errors import (
    AuthenticationError,
    ConfigurationError,
    ConvosoError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
)
from ..pacing import AdaptiveRate
from ..retry import backoff, is_transient, says_already
from .interrupts import INTERRUPTS
from .journal import Entry, Fingerprint, Journal, JournalError, Known, entry_of, lost, result_json
from .progress import Meter, OnProgress
from .report import INTERRUPTED, JobItem, JobReport, State, error_record
from .work import Item, Operation, Work, client_of, endpoint_of, is_repeatable, items_of

T = TypeVar("T")

FIRST_RATE = 5.0
"""Starts per second before anything is known of the service's limit."""
TRIES = 5
"""How often one item is sent, where it may be repeated and fails for reasons that pass."""
PATIENCE = 20
"""Failures for reasons that pass, one after the other, after which the service counts as out of order."""


async def run(
    operation: Operation,
    items: Iterable[T] | AsyncIterable[T],
    *,
    key: Callable[[T], Hashable] | None = None,
    repeatable: bool | None = None,
    journal: str | os.PathLike[str] | None = None,
    concurrency: int = 8,
    progress: OnProgress | None = None,
) -> JobReport:
    """Calls `operation` once for each item, and reports what became of every one.

        report = await jobs.run(client.leads.update, changes, journal="changes.journal")

    A mapping is given as keywords, anything else as the one argument. `operation` makes one call for each
    item, and the outcome of its error counts for the item. Items are read as they are needed, in the event
    loop, so an iterable should be quick; memory is bounded, but for the items that fail without a journal. At
    most `concurrency` are under way, at a rate that adapts to the service: what is throttled is sent again
    later and does not count as failed.

    Args:
        key: gives the key of an item. Items with equal keys are done in their order, never at the same time.
        repeatable: whether an item may be sent again after it may have arrived. By default that is so for the
            calls of this package that may be repeated, and for nothing else.
        journal: the path of a file that remembers what was done. The same call with the same items goes on
            where it was broken off, by whatever; what was under way then is sent again if it is repeatable,
            and `unknown` if it is not. Its items are JSON, and people's data: only the owner can read it.
            After a crash, the file beside it that ends in `-wal` is a part of it: keep the two together.
        concurrency: items under way at once.
        progress: called with a `Progress`, at most ten times a second.

    The first Ctrl-C lets what is under way finish, the second cancels it; both end with the report. So does
    an error that every further item would meet: see `JobReport.stopped`.

    Raises JournalError for a journal of other items, of another operation or another account, or in use by
    another process. What the iterable raises is raised, once what is under way has ended.
    """
    if not callable(operation):
        raise TypeError(f"operation must be an async callable, not {type(operation).__name__}")
    endpoint = endpoint_of(operation)
    work = Work(
        operation=operation,
        repeatable=is_repeatable(endpoint) if repeatable is None else repeatable,
        endpoint=endpoint,
        client=client_of(operation),
    )
    return await carry_out(
        work,
        items_of(items, key),
        journal=journal,
        options=dict(operation.keywords) if isinstance(operation, partial) else {},
        concurrency=concurrency,
        progress=progress,
        total=len(items) if isinstance(items, Sized) else None,
    )


async def carry_out(
    work: Work,
    items: AsyncGenerator[Item, None],
    *,
    journal: str | os.PathLike[str] | None,
    options: Mapping[str, object],
    concurrency: int,
    progress: OnProgress | None,
    total: int | None = None,
    prepare: Callable[[Journal], Awaitable[None]] | None = None,
) -> JobReport:
    """Runs a job with its journal. `prepare` looks at the open journal before anything is sent."""
    check_concurrency(concurrency)
    meter = Meter(progress, asyncio.get_running_loop().time, total)
    async with aclosing(items), opened(journal, work.fingerprint(options)) as book:
        if book is not None and prepare is not None:
            await prepare(book)
        report = JobReport(journal=book.path if book is not None else None)
        try:
            return await Engine(work, items, book, concurrency, meter, report).run()
        finally:
            tell(meter, report, finished=True)


def check_concurrency(concurrency: object) -> None:
    """Raises ValueError for what is no number of items under way."""
    if type(concurrency) is not int or concurrency < 1:
        raise ValueError("concurrency must be a whole number of 1 or more")


@asynccontextmanager
async def opened(
    journal: str | os.PathLike[str] | None, fingerprint: Fingerprint
) -> AsyncGenerator[Journal | None, None]:
    """The journal at a path, closed at the end, however that comes; None for no path."""
    if journal is None:
        yield None
        return
    book = await Journal.open(journal, fingerprint)
    try:
        yield book
    except BaseException:
        with suppress(JournalError):  # what happened first is what to tell
            await book.close()
        raise
    await book.close()


def tell(meter: Meter, report: JobReport, *, finished: bool = False) -> None:
    """Tells how far a job is, if it is time to."""
    meter.tell(
        done=report.done,
        failed=report.failed,
        unknown=report.unknown,
        skipped=report.skipped,
        earlier=report.earlier,
        finished=finished,
    )


@attrs.define(eq=False)
class _Taken:
    """An item that was read: its place, its entry in the journal, and its place in the line of its key."""

    item: Item
    position: int
    entry: Entry | None
    known: Known | None
    before: "asyncio.Future[None] | None"
    after: "asyncio.Future[None] | None"
    tries: int = 0
    doubt: ConvosoError | None = None
    """Why it may have been applied already."""


class Engine:
    """One run of one job, or of one of its steps: each goes on with the `report` of the one before, and with
    its places in the journal, which may have more than the items of all steps but the `last`.
    """

    def __init__(
        self,
        work: Work,
        items: AsyncGenerator[Item, None],
        book: Journal | None,
        concurrency: int,
        meter: Meter,
        report: JobReport,
        *,
        last: bool = True,
    ) -> None:
        self._work = work
        self._items = items
        self._book = book
        self._concurrency = concurrency
        self._meter = meter
        self._clock = asyncio.get_running_loop().time
        self._rate = AdaptiveRate(FIRST_RATE)
        self._shares_rate = work.client is not None and work.client._settings.shares_rate
        self._report = report
        self._last = last
        self._reading = asyncio.Lock()
        self._ended = False
        self._workers: list[asyncio.Task[None]] = []
        self._under_way: set[asyncio.Task[None] | None] = set()
        self._lanes: dict[Hashable, asyncio.Future[None]] = {}
        self._rest_until = 0.0
        self._throttles = 0
        self._trouble = 0

    async def run(self) -> JobReport:
        """The report, once every item has ended or the job was stopped."""
        self._workers = [asyncio.create_task(self._take_items()) for _ in range(self._concurrency)]
        with INTERRUPTS.go_to(self.interrupt):
            try:
                await self._all_workers()
            finally:
                for worker in self._workers:
                    worker.cancel()
                await asyncio.gather(*self._workers, return_exceptions=True)
        if not self._ended and self._report.stopped is None:
            self._report.stopped = "the operation cancelled its own task"
        return self._report

    async def _all_workers(self) -> None:
        _, others = await asyncio.wait(self._workers, return_when=asyncio.FIRST_EXCEPTION)
        if others:
            self._stop("an error in the input or the journal")
            await asyncio.wait(others)
        for worker in self._workers:
            if not worker.cancelled() and (error := worker.exception()) is not None:
                raise error

    # -- stopping -----------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Lets what is under way finish; the second time, cancels it."""
        if self._report.stopped is None:
            self._stop(INTERRUPTED)
        else:
            for worker in self._workers:
                worker.cancel()

    def _stop(self, reason: str) -> None:
        """Sends nothing more. Whoever is not in the middle of a call has nothing to finish."""
        self._report.stopped = self._report.stopped or reason
        for worker in self._workers:
            if worker not in self._under_way and worker is not asyncio.current_task():
                worker.cancel()

    # -- items in -----------------------------------------------------------------------------------

    async def _take_items(self) -> None:
        while (taken := await self._next()) is not None:
            try:
                if taken.before is not None:
                    await asyncio.shield(taken.before)  # cancelled, it would take the future with it
                if not self._is_settled(taken):
                    await self._send(taken)
            finally:
                self._leave_lane(taken)

    async def _next(self) -> _Taken | None:
        """The next item, None when there is none or the job was stopped. One worker reads at a time."""
        async with self._reading:
            if self._ended or self._report.stopped is not None:
                return None
            position = self._report.total
            try:
                item = await anext(self._items)
            except StopAsyncIteration:
                self._ended = True
                if self._book is not None and self._last:
                    self._book.check_end(position)
                return None
            self._report.total += 1
            entry, known = None, None
            if self._book is not None:
                entry = entry_of(position, item.line, item.row)
                known = await self._book.known(position)
                if known is not None:
                    self._book.check(entry, known)
            return _Taken(item, position, entry, known, *self._enter_lane(item.key))

    def _enter_lane(
        self, key: Hashable
    ) -> tuple["asyncio.Future[None] | None", "asyncio.Future[None] | None"]:
        """What to wait for, and what the next item with this key will wait for."""
        if key is None:
            return None, None
        before = self._lanes.get(key)
        after = self._lanes[key] = asyncio.get_running_loop().create_future()
        return before, after

    def _leave_lane(self, taken: _Taken) -> None:
        if taken.after is None:
            return
        taken.after.set_result(None)
        if self._lanes.get(taken.item.key) is taken.after:  # a stop lets the last leave before the first
            del self._lanes[taken.item.key]

    def _is_settled(self, taken: _Taken) -> bool:
        """Whether nothing is to be sent: it ended in an earlier run, may have been applied, or is bad."""
        known = taken.known
        state = known.state if known is not None else "new"
        if known is not None and state in ("done", "skipped", "failed"):
            error = known.error() if state == "failed" else None
            self._count(taken, state, error, earlier=True)  # type: ignore[arg-type]  # one of the three
            return True
        if known is not None and state in ("sent", "unknown") and not self._work.repeatable:
            if state == "sent":
                self._end(taken, "unknown", lost())
            else:
                self._count(taken, "unknown", known.error(), earlier=True)
            return True
        if taken.item.refusal is not None:
            self._end(taken, "failed", taken.item.refusal)
            return True
        if taken.item.needless:
            self._end(taken, "done" if state in ("sent", "unknown") else "skipped", None)
            return True
        return False

    # -- one item -----------------------------------------------------------------------------------

    async def _send(self, taken: _Taken) -> None:
        """Sends an item until it has ended, or the job was stopped."""
        if taken.known is not None and taken.known.state in ("sent", "unknown"):
            taken.doubt = taken.known.error()
        try:
            while self._report.stopped is None:
                if await self._has_ended(taken):
                    return
        except asyncio.CancelledError:
            if taken.doubt is not None:  # the journal has it as sent, which is the truth
                self._count(taken, "unknown", taken.doubt)
            raise
        if taken.doubt is not None:
            self._end(taken, "unknown", taken.doubt)

    async def _has_ended(self, taken: _Taken) -> bool:
        """Sends an item once, at its turn. Whether that was its end."""
        taken.tries += 1
        held_back = await self._turn()
        await self._note(taken)
        task, started = asyncio.current_task(), self._clock()
        before, taken.doubt = taken.doubt, lost()
        self._under_way.add(task)
        result, error = None, None
        try:
            result = await self._call(taken.item)
        except Exception as caught:
            error = caught
            if isinstance(error, ConvosoError):
                error.__traceback__ = None  # a report may hold many, each with the body in its frames
        finally:
            self._under_way.discard(task)
        taken.doubt = before
        if before is not None and self._says_already(error):
            error = None
        if not self._goes_back(error, started, taken.tries):
            if held_back:
                self._rate.succeeded()
            self._end(taken, self._state(error), error, result)
            return True
        if isinstance(error, ConvosoError) and error.outcome == "unknown":
            taken.doubt = error
        self._put_back(taken)
        return False

    async def _call(self, item: Item) -> object:
        params = item.row if item.params is None else item.params
        if isinstance(params, Mapping):
            return await self._work.operation(**params)
        if self._work.endpoint is not None:
            kind = type(params).__name__
            raise TypeError(f"an item of {self._work.endpoint.id} is a mapping of its parameters, not {kind}")
        return await self._work.operation(params)

    async def _note(self, taken: _Taken) -> None:
        """Puts `sent` on disk. If this is broken off, nothing will be sent, and the journal must know."""
        if self._book is None or taken.entry is None:
            return
        try:
            await self._book.sent(taken.entry)
        except asyncio.CancelledError:
            self._put_back(taken)
            raise

    def _put_back(self, taken: _Taken) -> None:
        """Notes that an item is not applied. One that may be stays `sent` in the journal."""
        if self._book is not None and taken.entry is not None and taken.doubt is None:
            self._book.put_back(taken.entry)

    def _says_already(self, error: Exception | None) -> bool:
        """Whether a refusal says that an earlier attempt, of this run or another, did it."""
        endpoint = self._work.endpoint
        return endpoint is not None and isinstance(error, ConvosoError) and says_already(endpoint, error)

    def _goes_back(self, error: Exception | None, started: float, tries: int) -> bool:
        """Whether an item is to be sent again after this error. The rate learns from it either way."""
        self._heed_client()
        if not isinstance(error, ConvosoError):
            self._trouble = self._throttles = 0
            return False
        certain = error.outcome in ("not_sent", "rejected")
        if isinstance(error, RateLimitError):
            self._throttles += 1
            self._rate.throttled(started)
            self._rest(backoff(error, self._throttles, random()))  # noqa: S311  # jitter
            return certain or self._work.repeatable
        if isinstance(error, AuthenticationError | PermissionDeniedError | ConfigurationError) or (
            self._work.stops(error)
        ):
            self._stop(str(error))
            return certain
        self._throttles = 0
        if not is_transient(error) and not isinstance(error, OutcomeUnknownError):
            self._trouble = 0
            return False
        self._trouble += 1
        self._rest(backoff(error, self._trouble, random()))  # noqa: S311  # jitter
        if self._trouble >= PATIENCE:
            self._stop(f"the service is out of order: {error}")
        if error.outcome == "applied":
            return False
        return error.outcome == "not_sent" or (self._work.repeatable and tries < TRIES)

    def _state(self, error: Exception | None) -> State:
        """How an item ended that will not be sent again in this run."""
        if error is None:
            return "done"
        if isinstance(error, ConvosoError):
            if error.outcome == "applied":
                return "done"
            if isinstance(error, self._work.skips):
                return "skipped"
            return "unknown" if error.outcome == "unknown" else "failed"
        # A call of ours raises these before it sends anything. What else an operation did, nobody knows.
        refused = self._work.endpoint is not None and isinstance(error, TypeError | ValueError)
        return "failed" if refused or self._work.repeatable else "unknown"

    def _end(self, taken: _Taken, state: State, error: Exception | None, result: object = None) -> None:
        if self._book is not None and taken.entry is not None:
            unlike = state in ("failed", "unknown") and error is not None
            outcome = json.dumps(error_record(error)) if unlike and error is not None else result_json(result)
            self._book.ended(taken.entry, state, outcome)
        self._count(taken, state, error)

    def _count(self, taken: _Taken, state: State, error: Exception | None, *, earlier: bool = False) -> None:
        item = None
        if state in ("failed", "unknown") and error is not None:
            item = JobItem(
                position=taken.position, line=taken.item.line, row=taken.item.row, state=state, error=error
            )
        self._report.count(state, item, earlier=earlier)
        if self._work.ended is not None:
            self._work.ended(taken.item, state)
        tell(self._meter, self._report)

    # -- the rate -----------------------------------------------------------------------------------

    async def _turn(self) -> bool:
        """Waits until an item may be sent. Whether the rate made it wait, so that a good reply proves it."""
        asked = self._clock()
        while True:
            self._heed_client()
            if (rest := self._rest_until - self._clock()) > 0:
                await asyncio.sleep(rest)
                continue
            if not self._shares_rate:  # else the client takes the turn, and its line learns what comes of it
                await self._rate.turn()
            self._heed_client()
            if self._rest_until <= self._clock():
                return self._clock() - asked > 0.001

    def _rest(self, seconds: float) -> None:
        self._rest_until = max(self._rest_until, self._clock() + seconds)

    def _heed_client(self) -> None:
        """Rests when the client rests, which it does after each 429, also one that it got over by itself."""
        client = self._work.client
        transport = client._transport if client is not None else None
        if transport is None:
            return
        until, now = transport.rest_until, self._clock()
        if until > max(self._rest_until, now):
            if now >= self._rest_until:
                self._rate.throttled(now)  # while it rests, a 429 is news of the same wave
            self._rest_until = until
