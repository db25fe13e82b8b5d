"""What the verbs have in common that work through a file, row by row: options, problems, exit codes."""

import re
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
    from ..jobs.report import State

SHOWN = 10
"""Rows without success that are shown. A file has them all."""
MAPPING = "Name a column with --map COLUMN=NAME, or leave it out with --map COLUMN="
HEADLESS = "Where the first line is a number already, put a line above it that reads phone_number."
NUMBER = re.compile(r"[-+ ().\d]{7,}")
"""A phone number, where the name of a column should be."""
GOING_ON = "Once it can be, the same command goes on where it stopped."
ITS_OWN = "--journal takes a file that is not there yet, or that of this very job."
NO_TEXT = (".xlsx", ".xls", ".ods", ".numbers", ".parquet", ".zip", ".gz")
"""Endings of files that hold rows, but not as lines of text."""
PHRASES = {
    "; name it in columns=, or leave it out with None": "",
    " name it in columns=, or leave it out with None": "",
    "name it in columns=": "name it with --map COLUMN=phone_number",
    "or columns= do": "or --map COLUMN=phone_number does",
    "with None": "with --map COLUMN=",
    "encoding=,": "--encoding,",
    "partitions[0]": "--partition",
    " or None, not": " or nothing, not",
}
"""Words of jobs, and those of the command in their place."""
SETTINGS = "allow_empty|campaign_id|check_dup|columns|dry_run|encoding|list_id|max_delete_fraction|phone_code"
"""Parameters of jobs that are options of the command."""


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

    def options(self, file: Path) -> dict[str, Any]:
        """What the jobs take, but for the progress. Raises BadUse for a `--map` that cannot be, for rows that
        would be written over those of `file` or over the journal, and for files in a folder that is not
        there: rows that failed could not be written, once others have been sent.
        """
        if self.failed_to is not None and self.failed_to.exists() and not self.failed_to.is_file():
            raise BadUse(f"{self.failed_to} is no regular file: --failed-to takes the name of one")
        kept = [path.resolve() for path in (file, self.journal) if path is not None]
        if self.failed_to is not None and self.failed_to.resolve() in kept:
            raise BadUse(f"--failed-to would write over {self.failed_to}: name another file")
        for path in (self.journal, self.failed_to):
            if path is not None and not path.parent.is_dir():
                raise BadUse(f"There is no folder {path.parent}")
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
            if NUMBER.fullmatch(column):  # as a name, the first number of the file would be passed over
                raise BadUse(f"--map takes the name of a column, not {column}. {HEADLESS}")
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
    from ..jobs import BadFileError, JournalError, MirrorError

    try:
        with checked():
            yield
    except BadUse as error:
        raise BadUse(in_options(str(error))) from error
    except (BadFileError, MirrorError) as error:
        if "leave it out with None" in error.message:
            error.add_note(MAPPING)
        elif "no column is phone_number" in error.message:
            error.add_note(HEADLESS)
        error.args = (in_options(error.message),)
        raise
    except JournalError as error:
        error.add_note(ITS_OWN if error.outcome == "not_sent" else GOING_ON)
        raise


def in_options(text: str) -> str:
    """What a job says, with the options of the command in place of its parameters."""
    for phrase, told in PHRASES.items():
        text = text.replace(phrase, told)
    text = re.sub(rf"\b({SETTINGS})=(True\b)?", lambda found: option(found[1]) + " " * (not found[2]), text)
    return re.sub(rf"^(?:leads\.insert: )?({SETTINGS})\b", lambda found: option(found[1]), text)


def option(name: str) -> str:
    """The option that stands for a parameter of a job."""
    return "--map" if name == "columns" else f"--{name.replace('_', '-')}"


def check_text(file: Path) -> None:
    """Raises BadUse for a file whose ending says that it is not text."""
    if file.suffix.lower() in NO_TEXT:
        raise BadUse(f"{file} is neither CSV nor JSON lines: save it as CSV, and give that")


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


def kept_in(to: Path, report: "JobReport", *states: "State") -> bool:
    """Writes the rows in these states to a file. Whether it could: the job has come to its end anyway."""
    from ..jobs import write_dead_letters

    try:
        write_dead_letters(report, to, states=states)
    except OSError as error:
        complain(f"{to}: {error.strerror or error}: the rows that did not succeed are in no file")
        return False
    return True


def free_name(beside: Path, word: str) -> Path:
    """A name for a file beside another, such as `leads.failed.jsonl`, that no file has yet."""
    names = (f"{beside.stem}.{word}{'' if number == 1 else f'-{number}'}.jsonl" for number in count(1))
    return next(path for name in names if not (path := beside.with_name(name)).exists())
