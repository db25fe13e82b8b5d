"""How a list is made to hold the numbers asked for: compare, write the difference, look whether it took."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import attrs

from ..client import AsyncConvoso
from ..endpoint import Endpoint
from ..errors import ConvosoError, DuplicateError, InvalidRequestError, NotFoundError, OffsetCapError
from ..resource import form_of
from ..retry import says_already
from .confirming import Claim, Confirmation
from .engine import Engine, check_concurrency, opened, tell
from .importing import CHECKED_AT_ONCE, compare
from .journal import Contents, Journal, digest_of, entry_of, json_of
from .mirror import CONFIRMED, Mirror, Removal, earlier_removals, params_of, removals_of, row_of, surplus_of
from .opt_out_list import Listed, OptOutList
from .phone_rows import PhoneColumns, PhoneRow, Source, phone_rows
from .phones import Phone
from .progress import Meter, OnProgress
from .report import JobItem, Problem, State, error_record
from .sync_report import SyncPlan, SyncReport
from .work import Item, Operation, Work

PAGE = 1_000
LOOKED_UP = 1_000
"""Numbers that are looked up one by one where the list cannot be read; of more, only those in doubt."""
NOT_WHOLE = Problem(None, "nothing is removed, because the list asked for is not known whole")
BAD_OFFSET = 7231
"""What a service says whose offsets reach less far than documented."""
SAMPLE = Phone("1", "5551234567")


@attrs.frozen
class Task:
    """What a sync has to do: the rows of its input, what the list held, and what to remove.

    `listed` is None where the list is past the reach of search.
    """

    rows: Sequence[PhoneRow]
    listed: Listed | None
    removals: Sequence[Removal] = ()

    def holds(self, phone: Phone | None) -> bool:
        """Whether the list held a number."""
        return self.listed is not None and phone in self.listed.phones

    def plan(self) -> SyncPlan:
        """What is to be done, one by one."""
        asked = [row.phone for row in self.rows if row.phone is not None and not row.repeats]
        return SyncPlan(
            add=tuple(phone for phone in asked if not self.holds(phone)),
            remove=tuple(removal.phone for removal in self.removals if removal.listed),
            there=tuple(phone for phone in asked if self.holds(phone)),
            read=self.listed is not None,
        )


class Sync:
    """One sync of one list.

    Raises TypeError or ValueError for a reason or a purpose that an entry cannot have.
    """

    def __init__(
        self,
        client: AsyncConvoso,
        entries: OptOutList,
        insert: Operation,
        call: Endpoint[Any],
        facts: Mapping[str, str | None],
        mirror: Mirror | None = None,
        *,
        journal: str | os.PathLike[str] | None,
        concurrency: int,
        progress: OnProgress | None,
    ) -> None:
        check_concurrency(concurrency)
        self._client = client
        self._entries = entries
        self._scope = entries.scope
        self._insert = insert
        self._call = call
        self._facts = {name: text for name, text in facts.items() if text is not None}
        self._mirror = mirror
        self._journal = None if journal is None else Path(journal)
        self._concurrency = concurrency
        self._meter = Meter(progress, asyncio.get_running_loop().time)
        self._ends: dict[object, State] = {}
        form_of(call).pairs({**params_of(SAMPLE, self._scope), **self._facts}, client.zone)

    async def run(self, phones: Source, columns: PhoneColumns, encoding: str, *, dry_run: bool) -> SyncReport:
        """The report, once the list holds what it should or the job was stopped."""
        report = SyncReport(journal=None if dry_run else self._journal)
        try:
            rows = await phone_rows(phones, columns, encoding, self._scope)
            report.repeated = sum(row.repeats for row in rows)
            task = await self._compare(rows, report, dry_run=dry_run)
            report.plan = task.plan()
            if dry_run:
                self._count(task, report)
            else:
                await self._carry_out(task, report)
        finally:
            self._meter.enter(None, report.total)
            tell(self._meter, report, finished=True)
        return report

    # -- what there is to do ------------------------------------------------------------------------

    async def _compare(self, rows: Sequence[PhoneRow], report: SyncReport, *, dry_run: bool) -> Task:
        """What there is to do. Raises MirrorError and PagingError; nothing was written then."""
        mirror = self._mirror
        if mirror is not None and not dry_run:
            mirror.check_input(rows)
        listed = await self._read()
        if mirror is None or listed is None:
            return Task(rows, listed)
        surplus = await surplus_of(listed, rows)
        if any(row.problems for row in rows):
            report.withheld, surplus = len(surplus), []
        before = {}
        if self._journal is not None and not dry_run:
            before = await asyncio.to_thread(earlier_removals, self._journal, len(rows))
        removals = removals_of(surplus, before, listed.phones, len(rows))
        if not dry_run:
            mirror.check_removals(len(removals), len({*listed.phones, *before}))
        return Task(rows, listed, removals)

    async def _read(self) -> Listed | None:
        """What the list holds, None where it is past the reach of search and need not be known."""
        self._meter.enter("reading", None)
        if self._mirror is not None:
            return await self._entries.read_all_parts(self._tell_read)
        try:
            return await self._entries.read(self._tell_read)
        except (OffsetCapError, InvalidRequestError) as error:
            past_reach = isinstance(error, OffsetCapError) or error.code == BAD_OFFSET
            if self._entries.partitions is None and past_reach:
                return None
            raise

    def _tell_read(self, read: int, total: int | None) -> None:
        self._meter.total = total
        self._meter.tell(done=read)

    def _count(self, task: Task, report: SyncReport) -> None:
        """Counts what would be done."""
        report.total = len(task.rows) + len(task.removals)
        for row in task.rows:
            refusal = self._refusal(row)
            if refusal is None:
                report.count("skipped")
                continue
            report.count(
                "failed",
                JobItem(position=row.position, line=row.line, row=row.values, state="failed", error=refusal),
            )
        report.skipped += len(task.removals)
        report.there = report.confirmed = len(report.plan.there)

    # -- doing it -----------------------------------------------------------------------------------

    async def _carry_out(self, task: Task, report: SyncReport) -> None:
        adding = Work(
            operation=self._add,
            repeatable=True,
            endpoint=self._call,
            client=self._client,
            skips=(DuplicateError,),
            stops=self._stops(task.rows),
            ended=self._ended,
        )
        async with opened(self._journal, adding.fingerprint(self._options)) as book:
            if book is not None:
                await compare(book, await contents_of(task.rows), each(task.rows))
            self._meter.enter("writing", len(task.rows) + len(task.removals))
            await self._step(adding, self._additions(task), book, report, last=not task.removals)
            if self._mirror is not None and task.removals and report.stopped is None:
                removing = Work(
                    operation=self._mirror.delete,
                    endpoint=self._mirror.call,
                    client=self._client,
                    skips=(NotFoundError,),
                    ended=self._ended,
                )
                self._plan_removals(task, book)
                await self._step(removing, self._removals(task), book, report, last=True)
            await self._confirm(task, report, book)

    def _plan_removals(self, task: Task, book: Journal | None) -> None:
        """Notes all removals in their order before any is sent: the list will not show them any more, so a
        later run knows their places from the journal alone.

        Raises JournalError where a run that began at the same time has done so, and has ended, meanwhile.
        """
        if book is not None:
            book.check_new(len(task.rows) + sum(removal.before is not None for removal in task.removals))
            for removal in task.removals:
                if removal.before is None:
                    book.put_back(entry_of(removal.position, None, row_of(removal.phone, self._scope)))

    async def _step(
        self,
        work: Work,
        items: AsyncGenerator[Item, None],
        book: Journal | None,
        report: SyncReport,
        *,
        last: bool,
    ) -> None:
        async with aclosing(items):
            await Engine(work, items, book, self._concurrency, self._meter, report, last=last).run()

    @property
    def _options(self) -> dict[str, object]:
        """What makes a sync the same one when it goes on with its journal."""
        return {
            "mode": "add" if self._mirror is None else "mirror",
            "campaign_id": self._scope.campaign_id,
            "phone_code": self._scope.phone_code,
            **self._facts,
        }

    def _stops(self, rows: Sequence[PhoneRow]) -> Callable[[ConvosoError], bool]:
        """Tells the refusals that speak of what all rows have in common."""
        codes = set[object]()
        if all(row.phone is None or row.phone.code == self._scope.phone_code for row in rows):
            codes |= {6026}
        if not any(row.facts for row in rows):
            codes |= {6057, 6058, 6080}
        return lambda error: error.code in codes

    def _ended(self, item: Item, state: State) -> None:
        if item.key is not None:
            self._ends[item.key] = state

    def _refusal(self, row: PhoneRow) -> ConvosoError | None:
        return row.refusal(*(() if self._mirror is None else (NOT_WHOLE,)))

    async def _additions(self, task: Task) -> AsyncGenerator[Item, None]:
        for place, row in enumerate(task.rows, 1):
            params = None
            if row.phone is not None:
                params = {**params_of(row.phone, self._scope), **self._facts, **row.facts}
            yield Item(
                row=row.values,
                params=params,
                key=None if row.repeats else row.phone,
                line=row.line,
                refusal=self._refusal(row),
                needless=row.repeats or task.holds(row.phone),
            )
            if place % CHECKED_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _removals(self, task: Task) -> AsyncGenerator[Item, None]:
        for removal in task.removals:
            yield Item(
                row=row_of(removal.phone, self._scope),
                params=params_of(removal.phone, self._scope),
                key=removal.phone,
                needless=not removal.listed,
            )

    async def _add(self, **entry: str) -> object:
        """Inserts a number. A refusal that may mean a bad number as well is not taken for `already there`."""
        try:
            return await self._insert(**entry)
        except DuplicateError as refused:
            there = says_already(self._call, refused)
            if there or await self._entries.has(Phone(entry["phone_code"], entry["phone_number"])):
                raise
            invalid = InvalidRequestError(f"it is not on the list, and was refused: {refused.message}")
            invalid.__dict__.update(refused.__dict__)
        raise invalid

    # -- looking whether it took --------------------------------------------------------------------

    async def _confirm(self, task: Task, report: SyncReport, book: Journal | None) -> None:
        """Looks at the list, unless the job was stopped, and corrects report and journal by what it shows."""
        claims = list(self._claims(task))
        stands = {claim: True for claim in claims if task.holds(claim.phone) is claim.wanted}
        left = [claim for claim in claims if claim not in stands]
        pages = None
        if task.listed is not None:
            pages = task.listed.requests + 1 + len(left) // PAGE
        elif len(left) > LOOKED_UP:
            left = [claim for claim in left if claim.state == "unknown"]
        if left and report.stopped is None:
            look = Confirmation(self._client, self._entries, self._concurrency, self._meter)
            await look.look(left, pages=pages)
            report.stopped = look.trouble
            stands |= look.stands
        self._correct(stands, report, book)
        if book is not None:
            self._note_removed(stands, book)
        self._sum_up(task, report, stands)

    def _claims(self, task: Task) -> Iterator[Claim]:
        """The numbers that were written, or found written, or may be."""
        for row in task.rows:
            state = None if row.repeats else self._ends.get(row.phone)
            if row.phone is not None and state in ("done", "skipped", "unknown"):
                yield Claim(row.position, row.line, row.values, row.phone, True, state)
        for removal in task.removals:
            state = self._ends.get(removal.phone)
            anew = removal.listed and removal.before == "confirmed"  # an opt-out that came after
            if state in ("done", "skipped", "unknown") and not anew:
                values = row_of(removal.phone, self._scope)
                yield Claim(removal.position, None, values, removal.phone, False, state)

    def _correct(self, stands: Mapping[Claim, bool], report: SyncReport, book: Journal | None) -> None:
        corrections: list[tuple[State, JobItem | int, State]] = []
        for claim, stand in stands.items():
            if stand is (claim.state != "unknown"):
                continue
            error = None if stand else self._contradiction(claim)
            state: State = "done" if error is None else "unknown"
            if book is not None:
                outcome = None if error is None else json.dumps(error_record(error))
                book.ended(entry_of(claim.position, claim.line, claim.values), state, outcome)
            item: JobItem | int = claim.position
            if error is not None:
                item = JobItem(
                    position=claim.position, line=claim.line, row=claim.values, state=state, error=error
                )
            corrections.append((claim.state, item, state))
            self._ends[claim.phone] = state
        report.settle(corrections)

    def _note_removed(self, stands: Mapping[Claim, bool], book: Journal) -> None:
        """Notes the removals that a look confirmed: where a later run meets such a number, it came after."""
        for claim, stand in stands.items():
            if stand and not claim.wanted:
                entry = entry_of(claim.position, claim.line, claim.values)
                book.ended(entry, self._ends[claim.phone], json.dumps(CONFIRMED))

    def _contradiction(self, claim: Claim) -> ConvosoError:
        call, told = self._call, "the service took the number, and a search does not show it"
        if self._mirror is not None and not claim.wanted:
            call, told = self._mirror.call, "the service removed the number, and a search still shows it"
        return ConvosoError(told, endpoint=call.id, outcome="unknown")

    def _sum_up(self, task: Task, report: SyncReport, stands: Mapping[Claim, bool]) -> None:
        removed = {removal.phone for removal in task.removals}
        for phone, state in self._ends.items():
            report.added += state == "done" and phone not in removed
            report.there += state == "skipped" and phone not in removed
            report.removed += state == "done" and phone in removed
        for claim, stand in stands.items():
            state = self._ends[claim.phone]
            report.confirmed += stand and (state == "done" or (claim.wanted and state == "skipped"))


async def each(rows: Sequence[PhoneRow]) -> AsyncGenerator[PhoneRow, None]:
    """The rows, one by one."""
    for row in rows:
        yield row


async def contents_of(rows: Sequence[PhoneRow]) -> Contents:
    """What an input holds, for the journal. Raises TypeError for a row that JSON cannot keep."""
    digest = blake2b(digest_size=16)
    for place, row in enumerate(rows, 1):
        digest.update(digest_of(json_of(row.values)))
        if place % CHECKED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return Contents(len(rows), digest.hexdigest())
