"""What the verbs have in common that work through a file, row by row: options, problems, exit codes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from .exit import BadUse, Exit, checked
from .options import FILE_OPTIONS, LEFT_OUT, REPEATED, SWITCH
from .screen import complain

if TYPE_CHECKING:
    from ..jobs import JobItem, JobReport

SHOWN = 10
"""Rows without success that are shown. A file has them all."""
OPTIONS = "In this command: --map COLUMN=NAME, --map COLUMN= to leave one out, --encoding cp1252."
GOING_ON = "Once it can be, the same command goes on where it stopped."


@Parameter(name="*", group=FILE_OPTIONS)
@dataclass(frozen=True, kw_only=True)
class FileJob:
    """How a file is read, and what is kept of the work."""

    map: Annotated[Sequence[str], REPEATED] = ()
    """What a column is: COLUMN=NAME, or COLUMN= to leave it out. Repeatable."""

    encoding: str = "utf-8"
    """The file's encoding, such as cp1252."""

    dry_run: Annotated[bool, SWITCH] = False
    """Only check and compare: nothing is written to the account."""

    journal: Annotated[Path | None, LEFT_OUT] = None
    """A file that remembers what was sent, through any crash. It holds people's data."""

    failed_to: Annotated[Path | None, LEFT_OUT] = None
    """Where rows that failed are written, as JSON lines."""

    concurrency: PositiveInt = 8
    """Rows under way at once."""

    def options(self) -> dict[str, Any]:
        """What the jobs take, but for the progress. Raises BadUse for a `--map` that cannot be."""
        return {
            "columns": self.columns(),
            "encoding": "utf-8-sig" if self.encoding.lower() in ("utf-8", "utf8") else self.encoding,
            "dry_run": self.dry_run,
            "journal": self.journal,
            "concurrency": self.concurrency,
        }

    def columns(self) -> dict[str, str | None]:
        """What each column is that `--map` names."""
        columns: dict[str, str | None] = {}
        for word in self.map:
            column, equals, name = word.rpartition("=")
            if not equals or not column:
                raise BadUse(f"--map takes COLUMN=NAME, such as phone=phone_number, not {word}")
            if column in columns:
                raise BadUse(f"--map names the column {column} twice")
            columns[column] = name or None
        return columns

    def complain_of(self, report: "JobReport") -> None:
        """Says which rows did not succeed, the first of them, and why the job stopped, if it did."""
        bad = report.failed + report.unknown
        for item in islice(report, SHOWN):
            complain(line_of(item))
        if bad > SHOWN:
            complain(f"and {bad - SHOWN:,} more")
        if report.interrupted:
            complain("Interrupted.", self.going_on(report))
        elif report.stopped is not None:
            complain(f"Stopped: {report.stopped}", self.going_on(report))

    def going_on(self, report: "JobReport") -> str:
        """What to do after a job was stopped."""
        if not report.done + report.unknown:
            return "Nothing was written: the same command begins anew."
        if self.journal is not None:
            return "The same command goes on from there."
        return "With --journal, the same command could go on; without, look what has arrived."


FILE_JOB = FileJob()
"""As nothing was said of it."""


@contextmanager
def hinted() -> Iterator[None]:
    """Where a job runs: its errors say what to do in the words of the command."""
    from ..jobs import BadFileError, JournalError

    try:
        with checked():
            yield
    except BadFileError as error:
        error.add_note(OPTIONS)
        raise
    except JournalError as error:
        if error.outcome != "not_sent":
            error.add_note(GOING_ON)
        raise


def exit_of(report: "JobReport") -> Exit:
    """The exit code of a job."""
    if report.ok:
        return Exit.DONE
    if report.interrupted:
        return Exit.INTERRUPTED
    return Exit.NOT_COMPLETE if report.stopped is not None else Exit.SOME_FAILED


def counts_of(report: "JobReport") -> dict[str, object]:
    """The counts of a job, for programs."""
    return {
        "ok": report.ok,
        "total": report.total,
        "done": report.done,
        "failed": report.failed,
        "unknown": report.unknown,
        "skipped": report.skipped,
        "earlier": report.earlier,
        "stopped": report.stopped,
    }


def line_of(item: "JobItem") -> str:
    """A row that did not succeed, in one line."""
    text = " ".join(str(item.error).split())
    where = f"row {item.position + 1}: " if item.line is None else f"line {item.line}: "
    doubt = "it may have arrived: " if item.state == "unknown" else ""
    return f"{'' if text.startswith(where) else where}{doubt}{text}"


def free_name(beside: Path, word: str) -> Path:
    """A name for a file beside another, such as `leads.failed.jsonl`, that no file has yet."""
    names = (f"{beside.stem}.{word}{'' if number == 1 else f'-{number}'}.jsonl" for number in count(1))
    return next(path for name in names if not (path := beside.with_name(name)).exists())
