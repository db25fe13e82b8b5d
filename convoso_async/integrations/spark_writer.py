"""Writes from Spark: one call for each row, of the calls that may be repeated, as Spark repeats tasks."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql.datasource import DataSourceArrowWriter, WriterCommitMessage

from ..endpoint import Endpoint
from ..errors import ConfigurationError, ConvosoError
from ..form import Form
from ..jobs.engine import carry_out
from ..jobs.report import JobReport
from ..jobs.work import Work, items_of
from ..resource import form_of
from ..retry import says_already
from ..texts import value_of
from .spark_options import WriteOptions, near

AT_ONCE = 8
"""Calls under way of one task."""
FIELDS = "fields"
"""The column of custom fields, a map of texts."""


class Written(WriterCommitMessage):
    """What one task wrote.

    Attributes:
        rows: rows that were sent, each once or more.
        refused: how many the service, or the check before it, refused, by reason. No values are in these.
    """

    def __init__(self, rows: int, refused: Mapping[str, int]) -> None:
        self.rows = rows
        self.refused = refused


class Writer(DataSourceArrowWriter):
    """Makes one call for each row. Picklable: it is sent to the executors."""

    def __init__(self, options: WriteOptions, names: Sequence[str]) -> None:
        self._options = options
        check_columns(form_of(options.endpoint), names)

    def write(self, iterator: Iterator[Any]) -> Written:
        """Sends the rows of one task, in no order.

        Raises what would pass if the task is tried again. A row that is refused is not: `commit` tells of it.
        """
        return asyncio.run(self._write(iterator))

    async def _write(self, batches: Iterator[Any]) -> Written:
        options, endpoint = self._options, self._options.endpoint
        (account,) = options.accounts
        resource, _, method = endpoint.id.partition(".")
        async with options.client(account, options.tasks_at_once or 1) as client:
            call = getattr(getattr(client, resource), method)

            async def write(**row: object) -> None:
                try:
                    await call(**typed(form_of(endpoint), row))
                except ConvosoError as error:
                    # A task that was tried before may have written it.
                    if not says_already(endpoint, error):
                        raise

            work = Work(operation=write, repeatable=True, endpoint=endpoint, client=client)
            report = await carry_out(
                work,
                items_of(rows_of(batches), None),
                journal=None,
                options={},
                concurrency=AT_ONCE,
                progress=None,
            )
        return written(endpoint, report)

    def commit(self, messages: Sequence[WriterCommitMessage | None]) -> None:
        """Ends the write. Raises ConvosoError where rows were refused: all others are written."""
        done = [message for message in messages if isinstance(message, Written)]
        refused = sum((Counter(message.refused) for message in done), Counter[str]())
        if refused:
            rows = sum(message.rows for message in done)
            raise ConvosoError(
                f"{refused.total():,} of {rows:,} rows were refused, the others are written: {told(refused)}",
                endpoint=self._options.call,
                outcome="rejected",
            )


def check_columns(form: Form, names: Sequence[str]) -> None:
    """Raises ConfigurationError for a column that the call does not take, or lacks."""
    known = [*form.parameters, *([FIELDS] if form.endpoint.custom_fields else [])]
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"column {name!r}: {form.endpoint.id} has no such parameter; {near(name, known)}"
            )
    for name in form.required:
        if name not in names:
            raise ConfigurationError(f"column {name!r} is missing: {form.endpoint.id} needs it")


async def rows_of(batches: Iterator[Any]) -> AsyncGenerator[dict[str, object], None]:
    """The rows of Arrow batches. Waits for Spark in a thread: calls are under way meanwhile."""
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        for row in batch.to_pylist():
            yield row


def typed(form: Form, row: Mapping[str, object]) -> dict[str, object]:
    """A row as the call takes it. Texts may stand for numbers, flags and times, as in a CSV file."""
    given = {}
    for name, value in row.items():
        if name == FIELDS and isinstance(value, list):
            value = dict(value)  # as Arrow gives a map
        elif isinstance(value, str):
            try:
                value = value_of(form.parameters[name].rule, value)
            except (ValueError, ArithmeticError):
                raise ValueError(
                    f"{form.endpoint.id}: {name} has texts that stand for no such value"
                ) from None
        given[name] = value
    return given


def written(endpoint: Endpoint[Any], report: JobReport) -> Written:
    """What a report says to `commit`. Raises ConvosoError for what may pass in another try."""
    refused: Counter[str] = Counter()
    passing = report.stopped
    for item in report:
        if isinstance(item.error, ConvosoError) and item.error.outcome != "rejected":
            passing = passing or reason(item.error)
        else:
            refused[reason(item.error)] += 1
    if passing is not None:
        raise ConvosoError(
            f"{report.done:,} of {report.total:,} rows of this task are written, then: {passing}",
            endpoint=endpoint.id,
            outcome="unknown",
        )
    return Written(report.total, refused)


def reason(error: Exception) -> str:
    """Why a row was refused, without anything of the row."""
    if not isinstance(error, ConvosoError):
        return str(error)
    words = (type(error).__name__, None if error.code is None else str(error.code), error.description)
    return " ".join(word for word in words if word)


def told(refused: Mapping[str, int]) -> str:
    """The most frequent reasons, and how often each."""
    return "; ".join(f"{count:,} x {why}" for why, count in Counter(refused).most_common(5))
