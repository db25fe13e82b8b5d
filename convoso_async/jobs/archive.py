"""A folder of recordings: safe names, files put in their place whole, and a manifest of all of them.

The manifest, `manifest.jsonl`, has a line for each recording: what became of it, and its file where there is
one. It grows while the job runs, a line being on disk before its file has its name; at the end it is put in
order, the last line of each recording counting.
"""

import errno
import json
import os
import re
import unicodedata
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from .audio import MAGIC
from .part_file import check_target, json_line, naming, opened, sync_folder, write_all

MANIFEST = "manifest.jsonl"
LONGEST = 120
"""Bytes of a name: file systems take 255, and endings are added."""
ENDINGS = frozenset({".aac", ".aif", ".gsm", ".m4a", ".mp4", ".oga", ".opus", ".ulaw", ".wma"}) | {
    ending for _, ending in MAGIC
}
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)", re.IGNORECASE)

Record = dict[str, Any]
"""A line of the manifest. `recording` tells it from all others; a `file` has `bytes` and `sha256`."""


class Archive:
    """The folder. All of it is blocking, for a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = folder / MANIFEST
        self._file: IO[bytes] | None = None
        self._records: dict[str, Record] = {}
        self._taken = {MANIFEST}
        self._outdated = False

    def open(self) -> None:
        """Takes the folder, made if it is not there, and learns what is in it.

        Raises OSError where that cannot be, JournalError where another process is at work on it.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self.folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        check_target(self.manifest)
        self._file = opened(self.manifest)
        whole, _, cut_off = self._file.read().rpartition(b"\n")
        for line in whole.splitlines():
            self._learn(line)
        self._file.seek(-len(cut_off), os.SEEK_END)
        self._file.truncate()

    def _learn(self, line: bytes) -> None:
        try:
            record = json.loads(line)
            self._outdated |= record["recording"] in self._records
            self._records[record["recording"]] = record
        except (ValueError, LookupError, TypeError):
            return
        if isinstance(record.get("file"), str):
            self._taken.add(record["file"].casefold())

    def has(self, recording: str) -> bool:
        """Whether a recording is in its place, whole."""
        name = self._noted(recording)
        try:
            return name is not None and (
                (self.folder / name).stat().st_size == self._records[recording].get("bytes")
            )
        except OSError:
            return False

    def _noted(self, recording: str) -> str | None:
        """The file that the manifest names for a recording, where that is a name in this folder."""
        name = self._records.get(recording, {}).get("file")
        return name if isinstance(name, str) and name == safe_name(name) else None

    def begin(self, recording: str) -> "PartOfArchive":
        """A file for a recording, aside until it is whole. It is made with the first write."""
        return PartOfArchive(self.folder / f"{digest(recording)}.part")

    def keep(self, part: "PartOfArchive", wanted: str, record: Record) -> None:
        """Puts a whole file in its place, under a name like the `wanted` one, and notes it."""
        facts = part.settled()
        name = self._name(record["recording"], wanted)
        self.note({**record, "file": name, **facts})
        # The manifest first: after a crash between the two, the recording is fetched again, to the same name.
        part.path.replace(self.folder / name)
        sync_folder(self.folder)

    def _name(self, recording: str, wanted: str) -> str:
        """The name that the recording has had, else one that nothing in the folder has."""
        if (noted := self._noted(recording)) is not None:
            return noted
        stem, ending = parted(wanted)
        name = wanted
        number = 0
        while name.casefold() in self._taken or (self.folder / name).exists():
            number += 1
            rest = f"-{digest(recording)[:8]}{f'-{number}' if number > 1 else ''}{ending}"
            name = cut(stem, LONGEST - len(rest.encode())) + rest
        self._taken.add(name.casefold())
        return name

    def note(self, record: Record) -> None:
        """Adds a line to the manifest. It is on disk when this returns."""
        assert self._file is not None
        if record["recording"] in self._records:
            self._outdated = True
            if (noted := self._noted(record["recording"])) is not None:
                record = {"file": noted, **record}  # it keeps its name
        self._records[record["recording"]] = record
        with naming(self.manifest):
            write_all(self._file, json_line(record))
            os.fsync(self._file.fileno())

    def close(self, *, tidy: bool) -> None:
        """Leaves the folder. `tidy` writes the manifest anew where lines of it no longer count."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            if tidy and self._outdated:
                self._tidy()
        finally:
            with suppress(OSError):  # a full disk was told of already
                file.close()

    def _tidy(self) -> None:
        new = self.manifest.with_name(f"{MANIFEST}.part")
        try:
            with new.open("wb") as file:
                for record in self._records.values():
                    file.write(json_line(record))
                file.flush()
                os.fsync(file.fileno())
            with suppress(
                PermissionError
            ):  # Windows replaces no open file; the longer manifest says the same
                new.replace(self.manifest)
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)


class PartOfArchive:
    """A file that is being fetched."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._sum = sha256()
        self._file: IO[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Appends to it."""
        with naming(self.path):
            self._file = self._file or self.path.open("wb", buffering=0)
            write_all(self._file, data)
        self._sum.update(data)
        self.size += len(data)

    def settled(self) -> dict[str, object]:
        """Its size and its checksum, once it is on disk."""
        assert self._file is not None
        with naming(self.path):
            os.fsync(self._file.fileno())
        self._file.close()
        return {"bytes": self.size, "sha256": self._sum.hexdigest()}

    def drop(self) -> None:
        """Deletes it, if it was not put in its place."""
        if self._file is not None:
            with suppress(OSError):  # a full disk was told of already
                self._file.close()
            with suppress(OSError):
                self.path.unlink(missing_ok=True)


def digest(recording: str) -> str:
    """A short text that stands for a recording."""
    return sha256(recording.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def safe_name(wanted: str, ending: str = "") -> str:
    """A file name like the last part of `wanted` that is one name, in this folder, on every system.

    `ending` is added where it has none of a recording.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", wanted))[-1]
    plain = "".join("_" if unicodedata.category(sign)[0] == "C" else sign for sign in last)
    stem, own = parted(FORBIDDEN.sub("_", plain).lstrip("-. ").rstrip(". "))
    own = own or ending
    room = LONGEST - len(own.encode())
    stem = cut(stem, room)
    return (cut(f"_{stem}", room) if RESERVED.match(stem) else stem) + own


def cut(stem: str, room: int) -> str:
    """The beginning of a name, in so many bytes. One that is too long would not be known again as safe."""
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") or "recording"


def parted(name: str) -> tuple[str, str]:
    """A name without its ending, and the ending, where it is one that recordings have."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and f".{ending}".lower() in ENDINGS else (name, "")
