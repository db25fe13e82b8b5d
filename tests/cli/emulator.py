"""The command as a person meets it: in a terminal with a size, a keyboard and a screen to read."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

from convoso_async.simulator import Simulator

from ..uncounted import uncounted

# A terminal of its own, as a shell gives it: or Ctrl-C and a change of size would reach nobody.
OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
RUN = "import sys; from convoso_async.cli import main; sys.exit(main())"
# What would have rich see another terminal, or the client another account.
OUTSIDE = re.compile(r"FORCE_COLOR|NO_COLOR|TTY_.*|COLUMNS|LINES|CLICOLOR.*|CONVOSO_.*|TERM")
ENV = {name: value for name, value in os.environ.items() if not OUTSIDE.fullmatch(name)}
ENV["PYTHONIOENCODING"] = "utf-8"
SCREENS = Path(__file__).with_name("screens")
PATIENCE = 30


def pointed_at(sim: Simulator) -> dict[str, str]:
    """The environment in which the command works on a simulated account."""
    return {"CONVOSO_BASE_URL": sim.url, "CONVOSO_AUTH_TOKEN": sim.token}


def convoso(
    *words: str | Path, before: str = "", stdin: str = "", folder: Path | None = None, **env: str
) -> "subprocess.CompletedProcess[str]":
    """The command in a pipe; without coverage where something runs `before`, to look at it or to limit it."""
    kept = {name: value for name, value in ENV.items() if not before or name in uncounted()}
    return subprocess.run(
        [sys.executable, "-c", f"{before}\n{RUN}", *map(str, words)],
        env=kept | env,
        cwd=folder,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@contextmanager
def started(*words: str | Path, folder: Path | None = None, **env: str) -> Iterator["subprocess.Popen[str]"]:
    """The command in a pipe, while it runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, words)],
        env=ENV | env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


class Terminal:
    """The command in a terminal. A context: what still runs at its end is killed."""

    def __init__(
        self, *words: str | Path, columns: int = 80, lines: int = 24, folder: Path | None = None, **env: str
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        self._end, child = pty.openpty()
        termios.tcsetwinsize(child, (lines, columns))
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{OWN_TERMINAL}; {RUN}", *map(str, words)],
            env=ENV | {"TERM": "xterm-256color"} | env,
            cwd=folder,
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
        os.close(child)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def echoes(self) -> bool:
        """Whether the terminal is as a shell left it: keys are shown, and read by the line."""
        flags = termios.tcgetattr(self._end)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)

    def until(self, pattern: str) -> str:
        """Waits for a pattern on the screen, and gives all of it."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} did not come:\n{self.text}")
        return self.text

    def until_gone(self, words: str) -> str:
        """Waits until words are no more on the screen, and gives all of it."""
        deadline = time.monotonic() + PATIENCE
        while words in self.text:
            if not self._read(deadline):
                raise AssertionError(f"{words!r} did not go:\n{self.text}")
        return self.text

    def hit(self, keys: str) -> None:
        """Hits keys."""
        os.write(self._end, keys.encode())

    def kill(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def resize(self, columns: int, lines: int) -> None:
        """Gives the window another size."""
        self.screen.resize(lines, columns)
        self.screen.reset()
        termios.tcsetwinsize(self._end, (lines, columns))

    def ended(self) -> int:
        """Waits for the end, and gives the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self._process.wait(PATIENCE)

    def _read(self, deadline: float) -> bool:
        """Takes what comes. False where nothing will."""
        ready, _, _ = select.select([self._end], [], [], max(0.0, deadline - time.monotonic()))
        piece = b""
        with suppress(OSError):  # Linux reports the closed end so
            piece = os.read(self._end, 65_536) if ready else b""
        self.raw += piece
        self._stream.feed(piece)
        return bool(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._end)


def masked(screen: str) -> str:
    """A screen with each digit of a time as `0`."""
    return re.sub(r"\d+(:\d\d)+", lambda time: re.sub(r"\d", "0", time[0]), screen)


def assert_screen(name: str, shown: str) -> None:
    """Compares a screen with the one that is kept under that name. Delete the file to make it anew."""
    kept = SCREENS / f"{name}.txt"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(f"{shown}\n", encoding="utf-8")
        raise AssertionError(f"{kept} was not there; it is now: look at it, and run again")
    assert kept.read_text(encoding="utf-8") == f"{shown}\n"
