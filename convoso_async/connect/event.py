"""A webhook's body in, a typed event out. Pure: it knows nothing of servers.

https://github.com/thornebridge/convoso-js has the payload's 82 documented rows in its Connect pages.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo
from difflib import get_close_matches
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote_plus, unquote_to_bytes

import attrs
from attrs import field

from ..reply import Json, decode
from ..resources.call_logs import CallLog
from ..resources.leads import Lead
from ..rows import Money, Reading, Row, row
from ..settings import TIMEZONE, zone_of
from .stamps import standard

NOTHING: tuple[Json, ...] = (None, "", "-", "null", [], {})
"""What means no value: as in replies, and the word that webhooks have for it."""
MOST_PAIRS = 10_000
MEDIA_TYPES = re.compile(
    r"(application/(json|x-www-form-urlencoded|[\w.-]+\+json)|text/(plain|json))?\s*(;.*)?", re.IGNORECASE
)
WESTERN = re.compile(r";\s*charset\s*=\s*\W?(iso-8859-1|latin-?1|windows-1252|cp1252)\b", re.IGNORECASE)


class PayloadError(ValueError):
    """A body that is no webhook of Convoso Connect. The message never holds a value from it."""


def comparable(extra: Mapping[str, Json]) -> dict[str, Json]:
    """Keys and values without what the body's form does to them: a form has only texts, and no null."""
    return {key: _as_in_a_form(value) for key, value in extra.items() if not _is_nothing(value)}


def _as_in_a_form(value: Json) -> Json:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) else value


def content(view: Row) -> tuple[object, ...]:
    """All values of a view, for comparisons."""
    cls: type[Any] = type(view)
    values = (getattr(view, attribute.name) for attribute in attrs.fields(cls))
    return tuple(comparable(value) if isinstance(value, dict) else value for value in values)


@row
class ConnectEvent(Row):
    """One event: the documented fields of the lead, the call and the agent, by their documented names.

    Every field is optional: only what the account's adaptor maps is sent. What is absent or means nothing
    (null, an empty text, the word `null`, `-`, `0` for an id, a date of zeros) is None. Two events are equal
    when they say the same, in whatever form of body.

    An event is a hint: nothing signs it. `connect.call_log` and `connect.lead` read the record back.

    The lead and the call share six names: `first_name`, `last_name`, `list_id`, `user_id`, `phone_number`
    and `status`. These attributes hold the call's value, or the lead's where there is none of the call.
    Which one a payload means is told by `names`, else by the company it keeps: beside keys that only calls
    have it is the call's, beside keys that only leads have it is the lead's. Where both are there, or
    neither, nothing tells: the name is in `ambiguous`, and `call` and `lead` both leave it out.

    Attributes:
        id: the lead's id; the call's is `call_log_id`.
        length_in_sec: seconds.
        queue_seconds: seconds in the queue.
        date_of_birth: None where the adaptor sends an age, or a year of two digits; that is in `extra`.
        recording: a link to an MP3.
        call: the call under the API's own names, such as `id` and `call_length`, typed as
            `call_logs.retrieve` gives it.
        lead: the lead under the API's own names, typed as `leads.search` gives it; the columns that the API
            does not list, as they came, in its `extra`.
        ambiguous: the shared names whose value may be the lead's or the call's.
        extra: keys that are neither documented nor among `names`, as they came; and the originals of values
            that could not be converted.
        raw: the payload as it came: decoded JSON, or a form's names and texts.
    """

    # The lead
    id: str | None = None
    remote_id: str | None = None
    user_id: str | None = None
    source_id: str | None = None
    status: str | None = None
    called_count: int | None = None
    called_count_inbound: int | None = None
    last_called: datetime | None = None
    last_viewed: datetime | None = None
    last_reached_at: datetime | None = None
    final_reached_at: datetime | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    locale_gmt: str | None = None
    carrier_name: str | None = None
    title: str | None = None
    std_consumer_number: str | None = None
    std_company_name: str | None = None
    std_account_number: str | None = None
    state: str | None = None
    start_date: date | None = None
    province: str | None = None
    postal_code: str | None = None
    phone_number: str | None = None
    phone_code: str | None = None
    owner_id: str | None = None
    notes: str | None = None
    monthly_revenue: Money = None
    list_id: str | None = None
    last_name: str | None = None
    last_modified_by: str | None = None
    industry: str | None = None
    gender: str | None = None
    first_name: str | None = None
    email: str | None = None
    dba: str | None = None
    date_of_birth: date | None = None
    created_by: str | None = None
    country: str | None = None
    city: str | None = None
    business_name: str | None = None
    annual_revenue: Money = None
    alt_phone_2: str | None = None
    alt_phone_1: str | None = None
    address2: str | None = None
    address1: str | None = None
    # The call
    call_log_id: str | None = None
    lead_id: str | None = None
    list_name: str | None = None
    originating_agent_id: str | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    queue_id: str | None = None
    queue_name: str | None = None
    queue_seconds: int | None = None
    queue_position: int | None = None
    length_in_sec: int | None = None
    call_date: datetime | None = None
    agent_comment: str | None = None
    call_type: str | None = None
    term_reason: str | None = None
    recording: str | None = None
    caller_id: Annotated[str | None, Reading("text")] = None  # a number to show, no id
    inbound_number: str | None = None
    # Beside them
    agent_full_name: str | None = None
    agent_email: str | None = None
    custom_field_1: str | None = None
    custom_field_2: str | None = None
    custom_field_3: str | None = None
    custom_field_4: str | None = None
    custom_field_5: str | None = None
    custom_field_6: str | None = None
    custom_field_7: str | None = None
    custom_field_8: str | None = None
    custom_field_9: str | None = None
    custom_field_10: str | None = None
    # Not on the wire
    call: CallLog = field(factory=CallLog, eq=content)
    lead: Lead = field(factory=Lead, eq=content)
    ambiguous: frozenset[str] = frozenset()
    extra: dict[str, Json] = field(factory=dict, eq=comparable)
    raw: dict[str, Json] = field(factory=dict, eq=False, repr=False)


SHARED = ("first_name", "last_name", "list_id", "user_id", "phone_number", "status")
LEAD = tuple(
    """id remote_id source_id called_count called_count_inbound last_called last_viewed last_reached_at
    final_reached_at created_at modified_at locale_gmt carrier_name title std_consumer_number std_company_name
    std_account_number state start_date province postal_code phone_code owner_id notes monthly_revenue
    last_modified_by industry gender email dba date_of_birth created_by country city business_name
    annual_revenue alt_phone_2 alt_phone_1 address2 address1""".split()
)
"""The names that only the lead has."""
CALL = tuple(
    """call_log_id lead_id list_name originating_agent_id campaign_id campaign_name queue_id queue_name
    queue_seconds queue_position length_in_sec call_date agent_comment call_type term_reason recording
    caller_id inbound_number""".split()
)
"""The names that only the call has."""
AGENT = ("agent_full_name", "agent_email")
CUSTOM = tuple(f"custom_field_{number}" for number in range(1, 11))
DOCUMENTED = (*LEAD, *SHARED, *CALL, *AGENT, *CUSTOM)
ALIASES = {"uniqueid": "call_log_id", "recording_url": "recording"}
"""Keys that some sources have in place of the documented ones."""

CALL_VIEW = {
    "call_log_id": "id",
    "length_in_sec": "call_length",
    "campaign_name": "campaign",
    "queue_name": "queue",
    "agent_full_name": "user",
    "caller_id": "caller_id_displayed",
}
"""The API's names for a call's fields, where they differ."""
DAYS = frozenset({"start_date", "date_of_birth"})
STAMPS = DAYS.union(
    "last_called last_viewed last_reached_at final_reached_at created_at modified_at call_date".split()
)

Told = dict[str | None, dict[str, Json]]
"""Values by documented name: those of each section that something gives to it, and under None all others."""


@attrs.frozen
class Target:
    """What a key of a payload stands for: a documented name, and whose it is where `names` says so."""

    name: str
    section: str | None = None
    rank: int = 1  # the lower is asked first, where several keys stand for one name


KNOWN = {name: Target(name) for name in DOCUMENTED} | {
    alias: Target(name, rank=2) for alias, name in ALIASES.items()
}


def targets_of(names: Mapping[str, str] | None) -> Mapping[str, Target]:
    """What each key stands for, with the caller's `names` before the documented ones.

    Raises ValueError for a name that is not documented.
    """
    return KNOWN | {key: _target(meaning) for key, meaning in names.items()} if names else KNOWN


def _target(meaning: str) -> Target:
    section, _, name = meaning.rpartition(".")
    sections = {"": DOCUMENTED, "lead": (*LEAD, *SHARED), "call_log": (*CALL, *SHARED)}
    if name not in sections.get(section, ()):
        known = [*DOCUMENTED, *(f"{of}.{shared}" for of in ("lead", "call_log") for shared in SHARED)]
        near = get_close_matches(str(meaning), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"names must map to documented names, unlike {meaning!r}{hint}")
    return Target(name, section if name in SHARED and section else None, rank=0)


def parse(
    body: bytes | str,
    content_type: str | None = None,
    *,
    names: Mapping[str, str] | None = None,
    timezone: str | tzinfo = TIMEZONE,
) -> ConnectEvent:
    """The event in the body of a webhook: JSON, a form, or JSON that stands in a form's key.

    `content_type` is set by hand at the sender, so the body itself is looked at as well; it may be None.

    `names` maps the keys that the adaptor renames to documented ones: `{"crm_call": "call_log_id"}`. For the
    names that lead and call share it may say whose they are: `{"outcome": "call_log.status"}`. Where several
    keys stand for one name, the first one with a value counts, those of `names` before all others.

    `timezone` is the account's zone. Dates are understood in all formats that an adaptor offers, but for ages
    and, in `start_date` and `date_of_birth`, years of two digits.

    Raises PayloadError for a body that holds no object, and a content type that is none of JSON, form and
    plain text; ValueError for `names` that are not documented; ConfigurationError for an unknown zone.
    """
    return event_of(payload_of(body, content_type), targets_of(names), zone_of(timezone))


# -- from bytes to keys and values ------------------------------------------------------------------


def is_media_type(content_type: str | None) -> bool:
    """Whether a body of this type may be a webhook. None, and an empty text, may."""
    return MEDIA_TYPES.fullmatch((content_type or "").strip()) is not None


def payload_of(body: bytes | str, content_type: str | None) -> dict[str, Json]:
    """The keys and values of a body. Raises PayloadError where it has none."""
    if not is_media_type(content_type):
        raise PayloadError("the content type is neither JSON nor a form")
    if isinstance(body, str):
        body = body.encode("utf-8", "replace")
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    found = _json_object(body)
    if found is not None:
        return found
    if b"=" not in body or body[:1] in (b"{", b"[", b'"'):
        raise PayloadError("the body is neither a JSON object nor a form")
    # UTF-8, unless that is impossible and the header names something else.
    western = WESTERN.search(content_type or "") and not _is_utf8(unquote_to_bytes(body))
    encoding = "cp1252" if western else "utf-8"
    text = body.decode(encoding, "replace")
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, encoding=encoding, errors="replace", max_num_fields=MOST_PAIRS
        )
    except ValueError:
        raise PayloadError("the form has too many fields") from None
    return dict(pairs)


def _json_object(body: bytes) -> dict[str, Json] | None:
    """The object that a body is; or the one in the key of its first pair, as a form made of JSON has it."""
    key = unquote_plus(body.partition(b"&")[0].partition(b"=")[0].decode("utf-8", "replace")).encode()
    for text in (body, body.removesuffix(b"="), key):
        if text.startswith(b"{"):
            try:
                found = decode(text)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


# -- from keys and values to an event ---------------------------------------------------------------


def event_of(payload: dict[str, Json], targets: Mapping[str, Target], zone: tzinfo) -> ConnectEvent:
    """The event that keys and values tell of."""
    from ..convert import loader  # imports cattrs, for which a program without webhooks should not wait

    told, extra = _sorted_out(payload, targets)
    ambiguous = _tell_apart(told)
    plain, of_call, of_lead = (_with_values(told[section]) for section in (None, "call_log", "lead"))
    fields = {**of_lead, **plain, **of_call}
    for name in STAMPS & fields.keys():
        fields[name] = standard(fields[name], zone, day_only=name in DAYS)
    event: ConnectEvent = loader(ConnectEvent, zone)(fields)
    made = {
        "extra": {**event.extra, **extra},
        "call": loader(CallLog, zone)(_call_source(fields, of_call)),
        "lead": loader(Lead, zone)(_lead_source(fields, of_lead)),
        "ambiguous": ambiguous,
        "raw": payload,
    }
    for name, value in made.items():
        object.__setattr__(event, name, value)
    return event


def _sorted_out(payload: Mapping[str, Json], targets: Mapping[str, Target]) -> tuple[Told, dict[str, Json]]:
    """The values by documented name, those that `names` gives to a section apart; and all the others."""
    told: Told = {None: {}, "call_log": {}, "lead": {}}
    extra: dict[str, Json] = {}
    found = [(targets[key], key) for key in payload if key in targets]
    for target, key in sorted(found, key=lambda pair: pair[0].rank):
        place, value = told[target.section], payload[key]
        kept = place.get(target.name)
        if kept is None:
            place[target.name] = None if _is_nothing(value) else value
        elif value != kept and not _is_nothing(value):
            extra[key] = value
    extra.update((key, value) for key, value in payload.items() if key not in targets)
    return told, extra


def _tell_apart(told: Told) -> frozenset[str]:
    """Gives each shared name to the call or the lead, as far as the other keys tell. The rest is ambiguous.

    A key tells although its value is empty: the adaptor has a row for it.
    """
    plain = told[None]
    sections = [
        section for section, own in (("call_log", CALL), ("lead", LEAD)) if not plain.keys().isdisjoint(own)
    ]
    ambiguous = set()
    for name in plain.keys() & SHARED:
        # Two sections cannot both keep their own name, so one that was renamed leaves it to the other.
        free = [section for section in ("call_log", "lead") if name not in told[section]]
        likely = free if len(free) == 1 else [section for section in free if section in sections]
        if len(likely) == 1:
            told[likely[0]][name] = plain[name]
        elif free and plain[name] is not None:
            ambiguous.add(name)
    return frozenset(ambiguous)


def _call_source(fields: Mapping[str, Json], shared: Mapping[str, Json]) -> dict[str, Json]:
    """A call's row. An event is of one lead, so the lead's own id is as good as `lead_id`."""
    source = {**_some(fields, CALL), **shared}
    if source:
        source = {"lead_id": fields.get("id"), **_some(fields, AGENT), **source}
    return {CALL_VIEW.get(name, name): value for name, value in source.items()}


def _lead_source(fields: Mapping[str, Json], shared: Mapping[str, Json]) -> dict[str, Json]:
    """A lead's row, under both of its names for the id."""
    source = {**_some(fields, (*LEAD, *CUSTOM)), **shared}
    lead_id = fields.get("id") or fields.get("lead_id")
    return {**source, "id": lead_id, "lead_id": lead_id}


def _with_values(source: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in source.items() if value is not None}


def _some(source: Mapping[str, Json], names: Iterable[str]) -> dict[str, Json]:
    return {name: source[name] for name in names if name in source}


def _is_nothing(value: Json) -> bool:
    return value in NOTHING
