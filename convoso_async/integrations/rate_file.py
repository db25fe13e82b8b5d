"""A shared rate in a file of SQLite: for the processes of one machine."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from random import random
from typing import TypeVar
from weakref import WeakValueDictionary

from ..errors import ConfigurationError
from .rate_record import OutOfReachError, Record, Turn, Values

T = TypeVar("T")

OURS = 0x636F6E76
"""The `application_id` of a rate file, by which it is told from other databases."""
PATIENCE = 2.0
"""Seconds to wait for another process to finish its change, which takes it some 20 microseconds."""
WAIT = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
GATES: WeakValueDictionary[tuple[int, Path], asyncio.Lock] = WeakValueDictionary()
"""By event loop and file: one account at a time goes at it, or hundreds would keep each other from it."""

TABLE = """
    CREATE TABLE IF NOT EXISTS rates (
        account TEXT PRIMARY KEY, seen REAL, last_start REAL, rest_until REAL, per_second REAL, found REAL,
        void_before REAL
    ) WITHOUT ROWID
"""
READ = """
    SELECT seen, last_start, rest_until, per_second, found, void_before FROM rates WHERE account = ?
"""
WRITE = "INSERT OR REPLACE INTO rates VALUES (?, ?, ?, ?, ?, ?, ?)"


class RateFile:
    """The record of one account in a file. The lock on it ends with the process that holds it.

    Its clock is the machine's monotonic one, which all processes share and nobody sets. Nothing is flushed
    to the disk: after a power cut, an older rate is as good.
    """

    def __init__(self, path: Path, account: str, most: float | None) -> None:
        self._path = path
        self._account = account
        self._record = Record(most)
        self._database: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._gate: asyncio.Lock | None = None

    async def take(self, good: int) -> Turn:
        """The next turn. `good` replies came since the last that was taken here."""
        return await self._patiently(lambda: self._change(lambda now: self._record.take(now, good)))

    async def void_before(self) -> float:
        """When the last 429 was told of."""
        return await self._patiently(self._read)

    async def throttled(self, started: float | None, seconds: float) -> None:
        """A request of the turn `started`, or of none, had a 429; all shall rest for so many seconds."""
        await self._patiently(lambda: self._change(lambda now: self._record.rest(now, started, seconds)))

    async def aclose(self) -> None:
        """Closes the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _change(self, change: Callable[[float], T]) -> T:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            self._load(database)
            result = change(time.monotonic())
            database.execute(WRITE, (self._account, *self._record.values))
        return result

    def _read(self) -> float:
        self._load(self._open())
        return self._record.values.void_before

    def _load(self, database: sqlite3.Connection) -> None:
        """Takes what is written. A file that was deleted begins with what this process knew."""
        row = database.execute(READ, (self._account,)).fetchone()
        if row is not None:
            self._record.load(Values(*row))

    def _open(self) -> sqlite3.Connection:
        """The database, opened again when the file is no longer the one that was opened."""
        if self._database is not None:
            if self._file == file_at(self._path):
                return self._database
            self._database.close()
            self._database = None
        database = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        self._database, self._file = database, file_at(self._path)
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Makes a new file a rate file. Raises ConfigurationError for any other database."""
        database.execute("PRAGMA synchronous = OFF")
        (known,) = database.execute("PRAGMA application_id").fetchone()
        if known != OURS:
            with database:
                database.execute("BEGIN IMMEDIATE")  # or two would make it at once
                (known,) = database.execute("PRAGMA application_id").fetchone()
                (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                if known not in (0, OURS) or (known == 0 and tables):
                    raise ConfigurationError(f"at: {self._path} is another program's; name a file of its own")
                database.execute(TABLE)
                database.execute(f"PRAGMA application_id = {OURS}")
        database.execute("PRAGMA journal_mode = TRUNCATE")  # WAL cannot bear that the file is deleted

    async def _patiently(self, do: Callable[[], T]) -> T:
        """Does it as soon as no other process is at it. The event loop is not held up meanwhile."""
        latest, pause = time.monotonic() + PATIENCE, 0.001
        if self._gate is None:
            key = (id(asyncio.get_running_loop()), self._path)
            self._gate = GATES.setdefault(key, asyncio.Lock())
        async with self._gate:
            while True:
                try:
                    return do()
                except (sqlite3.Error, OSError) as error:
                    self._check(error, may_wait=time.monotonic() < latest)
                await asyncio.sleep(pause * random())  # noqa: S311  # two that met must not meet again
                pause = min(2 * pause, 0.02)

    def _check(self, error: Exception, *, may_wait: bool) -> None:
        """Raises our error for one that does not pass by waiting."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_NOTADB:
            raise ConfigurationError(
                f"at: {self._path} is not a rate file; delete it, or name another"
            ) from None
        if code not in WAIT or not may_wait:
            raise OutOfReachError(f"{type(error).__name__}: {error}") from None


def file_at(path: Path) -> tuple[int, int] | None:
    """Which file is at a path, None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
