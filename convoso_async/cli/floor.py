"""The floor at one moment as a picture: counts, and the agents with what each does and since when."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..resources.agent_monitor import MonitoredAgent, MonitorSnapshot
from .table import harmless

Order = Literal["state", "time", "agent"]
STATES: Mapping[str, str] = {"READY": "cyan", "INCALL": "green", "WRAP": "magenta", "PAUSED": "yellow"}
"""The states in the order of the screen, and their colours. Others, which accounts have, come after."""
COUNTERS: Mapping[str, str] = {
    "queue_calls_today": "calls today",
    "queue_answered": "answered",
    "queue_dropped": "dropped",
    "queue_dialable_leads": "leads to dial",
}
LONG = "!"
"""What marks a long time where there are no colours."""
HEAD = 5
"""Lines above the first agent: counts, counters, a blank one, headings, a rule."""


def picture(
    snapshot: MonitorSnapshot,
    *,
    elapsed: float,
    long: float,
    order: Order,
    width: int,
    height: int | None = None,
) -> RenderableType:
    """The counts and the agents, `elapsed` seconds after the snapshot was taken.

    Whoever is in one state for `long` seconds is marked. Agents past `height` lines are only counted.
    """
    agents = ordered(snapshot.agents, order)
    room = len(agents) if height is None else max(height - HEAD, 1)
    shown = agents if len(agents) <= room else agents[: room - 1]
    parts: list[RenderableType] = [counts(agents, elapsed, long), counters(snapshot), Text()]
    parts.append(table(shown, elapsed, long, width) if agents else Text("Nobody is signed in."))
    if len(shown) < len(agents):
        parts.append(Text(f"and {len(agents) - len(shown)} more, for whom the window is too low", "dim"))
    return Group(*parts)


def ordered(agents: Sequence[MonitoredAgent], order: Order) -> list[MonitoredAgent]:
    """The agents by state and then the longest first, or by time alone, or by name."""
    keys: Mapping[Order, Callable[[MonitoredAgent], tuple[object, ...]]] = {
        "state": lambda agent: (rank(state_of(agent)), -(agent.status_time_sec or 0), name_of(agent)),
        "time": lambda agent: (-(agent.status_time_sec or 0), name_of(agent)),
        "agent": lambda agent: (name_of(agent).casefold(),),
    }
    return sorted(agents, key=keys[order])


def rank(state: str) -> tuple[int, str]:
    """Where a state stands on the screen."""
    known = list(STATES)
    return (known.index(state) if state in known else len(known), state)


def state_of(agent: MonitoredAgent) -> str:
    """The agent's state, in the spelling of the documentation."""
    return harmless(agent.status or agent.status_label or "unknown").upper()


def name_of(agent: MonitoredAgent) -> str:
    """The agent's name, else what there is in its place."""
    parts = " ".join(part for part in (agent.first_name, agent.last_name) if part)
    return harmless(agent.user_full_name or parts or agent.username or agent.user_id or "")


def is_long(agent: MonitoredAgent, elapsed: float, long: float) -> bool:
    """Whether the agent is in one state for so long."""
    return agent.status_time_sec is not None and agent.status_time_sec + elapsed >= long


def counts(agents: Sequence[MonitoredAgent], elapsed: float, long: float) -> Text:
    """How many agents there are, in each state, and for long in theirs."""
    states = Counter(map(state_of, agents))
    line = Text(no_wrap=True, overflow="ellipsis").append(f"Agents {len(agents)}", "bold")
    late = sum(is_long(agent, elapsed, long) for agent in agents)
    if late:
        line.append("   ").append(f"{late} over {long / 60:g} min {LONG}", "bold red")
    for state in sorted(states, key=rank):
        line.append("   ").append(f"{state} {states[state]}", STATES.get(state, ""))
    return line


def counters(snapshot: MonitorSnapshot) -> Text:
    """The figures of the queues, where the reply has them."""
    known = {told: getattr(snapshot, name) for name, told in COUNTERS.items()}
    told = ", ".join(f"{told} {value:,}" for told, value in known.items() if value is not None)
    return Text(told, "dim", no_wrap=True, overflow="ellipsis")


def table(agents: Sequence[MonitoredAgent], elapsed: float, long: float, width: int) -> Table:
    """A line for each agent. A narrow window has no campaign and no queue in it."""
    names = {name: text_of for name, (text_of, least) in NAMES.items() if width >= least}
    drawn = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    drawn.add_column("state", no_wrap=True, min_width=7)
    drawn.add_column("time", justify="right", no_wrap=True, min_width=9)
    for name in names:
        drawn.add_column(name, no_wrap=True, overflow="ellipsis", min_width=5)
    drawn.add_column("calls", justify="right", no_wrap=True, min_width=5)
    for agent in agents:
        state = state_of(agent)
        late = is_long(agent, elapsed, long)
        drawn.add_row(
            Text(state, STATES.get(state, "")),
            Text(f"{time_of(agent, elapsed)} {LONG if late else ' '}", "bold red" if late else ""),
            *(Text(text_of(agent)) for text_of in names.values()),
            Text("" if agent.calls_today is None else f"{agent.calls_today:,}"),
        )
    return drawn


def time_of(agent: MonitoredAgent, elapsed: float) -> str:
    """How long the agent is in its state by now: `4:05`, `1:04:05`."""
    if agent.status_time_sec is None:
        return agent.status_time_mmss or ""
    minutes, seconds = divmod(int(agent.status_time_sec + elapsed), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


NAMES: Mapping[str, tuple[Callable[[MonitoredAgent], str], int]] = {
    "agent": (name_of, 0),
    "campaign": (lambda agent: harmless(agent.campaign_name or agent.campaign_id or ""), 60),
    "queue": (lambda agent: harmless(agent.queue_name or agent.queue_id or ""), 72),
}
"""The columns of names, and the width of a window that has room for them."""
