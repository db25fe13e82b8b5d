"""Where the rows of an export go: a file by its path, a file object, or a function."""

import asyncio
import inspect
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from ..paging import Pager, Window
from .columns import columns_of
from .formats import FORMATS, Format, FormatName, format_of
from .journal import Fingerprint
from .part_file import Checkpoint, Mark, PartFile, write_all
from .work import client_of

T = TypeVar("T")
Give = Callable[[list[Any]], object]
"""Takes the rows of each page, in their order. What it returns is awaited where it can be."""


class Target(Protocol):
    """What takes the rows."""

    @property
    def path(self) -> Path | None:
        """The file, where it is one."""
        ...

    async def open(self, *, resume: bool) -> Checkpoint | None:
        """Makes ready, before anything is sent, and gives what there is to go on with."""
        ...

    async def write(self, rows: list[Any]) -> None:
        """Takes the rows of a page."""
        ...

    async def mark(self, mark: Mark, windows: Sequence[Window]) -> None:
        """Notes that everything up to here is right."""
        ...

    async def finish(self) -> None:
        """Makes what was taken complete."""
        ...

    async def drop(self, *, keep: bool) -> None:
        """Ends without being complete; `keep` is whether to keep what there is to go on with."""
        ...


def target_of(
    pager: Pager[Any],
    to: str | os.PathLike[str] | IO[Any] | Give,
    format: FormatName | None,
    columns: Sequence[str] | None,
    thread: Executor,
) -> Target:
    """The target that `to` names. Raises TypeError and ValueError."""
    cls, zone = pager._endpoint.result, pager._zone
    if isinstance(to, str | os.PathLike):
        path = Path(to)
        name = format_named(format, path.name)
        written = format_of(name, cls, zone, columns)
        return ToPath(PartFile(path, fingerprint_of(pager, name, columns), pager._endpoint), written, thread)
    if hasattr(to, "write"):
        name = format_named(format, str(getattr(to, "name", "")))
        return ToStream(to, format_of(name, cls, zone, columns), thread)
    if not callable(to):
        raise TypeError(f"to must be a path, a file object or a function, not {type(to).__name__}")
    if format is not None or columns is not None:
        raise TypeError("format and columns are for files; a function takes the rows themselves")
    return ToFunction(to)


def format_named(format: str | None, name: str) -> FormatName:
    """The format, as given or by the ending of a name."""
    wanted = Path(name).suffix[1:].lower() if format is None else format
    for known in FORMATS:
        if wanted == known:
            return known
    given = f"{name!r} has another ending" if format is None else f"{format!r} is none"
    raise ValueError(f"{given}: the formats are {', '.join(FORMATS)}; name one with format=...")


def fingerprint_of(pager: Pager[Any], format: FormatName, columns: Sequence[str] | None) -> Fingerprint:
    """What makes an export the same one when it goes on: what is read, of which account, and how written."""
    client = client_of(pager._searches.fetch)
    settings = None if client is None else client._settings
    return Fingerprint(
        operation=pager._endpoint.id,
        base_url=None if settings is None else settings.base_url,
        token=None if settings is None else settings.token,
        options={
            "filters": pager._asked,
            "format": format,
            "timezone": str(pager._zone),
            "columns": [
                f"{column.name} {column.kind}" for column in columns_of(pager._endpoint.result, columns)
            ],
        },
    )


async def in_thread(thread: Executor, work: Callable[..., T], *args: Any) -> T:
    """What `work` gives, done in the one thread that all work of an export is done in, in its order."""
    return await asyncio.get_running_loop().run_in_executor(thread, work, *args)


class ToPath:
    """A file, written aside and renamed."""

    def __init__(self, file: PartFile, format: Format, thread: Executor) -> None:
        self.path: Path | None = file.to
        self._file = file
        self._format = format
        self._thread = thread

    async def open(self, *, resume: bool) -> Checkpoint | None:
        try:
            return await in_thread(self._thread, self._open, resume)
        except asyncio.CancelledError:  # the thread goes on all the same
            await in_thread(self._thread, self._file.leave)
            raise

    def _open(self, resume: bool) -> Checkpoint | None:
        found = self._file.open(resume=resume)
        if found is None:
            try:
                self._file.write(self._format.head())
            except BaseException:
                self._file.drop(keep=False)
                raise
        return found

    async def write(self, rows: list[Any]) -> None:
        await in_thread(self._thread, lambda: self._file.write(self._format.encode(rows)))

    async def mark(self, mark: Mark, windows: Sequence[Window]) -> None:
        await in_thread(self._thread, self._file.mark, mark, windows)

    async def finish(self) -> None:
        await in_thread(self._thread, self._file.finish, self._format)

    async def drop(self, *, keep: bool) -> None:
        await in_thread(self._thread, lambda: self._file.drop(keep=keep))


class ToStream:
    """A file object of the caller's, which stays open. A format that is settled goes to a spool first."""

    path = None

    def __init__(self, to: Any, format: Format, thread: Executor) -> None:
        self._to = to
        self._format = format
        self._thread = thread
        self._spool: IO[bytes] | None = None
        self._takes_text = False

    async def open(self, *, resume: bool) -> None:
        await in_thread(self._thread, self._open)

    def _open(self) -> None:
        self._takes_text = takes_text(self._to)
        if self._format.settle is not None:
            if self._takes_text:
                raise TypeError("the file object is open for text, and this format is binary")
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115  # closed by finish and drop
        self._append(self._format.head())

    def _append(self, data: bytes) -> None:
        if self._spool is not None:
            self._spool.write(data)
        else:
            write_all(self._to, data.decode() if self._takes_text else data)

    async def write(self, rows: list[Any]) -> None:
        await in_thread(self._thread, lambda: self._append(self._format.encode(rows)))

    async def mark(self, mark: Mark, windows: Sequence[Window]) -> None:
        pass

    async def finish(self) -> None:
        await in_thread(self._thread, self._finish)

    def _finish(self) -> None:
        if self._spool is not None and self._format.settle is not None:
            self._format.settle(self._spool, self._to)
            self._spool.close()
        if hasattr(self._to, "flush"):
            self._to.flush()

    async def drop(self, *, keep: bool) -> None:
        if self._spool is not None:
            await in_thread(self._thread, self._spool.close)


def takes_text(file: Any) -> bool:
    """Whether a file object is open for text. Raises TypeError where it is async."""
    try:
        written = file.write(b"")
    except TypeError:
        return True
    if inspect.iscoroutine(written):
        written.close()
        raise TypeError("to is an async file object; give a function that awaits its write")
    return False


class ToFunction:
    """A function of the caller's, plain or async."""

    path = None

    def __init__(self, give: Give) -> None:
        self._give = give

    async def open(self, *, resume: bool) -> None:
        pass

    async def write(self, rows: list[Any]) -> None:
        taken = self._give(rows)
        if inspect.isawaitable(taken):
            await taken

    async def mark(self, mark: Mark, windows: Sequence[Window]) -> None:
        pass

    async def finish(self) -> None:
        pass

    async def drop(self, *, keep: bool) -> None:
        pass
