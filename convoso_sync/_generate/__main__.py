"""Writes the generated files, or compares them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .source import NotUnderstoodError
from .tables import BY_HAND
from .twins import generated

HERE = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None, here: Path = HERE) -> int:
    """0 when the files in `here` are written or right, 1 when `--check` finds them wrong."""
    parser = argparse.ArgumentParser("python -m convoso_sync._generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args(arguments).check
    try:
        wanted = generated(here.parent / "convoso_async")
    except NotUnderstoodError as error:
        say(str(error))
        return 1
    wrong = [name for name, text in wanted.items() if text != text_of(here / name)]
    orphans = sorted(files_in(here) - set(wanted))
    if not check:
        for name in wrong:
            (here / name).parent.mkdir(exist_ok=True)
            (here / name).write_text(wanted[name], "utf-8")
        for name in orphans:
            (here / name).unlink()
    for name in wrong:
        say(f"convoso_sync/{name} {'is not what its source gives' if check else 'written'}")
    for name in orphans:
        say(f"convoso_sync/{name} {'has no source' if check else 'removed'}")
    if check and (wrong or orphans):
        say("run python -m convoso_sync._generate")
        return 1
    if not wrong and not orphans:
        say(f"convoso_sync is up to date: {len(wanted)} files")
    return 0


def say(line: str) -> None:
    """One line to the terminal."""
    sys.stdout.write(f"{line}\n")


def text_of(path: Path) -> str | None:
    """What a file holds, None where there is none."""
    return path.read_text("utf-8") if path.exists() else None


def files_in(folder: Path) -> set[str]:
    """The files below a folder that are not written by hand, but for what Python itself leaves there."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix() for path in found if path.parts[0] not in BY_HAND and "__pycache__" not in path.parts
    }


if __name__ == "__main__":
    sys.exit(main())
