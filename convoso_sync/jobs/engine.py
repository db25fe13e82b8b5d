# Made from convoso_async/jobs/engine.py by convoso_sync._generate: change those.
"""The engine of all jobs: any operation over any number of items, each sent once, each accounted for.

It reads items as it needs them, keeps so many under way, and finds the rate that the service allows. What is
throttled goes back and waits; what fails for good is kept with its error; what nobody can know is `unknown`.
"""

import os
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from convoso_async.jobs.engine import run as async_run
from convoso_async.jobs.progress import OnProgress
from convoso_async.jobs.report import JobReport

from .._handed_in import awaitable, items_for, key_for, run_job, told

T = TypeVar("T")


def run(
    operation: Callable[..., object],
    items: Iterable[T],
    *,
    key: Callable[[T], Hashable] | None = None,
    repeatable: bool | None = None,
    journal: str | os.PathLike[str] | None = None,
    concurrency: int = 8,
    progress: OnProgress | None = None,
) -> JobReport:
    """Calls `operation` once for each item, and reports what became of every one.

        report = jobs.run(client.leads.update, changes, journal="changes.journal")

    A mapping is given as keywords, anything else as the one argument. `operation` makes one call for each
    item, and the outcome of its error counts for the item. Items are read as they are needed, in a worker
    thread, as all code of yours is run; memory is bounded, but for the items that fail without a journal. At
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
    with told(progress) as telling:
        return run_job(
            async_run(
                awaitable(operation),
                items_for(items),
                key=key_for(key),
                repeatable=repeatable,
                journal=journal,
                concurrency=concurrency,
                progress=telling,
            )
        )
