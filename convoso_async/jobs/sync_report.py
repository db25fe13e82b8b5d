"""What a sync of a do-not-call or opt-out list has to do, and what it did."""

from typing import TYPE_CHECKING

import attrs

from .report import JobReport

if TYPE_CHECKING:
    from .phones import Phone


@attrs.frozen(kw_only=True)
class SyncPlan:
    """What a sync has to do, as it was when the list was read. Each number stands once.

    Attributes:
        add: numbers asked for that are not on the list; all of them where the list was not read.
        remove: numbers on the list, in its own spelling, that a mirror takes off.
        there: numbers asked for that are on the list.
        read: whether the list was read. Only a list past the reach of search is not, in `add` mode.
    """

    add: "tuple[Phone, ...]" = ()
    remove: "tuple[Phone, ...]" = ()
    there: "tuple[Phone, ...]" = ()
    read: bool = True


@attrs.define(kw_only=True)
class SyncReport(JobReport):
    """What a sync did: a JobReport over the rows of the input, in order, and then the numbers to remove.

    `done` is what was added or removed; `skipped` are numbers that were there already, and rows that name a
    number again; `unknown` may be on the list or not, as far as a read can tell. The row of a removal is
    `{"remove": {...}}`.

    Attributes:
        added: numbers put on the list.
        removed: numbers taken off.
        there: numbers asked for that were on the list already.
        repeated: rows that name a number which a row before them named.
        withheld: numbers that a mirror left on the list, because a row of the input could not be read.
        confirmed: of those added, removed and there, how many a read showed to be so: all of them where the
            list can be read. Past the reach of search, up to 1,000 numbers are looked up one by one, and of
            more only those in doubt; for the others the service's word stands.
        plan: the numbers, one by one.
    """

    added: int = 0
    removed: int = 0
    there: int = 0
    repeated: int = 0
    withheld: int = 0
    confirmed: int = 0
    plan: SyncPlan = attrs.field(factory=SyncPlan, repr=False)
