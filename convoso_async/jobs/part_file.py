"""A file in the making: written aside, marked where a window ends, and renamed when it is complete.

Beside `calls.csv` stand `calls.csv.part`, which only grows, and from the first mark on
`calls.csv.checkpoint`: JSON lines, first what is exported and the plan of its windows, then a line for each
mark. What was written after the last mark is cut off again. All of it is blocking, for a thread.
"""

import errno
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import attrs

from ..endpoint import Endpoint
from ..paging import Window
from .formats import Format
from .journal import Fingerprint, JournalError

VERSION = 1


@attrs.frozen(kw_only=True)
class Mark:
    """How far an export is: windows and rows that are in the file, its size, and what they took."""

    windows: int = 0
    rows: int = 0
    size: int = 0
    stretches: int = 0
    requests: int = 0
    seconds: float = 0.0


@attrs.frozen
class Checkpoint:
    """What an earlier run left: its plan, and how far it came."""

    windows: Sequence[Window]
    mark: Mark


class PartFile:
    """One export's file. It is locked: a second export to the same place is refused."""

    def __init__(self, to: Path, fingerprint: Fingerprint, endpoint: Endpoint[Any]) -> None:
        self.to = to
        self._part = beside(to, ".part")
        self._checkpoint = beside(to, ".checkpoint")
        self._fingerprint = fingerprint
        self._endpoint = endpoint
        self._file: IO[bytes] | None = None
        self._marks: IO[bytes] | None = None
        self._known = 0  # bytes of the checkpoint that are whole lines
        self._size = 0
        self._last = Mark()

    def open(self, *, resume: bool) -> Checkpoint | None:
        """Takes the place, and gives what there is to go on with, where `resume` and there is such a thing.

        Raises OSError where the file cannot be written, JournalError where another export is at work on it,
        or what is there belongs to another one.
        """
        check_target(self.to)
        self._file = opened(self._part)
        try:
            found = self._read() if resume else None
            if found is None:  # a checkpoint of other rows must be gone before there are new ones
                self._checkpoint.unlink(missing_ok=True)
            with naming(self._part):
                self._file.truncate(0 if found is None else found.mark.size)
                self._file.seek(0, os.SEEK_END)
        except BaseException:
            self._close()
            raise
        if found is not None:
            self._last, self._size = found.mark, found.mark.size
        return found

    def _read(self) -> Checkpoint | None:
        """The checkpoint, None where there is none, or its part is shorter than it says."""
        try:
            kept_lines = self._checkpoint.read_bytes().splitlines(keepends=True)
            whole = [line for line in kept_lines if line.endswith(b"\n")]
            head, mark = json.loads(whole[0]), Mark(**json.loads(whole[-1]))
            version, salt, kept, planned = (head[name] for name in ("export", "salt", "of", "windows"))
        except (OSError, ValueError, LookupError, TypeError):
            return None
        assert self._file is not None
        # A part without a byte may be one that was not there: its export was completed.
        if version != VERSION or not 0 < mark.size <= os.fstat(self._file.fileno()).st_size:
            return None
        parts = self._fingerprint.parts(bytes.fromhex(salt))
        if differences := list(differing(kept, parts)):
            raise JournalError(
                f"{self._part} belongs to another export: {'; '.join(differences)};"
                " delete it, or give resume=False, to begin anew"
            )
        self._known = sum(map(len, whole))
        return Checkpoint([window_from(window, self._endpoint) for window in planned], mark)

    def write(self, data: bytes) -> None:
        """Appends to the file."""
        assert self._file is not None
        with naming(self._part):
            write_all(self._file, data)
        self._size += len(data)

    def mark(self, mark: Mark, windows: Sequence[Window]) -> None:
        """Notes that everything up to here is right and stays: on disk when this returns."""
        assert self._file is not None
        mark = attrs.evolve(mark, size=self._size)
        with naming(self._part):
            os.fsync(self._file.fileno())
            if self._marks is None:
                self._marks = self._checkpoint.open("ab", buffering=0)
                self._marks.truncate(self._known)
            told = json_line(attrs.asdict(mark))
            write_all(self._marks, told if self._known else self._head(windows) + told)
            os.fsync(self._marks.fileno())
            self._known = self._marks.tell()
        self._last = mark

    def _head(self, windows: Sequence[Window]) -> bytes:
        salt = os.urandom(32)
        planned = [plain_window(window) for window in windows]
        of = self._fingerprint.parts(salt)
        return json_line({"export": VERSION, "salt": salt.hex(), "of": of, "windows": planned})

    def finish(self, format: Format) -> None:
        """Makes the file itself of what was written, and puts it in its place."""
        assert self._file is not None
        ready = self._part
        with naming(self._part):
            os.fsync(self._file.fileno())
            if format.settle is not None:
                ready = beside(self.to, ".settled")
                with ready.open("wb") as settled:
                    format.settle(self._file, settled)
                    settled.flush()
                    os.fsync(settled.fileno())
            if sys.platform == "win32":  # which renames no open file
                self._close()
            ready.replace(self.to)
            if ready != self._part:
                self._part.unlink()
            # After the rename: where that fails, as Windows has it for an open file, the rows are still kept.
            self._checkpoint.unlink(missing_ok=True)
            sync_folder(self.to.parent)
        self._close()

    def leave(self) -> None:
        """Leaves the place, where it was taken, when nobody waits for it any more."""
        if self._file is not None:
            self.drop(keep=True)

    def drop(self, *, keep: bool) -> None:
        """Leaves the place: with what there is to go on with, or with nothing."""
        with suppress(OSError):
            beside(self.to, ".settled").unlink(missing_ok=True)
            if keep and self._last.windows:
                if self._file is not None:
                    self._file.truncate(self._last.size)
            else:
                self._checkpoint.unlink(missing_ok=True)
                self._part.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        for file in (self._file, self._marks):
            if file is not None:
                with suppress(OSError):  # a full disk was told of already
                    file.close()
        self._file = self._marks = None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Names a file in errors that do not, such as one about a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from None


def beside(path: Path, ending: str) -> Path:
    """The file beside another one, with an ending more."""
    return path.with_name(path.name + ending)


def check_target(path: Path) -> None:
    """Raises OSError where a file cannot be renamed to `path`."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file; open it, and give the file object", str(path))


def opened(path: Path) -> IO[bytes]:
    """A file to read and write, locked; made if it is not there. Raises JournalError when it is in use."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        file = os.fdopen(handle, "r+b", buffering=0)
        try:
            lock(file)
            if is_still(path, file):
                return file
        except BlockingIOError:
            file.close()
            raise JournalError(f"{path}: another process works on this file") from None
        except BaseException:
            file.close()
            raise
        file.close()


def is_still(path: Path, file: IO[bytes]) -> bool:
    """Whether an open file has that path: the one before it may have been renamed before it was locked."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    FAR = 2**40  # past all data: Windows lets nobody read or write what is locked

    def lock(file: IO[bytes]) -> None:
        """Locks a file until it is closed. Raises BlockingIOError where somebody else has it."""
        file.seek(FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            raise BlockingIOError from None

else:
    import fcntl

    def lock(file: IO[bytes]) -> None:
        """Locks a file until it is closed, where its file system can. BlockingIOError when it is taken."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            return


def write_all(file: IO[Any], data: Any) -> None:
    """Writes all of `data`, also to a file that takes it in pieces."""
    while data:
        taken: object = file.write(data)
        data = data[taken:] if isinstance(taken, int) else data[:0]


def sync_folder(folder: Path) -> None:
    """Returns when a rename is on disk, where the system can tell."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def json_line(value: object) -> bytes:
    """A value as one line of JSON."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def plain_window(window: Window) -> dict[str, object]:
    """A window as JSON keeps it."""
    return {
        "filters": dict(window.filters),
        "start": None if window.start is None else window.start.isoformat(),
        "end": None if window.end is None else window.end.isoformat(),
        "expected": window.expected,
        "last": window.last,
        "range": None if window.range is None else window.range.start,
    }


def window_from(kept: Mapping[str, Any], endpoint: Endpoint[Any]) -> Window:
    """The window that was kept."""
    moments = {name: kept[name] and datetime.fromisoformat(kept[name]) for name in ("start", "end")}
    span = next((span for span in endpoint.ranges if span.start == kept["range"]), None)
    return Window(
        filters=kept["filters"], expected=kept["expected"], last=kept["last"], range=span, **moments
    )


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """What differs between two fingerprints, in words."""
    for name in {**before, **now}:
        if before.get(name) != now.get(name):
            plain = name.removeprefix("option ")
            told = f"{plain} was {before.get(name)} and is {now.get(name)}"
            yield "the token is another" if name == "token" else told
