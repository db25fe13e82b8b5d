"""From a call's three numbers to its row, and from a filter's values to tests on the dice."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import clock
from .history import CallHistory, Filter, Slot, within


class CalledLead(NamedTuple):
    """What a call log keeps of the lead, as it was when the account began."""

    lead_id: str | None
    list_id: str | None
    campaign_id: str | None
    campaign: str | None
    phone_number: str
    first_name: str
    last_name: str


class Agent(NamedTuple):
    """Who took the call."""

    user_id: str
    user: str
    email: str


class Kind(NamedTuple):
    """Direction of a call, and the queue it came through."""

    call_type: str
    queue_id: str | None
    queue: str | None


class Outcome(NamedTuple):
    """Disposition of a call, and whether anybody talked."""

    status: str
    status_name: str
    talked: bool


@dataclass(frozen=True, slots=True)
class Cast:
    """The values that dice choose from."""

    leads: Sequence[CalledLead]
    agents: Sequence[Agent]
    kinds: Sequence[Kind]
    outcomes: Sequence[Outcome]


class CallRows:
    """The call logs of an account as rows and selections of rows."""

    def __init__(self, history: CallHistory, cast: Cast) -> None:
        self.history = history
        self.cast = cast
        self.lead_slot = Slot(0, 0xFFFFFF, len(cast.leads))
        self.agent_slot = Slot(24, 0xFFFF, len(cast.agents))
        self.kind_slot = Slot(40, 0x1F, len(cast.kinds))
        self.outcome_slot = Slot(45, 0x3F, len(cast.outcomes))
        self.count_slot = Slot(62, 3, 4)

    def row(self, at: int) -> dict[str, Any]:
        """The call at a position, with the documented types; `recorded` says whether there is audio."""
        history = self.history
        call_id, dice = history.ids[at], history.dice[at]
        lead = self.cast.leads[self.lead_slot.of(dice)]
        agent = self.cast.agents[self.agent_slot.of(dice)]
        kind = self.cast.kinds[self.kind_slot.of(dice)]
        outcome = self.cast.outcomes[self.outcome_slot.of(dice)]
        length = 5 + (dice >> 51 & 0x7FF) // (1 if outcome.talked else 64)
        row: dict[str, Any] = {
            "id": str(call_id),
            "lead_id": lead.lead_id,
            "list_id": lead.list_id,
            "campaign_id": lead.campaign_id,
            "campaign": lead.campaign,
            "user_id": agent.user_id,
            "user": agent.user,
            "phone_number": lead.phone_number,
            "number_dialed": "1" + lead.phone_number,
            "first_name": lead.first_name,
            "last_name": lead.last_name,
            "status": outcome.status,
            "status_name": outcome.status_name,
            "call_length": length,
            "call_date": clock.text(history.stamps[at]),
            "call_type": kind.call_type,
            "called_count": str(1 + self.count_slot.of(dice)),
            "caller_id_displayed": "2025550100",
            "term_reason": ("AGENT", "CALLER")[dice >> 50 & 1] if outcome.talked else "NOANSWER",
            "queue_id": kind.queue_id,
            "queue": kind.queue,
            "queue_position": "1" if kind.queue_id else None,
            "queue_seconds": str(length % 90) if kind.queue_id else None,
            "agent_comment": None,
            "originating_agent_id": None,
            "session_id": f"{dice:016x}",
            "recorded": outcome.talked and dice >> 57 & 7 != 0,
        }
        changes = history.changes.get(call_id)
        if changes:
            row |= changes
        row["recorded"] = bool(row["call_length"]) and row["recorded"]
        return row

    def recorded(self, at: int) -> bool:
        """Whether the call at a position has a recording."""
        if self.history.ids[at] in self.history.changes:
            return bool(self.row(at)["recorded"])
        dice = self.history.dice[at]
        return self.cast.outcomes[self.outcome_slot.of(dice)].talked and dice >> 57 & 7 != 0

    def select(self, filters: Mapping[str, frozenset[str]], recorded: bool = False) -> array[int] | None:
        """Ascending positions of the calls that match every filter; None when there is nothing to filter."""
        if not filters and not recorded:
            return None
        key = (tuple(sorted((name, *sorted(wanted)) for name, wanted in filters.items())), recorded)
        found = self.history.found(key)
        return self.history.keep(key, self._scan(filters, recorded)) if found is None else found

    def _scan(self, filters: Mapping[str, frozenset[str]], recorded: bool) -> array[int]:
        if "id" in filters:
            found = [self.history.position(int(value)) for value in filters["id"] if value.isdecimal()]
            rest = {name: wanted for name, wanted in filters.items() if name != "id"}
            matches = sorted(at for at in found if at is not None and self._matches(at, rest))
        else:
            given = [at for at in self.history.changed() if self._matches(at, filters)]
            matches = sorted([*self.history.matching(self._tests(filters)), *given])
        return array("q", filter(self.recorded, matches) if recorded else matches)

    def _matches(self, at: int, filters: Mapping[str, frozenset[str]]) -> bool:
        row = self.row(at)
        return all(_folded(row[name]) in wanted for name, wanted in filters.items())

    def _tests(self, filters: Mapping[str, frozenset[str]]) -> list[Filter]:
        tests = []
        for slot, values in self._tables().items():
            named = [name for name in filters if name in values[0]]
            if named:
                tests.append((slot, frozenset(_accepted(values, named, filters))))
        return tests

    def _tables(self) -> dict[Slot, list[dict[str, Any]]]:
        cast = self.cast
        return {
            self.agent_slot: [agent._asdict() for agent in cast.agents],
            self.outcome_slot: [outcome._asdict() for outcome in cast.outcomes],
            self.kind_slot: [kind._asdict() for kind in cast.kinds],
            self.count_slot: [{"called_count": str(1 + value)} for value in range(self.count_slot.values)],
            self.lead_slot: [
                lead._asdict() | {"number_dialed": "1" + lead.phone_number} for lead in cast.leads
            ],
        }

    def page(self, positions: array[int] | None, window: range, newest_first: bool) -> Selection:
        """The calls of a selection that lie in a window, in the order asked for."""
        inside: Sequence[int] = window if positions is None else within(positions, window)
        return Selection(inside[::-1] if newest_first else inside, self.row)


class Selection:
    """Rows that are made when a page of them is asked for."""

    def __init__(self, positions: Sequence[int], row: Callable[[int], dict[str, Any]]) -> None:
        self._positions = positions
        self._row = row

    def __len__(self) -> int:
        return len(self._positions)

    def page(self, offset: int, limit: int) -> list[dict[str, Any]]:
        """The rows of one page."""
        return [self._row(at) for at in self._positions[offset : offset + limit]]


def _accepted(
    values: Sequence[Mapping[str, Any]], named: Iterable[str], filters: Mapping[str, frozenset[str]]
) -> list[int]:
    return [
        number
        for number, value in enumerate(values)
        if all(_folded(value[name]) in filters[name] for name in named)
    ]


def _folded(value: object) -> str:
    return "" if value is None else str(value).casefold()
