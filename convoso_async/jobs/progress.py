"""How far a job is, told while it runs: to a function of yours, or to bars on the terminal."""

import logging
from collections import deque
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from rich.console import Console

LOG = logging.getLogger("convoso_async.jobs")
INTERVAL = 0.1
"""Seconds between two tellings, at least."""
SPAN = 10.0
"""Seconds over which the pace is measured."""


@attrs.frozen(kw_only=True)
class Progress:
    """How far a job is.

    Attributes:
        done: items that succeeded, those of earlier runs of the same journal among them.
        failed: items that were refused, or never left.
        unknown: items of which nobody knows whether they were applied.
        skipped: items that there was nothing to do for.
        total: how many items there are in all, None while that is not known.
        seconds: since the start of this run.
        per_second: items that ended per second, over the last ten seconds.
        remaining: seconds to the end at that pace, None while the total or the pace is not known.
        finished: whether this is the last that the job tells.
        phase: what the job is at, such as `reading`, where it does several things; all numbers but `seconds`
            are then those of the phase. None for other jobs, and for the last telling.
    """

    done: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    total: int | None = None
    seconds: float = 0.0
    per_second: float = 0.0
    remaining: float | None = None
    finished: bool = False
    phase: str | None = None

    @property
    def ended(self) -> int:
        """Items that nothing more will happen to."""
        return self.done + self.failed + self.unknown + self.skipped


class OnProgress(Protocol):
    """Anything that can be called with a `Progress`: at most ten times a second, and once at the end."""

    def __call__(self, progress: Progress, /) -> object:
        """Takes note. It runs in the event loop, so it must be quick; what it raises is logged.

        Under `convoso_sync` it runs in a worker thread, and is told the newest once it is done with the last.
        """
        ...


def check_progress(on_progress: object) -> None:
    """Raises TypeError for what cannot be told how far a job is."""
    if iscoroutinefunction(on_progress):
        raise TypeError("progress must be a plain function, not a coroutine function")
    if on_progress is not None and not callable(on_progress):
        raise TypeError(f"progress must be a function, not {type(on_progress).__name__}")


class Meter:
    """Measures the pace of one job, and tells of it, not too often. Raises TypeError for a bad `progress`."""

    def __init__(
        self, on_progress: OnProgress | None, clock: Callable[[], float], total: int | None = None
    ) -> None:
        check_progress(on_progress)
        self.total = total
        self.has_told = False
        self._on_progress = on_progress
        self._clock = clock
        self._begun = clock()
        self._due = self._begun
        self._marks: deque[tuple[float, int]] = deque([(self._begun, 0)])
        self._phase: str | None = None

    def enter(self, phase: str | None, total: int | None) -> None:
        """Begins another phase of the job: counts and pace start anew. None sums all phases up."""
        self._phase, self.total = phase, total
        self._due = self._clock()
        self._marks = deque([(self._due if phase is not None else self._begun, 0)])

    def tell(
        self,
        *,
        done: int = 0,
        failed: int = 0,
        unknown: int = 0,
        skipped: int = 0,
        earlier: int = 0,
        finished: bool = False,
    ) -> None:
        """Tells how far the job is, if it is time to. `earlier` of the items ended in earlier runs."""
        if self._on_progress is None:
            return
        now = self._clock()
        if now < self._due and not finished:
            return
        self._due = now + INTERVAL
        ended = done + failed + unknown + skipped
        pace = self._pace(now, ended - earlier)
        remaining = None if self.total is None or not pace else max(0, self.total - ended) / pace
        told = Progress(
            done=done,
            failed=failed,
            unknown=unknown,
            skipped=skipped,
            total=self.total,
            seconds=now - self._begun,
            per_second=pace,
            remaining=remaining,
            finished=finished,
            phase=self._phase,
        )
        self.has_told = True
        try:
            self._on_progress(told)
        except Exception as error:  # who watches a job must not decide how it ends
            LOG.error("progress raised %s", type(error).__name__)

    def _pace(self, now: float, ended: int) -> float:
        marks = self._marks
        marks.append((now, ended))
        while len(marks) > 2 and marks[1][0] <= now - SPAN:
            marks.popleft()
        since, before = marks[0]
        return (ended - before) / (now - since) if now > since else 0.0


def rich_bar(title: str = "", *, console: "Console | None" = None) -> OnProgress:
    """A bar on the terminal, for `progress=`: done, failed, unknown, per second, time remaining.

    Nothing is shown where the console is no terminal. Needs rich (extra `cli`), on its first use.
    """
    return _RichBar(title, console)


class _RichBar:
    """One bar, which appears with the first telling and stays where the last one left it."""

    def __init__(self, title: str, console: "Console | None") -> None:
        self._title = title
        self._console = console
        self._update: Callable[[Progress], None] | None = None

    def __call__(self, progress: Progress, /) -> None:
        if self._update is None:
            self._update = self._begin()
        self._update(progress)
        if progress.finished:
            self._update = None

    def _begin(self) -> Callable[[Progress], None]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress as Bars, TextColumn

        console = self._console or Console(stderr=True, highlight=False)
        bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=26),
            TextColumn("{task.fields[counts]}"),
            TextColumn("[dim]{task.fields[pace]}"),
            console=console,
            disable=not console.is_terminal,
        )
        task = bars.add_task(self._title, total=None, counts="", pace="")
        bars.start()

        def update(progress: Progress) -> None:
            bars.update(
                task,
                description=" ".join(filter(None, (self._title, progress.phase))),
                completed=progress.ended,
                total=progress.total,
                counts=counts(progress),
                pace=pace(progress),
            )
            if progress.finished:
                bars.stop()

        return update


def counts(progress: Progress) -> str:
    """How many, in words: `1,200 of 5,000, 3 failed`."""
    whole = f" of {progress.total:,}" if progress.total is not None else ""
    rest = ("failed", "unknown", "skipped")
    told = [f"{getattr(progress, name):,} {name}" for name in rest if getattr(progress, name)]
    return ", ".join([f"{progress.ended:,}{whole}", *told])


def pace(progress: Progress) -> str:
    """How fast, in words: `48/s, 1:20 left`."""
    speed = f"{progress.per_second:,.0f}/s" if progress.per_second >= 10 else f"{progress.per_second:.1f}/s"
    if progress.remaining is None or progress.finished:
        return speed
    minutes, seconds = divmod(round(progress.remaining), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{speed}, {clock} left"
