"""What a job did: counts, and every item that did not succeed, with its row and its error."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import attrs

from .. import errors
from ..errors import ConvosoError

State = Literal["done", "failed", "unknown", "skipped"]
"""How an item ended. `unknown`: nobody knows whether it was applied; look before you send it again."""
INTERRUPTED = "interrupted"
KEPT = 10_000
"""Items without success that a report holds in memory, where a journal has the others."""


@attrs.frozen
class Problem:
    """What is wrong with one value of a row. `column` is None where the row as a whole is wrong."""

    column: str | None
    text: str

    def __str__(self) -> str:
        if self.column is None or self.text.startswith(f"{self.column} "):
            return self.text
        return f"{self.column}: {self.text}"


class BadRowError(ConvosoError):
    """A row was not sent, because of what is in it.

    Attributes:
        line: its line in the file, None where it came from no file.
        problems: all that is wrong with it.
    """

    def __init__(self, problems: tuple[Problem, ...], line: int | None = None) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
        self.line = line

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


@attrs.frozen(kw_only=True)
class JobItem:
    """One item that did not succeed.

    Attributes:
        position: its place in the input, from 0.
        line: its line in the file, None where it came from no file.
        row: the item as it was given; from a journal, as JSON keeps it.
        state: `failed` or `unknown`.
        error: why. Its `outcome` says what became of the request.
    """

    position: int
    line: int | None
    row: object
    state: State
    error: Exception


@attrs.define(kw_only=True)
class JobReport:
    """What a job did. Iterating gives the items that did not succeed, in the order of the input.

    Attributes:
        total: items that were read from the input. All of them, unless the job was stopped.
        done: items that succeeded.
        failed: items that the service refused, or that never left. Nothing changed for them.
        unknown: items that may or may not have been applied, each listed. Look before you send them again.
        skipped: items that there was nothing to do for.
        earlier: how many of all these ended in earlier runs of the same journal.
        stopped: why the job ended before its input did, None where it did not: `interrupted`, or the error
            that every further item would have met. With a journal, the same call goes on from there.
        journal: the journal's path, None without one.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    earlier: int = 0
    stopped: str | None = None
    journal: Path | None = None
    _kept: list[JobItem] = attrs.field(factory=list, repr=False)

    @property
    def left(self) -> int:
        """Items that were read and never sent, because the job was stopped."""
        return self.total - self.done - self.failed - self.unknown - self.skipped

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C stopped the job."""
        return self.stopped == INTERRUPTED

    @property
    def ok(self) -> bool:
        """Whether the whole input was read, and every item of it was done or needed nothing."""
        return self.stopped is None and self.done + self.skipped == self.total

    def __iter__(self) -> Iterator[JobItem]:
        """The items that did not succeed, in the order of the input."""
        if len(self._kept) == self.failed + self.unknown:
            return iter(sorted(self._kept, key=lambda item: item.position))
        from .journal import unsuccessful

        assert self.journal is not None
        return unsuccessful(self.journal)

    def count(self, state: State, item: JobItem | None = None, *, earlier: bool = False) -> None:
        """One more item ended. `item` is kept, where there is room or no journal to keep it."""
        setattr(self, state, getattr(self, state) + 1)
        self.earlier += earlier
        if item is not None and (self.journal is None or len(self._kept) < KEPT):
            self._kept.append(item)

    def settle(self, corrections: Iterable[tuple[State, JobItem | int, State]]) -> None:
        """Items that counted as ended in one way ended in another, as a look at the account showed: how they
        counted, their place or, where they did not succeed, the item, and how they ended.
        """
        told = list(corrections)
        places = {item if isinstance(item, int) else item.position for _, item, _ in told}
        self._kept = [kept for kept in self._kept if kept.position not in places]
        for before, item, after in told:
            setattr(self, before, getattr(self, before) - 1)
            self.count(after, None if isinstance(item, int) else item)


FACTS = ("endpoint", "attempts", "outcome", "status", "code", "text", "description")


def error_record(error: BaseException) -> dict[str, object]:
    """An error as JSON can keep it. Without the body of the reply, which may hold other people's data."""
    if isinstance(error, BadRowError):
        problems = [{"column": problem.column, "text": problem.text} for problem in error.problems]
        return {"class": "BadRowError", "message": error.message, "line": error.line, "problems": problems}
    if not isinstance(error, ConvosoError):
        return {"class": type(error).__name__, "message": str(error)}
    facts = {name: getattr(error, name) for name in FACTS}
    told = {name: value for name, value in facts.items() if value is not None}
    return {"class": type(error).__name__, "message": error.message, **told}


def error_from(record: Mapping[str, object]) -> ConvosoError:
    """The error that a record was made of. One that is none of ours becomes a ConvosoError with its words."""
    name, message = str(record.get("class")), str(record.get("message", ""))
    problems = record.get("problems")
    if isinstance(problems, list):
        line = record.get("line")
        return BadRowError(
            tuple(Problem(problem["column"], problem["text"]) for problem in problems),
            line if isinstance(line, int) else None,
        )
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, ConvosoError)):
        return ConvosoError(f"{name}: {message}", outcome="unknown")
    error = kind(message)
    for fact in FACTS:
        if fact in record:
            setattr(error, fact, record[fact])
    return error
