"""Files of rows as people have them: CSV in any dialect, with or without a byte-order mark."""

import csv
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import attrs

if TYPE_CHECKING:
    from _csv import Reader

from ..errors import ConvosoError

SAMPLE = 20
"""Lines that the dialect is told from."""
DELIMITERS = ",;\t|"
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
BACKSLASHED_QUOTE = re.compile(r'\\"(?![,;\t|\r\n])')


class BadFileError(ConvosoError):
    """A file cannot be read as rows. The message names the file and the line. Nothing was sent."""


def open_text(path: Path, encoding: str) -> TextIO:
    """The text of a regular file. Raises BadFileError with the reason in one line."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a directory" if path.is_dir() else "no regular file, and it has to be read twice"
            raise BadFileError(f"{path} is {kind}")
        return path.open(encoding=encoding, newline="")
    except OSError as error:
        raise BadFileError(f"{path}: {error.strerror or error}") from None
    except LookupError:
        raise BadFileError(f"there is no encoding {encoding!r}") from None


def text_lines(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a file, from its beginning, with their ends and without a byte-order mark.

    Raises BadFileError where it cannot be read or decoded.
    """
    try:
        for place, line in enumerate(file):
            # The encoding took the mark off only if its name asks for one, such as utf-8-sig.
            yield line if place else line.removeprefix("\ufeff")
    except UnicodeError:
        raise BadFileError(undecodable(path, file.encoding)) from None
    except OSError as error:
        raise BadFileError(f"{path}: {error.strerror or error}") from None


def undecodable(path: Path, encoding: str) -> str:
    """Where a file is not in its encoding, and what to do about it."""
    told = "UTF-8" if encoding.lower().replace("_", "-") in ("utf-8-sig", "utf-8", "utf8") else encoding
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return f"{path} is not in {told}: it begins like UTF-16; give encoding='utf-16'"
        file.seek(0)
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                where = f", line {number}: byte 0x{line[error.start]:02X}"
                break
        else:
            where = ""
    return f"{path}{where} is not in {told}; give encoding=, such as 'cp1252'"


@attrs.frozen
class Dialect:
    """How a CSV file is written, as far as it can be told from its beginning.

    Attributes:
        skip: lines before the header, as one that says `sep=;`.
    """

    delimiter: str = ","
    quotechar: str = '"'
    escapechar: str | None = None
    skip: int = 0

    def reader(self, lines: Iterable[str]) -> "Reader":
        """The rows of cells. Quotes must be right: one that is not closed swallows rows."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quotechar,
            escapechar=self.escapechar,
            skipinitialspace=True,
            strict=True,
        )


def dialect_of(sample: Sequence[str], known: Collection[str]) -> Dialect:
    """The dialect of a file that begins with these lines, and of whose columns some names are known."""
    marked = SEPARATOR_LINE.fullmatch(sample[0]) if sample else None
    skip = 1 if marked else 0
    lines = [line for line in sample[skip:] if line.strip()]
    escapechar = "\\" if BACKSLASHED_QUOTE.search("".join(lines)) else None
    quotechar = "'" if lines and lines[0].startswith("'") else '"'
    if marked:
        return Dialect(marked[1], quotechar, escapechar, skip)

    def fit(dialect: Dialect) -> tuple[int, int]:
        try:
            header = next(dialect.reader(lines), [])
        except csv.Error:
            return (0, 0)
        return len({cell.strip() for cell in header}.intersection(known)), len(header)

    return max((Dialect(sign, quotechar, escapechar) for sign in DELIMITERS), key=fit)


class CsvFile:
    """A CSV file, open: its header, and its rows as often as they are asked for."""

    def __init__(self, path: Path, encoding: str, known: Collection[str]) -> None:
        self.path = path
        self._file = open_text(path, encoding)
        try:
            self._dialect = dialect_of(list(islice(text_lines(self._file, path), SAMPLE)), known)
            self._written = self._stamp()
            self.header = self._header()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _header(self) -> list[str]:
        header = [cell.strip() for cell in next(self._lines(), (0, []))[1]]
        if not header:
            raise BadFileError(f"{self.path} is empty")
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            raise BadFileError(f"{self.path}: more than one column is named {', '.join(map(repr, twice))}")
        return header

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows: the line on which each begins, and its cells. Blank ones are passed over."""
        if self._stamp() != self._written:
            raise BadFileError(f"{self.path} was changed while it was read")
        lines = self._lines()
        next(lines, None)
        return lines

    def _stamp(self) -> tuple[int, int]:
        now = os.fstat(self._file.fileno())
        return now.st_size, now.st_mtime_ns

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        self._file.seek(0)
        skip = self._dialect.skip
        reader = self._dialect.reader(islice(text_lines(self._file, self.path), skip, None))
        while True:
            line = 1 + skip + reader.line_num
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise BadFileError(f"{self.path}, line {line}: {csv_trouble(error)}") from None
            if any(cell and not cell.isspace() for cell in cells):
                yield line, cells


def csv_trouble(error: csv.Error) -> str:
    """What is wrong with a row of a CSV file, for people."""
    words = str(error)
    if "unexpected end" in words:
        return "a quote that opens here is never closed"
    if "field larger" in words:
        return "a cell is longer than 131,072 characters: is a quote not closed?"
    if "expected after" in words:
        return (
            "something stands between a closing quote and the end of its cell: a blank, or a quote before it"
            " that is not doubled"
        )
    return words
