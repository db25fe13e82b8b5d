"""The options of a read or a write in Spark, checked before anything is sent. Needs nothing of Spark.

Options are texts, their names in any case. Spark keeps them in plans and logs, so none is a token: they say
where a token is.
"""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta, tzinfo
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from ..client import RESOURCES, AsyncConvoso
from ..endpoint import IDEMPOTENT, Endpoint, Retry
from ..errors import ConfigurationError
from ..parameters import clock
from ..resource import form_of
from ..search import OWN
from ..settings import base_url_of, zone_of
from ..texts import flag_of, value_of
from .entities import ENTITIES, Entity, entity_named

if TYPE_CHECKING:
    from .shared_rate import SharedRate

VARIABLE = "CONVOSO_AUTH_TOKEN"
"""Where the token is when no option says another place."""
ANY = ("accounts", "base_url", "timezone", "requests_per_second", "shared_rate", "tasks_at_once")
OF_READS = ("entity", "start", "end", "push_filters", "lag", *ANY)
OF_WRITES = ("call", *ANY)
WHERE, ZONE_OF = "where.", "timezone."
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
INSTEAD = {
    "leads.insert": "write the rows to a CSV file, and jobs.import_leads sends each of them once",
    "dnc.delete": "jobs.sync_dnc with mode='mirror' takes off what is not in a list",
}
"""What does the same as a call that must not be made from Spark."""


def refuse(option: str, why: str) -> NoReturn:
    """Raises the error for an option."""
    raise ConfigurationError(f"option {option!r}: {why}")


@attrs.frozen
class Account:
    """One account. Picklable: no token is in it.

    Attributes:
        name: what the column `account` says.
        token_at: where its token is: the name of an environment variable, or the path of a file.
        timezone: the zone of its stamps.
    """

    name: str
    token_at: str
    timezone: str

    @property
    def zone(self) -> tzinfo:
        """The zone of its stamps."""
        return zone_of(self.timezone)

    def token(self) -> str:
        """Its token. Raises ConfigurationError where this machine has none for it."""
        if token := text_at(self.token_at):
            return token
        # What was given as a name may be the token itself.
        shown = self.name != self.token_at or re.fullmatch("[A-Z][A-Z0-9_]*", self.name)
        raise ConfigurationError(
            f"no token for {f'the account {self.name}' if shown else 'an account'} on this machine; the"
            " driver and every executor need it, in an environment variable (spark.executorEnv.NAME, or a"
            " secret of the cluster) or in a file (a name with a /)"
        )


def text_at(place: str) -> str:
    """What an environment variable holds, or a file: a place with a `/`. Nothing where there is none."""
    if "/" not in place:
        return os.environ.get(place, "")
    try:
        return Path(place).read_text("utf-8").strip()
    except (OSError, UnicodeError):
        return ""


@attrs.frozen(kw_only=True)
class Options:
    """What reads and writes have in common.

    Attributes:
        accounts: the accounts, at least one.
        named: whether they were named, so that rows say which they are of.
        base_url: where the service is, for the driver and the executors alike.
        requests_per_second: the rate of each account, None for no limit.
        shared_rate: where the rate is kept that all tasks share, as `SharedRate` takes it, or the environment
            variable that says so; None where each task has its part of the rate.
        tasks_at_once: how many tasks the cluster runs at the same time, None where that was not said.
    """

    accounts: tuple[Account, ...]
    named: bool
    base_url: str
    requests_per_second: float | None
    shared_rate: str | None
    tasks_at_once: int | None

    def client(self, account: Account, tasks: int = 1) -> AsyncConvoso:
        """A client for one of so many tasks that read or write an account.

        Raises ConfigurationError where this machine has no token for it.
        """
        return AsyncConvoso(
            account.token(),
            base_url=self.base_url,
            timezone=account.timezone,
            requests_per_second=self.pace(tasks),
        )

    def pace(self, tasks: int) -> "float | SharedRate | None":
        """The rate of one of so many tasks: its part, or the one that all of them share."""
        rate = self.requests_per_second
        if self.shared_rate is not None:
            from .shared_rate import SharedRate

            return SharedRate(rate, at=os.environ.get(self.shared_rate, self.shared_rate))
        return None if rate is None else rate / min(tasks, self.tasks_at_once or tasks)


@attrs.frozen(kw_only=True)
class ReadOptions(Options):
    """What is to be read.

    Attributes:
        kind: the name of the entity.
        start, end: the range of its time, as texts of account time; None where it is open.
        where: parameters of its call.
        push_filters: whether conditions on columns become parameters.
        lag: how old a call is before a stream gives it; None where that was not said.
    """

    kind: str
    start: str | None
    end: str | None
    where: Mapping[str, object]
    push_filters: bool
    lag: timedelta | None

    @property
    def entity(self) -> Entity:
        """What kind of rows."""
        return ENTITIES[self.kind]

    @property
    def filters(self) -> dict[str, object]:
        """The parameters of its call, the range among them."""
        span = self.entity.time
        ends = {} if span is None else {span.start: self.start, span.end: self.end}
        return {**self.where, **{name: text for name, text in ends.items() if text is not None}}


@attrs.frozen(kw_only=True)
class WriteOptions(Options):
    """What is to be written: one call for each row."""

    call: str

    @property
    def endpoint(self) -> Endpoint[Any]:
        """The call."""
        return writes()[self.call]


@cache
def writes() -> Mapping[str, Endpoint[Any]]:
    """All calls that change something, by their names."""
    modules = [import_module(f"..resources.{name}", __package__) for name in RESOURCES]
    found = (value for module in modules for value in vars(module).values() if isinstance(value, Endpoint))
    return {endpoint.id: endpoint for endpoint in found if endpoint.retry is not Retry.READ}


def read_options(options: Mapping[str, str]) -> ReadOptions:
    """The options of a read, checked. Raises ConfigurationError, naming the option and the remedy."""
    given = known(options, OF_READS, "a read")
    kind = given.get("entity") or refuse("entity", f"say what to read: {', '.join(ENTITIES)}")
    try:
        entity = entity_named(kind)
    except ValueError as error:
        refuse("entity", str(error))
    shared = shared_of(given)
    read = ReadOptions(
        kind=entity.name,
        start=given.get("start"),
        end=given.get("end"),
        where=where_of(entity, given),
        push_filters=flag("push_filters", given.get("push_filters", "no")),
        lag=lag_of(given["lag"]) if "lag" in given else None,
        **attrs.asdict(shared, recurse=False),
    )
    check_range(read)
    check_filters(read)
    return read


def write_options(options: Mapping[str, str]) -> WriteOptions:
    """The options of a write, checked. Raises ConfigurationError, naming the option and the remedy."""
    given = known(options, OF_WRITES, "a write")
    repeatable = sorted(name for name, endpoint in writes().items() if endpoint.retry is IDEMPOTENT)
    call = given.get("call") or refuse("call", f"say what call each row is for: {', '.join(repeatable)}")
    if call not in writes():
        refuse("call", f"there is no such write; {near(call, repeatable)}")
    if call not in repeatable:
        instead = INSTEAD.get(call, "make these calls outside Spark, with jobs.run and a journal")
        refuse("call", f"{call} would be done twice, because Spark repeats tasks; {instead}")
    shared = shared_of(given)
    if len(shared.accounts) > 1:
        refuse("accounts", "a write goes to one account; write once for each")
    if shared.requests_per_second is not None and not (shared.tasks_at_once or shared.shared_rate):
        refuse("tasks_at_once", "say how many tasks run at once: they share requests_per_second")
    return WriteOptions(call=call, **attrs.asdict(shared, recurse=False))


def known(options: Mapping[str, str], names: tuple[str, ...], what: str) -> dict[str, str]:
    """The options by their names in lower case. Raises for one that is not known, or empty."""
    given = {name.lower(): text.strip() for name, text in options.items()}
    for name, text in given.items():
        if name in names or name.startswith(ZONE_OF) or (name.startswith(WHERE) and "entity" in names):
            if not text:  # as of a variable that is not set: a filter that is left out reads everything
                refuse(name, "it is empty; give it a value, or leave it out")
        elif any(word in name for word in ("token", "secret", "password", "api_key")):
            refuse(
                name,
                "a token must not be an option, because Spark keeps options in plans and logs; set"
                f" {VARIABLE} on the driver and the executors, or say with 'accounts' where tokens are",
            )
        else:
            refuse(name, f"{what} has no such option; {near(name, names)}")
    return given


def near(word: str, names: Iterable[str]) -> str:
    """What may have been meant; all there is where nothing is near."""
    choices = list(names)
    found = get_close_matches(word.lower(), choices, n=1)
    return f"did you mean {found[0]!r}?" if found else f"there are {', '.join(choices)}"


def shared_of(given: Mapping[str, str]) -> Options:
    """What reads and writes have in common."""
    base_url = base_url_of(given.get("base_url"))
    if "@" in given.get("shared_rate", ""):
        refuse("shared_rate", "a URL with a password must not be an option; name the variable that holds it")
    shared = Options(
        accounts=accounts_of(given),
        named="accounts" in given,
        base_url=base_url,
        requests_per_second=number("requests_per_second", given.get("requests_per_second")),
        shared_rate=given.get("shared_rate"),
        tasks_at_once=whole("tasks_at_once", given.get("tasks_at_once")),
    )
    for account in shared.accounts:
        shared.client(account)  # the driver makes the plan: it needs all tokens
    return shared


def accounts_of(given: Mapping[str, str]) -> tuple[Account, ...]:
    """The accounts of `EAST_TOKEN, west=/run/secrets/west`: where each token is, some with a name before."""
    places = {}
    for word in given.get("accounts", VARIABLE).split(","):
        name, equals, place = (part.strip() for part in word.partition("="))
        token_at = place if equals else name
        name = name if equals else name.rpartition("/")[2]
        if not name or not token_at or name in places:
            refuse("accounts", "name each one once: EAST_TOKEN, WEST_TOKEN, or east=EAST_TOKEN, west=/a/file")
        places[name] = token_at
    zones = {name.removeprefix(ZONE_OF): zone for name, zone in given.items() if name.startswith(ZONE_OF)}
    if unknown := zones.keys() - {name.lower() for name in places}:
        refuse(f"{ZONE_OF}{min(unknown)}", "'accounts' names no such account")
    return tuple(
        Account(name, token_at, str(zone_of(zones.get(name.lower(), given.get("timezone")))))
        for name, token_at in places.items()
    )


def where_of(entity: Entity, given: Mapping[str, str]) -> dict[str, object]:
    """The parameters of the call that `where.` options give, typed."""
    ends = (entity.time.start, entity.time.end) if entity.time else ()
    known = form_of(entity.call).parameters.items()
    parameters = {name: one for name, one in known if name not in (*OWN, *ends)}
    values = {}
    for option, text in given.items():
        name = option.removeprefix(WHERE)
        if name == option:
            continue
        if name not in parameters:
            instead = "give 'start' and 'end'" if name in ends else near(name, parameters)
            refuse(option, f"{entity.name} cannot be filtered by it; {instead}")
        try:
            values[name] = value_of(parameters[name].rule, text)
        except (ValueError, ArithmeticError):
            refuse(option, "this is not a value that the call takes")
    return values


def check_range(read: ReadOptions) -> None:
    """Raises for a range that the entity has not, that is none, or whose start is missing."""
    ends = {"start": read.start, "end": read.end}
    for option, text in ends.items():
        if text is None:
            continue
        if read.entity.time is None:
            refuse(option, f"{read.kind} have no time to select by; leave it out")
        if clock(text, read.accounts[0].zone) is None:
            refuse(option, "it must be a date or a time, such as 2026-03-31 or 2026-03-31 09:00:00")
    if read.entity.needs_start and read.start is None:
        refuse("start", f"{read.kind} need one, such as 2026-03-01; all there is begins before 2000-01-01")


def check_filters(read: ReadOptions) -> None:
    """Raises where the call would refuse the parameters."""
    required = {} if read.entity.paged else read.entity.searches[0]
    for account in read.accounts:
        try:
            form_of(read.entity.call).pairs({**required, **read.filters}, account.zone)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"options: {error}") from None


def flag(option: str, text: str) -> bool:
    """Yes or no."""
    try:
        return flag_of(text)
    except ValueError:
        refuse(option, "it must be true or false")


def number(option: str, text: str | None) -> float | None:
    """A number above 0."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    return value if 0 < value < float("inf") else refuse(option, "it must be a number above 0")


def whole(option: str, text: str | None) -> int | None:
    """A whole number above 0."""
    if text is None:
        return None
    return (
        int(text)
        if text.isdecimal() and int(text)
        else refuse(option, "it must be a whole number, 1 or more")
    )


def lag_of(text: str) -> timedelta:
    """A time such as `90m`, `2h` or `1d`."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])[a-z]*", text.lower())
    if found is None:
        refuse("lag", "it must be a time such as 90m, 2h or 1d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
