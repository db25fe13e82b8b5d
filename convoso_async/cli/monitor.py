"""The agents and queues, live: a screen that stays up, or a line of JSON for each look."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveFloat
from cyclopts.validators import Number
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..errors import (
    AuthenticationError,
    ConfigurationError,
    ConvosoAPIError,
    ConvosoError,
    ConvosoTimeoutError,
    PermissionDeniedError,
    RateLimitError,
)
from .account import ACCOUNT, Account
from .exit import BadUse, Exit
from .floor import Order, picture
from .options import LEFT_OUT, SWITCH
from .output import OUTPUT, Output, is_terminal
from .screen import complain, out
from .table import as_record

if TYPE_CHECKING:
    from .. import AsyncConvoso, MonitorSnapshot

OFTEN = 2.0
"""Seconds between two looks, at least: callers found that an account bears some three requests a second."""
PATIENCE = 20.0
"""Seconds for one look. A screen that waits longer tells nothing."""
LASTING = (AuthenticationError, PermissionDeniedError, ConvosoAPIError, ConfigurationError)
"""Errors that the first look would only get again."""


async def monitor(
    *,
    campaign_id: Annotated[str | None, LEFT_OUT] = None,
    queue_id: Annotated[str | None, LEFT_OUT] = None,
    user_id: Annotated[str | None, LEFT_OUT] = None,
    skill: Annotated[str | None, LEFT_OUT] = None,
    every: Annotated[float, Parameter(validator=Number(gte=OFTEN, lte=3600))] = 5.0,
    long: PositiveFloat = 10.0,
    sort: Order = "state",
    once: Annotated[bool, SWITCH] = False,
    account: Account = ACCOUNT,
    output: Output = OUTPUT,
) -> Exit:
    """Example: convoso monitor --campaign-id 61

    Agents and queues, live: who is in which state, and since when. q leaves.

    A look that fails does not end it: the screen says since when nothing came,
    and goes on trying. In a pipe each look is a line of JSON.

    Args:
        campaign_id: Only these campaigns; several with commas.
        queue_id: Only these queues.
        user_id: Only these agents.
        skill: Only agents with one of these skills.
        every: Seconds between two looks, 2 or more.
        long: Minutes in one state from which on an agent is marked.
        sort: By state and then the longest first, by time alone, or by name.
        once: One look, and no more.
    """
    filters = {
        "campaign_id": campaign_id,
        "queue_id": queue_id,
        "user_id": user_id,
        "filter_by_skill_options": skill,
    }
    async with account.client() as client:
        floor = Floor(client, filters, every)
        if once:
            await floor.look()
            show_once(floor, output, long * 60, sort)
        elif output.for_programs:
            await write_lines(floor, output)
        elif out.is_dumb_terminal:
            raise BadUse("Nothing can be drawn here (TERM): --once is a look, --json a line for each")
        else:
            await LiveScreen(floor, long * 60, sort).run()
    return Exit.DONE


@dataclass
class Floor:
    """What was seen of the floor last, and whether it is still so."""

    client: "AsyncConvoso"
    filters: Mapping[str, str | None]
    every: float
    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    snapshot: "MonitorSnapshot | None" = None
    trouble: ConvosoError | None = None
    """Why the last look failed. None where it did not."""
    seen: datetime | None = None
    """When the snapshot was taken, by the account's clock."""
    _taken: float = 0.0

    @property
    def age(self) -> float:
        """Seconds since the snapshot."""
        return self.clock() - self._taken

    async def look(self) -> None:
        """Looks at the floor. Raises what the call raises, and ConvosoTimeoutError after `PATIENCE`."""
        try:
            async with asyncio.timeout(PATIENCE):
                self.snapshot = await self.client.agent_monitor.search(**self.filters)
        except TimeoutError:
            raise ConvosoTimeoutError(
                f"no answer in {PATIENCE:g} s", endpoint="agent_monitor.search", outcome="unknown"
            ) from None
        self._taken = self.clock()
        self.seen = datetime.now(self.client.zone).replace(microsecond=0)
        self.trouble = None

    async def looks(self) -> AsyncIterator[None]:
        """Looks again and again. A failure is kept as `trouble`; at first, one that would last is raised."""
        while True:
            began = self.clock()
            try:
                await self.look()
            except ConvosoError as error:
                if self.snapshot is None and isinstance(error, LASTING):
                    raise
                self.trouble = error
            yield
            rest = self.trouble.retry_after if isinstance(self.trouble, RateLimitError) else None
            await self.sleep(max(began + self.every - self.clock(), rest or 0.0, 0.0))


def show_once(floor: Floor, output: Output, long: float, order: Order) -> None:
    """Prints one table, or one line."""
    assert floor.snapshot is not None
    if output.for_programs:
        output.lines([line_of(floor)])
    else:
        out.print(picture(floor.snapshot, elapsed=0.0, long=long, order=order, width=out.width))


async def write_lines(floor: Floor, output: Output) -> None:
    """Writes a line for each look that succeeds, and says on standard error where one does not."""
    async for _ in floor.looks():
        if floor.trouble is None:
            output.lines([line_of(floor)])
        else:
            complain(f"{datetime.now(floor.client.zone):%H:%M:%S} {floor.trouble}")


def line_of(floor: Floor) -> Mapping[str, object]:
    """What a program gets of one look."""
    assert floor.snapshot is not None
    return {"time": floor.seen, **as_record(floor.snapshot)}


@dataclass
class LiveScreen:
    """The live screen: drawn each second, and when something came, the window changed or a key was hit."""

    floor: Floor
    long: float
    order: Order
    leaving: bool = False
    way_out: str = "q"
    """The key that leaves."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Stays up until somebody leaves. Raises what the first look raises, if that would last."""
        heard = {"SIGWINCH": self._news.set, "SIGTERM": self.leave, "SIGHUP": self.leave}
        async with looking(self.floor, self._news) as looks:
            with (
                Live(console=out, screen=True, auto_refresh=False) as live,
                keys(self.hit) as read,
                signals(heard),
            ):
                self.way_out = "q" if read else "Ctrl-C"
                while not self.leaving:
                    if looks.done():
                        looks.result()
                    self._news.clear()
                    live.update(self.drawn(), refresh=True)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            await self._news.wait()

    def hit(self, key: str) -> None:
        """A key was hit. None at all means that nobody is there any more."""
        if key in ("q", "Q", ""):
            self.leave()

    def leave(self) -> None:
        """Ends the screen."""
        self.leaving = True
        self._news.set()

    def drawn(self) -> RenderableType:
        """The floor as it was seen last, and below it how things are."""
        lines = self.status()
        if self.floor.snapshot is None:
            return Group(*lines)
        shown = picture(
            self.floor.snapshot,
            elapsed=self.floor.age,
            long=self.long,
            order=self.order,
            width=out.width,
            height=out.height - len(lines) - 1,
        )
        return Group(shown, Text(), *lines)

    def status(self) -> list[Text]:
        """When it was seen, whether that is still so, and how to leave."""
        ways = f"every {self.floor.every:g} s, {self.way_out} leaves"
        seen, trouble = self.floor.seen, self.floor.trouble
        if trouble is None:
            told = "Looking" if seen is None else f"{seen:%H:%M:%S}"
            return [Text(f"{told}, {ways}", "dim", no_wrap=True, overflow="ellipsis")]
        since = f"Nothing since {seen:%H:%M:%S}" if seen else "Nothing yet"
        return [
            Text(f"{since}, trying again {ways}", "bold red", no_wrap=True, overflow="ellipsis"),
            Text(str(trouble), "red", no_wrap=True, overflow="ellipsis"),
        ]


@asynccontextmanager
async def looking(floor: Floor, news: asyncio.Event) -> AsyncIterator["asyncio.Task[None]"]:
    """A task that looks while the screen is up, and tells when there is news. It ends with the context."""

    async def look() -> None:
        try:
            async for _ in floor.looks():
                news.set()
        finally:
            news.set()

    task = asyncio.create_task(look())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@contextmanager
def keys(hit: Callable[[str], None]) -> Iterator[bool]:
    """Has each key go to `hit` at once and unseen. Gives whether there is a keyboard that can be read so."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        yield False
        return
    if not is_terminal(sys.stdin):
        yield False
        return
    keyboard = sys.stdin.fileno()
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        loop.add_reader(keyboard, lambda: hit(sys.stdin.read(1)))
        yield True
    finally:
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


@contextmanager
def signals(handlers: Mapping[str, Callable[[], object]]) -> Iterator[None]:
    """Has signals handled in the event loop, those that the system knows."""
    loop = asyncio.get_running_loop()
    known = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    try:
        for number, handler in known.items():
            with suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, handler)
        yield
    finally:
        for number in known:
            with suppress(NotImplementedError):  # Windows
                loop.remove_signal_handler(number)
