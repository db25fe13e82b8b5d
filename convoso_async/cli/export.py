"""All rows of one kind, complete, in a file or a pipe."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from .account import ACCOUNT, Account
from .exit import BadUse, Exit, Interrupted, checked
from .options import FROM, LEFT_OUT, REPEATED, TO
from .output import OUTPUT, Output, is_terminal

if TYPE_CHECKING:
    from .. import AsyncConvoso
    from ..endpoint import Endpoint
    from ..jobs import ExportReport
    from ..paging import Pager

Kind = Literal["call-logs", "leads", "callbacks", "dnc", "opt-outs", "agent-events", "recordings"]
FormatName = Literal["jsonl", "csv", "parquet"]
CALLS: Mapping[Kind, tuple[str, str]] = {
    "call-logs": ("call_logs.retrieve", "retrieve_all"),
    "leads": ("leads.search", "search_all"),
    "callbacks": ("callbacks.search", "search_all"),
    "dnc": ("dnc.search", "search_all"),
    "opt-outs": ("sms_opt_out.search", "search_all"),
    "agent-events": ("agent_productivity.search", "search_all"),
    "recordings": ("users.recordings", "recordings_all"),
}
"""The call that each kind of rows comes from, and its pager."""
OF_A_LEAD = ("leads.get_recordings", "get_recordings_all")
OWN = {"limit", "offset", "order"}
"""Parameters of a page, which an export sets itself."""
ON_SCREEN = Path("-")


async def export(
    what: Kind,
    /,
    *,
    start: Annotated[str | None, FROM] = None,
    end: Annotated[str | None, TO] = None,
    out: Annotated[Path | None, Parameter(allow_leading_hyphen=True, show_default=False)] = None,
    where: Annotated[Sequence[str], REPEATED] = (),
    columns: Annotated[str | None, LEFT_OUT] = None,
    format: Annotated[FormatName | None, LEFT_OUT] = None,
    resume: bool = True,
    partition: Annotated[Sequence[str], REPEATED] = (),
    max_rows: Annotated[NonNegativeInt | None, LEFT_OUT] = None,
    concurrency: PositiveInt = 4,
    account: Account = ACCOUNT,
    output: Output = OUTPUT,
) -> Exit:
    """Example: convoso export call-logs --from 2026-03-01 --out calls.csv

    All rows of one kind in a file, or as JSON lines in a pipe. They are
    complete, past the offset cap of the service, or it says that they are not.

      convoso export call-logs --from yesterday --to yesterday --out day.parquet
      convoso export leads --where list_id=333 --columns id,status --out -
      convoso export dnc --partition campaign_id=0 --out dnc.jsonl

    An export that was broken off goes on when the same command is given again.

    Args:
        what: What to export. For recordings say whose: --where user=ann@example.org, or --where lead_id=1.
        start: First day or moment, in account time: 2026-03-01, '2026-03-01 08:30', today, yesterday.
        end: Last day or moment. A day counts to its end. For leads, both mean when they were created.
        out: The file, .jsonl, .csv or .parquet (with the extra arrow); - for standard output.
        where: A filter, name=value, named as in the API reference; several values with commas. Repeatable.
        columns: The columns, with commas between, the account's own as extra.NAME; all of them by default.
        format: The format, where the file has another ending.
        resume: Whether to go on where an earlier run was broken off.
        partition: Filters of one part of a list that is past the reach of a single search. Repeat for each.
        max_rows: Stop after so many rows.
        concurrency: Requests in flight.
    """
    from .. import ConvosoError, jobs
    from .table import column_names

    to, format = place_of(out, format, what)
    async with account.client() as client:
        with checked():
            endpoint, pager = reading(client, what, start, end, where, partition, max_rows)
        names = None if columns is None else column_names(columns, endpoint.result)
        try:
            report = await jobs.export(
                pager,
                to,
                format=format,
                columns=names,
                concurrency=concurrency,
                resume=resume,
                progress=output.progress(what, rows_on_screen=not isinstance(to, Path)),
            )
        except asyncio.CancelledError:
            raise Interrupted(f"Interrupted. {going_on(to)}".strip()) from None
        except jobs.JournalError as error:
            if "resume=False" in error.message:
                error.args = (error.message.replace("resume=False", "--no-resume"),)
            raise
        except ConvosoError as error:
            if again := going_on(to):
                error.add_note(again)
            raise
    tell(output, report)
    return Exit.DONE


def reading(
    client: "AsyncConvoso",
    what: Kind,
    start: str | None,
    end: str | None,
    where: Sequence[str],
    partition: Sequence[str],
    max_rows: int | None,
) -> tuple["Endpoint[Any]", "Pager[Any]"]:
    """The call that the rows come from, and the pager over those that are asked for.

    Raises BadUse, TypeError or ValueError for what the call does not take.
    """
    from .filters import parts_of, range_of
    from .reference import endpoint_named
    from .values import given

    of_a_lead = what == "recordings" and any(word.startswith("lead_id=") for word in where)
    name, method = OF_A_LEAD if of_a_lead else CALLS[what]
    endpoint = endpoint_named(name)
    filters = given(endpoint, where)
    partitions = parts_of(endpoint, partition)
    for part in (filters, *(partitions or ())):
        for own in OWN & part.keys():
            raise BadUse(f"{own} is no filter: an export reads every row. For fewer: --max-rows")
    if what == "recordings" and not {"user", "lead_id"} & filters.keys():
        raise BadUse("Whose recordings? --where user=ann@example.org, or --where lead_id=1")
    span = range_of(endpoint, start, end, client.zone)
    if twice := span.keys() & filters.keys():
        raise BadUse(f"{', '.join(sorted(twice))} is given by --from or --to as well")
    read_all = getattr(getattr(client, name.partition(".")[0]), method)
    pager: Pager[Any] = read_all(**span, **filters, partitions=partitions, max_rows=max_rows)
    return endpoint, pager


def place_of(
    out: Path | None, format: FormatName | None, what: Kind
) -> tuple[Path | IO[bytes], FormatName | None]:
    """Where the rows go, and in which format where no ending tells. Raises BadUse before anything is sent."""
    if out == ON_SCREEN or (out is None and not is_terminal(sys.stdout)):
        return sys.stdout.buffer, format or "jsonl"
    if out is None:
        raise BadUse(f"Where to? --out {what}.csv (or .jsonl, .parquet), or --out - for JSON lines here")
    if out.is_dir():
        raise BadUse(f"{out} is a folder: name a file in it, such as {out / f'{what}.csv'}")
    if not out.parent.is_dir():
        raise BadUse(f"There is no folder {out.parent}")
    if format is None and out.suffix.lower() not in (".jsonl", ".csv", ".parquet"):
        raise BadUse(f"{out} ends in none of .jsonl, .csv and .parquet: name it so, or give --format")
    return out, format


def going_on(to: Path | IO[bytes]) -> str:
    """What to do after an export was broken off. Nothing where it left nothing to go on with."""
    if isinstance(to, Path) and to.with_name(f"{to.name}.checkpoint").exists():
        return "The same command goes on where it stopped."
    return ""


def tell(output: Output, report: "ExportReport") -> None:
    """Ends with what was exported."""
    rows = f"{report.rows:,}"
    if report.resumed:
        rows += f", {report.resumed:,} of them by an earlier run"
    told = {"rows": rows, "complete": "yes" if report.complete else "no: --max-rows ended it"}
    if report.path is not None:
        told["file"] = f"{report.path}, {report.path.stat().st_size:,} bytes"
    told["requests"] = f"{report.requests:,}"
    told["seconds"] = f"{report.seconds:.1f}"
    record = {
        "rows": report.rows,
        "resumed": report.resumed,
        "complete": report.complete,
        "file": None if report.path is None else str(report.path),
        "windows": report.windows,
        "requests": report.requests,
        "seconds": round(report.seconds, 3),
    }
    output.report("Exported", told, None if report.path is None else record)
