"""What a mirror takes off a list: the numbers that were not asked for, unless they are too many."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import attrs

from ..endpoint import Endpoint
from ..errors import ConvosoError
from .importing import CHECKED_AT_ONCE
from .journal import rows_in
from .opt_out_list import Listed
from .phone_rows import PhoneRow, Scope
from .phones import Phone, plainly
from .work import Operation

STATES = ("new", "sent", "done", "failed", "unknown", "skipped")
CONFIRMED = {"confirmed": True}
"""What the journal has as the outcome of a removal that a look at the list confirmed."""


class MirrorError(ConvosoError):
    """A mirror would remove more than it may, or cannot tell what. Nothing was written."""


@attrs.frozen
class Mirror:
    """How a mirror removes, and how much it may. Raises TypeError or ValueError for a bad fraction."""

    delete: Operation
    call: Endpoint[Any]
    max_delete_fraction: float
    allow_empty: bool

    def __attrs_post_init__(self) -> None:
        fraction = self.max_delete_fraction
        if isinstance(fraction, bool) or not isinstance(fraction, int | float):
            raise TypeError(f"max_delete_fraction must be a number, not {type(fraction).__name__}")
        if not 0 <= fraction <= 1:
            raise ValueError(f"max_delete_fraction must be from 0 to 1, not {fraction}")

    def check_input(self, rows: Sequence[PhoneRow]) -> None:
        """Raises MirrorError for an input without rows: it is more often a broken one than an empty list."""
        if not rows and not self.allow_empty:
            raise MirrorError("the input is empty; if the list is to be so too, give allow_empty=True")

    def check_removals(self, remove: int, of: int) -> None:
        """Raises MirrorError for removing more than it may."""
        allowed = int(self.max_delete_fraction * of + 1e-9)
        if remove <= allowed:
            return
        raise MirrorError(
            f"the mirror would remove {remove:,} of the {of:,} numbers on the list, and"
            f" max_delete_fraction={self.max_delete_fraction:g} allows {allowed:,}; see them with"
            " dry_run=True and, if that is right, give"
            f" max_delete_fraction={ceil(1_000 * remove / of) / 1_000:g}"
        )


@attrs.frozen
class Removal:
    """A number to take off.

    Attributes:
        position: its place in the job, after the rows of the input.
        phone: the number, in the spelling of the list.
        listed: whether the list held it when it was read.
        before: how its removal stood in the journal, or `confirmed`; None for a new one.
    """

    position: int
    phone: Phone
    listed: bool
    before: str | None = None


def removals_of(
    surplus: Sequence[Phone], before: Mapping[Phone, str], listed: Collection[Phone], rows: int
) -> list[Removal]:
    """The removals of earlier runs in their order, and after them those that are new."""
    phones = dict.fromkeys((*before, *surplus))
    return [
        Removal(position, phone, phone in listed, before.get(phone))
        for position, phone in enumerate(phones, rows)
    ]


async def surplus_of(listed: Listed, rows: Sequence[PhoneRow]) -> list[Phone]:
    """The numbers on a list that were not asked for, in whatever spelling. Raises MirrorError in doubt."""
    if listed.unclear:
        raise MirrorError(
            f"{listed.unclear:,} entries of the list came without their number, phone_code or campaign_id:"
            " what to remove cannot be told"
        )
    wanted = {row.phone for row in rows}
    surplus = []
    for place, phone in enumerate(listed.phones, 1):
        if phone not in wanted and plainly(phone) not in wanted:
            surplus.append(phone)
        if place % CHECKED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return surplus


def row_of(phone: Phone, scope: Scope) -> dict[str, dict[str, str]]:
    """A removal as journal and report show it: no row that could be put in again as a number to add."""
    return {"remove": params_of(phone, scope)}


def params_of(phone: Phone, scope: Scope) -> dict[str, str]:
    """What names an entry."""
    return {
        "phone_number": phone.digits,
        "phone_code": phone.code,
        "campaign_id": scope.campaign_id,
    }


def earlier_removals(journal: Path, rows: int) -> dict[Phone, str]:
    """The removals that a journal of an input of so many rows knows, in their order, and how they stand: in
    what state, or `confirmed`.

    The list does not show them any more, where they went well: only the journal can tell.
    """
    return dict(_removals_in(journal, rows)) if journal.is_file() else {}


def _removals_in(journal: Path, rows: int) -> Iterator[tuple[Phone, str]]:
    for position, _, row, state, outcome in rows_in(journal, STATES):
        # By the place: a row of the input may look like a removal, such as one of a report's.
        entry = row.get("remove") if position >= rows and isinstance(row, dict) else None
        if isinstance(entry, dict):
            stands = "confirmed" if outcome == CONFIRMED else state
            yield Phone(entry["phone_code"], entry["phone_number"]), stands
