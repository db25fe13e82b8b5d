"""Fills a new account from a seed: the same numbers always give the same account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from . import clock, names
from .account import BLANK_LEAD, Account, Criteria
from .call_rows import Agent, CalledLead, CallRows, Cast, Kind, Outcome
from .history import CallHistory
from .switches import Population

PRESENT = datetime(2026, 3, 31, 17)
LIVE_CALLS = 3
LEAD_HISTORY = 60 * clock.DAY
# code, name, share of calls of 64, somebody talked, and the options in the order of OPTIONS
STATUSES = [
    ("NEW", "New lead", 0, False, "NNNNYNN"),
    ("SALE", "Sale", 4, True, "YYYNNYN"),
    ("NI", "Not interested", 12, True, "YYNNNYN"),
    ("CALLBK", "Call back", 6, True, "NYNNYYN"),
    ("WARM", "Warm lead", 6, True, "NYNNYYN"),
    ("NA", "No answer", 16, False, "NNNNNNN"),
    ("AM", "Answering machine", 10, True, "NNNNNNY"),
    ("BUSY", "Busy", 5, False, "NNNNNNN"),
    ("WRONG", "Wrong number", 2, True, "YYNNNNN"),
    ("DNC", "Do not call", 3, True, "YYNYNYN"),
]
OPTIONS = ["final", "reached", "success", "dnc", "callback", "contact", "voicemail"]
CUSTOM = {"WARM"}


def build(size: Population) -> Account:
    """A new account of this size."""
    end = clock.moment(clock.parse(size.end)) if size.end else PRESENT
    midnight = (end - timedelta(days=size.days)).replace(hour=0, minute=0, second=0, microsecond=0)
    start = clock.moment(clock.parse(size.start)) if size.start else midnight
    account = Account(start, end, size.timezone, size.seed)
    random = Random(f"account {size.seed}")
    _add_statuses(account)
    _add_campaigns(account, size.campaigns)
    _add_lists(account, size.lists)
    _add_users(account, size.users, random)
    _add_leads(account, size.leads, random)
    _add_callbacks(account, size.callbacks, random)
    _add_numbers(account, size)
    _add_events(account, size.agent_events, random)
    _add_calls(account, size.call_logs, Random(f"calls {size.seed}"))
    return account


def _add_statuses(account: Account) -> None:
    for code, name, _, _, options in STATUSES:
        flags = dict(zip(OPTIONS, options, strict=True))
        account.statuses[code] = {
            "status": code,
            "name": name,
            **flags,
            "custom": code in CUSTOM,
            "color": "3A7F2B",
        }


def _add_campaigns(account: Account, count: int) -> None:
    for i in range(count):
        name = names.CAMPAIGNS[i % len(names.CAMPAIGNS)] + ("" if i < len(names.CAMPAIGNS) else f" {i}")
        kind = ("Outbound", "Blended")[i % 2]
        # The last of several campaigns has never dialled.
        called = clock.text(clock.seconds(account.end)) if i < max(1, count - 1) else None
        account.campaigns.add({"name": name, "status": "Y", "type": kind, "last_call": called})
    for i in range(min(count, len(names.QUEUES))):
        account.queues.add({"name": names.QUEUES[i], "campaign_id": str(61 + i)})


def _add_lists(account: Account, count: int) -> None:
    campaigns = [row["id"] for row in account.campaigns]
    for i in range(count):
        account.lists.add(
            {
                "name": f"{names.LISTS[i % len(names.LISTS)]} {2026 - i // len(names.LISTS)}",
                "campaign_id": campaigns[i % len(campaigns)] if campaigns else "0",
                "status": "N" if i and i == count - 1 else "Y",
                "description": "",
                "last_called_at": clock.text(clock.seconds(account.end) - 600 * i),
            }
        )
    prefixes = tuple(str(number) for number in range(90, 97))
    first = next(iter(account.lists), {"id": "0"})["id"]
    account.criteria = {
        "accept-all": Criteria(first),
        "area-only": Criteria(first, postal_prefixes=prefixes),
        "needs-email": Criteria(first, required=("email",)),
        "unique-phone": Criteria(first, unique_phone=True),
    }


def _add_users(account: Account, count: int, random: Random) -> None:
    campaigns = list(account.campaigns)
    queues = list(account.queues)
    for i in range(count):
        first, last = names.person(i * 27)
        signed_in = i % 4 != 3
        login = clock.seconds(account.end) - random.randrange(3600, 8 * 3600)
        campaign = campaigns[i % len(campaigns)] if campaigns else None
        queue = queues[i % len(queues)] if queues and i % 3 == 0 else None
        account.users.add(
            {
                "email": f"{first}.{last}{i or ''}@example.org".lower(),
                "first_name": first,
                "last_name": last,
                "level": "admin" if i == 0 else "supervisor" if i == 1 else "agent",
                "extension": str(2201 + i),
                "state": random.choice(["READY", "INCALL", "PAUSED", "READY"]) if signed_in else None,
                "state_since": clock.seconds(account.end) - random.randrange(5, 900),
                "last_login": clock.text(login) if i % 7 != 6 else None,
                "campaign_id": campaign["id"] if campaign else None,
                "queue_id": queue["id"] if queue else None,
                "skills": random.sample(names.SKILLS, k=i % 3),
                "calls_today": random.randrange(0, 60),
                "created_at": clock.text(clock.seconds(account.start) - clock.DAY * (30 + i)),
            }
        )


def _add_leads(account: Account, count: int, random: Random) -> None:
    lists = [row["id"] for row in account.lists] or ["0"]
    users = [row["id"] for row in account.users] or [""]
    first, last = clock.seconds(account.start) - LEAD_HISTORY, clock.seconds(account.end)
    statuses = [code for code, *_ in STATUSES]
    for i in range(count):
        created = first + (last - first) * i // count
        modified = random.randrange(created, last + 1) if random.random() < 0.7 else created
        given, family = names.person(i)
        city, state, postal_code = random.choice(names.CITIES)
        phone_number = names.phone(i)
        carrier_name, carrier_type = names.carrier(phone_number)
        called = modified > created
        account.leads.add(
            BLANK_LEAD
            | {
                "created_at": clock.text(created),
                "modified_at": clock.text(modified),
                "first_name": given,
                "last_name": family,
                "email": f"{given}.{family}.{i}@example.org".lower(),
                "status": random.choice(statuses) if called else "NEW",
                "owner_id": random.choice(users),
                "user_id": random.choice(users),
                "source_id": str(1 + i % 5),
                "list_id": lists[i % len(lists)],
                "phone_number": phone_number,
                "alt_phone_1": names.phone(count + i) if i % 3 == 0 else "",
                "address1": f"{1 + i % 190} {names.STREETS[i % len(names.STREETS)]}",
                "city": city,
                "state": state,
                "postal_code": postal_code,
                "gender": "MF"[i % 2],
                "date_of_birth": f"{1950 + i % 55}-{1 + i % 12:02d}-{1 + i % 28:02d}" if i % 2 else None,
                "carrier_name": carrier_name,
                "carrier_type": carrier_type,
                "created_by": users[0],
                "called_count": random.randrange(1, 8) if called else 0,
                "last_called": clock.text(modified) if called else None,
            }
        )


def _add_callbacks(account: Account, count: int, random: Random) -> None:
    leads = [row["id"] for row in account.leads] or [None]
    users = [row["id"] for row in account.users] or [None]
    now = clock.seconds(account.end)
    for i in range(count):
        at = (now + random.randrange(-5 * clock.DAY, 25 * clock.DAY)) // 900 * 900
        created = clock.text(min(now, at) - random.randrange(3600, 5 * clock.DAY))
        settled = random.choice(["COMPLETED", "DISMISSED", None]) if at < now else None
        account.callbacks.add(
            {
                "lead_id": random.choice(leads),
                "user_id": random.choice(users),
                "recipient": ("personal", "system")[i % 2],
                "comments": "wants a quote" if i % 3 == 0 else "",
                "stage": settled,
                "at": at,
                "created_at": created,
                "modified_at": created,
            }
        )


def _add_numbers(account: Account, size: Population) -> None:
    """DNC and opt-out entries, most for all campaigns, ids in order of their dates."""
    scopes = ["0", "-1", *[row["id"] for row in account.campaigns]]
    first, last = clock.seconds(account.start), clock.seconds(account.end)
    for book, count in ((account.dnc, size.dnc), (account.sms_opt_outs, size.sms_opt_outs)):
        for i in range(count):
            # When the numbers are used up, each comes back in another scope.
            again, number = divmod(i, names.NUMBERS)
            scope = scopes[(number + again) % len(scopes)]
            book.add(
                {
                    "phone_number": names.phone(10_000 + number),
                    "phone_code": "1",
                    "campaign_id": scope,
                    "reason": names.REASONS[i % len(names.REASONS)],
                    "purpose": names.PURPOSES[i % len(names.PURPOSES)] if scope == "-1" or i % 5 == 0 else "",
                    "insert_date": clock.text(first + (last - first) * i // count),
                }
            )


def _add_events(account: Account, count: int, random: Random) -> None:
    users = list(account.users)
    first, last = clock.seconds(account.start), clock.seconds(account.end)
    states = [
        ("LOGIN", "AVAILABLE"),
        ("Ready", "READY_CALLS"),
        ("NotReady", "LUNCH"),
        ("LogOut", "LOGGED_OUT"),
    ]
    for i in range(count if users else 0):
        stamp = first + (last - first) * i // count + random.randrange(max(1, (last - first) // count))
        user = users[i // len(states) % len(users)]
        state, availability = states[i % len(states)]
        real = clock.moment(stamp).replace(tzinfo=account.zone).astimezone(UTC)
        account.agent_events.add(
            {
                "user_id": user["id"],
                "state": state,
                "availability_code": availability,
                "campaign_id": user["campaign_id"],
                "event_epoch": int(real.timestamp()),
                "at": stamp,
            }
        )


def _add_calls(account: Account, count: int, random: Random) -> None:
    history = CallHistory()
    history.fill(count, clock.seconds(account.start), clock.seconds(account.end), account.zone, random)
    account.calls = CallRows(history, _cast(account))
    for call_id in history.ids[-LIVE_CALLS:] if count > 10 * LIVE_CALLS else ():
        history.change(
            call_id, {"call_length": None, "term_reason": "NONE", "status": None, "status_name": None}
        )


def _cast(account: Account) -> Cast:
    campaigns = {row["id"]: row["name"] for row in account.campaigns}
    lists = {row["id"]: row["campaign_id"] for row in account.lists}
    leads = []
    for row in account.leads:
        campaign = lists.get(row["list_id"])
        leads.append(
            CalledLead(
                row["id"],
                row["list_id"],
                campaign,
                campaigns.get(campaign or ""),
                row["phone_number"],
                row["first_name"],
                row["last_name"],
            )
        )
    agents = [
        Agent(row["id"], f"{row['first_name']} {row['last_name']}", row["email"]) for row in account.users
    ]
    inbound = [Kind("inbound", row["id"], row["name"]) for row in account.queues]
    kinds = [Kind("outbound", None, None)] * 8 + [Kind("manual", None, None), Kind("3way", None, None)]
    outcomes = [
        Outcome(code, name, talked) for code, name, share, talked, _ in STATUSES for _ in range(share)
    ]
    return Cast(
        leads or [CalledLead(None, None, None, None, names.phone(0), "", "")],
        agents or [Agent("0", "", "")],
        kinds + inbound * 2,
        outcomes,
    )
