"""Any of the 37 calls by its name: each is a command of its own, made from its declaration."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from rich.text import Text

from ..client import AsyncConvoso
from ..endpoint import Endpoint, Retry
from ..resource import form_of
from ..rows import Page
from .account import ACCOUNT, Account
from .exit import BadUse, Exit, Interrupted, checked
from .manual import help_of, offered
from .options import LEFT_OUT, SWITCH
from .output import OUTPUT, Output, is_terminal
from .reference import endpoints, gives_rows
from .screen import errors, say
from .table import as_record, chosen, column_names, harmless, show_facts, show_rows
from .values import given

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext

    from ..paging import Pager
    from ..rows import Result, Row

UNDONE_NEVER = ("delete", "logout")
"""Methods of calls that take something away: a person is asked before they are sent."""
OWN_TO_ALL = ("limit", "offset", "order")
"""What `--all` sets itself."""
HELP = """\
Example: convoso call leads.search list_id=701 limit=5

Any of the 37 calls, by its name. Parameters are words NAME=VALUE, with the
names of the API reference; they are checked before anything is sent. Several
values go in one, with commas: status=SALE,CALLBK. Custom fields are
fields.NAME=VALUE. What a call takes: convoso call leads.search --help
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a call is to be made, and what of its answer is shown."""

    endpoint: Endpoint[Any]
    values: Mapping[str, object]
    columns: Sequence[str]
    raw: bool
    output: Output

    def show(self, result: "Page[Row] | Result") -> None:
        """Prints what the call answered."""
        if self.raw:
            self.output.lines([result.raw]) if self.output.for_programs else say(indented(result.raw))
        elif isinstance(result, Page):
            self.show_page(result)
        elif self.output.for_programs:
            self.output.lines([as_record(result)])
        else:
            show_facts(as_record(result))

    def show_page(self, page: "Page[Row]") -> None:
        """Prints a page: a table, or a line for each row. Beside it, how many rows there are in all."""
        records = [as_record(row) for row in page]
        if self.output.for_programs:
            self.output.lines(chosen(record, self.columns) for record in records)
        elif records:
            show_rows(records, self.columns)

    async def one(self, client: AsyncConvoso) -> None:
        """Sends the call once."""
        result = await method_of(client, self.endpoint.id)(**self.values)
        self.show(result)
        if isinstance(result, Page) and not self.raw:
            self.output.note(extent(result), "dim")

    async def all(self, client: AsyncConvoso) -> None:
        """Reads every row that matches, page after page."""
        with checked():
            pager: Pager[Row] = method_of(client, f"{self.endpoint.id}_all")(**self.values)
        async for page in pager.pages():
            self.show_page(page)
        self.output.note(f"Rows: {pager.report.rows:,}, and that is all of them", "dim")


def extent(page: "Page[Row]") -> str:
    """How many rows came, of how many, and what to do for the rest."""
    if page.total is None:
        full = page.limit is not None and len(page) >= page.limit
        return f"Rows: {len(page):,}{'; there may be more: --all' if full else ''}"
    more = (page.offset or 0) + len(page) < page.total
    return f"Rows: {len(page):,} of {page.total:,}{'; --all reads them all' if more else ''}"


def make(
    endpoint: Endpoint[Any],
    words: Sequence[str],
    *,
    every: bool,
    raw: bool,
    yes: bool,
    columns: str | None,
    account: Account,
    output: Output,
) -> Exit:
    """Checks the words, asks where that is due, and makes the call."""
    values = given(endpoint, words)
    if every:
        check_all(endpoint, values, raw=raw)
    with checked():
        form_of(endpoint).pairs(values, account.zone())
    if columns and not gives_rows(endpoint):
        raise BadUse(f"{endpoint.id} gives one object, not rows: leave out --columns")
    names = column_names(columns, endpoint.result)
    if is_final(endpoint) and not yes and not agreed(endpoint, words):
        output.note("Nothing was sent.")
        return Exit.NOT_COMPLETE
    asked = Asked(endpoint=endpoint, values=values, columns=names, raw=raw, output=output)
    client = account.client()
    try:
        asyncio.run(sent(client, asked.all if every else asked.one))
    except KeyboardInterrupt:
        if endpoint.retry is Retry.READ:
            raise
        told = f"Interrupted: {endpoint.id} may have been done; look before you repeat it."
        raise Interrupted(told) from None
    return Exit.DONE


async def sent(client: AsyncConvoso, send: Callable[[AsyncConvoso], Awaitable[None]]) -> None:
    """Sends what is to be sent, and closes the client."""
    async with client:
        await send(client)


def method_of(client: AsyncConvoso, name: str) -> Any:
    """The method of a client behind `leads.search`, or behind `leads.search_all`."""
    resource, _, method = name.partition(".")
    return getattr(getattr(client, resource), method)


def check_all(endpoint: Endpoint[Any], values: Mapping[str, object], *, raw: bool) -> None:
    """Refuses what does not go together with `--all`."""
    if endpoint.paging is None:
        raise BadUse(f"{endpoint.id} has no pages: leave out --all")
    for name in OWN_TO_ALL:
        if name in values:
            raise BadUse(f"{endpoint.id}: --all reads every page; leave out {name}, or --all")
    if raw:
        raise BadUse("--raw shows one reply: leave out --all, and say limit and offset")


def is_final(endpoint: Endpoint[Any]) -> bool:
    """Whether the call takes something away that no other call brings back."""
    return endpoint.id.partition(".")[2] in UNDONE_NEVER


def agreed(endpoint: Endpoint[Any], words: Sequence[str]) -> bool:
    """Whether the person at the keyboard wants it. Raises BadUse where there is none."""
    if not is_terminal(sys.stdin):
        raise BadUse(f"{endpoint.id} cannot be undone: where nobody can be asked, it needs --yes.")
    told = harmless(" ".join((endpoint.id, *words)))
    errors.print(Text(f"{told}: it cannot be undone. Send it? [y/N] "), end="", soft_wrap=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def indented(raw: object) -> str:
    """A reply as it came, indented to be read."""
    lines = dumps(raw, indent=2, ensure_ascii=False).split("\n")
    return "\n".join(harmless(line) for line in lines)


# -- the commands -----------------------------------------------------------------------------------


def command_of(endpoint: Endpoint[Any]) -> Callable[..., Exit]:
    """The command that makes one call."""

    def complete(context: "CompletionContext") -> Iterable[tuple[str, str]]:
        words = [token.value for token in context.argument.tokens]
        return offered(endpoint, [*words, "="] if context.incomplete == "=" else words)

    def command(
        *words: Annotated[str, Parameter(name="NAME=VALUE", completer=complete)],
        every: Annotated[bool, Parameter("--all", negative="", show_default=False)] = False,
        columns: Annotated[str | None, LEFT_OUT] = None,
        raw: Annotated[bool, SWITCH] = False,
        yes: Annotated[bool, SWITCH] = False,
        account: Account = ACCOUNT,
        output: Output = OUTPUT,
    ) -> Exit:
        """One call.

        Args:
            words: Parameters, such as limit=5.
            every: Every row that matches, not one page.
            columns: Columns to show, such as id,status,extra.job_group.
            raw: The reply as it came.
            yes: Send what cannot be undone without asking.
        """
        return make(
            endpoint, words, every=every, raw=raw, yes=yes, columns=columns, account=account, output=output
        )

    return command


def application() -> App:
    """The verb with a command for each call."""
    app = App(name="call", help=HELP, help_format="plaintext")
    for endpoint in endpoints().values():
        app.command(command_of(endpoint), name=endpoint.id, help=help_of(endpoint))
    return app


call = application()
