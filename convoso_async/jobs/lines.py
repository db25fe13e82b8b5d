"""What a job leaves behind as JSON lines: the results, and the items that did not succeed.

Each line is an object with the item under `row`, so that it can be put in again: `read_rows` gives the rows.
"""

import errno
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from .files import BadFileError, open_text, text_lines
from .journal import json_of, rows_in, unsuccessful
from .report import JobReport, State, error_record


def write_results(journal: str | os.PathLike[str], to: str | os.PathLike[str]) -> int:
    """Writes the items of a journal that were done, one a line, and gives their number.

    A line has `position`, `line`, `row`, and the `result`, such as `{"lead_id": "880201"}`.
    """
    found = rows_in(Path(journal), ("done",))
    return write_lines(
        ({"position": at, "line": line, "row": row, "result": result} for at, line, row, _, result in found),
        to,
    )


def write_dead_letters(
    source: JobReport | str | os.PathLike[str],
    to: str | os.PathLike[str],
    *,
    states: Collection[State] = ("failed", "unknown"),
) -> int:
    """Writes the items of a report or a journal that did not succeed, one a line, and gives their number.

    A line has `position`, `line`, `row`, `state` and the `error`. Those with the state `unknown` may have
    been applied: look before you put them in again, or leave them out with `states=["failed"]`.
    """
    items = source if isinstance(source, JobReport) else unsuccessful(Path(source))
    return write_lines(
        (
            {
                "position": item.position,
                "line": item.line,
                "row": item.row,
                "state": item.state,
                "error": error_record(item.error),
            }
            for item in items
            if item.state in states
        ),
        to,
    )


def write_lines(lines: Iterable[Mapping[str, object]], to: str | os.PathLike[str]) -> int:
    """Writes JSON lines aside, for their owner alone, and renames the file when it is whole.

    Raises OSError where it cannot, such as for a device, whose place a file would take.
    """
    target = Path(to)
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "no regular file", str(target))
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    number = 0
    try:
        with os.fdopen(os.open(aside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            for line in lines:
                file.write(f"{json_of(line)}\n")
                number += 1
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return number


def read_rows(path: str | os.PathLike[str]) -> Iterator[Mapping[str, object]]:
    """The rows of a file of JSON lines: what stands under `row`, or the line itself where there is none.

    Raises BadFileError, naming the line, for one that is no JSON object.
    """
    return (row for _, row in numbered_rows(Path(path)))


def numbered_rows(path: Path, encoding: str = "utf-8-sig") -> Iterator[tuple[int, Mapping[str, object]]]:
    """The lines' numbers, from 1, and their rows. Blank lines are passed over."""
    with open_text(path, encoding) as file:
        for number, text in enumerate(text_lines(file, path), 1):
            if not text.strip():
                continue
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            row = row_in(line)
            if row is None:
                raise BadFileError(f"{path}, line {number}: it is no JSON object")
            yield number, row


def row_in(line: object) -> Mapping[str, object] | None:
    """The row of a line: what stands under `row`, unless that is a column of the caller's own."""
    if not isinstance(line, dict):
        return None
    row = line.get("row", line)
    if isinstance(row, dict):
        return row
    return line if len(line) > 1 and "position" not in line else None
