"""The journal of a job: which items were sent, and how they ended, on disk before it matters.

An item goes `new -> sent -> done | failed | unknown | skipped`. `sent` is on disk before the first byte of
the request leaves, so that after a crash no item was sent that the journal does not know of. SQLite keeps it,
in a thread of its own that commits whatever has come together: eight workers share one wait for the disk.
"""

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import attrs

from ..auth_token import Token
from ..errors import ConvosoError
from ..parameters import whole_number
from .report import JobItem, State, error_from

T = TypeVar("T")
Step = Callable[[sqlite3.Connection], object]

MARK = 0x436A6F62
"""What tells a journal from any other SQLite file."""
VERSION = 1
SCHEMA = (
    "CREATE TABLE job (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE item (position INTEGER PRIMARY KEY, digest BLOB NOT NULL, state TEXT NOT NULL,"
    " line INTEGER, row TEXT NOT NULL, outcome TEXT)",
    f"PRAGMA application_id={MARK}",
    f"PRAGMA user_version={VERSION}",
)
WRITE = (
    "INSERT INTO item (position, digest, state, line, row, outcome) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (position) DO UPDATE SET state=excluded.state, outcome=excluded.outcome"
)
HOLES = ("NaTType", "NAType")
"""Classes that pandas has in place of a time, or of a value, that is not there. They cannot be compared."""
BATCH = 1_000
"""Steps in one commit, and items in one look at the disk."""


class JournalError(ConvosoError):
    """The journal cannot be used: it belongs to another job, is in use, or cannot be written."""


@attrs.frozen(kw_only=True)
class Fingerprint:
    """What a journal was made for. Another value of any part is another job.

    Attributes:
        operation: the call, such as `leads.insert`.
        base_url: where it is sent, None where the operation is none of a client's.
        token: the account's token. Only a keyed hash of it is kept.
        options: what holds for all items, by name.
    """

    operation: str
    base_url: str | None = None
    token: Token | None = None
    options: Mapping[str, object] = attrs.field(factory=dict)

    def parts(self, salt: bytes) -> dict[str, str]:
        """The parts by name, as the journal keeps them: secrets only as keyed hashes."""
        told = {"operation": self.operation, "base_url": self.base_url or ""}
        told["token"] = "" if self.token is None else _hash(self.token.encoded, salt)
        for name, value in self.options.items():
            text = json_of(value)
            told[f"option {name}"] = _hash(text, salt) if "token" in name else text
        return told


def _hash(text: str, salt: bytes) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), key=salt, digest_size=16).hexdigest()


@attrs.frozen
class Contents:
    """What an input held, as far as a journal can compare it: so many rows, and a digest over all."""

    rows: int
    digest: str

    def __str__(self) -> str:
        return f"{self.rows:,} rows"


@attrs.frozen
class Entry:
    """One item as the journal keeps it."""

    position: int
    line: int | None
    row: str
    digest: bytes


@attrs.frozen
class Known:
    """What the journal knew of an item when it was opened."""

    state: str
    digest: bytes
    outcome: str | None

    def error(self) -> ConvosoError:
        """The error that the item ended with."""
        return error_from(json.loads(self.outcome)) if self.outcome is not None else lost()


def lost() -> ConvosoError:
    """The error of an item that was under way when its job ended."""
    return ConvosoError("the job ended while it was under way", outcome="unknown")


def entry_of(position: int, line: int | None, row: object) -> Entry:
    """An item for the journal. Raises TypeError for a row that JSON cannot keep."""
    text = json_of(row)
    return Entry(position, line, text, digest_of(text))


def digest_of(text: str) -> bytes:
    """Tells one row from another."""
    return blake2b(text.encode("ascii"), digest_size=16).digest()


def json_of(value: object) -> str:
    """A value as JSON, the same text for equal mappings. Raises TypeError for what JSON cannot keep."""
    return json.dumps(value, sort_keys=True, default=_plain, separators=(",", ":"))


def _plain(value: object) -> object:
    if type(value).__name__ in HOLES:
        return None
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    kind: Any = type(value)
    if attrs.has(kind):
        facts = ((field.name, getattr(value, field.name)) for field in attrs.fields(kind))
        return {name: fact for name, fact in facts if fact is not None and name not in ("raw", "extra")}
    if (number := whole_number(value)) is not None:
        return number
    raise TypeError(f"a journal cannot keep a {type(value).__name__}: items must be what JSON can hold")


def result_json(value: object) -> str | None:
    """What an operation gave, as JSON; None for nothing, and for what JSON cannot hold."""
    try:
        return None if value is None else json_of(value)
    except (TypeError, ValueError):
        return None


class Journal:
    """An open journal: one job, one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = _Writer(path)
        self._ahead: dict[int, Known] = {}
        self._last = -1

    @classmethod
    async def open(cls, path: str | os.PathLike[str], fingerprint: Fingerprint) -> "Journal":
        """The journal at `path`, new or as its job left it.

        Raises JournalError when it belongs to another job, naming what differs, when another process has it,
        when it is no journal, or when it cannot be written.
        """
        json_of(fingerprint.options)  # raises here what it would raise there
        journal = cls(Path(path))
        journal._writer.start()
        try:
            journal._last = await journal._ask(lambda base: _begin(base, journal.path, fingerprint))
        except BaseException as error:
            with suppress(JournalError):  # what happened first is what to tell
                await journal.close()
            if isinstance(error, JournalError):
                error.outcome = "not_sent"
            raise
        return journal

    async def previous(self, contents: Contents) -> Contents | None:
        """What the whole input held when the job began, None when it begins now."""
        return await self._ask(lambda base: _contents(base, contents))

    async def known(self, position: int) -> Known | None:
        """What was known of an item at the opening. Cheap in ascending order."""
        if position > self._last:
            return None
        if position not in self._ahead:
            self._ahead = await self._ask(lambda base: _known(base, position))
        return self._ahead.pop(position, None)

    def check(self, entry: Entry, known: Known) -> None:
        """Raises JournalError when the item is not the one that stood in its place."""
        if entry.digest != known.digest:
            place = f"line {entry.line}" if entry.line is not None else f"item {entry.position}"
            raise JournalError(f"{self.path}: the input has changed since: {place} is not what it was")

    def check_end(self, rows: int) -> None:
        """Raises JournalError when the input ended before the items that the journal knows."""
        if rows <= self._last:
            raise JournalError(
                f"{self.path}: the input has changed since: it ends after {rows:,} items,"
                f" and the journal has {self._last + 1:,}"
            )

    def check_new(self, position: int) -> None:
        """Raises JournalError when the journal knows of items from that position on."""
        if position <= self._last:
            raise JournalError(f"{self.path}: another run went on with this journal meanwhile; start anew")

    async def sent(self, entry: Entry) -> None:
        """Notes that an item is about to be sent. It is on disk when this returns."""
        await self._ask(_write(entry, "sent", None))

    def put_back(self, entry: Entry) -> None:
        """Notes that an item is certain not to have been applied, and waits to be sent."""
        self._writer.put(_write(entry, "new", None))

    def ended(self, entry: Entry, state: State, outcome: str | None) -> None:
        """Notes how an item ended. It is on disk before the next `sent` is."""
        self._writer.put(_write(entry, state, outcome))

    async def close(self) -> None:
        """Writes what there is to write. Raises JournalError when that fails."""
        self._writer.put(None)
        try:
            await asyncio.shield(asyncio.to_thread(self._writer.join))
        except asyncio.CancelledError:
            self._writer.join()  # nothing may be left unwritten, and it is a matter of milliseconds
            raise
        if self._writer.broken is not None:
            raise self._writer.broken

    async def _ask(self, step: Callable[[sqlite3.Connection], T]) -> T:
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.put(step, answer)
        return await answer


class _Writer(threading.Thread):
    """Takes steps in their order and commits as many at once as have come together."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="convoso-journal", daemon=True)
        self.broken: JournalError | None = None
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[Step | None, asyncio.Future[Any] | None]] = SimpleQueue()

    def put(self, step: Step | None, answer: "asyncio.Future[Any] | None" = None) -> None:
        """Puts a step at the end of the line; None ends the thread."""
        self._queue.put((step, answer))

    def run(self) -> None:
        base: sqlite3.Connection | None = None
        more = True
        while more:
            batch = self._batch()
            more = batch[-1][0] is not None
            steps = [(step, answer) for step, answer in batch if step is not None]
            answers: list[tuple[asyncio.Future[Any], object]] = []
            try:
                if self.broken is None and steps:
                    base = base or connect(self._path)
                    answers = self._commit(base, steps)
            except Exception as error:  # whatever it is: somebody waits for an answer
                self.broken = error if isinstance(error, JournalError) else told(self._path, error)
            if self.broken is not None:
                answers = [(answer, self.broken) for _, answer in steps if answer is not None]
            if answers:
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    self._loop.call_soon_threadsafe(_settle, answers)
        if base is not None:
            try:
                base.close()
            except sqlite3.Error as error:
                self.broken = self.broken or told(self._path, error)

    def _batch(self) -> list[tuple[Step | None, "asyncio.Future[Any] | None"]]:
        batch = [self._queue.get()]
        with suppress(Empty):
            while len(batch) < BATCH and batch[-1][0] is not None:
                batch.append(self._queue.get_nowait())
        return batch

    def _commit(
        self, base: sqlite3.Connection, steps: list[tuple[Step, "asyncio.Future[Any] | None"]]
    ) -> list[tuple["asyncio.Future[Any]", object]]:
        base.execute("BEGIN IMMEDIATE")
        try:
            given = [(answer, step(base)) for step, answer in steps]
            base.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # some errors have rolled back already
                base.execute("ROLLBACK")
            raise
        return [(answer, value) for answer, value in given if answer is not None]


def _settle(answers: list[tuple["asyncio.Future[Any]", object]]) -> None:
    for answer, value in answers:
        if answer.done():
            continue
        if isinstance(value, JournalError):
            answer.set_exception(value)
        else:
            answer.set_result(value)


def connect(path: Path) -> sqlite3.Connection:
    """The file, made if it is not there, readable by its owner alone, and locked until it is closed."""
    # Never open a file that is there: closing it again would drop the locks that this process has on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    base = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        base.execute("PRAGMA locking_mode=EXCLUSIVE")
        base.execute("BEGIN IMMEDIATE")
        (mark,) = base.execute("PRAGMA application_id").fetchone()
        (tables,) = base.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = base.execute("PRAGMA user_version").fetchone()
        base.execute("COMMIT")
        if mark != MARK and (mark or tables):
            raise JournalError(f"{path} is a database, but no journal")
        if version > VERSION:
            raise JournalError(f"{path} was written by a later version of this package")
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        if not tables:
            base.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA:
                base.execute(statement)
            base.execute("COMMIT")
    except BaseException:
        base.close()
        raise
    return base


def told(path: Path, error: Exception) -> JournalError:
    """What is wrong with a journal, in one line."""
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return JournalError(f"{path}: another process works with this journal")
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
        return JournalError(f"{path} is no journal")
    if isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error):
        return JournalError(f"{path} is damaged: {error}", outcome="unknown")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if path.is_dir():
        reason = "it is a directory"
    # The disk may have filled up half-way: what was sent by then is sent.
    return JournalError(f"{path}: the journal cannot be written: {reason}", outcome="unknown")


def _begin(base: sqlite3.Connection, path: Path, fingerprint: Fingerprint) -> int:
    """Compares the fingerprint, or keeps it. The last position that the journal knows, -1 for none."""
    kept: dict[str, str] = dict(base.execute("SELECT name, value FROM job"))
    salt = bytes.fromhex(kept.pop("salt", "")) or os.urandom(32)
    parts = fingerprint.parts(salt)
    if not kept:
        rows = [("salt", salt.hex()), *parts.items()]
        base.executemany("INSERT INTO job VALUES (?, ?)", rows)
        return -1
    kept = {name: value for name, value in kept.items() if not name.startswith("input")}
    names = [name for name in {**kept, **parts} if kept.get(name) != parts.get(name)]
    if names:
        differences = "; ".join(_difference(name, kept.get(name), parts.get(name)) for name in names)
        raise JournalError(f"{path} belongs to another job: {differences}")
    (last,) = base.execute("SELECT max(position) FROM item").fetchone()
    return -1 if last is None else int(last)


def _difference(name: str, before: str | None, now: str | None) -> str:
    plain = name.removeprefix("option ")
    if "token" in plain:
        return f"the {plain} is another"
    return f"{plain} was {before or 'not set'} and is {now or 'not set'}"


def _contents(base: sqlite3.Connection, contents: Contents) -> Contents | None:
    row = base.execute("SELECT value FROM job WHERE name='input'").fetchone()
    if row is not None:
        return Contents(**json.loads(row[0]))
    base.execute("INSERT INTO job VALUES ('input', ?)", (json_of(attrs.asdict(contents)),))
    return None


def _known(base: sqlite3.Connection, position: int) -> dict[int, Known]:
    found = base.execute(
        "SELECT position, state, digest, outcome FROM item WHERE position >= ? ORDER BY position LIMIT ?",
        (position, BATCH),
    )
    return {place: Known(state, digest, outcome) for place, state, digest, outcome in found}


def _write(entry: Entry, state: str, outcome: str | None) -> Callable[[sqlite3.Connection], None]:
    values = (entry.position, entry.digest, state, entry.line, entry.row, outcome)

    def step(base: sqlite3.Connection) -> None:
        base.execute(WRITE, values)

    return step


# -- a journal that no job works with ---------------------------------------------------------------


def rows_in(path: Path, states: tuple[str, ...]) -> Iterator[tuple[int, int | None, object, str, Any]]:
    """The items in these states, in the order of the input: position, line, row, state, outcome."""
    if not path.is_file():
        raise JournalError(f"{path}: there is no such journal")
    wanted = ", ".join("?" * len(states))
    query = (
        f"SELECT position, line, row, state, outcome FROM item WHERE state IN ({wanted}) ORDER BY position"  # noqa: S608  # the number of marks only
    )
    try:
        with closing(connect(path)) as base:
            for position, line, row, state, outcome in base.execute(query, states):
                yield position, line, json.loads(row), state, None if outcome is None else json.loads(outcome)
    except (sqlite3.Error, OSError) as error:
        raise told(path, error) from None


def unsuccessful(path: Path) -> Iterator[JobItem]:
    """The items of a journal that did not succeed, in the order of the input."""
    for position, line, row, state, outcome in rows_in(path, ("failed", "unknown", "sent")):
        error = lost() if outcome is None else error_from(outcome)
        ended: State = "failed" if state == "failed" else "unknown"
        yield JobItem(position=position, line=line, row=row, state=ended, error=error)
