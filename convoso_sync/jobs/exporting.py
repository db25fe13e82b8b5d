# Made from convoso_async/jobs/exporting.py by convoso_sync._generate: change those.
"""Exports: all rows of a pager in a file, complete, or with a word that it is not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from convoso_async.jobs.exporting import ExportReport, export as async_export
from convoso_async.jobs.formats import FormatName
from convoso_async.jobs.progress import OnProgress
from convoso_async.rows import Row

from .._handed_in import run_job, target_for, told, unwrapped
from ..paging import Pager

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import IO, Any

R = TypeVar("R", bound=Row)


def export(
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

        jobs.export(client.call_logs.retrieve_all(start_time=a, end_time=b), "calls.parquet")

    `to` is a path that ends in `.jsonl`, `.csv` or `.parquet` (or any, with `format`); a file object, which
    stays open, binary, or for the first two text with `newline=""`; or a function, run in a thread, that gets
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
    with told(progress) as telling:
        return run_job(
            async_export(
                unwrapped("pager", pager),
                target_for(to),
                format=format,
                columns=columns,
                concurrency=concurrency,
                resume=resume,
                progress=telling,
            )
        )
