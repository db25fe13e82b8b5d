"""The tour: a simulated account read whole, a lead, a do-not-call entry, an error, and what to type next."""

from collections.abc import Awaitable
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from cyclopts.types import PositiveInt
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from .. import AsyncConvoso, ConvosoAPIError, IncompleteError
from .exit import Exit
from .screen import aligned, code, facts, out, say, section

if TYPE_CHECKING:
    from .. import Lead
    from ..simulator import Account

STAMP = "%Y-%m-%d %H:%M:%S %Z"
PHONE = "2125550142"
ERROR_LINES = {
    "call": "",
    "class": "bold",
    "code": "yellow",
    "text": "",
    "description": "green",
    "outcome": "",
}
"""What is told of an error, and in what style."""
SNIPPET = """\
import asyncio
from datetime import date
from convoso_async import AsyncConvoso

async def main():
    async with AsyncConvoso() as client:  # reads CONVOSO_AUTH_TOKEN
        calls = client.call_logs.retrieve_all(start_time=date(2026, 3, 1))
        async for call in calls:
            print(call.id, call.call_date, call.status)

asyncio.run(main())"""


async def demo(
    *, rows: PositiveInt = 120_000, profile: Literal["documented", "observed"] = "documented", seed: int = 1
) -> Exit:
    """Example: convoso demo --rows 5000 --profile observed

    A tour on a simulated account. Nothing to set up, nothing leaves this machine.

    It reads all call logs over a socket, past the offset cap; inserts a lead
    and finds it; puts a number on the do-not-call list; explains an error.

    Args:
        rows: Call logs in the account.
        profile: Replies as the documentation has them, or as seen of the live service.
        seed: Another seed makes another account.
    """
    from ..simulator import Simulator  # a web server, which --help does not need

    with out.status(f"Making an account with {rows:,} call logs"):
        simulator = Simulator(call_logs=rows, seed=seed, profile=profile, dnc=0)  # so that PHONE is not there
    with simulator:
        account = simulator.account
        say(f"A simulated account with {rows:,} call logs, on {simulator.url}")
        say("Every call below goes over that socket; none leaves this machine.")
        say()
        async with AsyncConvoso(simulator.token, base_url=simulator.url, timezone=account.zone) as client:
            await export(client, account)
            lead = await insert_lead(client)
            await stop_calls(client)
            await explain_errors(client, lead)
    what_next()
    return Exit.DONE


async def export(client: AsyncConvoso, account: "Account") -> None:
    """Reads all call logs and shows the pager's report, compared with what the account holds.

    Raises IncompleteError if the two differ.
    """
    pager = client.call_logs.retrieve_all(start_time=account.start, end_time=account.end)
    ids: list[str | None] = []
    oldest = newest = None
    began = perf_counter()
    with bar() as progress:
        task = progress.add_task("", total=None, rate=0.0)
        async for page in pager.pages():
            ids += [call.id for call in page]
            oldest, newest = oldest or page[0], page[-1]
            rate = len(ids) / (perf_counter() - began)
            progress.update(task, completed=len(ids), total=pager.report.expected, rate=rate)
    seconds = perf_counter() - began
    report, held = pager.report, account.call_log_ids()
    if not (oldest and newest and report.complete and ids == held):
        raise IncompleteError(f"{len(ids):,} call logs arrived, and the account has {len(held):,}")
    section(
        "Read all call logs",
        code("async for call in client.call_logs.retrieve_all(start_time=a, end_time=b):"),
        facts(
            {
                "rows": f"{report.rows:,} of {report.expected:,} expected",
                "complete": Text.assemble(("yes", "green"), ": every call of the account, once, in order"),
                "windows": f"{report.windows:,}, each within the offset cap of 40,000",
                "requests": f"{report.requests:,}",
                "seconds": f"{seconds:.1f}, at {report.rows / seconds:,.0f} rows a second",
                "from": f"{oldest.call_date:{STAMP}}",
                "to": f"{newest.call_date:{STAMP}}",
            }
        ),
    )


def bar() -> Progress:
    """The progress of the export. Nothing in a pipe."""
    return Progress(
        BarColumn(bar_width=26),
        TextColumn("{task.completed:,} rows"),
        TextColumn("[dim]{task.fields[rate]:,.0f} rows/s"),
        TimeElapsedColumn(),
        console=out,
        disable=not out.is_interactive,
    )


async def insert_lead(client: AsyncConvoso) -> "Lead":
    """Inserts a lead and gives it as it is found again."""
    target = (await client.lists.search(status=1))[0]
    inserted = await client.leads.insert(list_id=target.id or "", phone_number=PHONE, first_name="Jane")
    (lead,) = await client.leads.search(lead_id=inserted.lead_id)
    section(
        "Insert a lead, and find it again",
        code(f'await client.leads.insert(list_id={target.id}, first_name="Jane",'),
        code(f'                          phone_number="{PHONE}")'),
        facts(
            {
                "lead_id": f"{inserted.lead_id} on list {target.id}, {target.name}",
                "found": f"{lead.first_name}, {lead.phone_number}, status {lead.status}",
                "created": f"{lead.created_at:{STAMP}}, in the account's zone",
            }
        ),
    )
    return lead


async def stop_calls(client: AsyncConvoso) -> None:
    """Puts a number on the do-not-call list and looks it up."""
    await client.dnc.insert(phone_number=PHONE, phone_code="1", campaign_id=0)
    (entry,) = await client.dnc.search(phone_number=PHONE, phone_code="1")
    section(
        "Put a number on the do-not-call list",
        code(f'await client.dnc.insert(phone_number="{PHONE}", phone_code="1",'),
        code("                        campaign_id=0)"),
        facts(
            {
                "found": f"{entry.phone_number}, entry {entry.id}, since {entry.insert_date:%Y-%m-%d}",
                "scope": "campaign_id 0: no campaign calls it",
            }
        ),
    )


async def explain_errors(client: AsyncConvoso, lead: "Lead") -> None:
    """Shows one code that means two things on two calls."""
    listed = await error_of(client.dnc.insert(phone_number=PHONE, phone_code="1", campaign_id=0))
    short = await error_of(client.leads.insert(list_id=lead.list_id or "", phone_number="12"))
    section(
        "One error code, two calls, two meanings",
        code(f'await client.dnc.insert(phone_number="{PHONE}", ...)  # a second time'),
        code('await client.leads.insert(phone_number="12", ...)'),
        aligned(
            [
                (Text(name, "dim"), Text(told(listed, name), style), Text(told(short, name), style))
                for name, style in ERROR_LINES.items()
            ]
        ),
    )


async def error_of(call: Awaitable[object]) -> ConvosoAPIError:
    """The error of a call that has to fail."""
    try:
        await call
    except ConvosoAPIError as error:
        return error
    raise RuntimeError("the simulator took what it should refuse")


def told(error: ConvosoAPIError, name: str) -> str:
    """One line of what an error carries."""
    if name == "class":
        return type(error).__name__
    value = str(getattr(error, "endpoint" if name == "call" else name))
    return "rejected: nothing changed" if value == "rejected" else value


def what_next() -> None:
    """Shows how to go on. The snippet is not in a frame, so that it can be copied."""
    from rich.syntax import Syntax

    say("Next: your own account, the same calls", "bold")
    say()
    if out.is_terminal:
        out.print(Syntax(SNIPPET, "python", theme="ansi_light", background_color="default"), soft_wrap=True)
    else:
        say(SNIPPET)
    say()
    out.print(
        facts(
            {
                "convoso simulator --port 8080": "a simulated account for your code and tests",
                "README.md": "exports, errors, retries, settings",
            }
        )
    )
