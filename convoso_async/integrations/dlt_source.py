"""A dlt source: an account's rows in a warehouse, first all of them, then what is new or changed.

    import dlt
    from convoso_async.integrations.dlt_source import convoso_source

    pipeline = dlt.pipeline("convoso", destination="duckdb", dataset_name="account")
    pipeline.run(convoso_source(start="2026-01-01"))

Needs dlt 1.31 or later, the extra `dlt`.
"""

import logging
import os
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from math import inf
from typing import Any, ClassVar

try:
    import dlt
    from dlt.common.configuration import configspec
    from dlt.common.configuration.specs import BaseConfiguration
    from dlt.common.typing import TSecretStrValue
except ImportError:
    raise ImportError("the dlt source needs dlt 1.31 or later: pip install 'convoso[dlt]'") from None

from ..client import AsyncConvoso
from ..errors import ConfigurationError
from ..parameters import clock
from ..resource import form_of
from .dlt_items import hints_of, page_format_of
from .dlt_reading import Account, Reading, spans_of
from .entities import ENTITIES, Entity, entity_named

LAG, LEAST_LAG = 86_400.0, 3_600.0
SOME_ROWS = ("limit", "offset", "order", "max_rows")
"""Names that no filter may have: they would make a load of some of the rows."""
WHERE_TOKENS_GO = "put auth_token under [sources.convoso] in dlt's secrets.toml, or set CONVOSO_AUTH_TOKEN"
MERGE: Any = "merge"
MIRROR: Any = {"disposition": "merge", "strategy": "delete-insert", "destination_scope": "1 = 1"}
"""All rows of the table are deleted and the new ones inserted, in one transaction: nobody who looks a number
up in a DNC table meets an empty one, as with `replace`.
"""


@configspec
class ConvosoSettings(BaseConfiguration):
    """What dlt looks up for arguments that are not given.

    Under a section of its own: else dlt would take `BASE_URL`, `TIMEZONE` or `AUTH_TOKEN` of the environment,
    which are anybody's, and the token would go where they say.
    """

    auth_token: TSecretStrValue | None = None
    base_url: str | None = None
    timezone: str | None = None
    requests_per_second: float | None = None
    start: Any | None = None
    end: Any | None = None
    lag: float = LAG
    filters: dict[str, Any] | None = None
    page_format: str | None = None

    __section__: ClassVar[str] = "convoso"


@dlt.source(name="convoso", section="convoso", max_table_nesting=0, spec=ConvosoSettings)
def convoso_source(
    auth_token: TSecretStrValue | None = None,
    *,
    base_url: str | None = None,
    timezone: str | None = None,
    requests_per_second: float | None = None,
    start: datetime | date | str | None = None,
    end: datetime | date | str | None = None,
    lag: float = LAG,
    filters: Mapping[str, Mapping[str, object]] | None = None,
    page_format: str | None = None,
) -> list[Any]:
    """The rows of one account, a table for each kind; choose with `.with_resources("call_logs", "leads")`.

    - `call_logs` and `agent_events` since `start`; a later load reads on from the newest row it has.
    - `leads`: all of them; a later load reads those that were created or changed since.
    - `callbacks`, `dnc`, `opt_outs`, `users`, `lists`, `campaigns`, `statuses`: all of them in every load,
      and the table is then exactly those, in one step.

    Rows change after they appear: a call gets its length and status, a late one its place. So a later load
    reads the last `lag` seconds before its start again and merges by id. What was removed stays in
    those tables. A read that is not complete fails the load; nothing of it is loaded, and the next one begins
    where this one began.

    Args:
        auth_token: the account's token; else `auth_token` of `[sources.convoso]` in dlt's `secrets.toml`,
            else `CONVOSO_AUTH_TOKEN`. It is in no state, schema, log, trace or package.
        base_url, timezone, requests_per_second: those of the client, the last for all resources together.
        start: where calls and agent events begin, account time. They need it.
        end: where they end, for a load of one stretch of the past: it neither reads nor moves the mark of
            the other loads, so that stretches can be loaded in any order, or side by side. A plain date is
            the whole of that day.
        lag: seconds, an hour or more, as the account's clock shows one hour of autumn twice.
        filters: what a resource asks for, by its name, as its pager takes it:
            `{"call_logs": {"include_recordings": True}, "dnc": {"partitions": [...]}}`.
        page_format: `arrow`, or `dicts`. Arrow where pyarrow is there, which takes less time.

    Every argument but the token may stand in `[sources.convoso]` of dlt's `config.toml`.

    Raises ConfigurationError for what is missing or impossible, before anything is sent.
    """
    if auth_token is None and not os.environ.get("CONVOSO_AUTH_TOKEN"):
        raise ConfigurationError(f"no token: {WHERE_TOKENS_GO}")

    def client() -> AsyncConvoso:
        return AsyncConvoso(
            auth_token, base_url=base_url, timezone=timezone, requests_per_second=requests_per_second
        )

    account = Account(client)
    begin, finish = moment_of("start", start, account.zone), moment_of("end", end, account.zone)
    if finish is not None and (begin is None or finish < begin):
        raise ConfigurationError("end needs a start that is not after it, as start='2026-01-01'")
    check_lag(lag)
    asked = filters_of(filters, account)
    form = page_format_of(page_format)
    _expect_json_as_text()
    resources = []
    for entity in ENTITIES.values():
        reading = Reading(account, entity, asked.get(entity.name, {}), form)
        if entity.change is None:
            resources.append(_resource(entity, reading.whole(), MIRROR))
        else:
            stretch = (begin, finish) if entity.needs_start else (None, None)
            resources.append(_resource(entity, reading.since_mark(*stretch, lag), MERGE))
    return resources


def _resource(entity: Entity, rows: Callable[..., Any], disposition: Any) -> Any:
    return dlt.resource(
        rows,
        name=entity.name,
        primary_key=entity.key,
        columns=hints_of(entity),
        write_disposition=disposition,
    )


def moment_of(name: str, given: object, zone: tzinfo) -> datetime | None:
    """A time that was given, on the account's clock. Raises ConfigurationError."""
    if given is None:
        return None
    text = given.isoformat() if isinstance(given, date) else given
    moment = clock(text, zone, ends_range=name == "end") if isinstance(text, str) else None
    if moment is None:
        raise ConfigurationError(f"{name} must be a date or a time such as 2026-03-31 or 2026-03-31 09:00:00")
    return moment.replace(microsecond=0, tzinfo=zone)


def check_lag(lag: object) -> None:
    """Raises ConfigurationError for one that would lose rows."""
    if isinstance(lag, bool) or not isinstance(lag, int | float) or not LEAST_LAG <= lag < inf:
        raise ConfigurationError(
            f"lag must be {LEAST_LAG:.0f} seconds or more: rows change after they appear, and the account's"
            " clock shows one hour of autumn twice"
        )


def filters_of(given: object, account: Account) -> dict[str, Mapping[str, object]]:
    """The filters of each resource, checked as its call checks them. Raises ConfigurationError."""
    if not isinstance(given, Mapping | None):
        raise ConfigurationError("filters must be a mapping of resources to mappings of filters")
    checked: dict[str, Mapping[str, object]] = {}
    for name, filters in (given or {}).items():
        try:
            entity = entity_named(name)
            _check_filters(entity, filters, account)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"filters: {error}") from None
        checked[entity.name] = filters
    return checked


def _check_filters(entity: Entity, filters: object, account: Account) -> None:
    if not isinstance(filters, Mapping):
        raise TypeError(f"{entity.name} must have a mapping of names to values")
    if "auth_token" in filters:
        raise ValueError(f"auth_token is no filter, and would be written down; {WHERE_TOKENS_GO}")
    own = {*SOME_ROWS, *(name for span in spans_of(entity) for name in (span.start, span.end))}
    taken = sorted(own & set(filters))
    if taken:
        raise ValueError(f"{entity.name} must not have {', '.join(taken)}, which a load sets or does without")
    if entity.paged:
        entity.pager(account.unopened, filters)
    else:
        form_of(entity.call).pairs({**entity.searches[0], **filters}, account.zone)


def _expect_json_as_text() -> None:
    """Keeps dlt from warning, with every page, that JSON comes as text in Arrow data."""
    log = logging.getLogger("dlt")
    if _unexpected not in log.filters:
        log.addFilter(_unexpected)


def _unexpected(record: logging.LogRecord) -> bool:
    resource, _, told = record.getMessage().removeprefix("In resource: ").partition(", ")
    return resource not in ENTITIES or not told.startswith("when merging arrow schema")
