"""What a simulator can be told: the size of its account and how it behaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Profile = Literal["documented", "observed", "mixed"]
Totals = Literal["number", "text", "missing", "wrong", "low", "high"]


@dataclass(kw_only=True, repr=False)
class Population:
    """Size and span of a new account. The same numbers always give the same account."""

    seed: int = 1
    """Another seed gives another account."""
    call_logs: int = 1000
    leads: int = 200
    lists: int = 4
    campaigns: int = 3
    users: int = 12
    callbacks: int = 40
    dnc: int = 60
    sms_opt_outs: int = 30
    agent_events: int = 200
    timezone: str = "America/Los_Angeles"
    """The zone of the account's clock. Stamps on the wire carry no zone mark."""
    start: datetime | str | None = None
    """First second of the call logs, account time; by default midnight, `days` days before the end."""
    end: datetime | str | None = None
    """The account's present; by default 2026-03-31 17:00:00, whatever the day today."""
    days: int = 30


@dataclass(kw_only=True, repr=False)
class Switches:
    """How the service behaves. Each may be changed while it runs."""

    profile: Profile = "documented"
    """Reply forms of the documentation, as observed, or "mixed": the one, then the other."""
    latency: float = 0.0
    """Seconds between the call taking effect and its reply."""
    rate_limit: float | None = None
    """Requests a second; what is above it gets a 429."""
    rate_burst: float | None = None
    """Requests that may come at once after a pause; by default a second's worth, at least one."""
    retry_after: float | None = None
    """Seconds for the Retry-After header of a 429; None sends none."""
    page_cut: int | None = None
    """At most this many rows a page, silently, whatever was asked for."""
    page_refuse: bool = True
    """Refuse a `limit` above the call's maximum as documented; False cuts the page to it silently."""
    limit_max: int | None = None
    """In place of every call's documented maximum of `limit`."""
    offset_cap: int | None = None
    """In place of every call's documented maximum of `offset`; an offset equal to it is answered."""
    beyond_cap: Literal["refuse", "empty"] = "refuse"
    """What an offset above the cap gets: an error, or a page without rows."""
    end_inclusive: bool = True
    """Whether the last second of a time range belongs to it. Ranges of days have their own switch."""
    day_end_inclusive: bool = True
    """Whether the last day of a range of days belongs to it."""
    default_range: Literal["all", "today"] = "all"
    """What a bound left out of call_logs.retrieve means: no bound, or that of the account's today."""
    totals: Totals | None = None
    """Form of totals in place of the profile's own. "wrong" is too low, then too high, by 3."""
    recordings_url: str | None = None
    """Where recordings are; by default on the simulator itself."""
    recording_days: int = 155
    """Age at which the audio of a recording is gone."""
    big_list: int = 1000
    """Leads from which on the removal of a list runs on after the reply (code 102)."""
    removal_calls: int = 2
    """Requests that such a removal lasts."""
