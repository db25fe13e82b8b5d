"""Agents: who is there, what they do, what they did."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from .. import clock
from ..ask import Ask
from ..records import Row
from ..shapes import Body, Listed, envelope, page
from .callbacks import day_range

LABELS = {"READY": "Ready for a call", "INCALL": "On a call", "PAUSED": "On pause"}
WORDS = {"agent": 1, "supervisor": 2, "admin": 4}


def monitor(ask: Ask) -> Body:
    """agent_monitor.search: the agents who are signed in, and counters."""
    _check_filters(ask, {"campaign_id": "campaigns", "queue_id": "queues", "user_id": "users"})
    agents = _signed_in(ask)
    states = [row["state"] for row in agents]
    if ask.observed:
        return _observed_monitor(ask, agents)
    calls = sum(row["calls_today"] for row in agents)
    return {
        "agents": [_agent(ask, row) for row in agents],
        "call_data": {"total_calls": calls, "answered": calls * 5 // 6, "dropped": calls // 30},
        "queue_dialable_leads": sum(not row["deleted_at"] for row in ask.account.leads),
        "queue_calls_today": calls,
        "queue_dropped": calls // 30,
        "queue_answered": calls * 5 // 6,
        "agent_total": len(agents),
        "agent_incall": states.count("INCALL"),
        "agent_ready": states.count("READY"),
        "agent_paused": states.count("PAUSED"),
    }


def _check_filters(ask: Ask, records: dict[str, str]) -> None:
    for name, what in records.items():
        ask.known(name, {row["id"] for row in getattr(ask.account, what)})


def _signed_in(ask: Ask) -> list[Row]:
    filters = {
        "campaign_id": ask.many("campaign_id"),
        "queue_id": ask.many("queue_id"),
        "id": ask.many("user_id"),
    }
    skills = ask.many("filter_by_skill_options")
    return [
        row
        for row in ask.account.users
        if row["state"]
        and all(values is None or row[name] in values for name, values in filters.items())
        and (skills is None or skills & set(row["skills"]))
    ]


def _agent(ask: Ask, row: Row) -> Row:
    """One signed-in agent, with the documented types."""
    account = ask.account
    campaign = account.campaigns.get(row["campaign_id"]) or {}
    queue = account.queues.get(row["queue_id"]) or {}
    busy = row["state"] == "INCALL"
    since = max(0, clock.seconds(account.now) - int(row["state_since"]))
    lead = next((lead["id"] for lead in account.leads if not lead["deleted_at"]), None) if busy else None
    history = account.calls.history
    return {
        "user_id": row["id"],
        "user_full_name": f"{row['first_name']} {row['last_name']}",
        "campaign_id": row["campaign_id"],
        "campaign_name": campaign.get("name"),
        "queue_id": row["queue_id"],
        "queue_name": queue.get("name"),
        "queue_assignment": row["last_login"] if queue else None,
        "list_id": next((entry["id"] for entry in account.lists), None),
        "extension": row["extension"],
        "channel_type": "phone",
        "call_type": "inbound" if queue else "outbound",
        "lead_id": lead,
        "call_log_id": str(history.ids[-1]) if busy and len(history) else None,
        "calls_today": row["calls_today"],
        "total_calls": row["calls_today"],
        "status": row["state"],
        "status_label": LABELS.get(row["state"], row["state"]),
        "status_time_sec": since,
        "status_time_mmss": f"{since // 60:02d}:{since % 60:02d}",
        "connection_type": "softphone",
        "skill_options": ",".join(row["skills"]),
    }


def _observed_monitor(ask: Ask, agents: list[Row]) -> Body:
    """Numbers as text, and "-", "0" and "" for nothing."""
    nothing = {
        "queue_id": "0",
        "queue_name": "-",
        "queue_assignment": "-",
        "lead_id": "0",
        "call_log_id": "0",
    }
    rows = []
    for row in agents:
        shown = _agent(ask, row)
        blanks = {name: nothing.get(name, "") for name, value in shown.items() if value is None}
        numbers = {"user_id": int(shown["user_id"]), "calls_today": str(shown["calls_today"]), "field_1": ""}
        rows.append(shown | blanks | numbers)
    entries: Row = {
        "agents": rows or [],
        "campaigns": _names(ask, "campaigns"),
        "queues": _names(ask, "queues"),
    }
    body: Row = envelope(ask, rows, len(rows), {})
    body["data"]["entries"] = entries | {"agents": body["data"]["entries"]["agents"]}
    return body


def _names(ask: Ask, what: str) -> list[Row]:
    return [{"id": int(row["id"]), "name": row["name"]} for row in getattr(ask.account, what)]


def logout(ask: Ask) -> Body:
    """agent_monitor.logout: ends the session of one agent."""
    row = ask.account.users.get(ask.need("user_id"))
    if row is None:
        ask.refuse("user_id", "unknown")
    if row["state"] is None:
        ask.refuse_code(6012)
    ask.account.users.change(row["id"], {"state": None})
    ask.account.tick()
    return ask.done()


def activity(ask: Ask) -> Body:
    """user_activity.search: counts; an unknown id counts nothing, one that is no number is refused."""
    for name in ("campaign_id", "queue_id", "user_id"):
        if not all(part.isdecimal() for part in ask.many(name) or ()):
            ask.refuse(name, "invalid")
    states = [row["state"] for row in _signed_in(ask)]
    return ask.done(data={"available_agents": states.count("READY"), "logged_in_agents": len(states)})


def performance(ask: Ask) -> Body:
    """agent_performance.search: one row for each agent with calls in the range of days, by default today."""
    account = ask.account
    everything: dict[str, Container[str]] = {
        "campaign_ids": {row["id"] for row in account.campaigns},
        "list_ids": {row["id"] for row in account.lists},
        "queue_ids": {row["id"] for row in account.queues},
        "user_ids": {row["id"] for row in account.users},
        "status_ids": {code.casefold() for code in account.statuses},
    }
    for name, known in everything.items():
        ask.known(name, known)
    filters = {name.removesuffix("_ids"): values for name in everything if (values := ask.many(name))}
    columns = {name if name == "status" else f"{name}_id": values for name, values in filters.items()}
    calls = account.calls
    window = calls.history.window(*_days(ask), inclusive=False)
    rows = calls.page(calls.select(columns), window, newest_first=False)
    by_user: dict[str, list[Row]] = {}
    for row in rows.page(0, len(rows)):
        by_user.setdefault(row["user_id"], []).append(row)
    shown = [_figures(ask, user_id, made) for user_id, made in sorted(by_user.items())]
    return envelope(ask, shown, len(shown), {})


def _days(ask: Ask) -> tuple[int | None, int | None]:
    low, high = day_range(ask, "date_start", "date_end")
    if low is None and high is None:
        low = clock.seconds(ask.account.now) // clock.DAY * clock.DAY
    return low, high


def _figures(ask: Ask, user_id: str, made: list[Row]) -> Row:
    talk = sum(int(row["call_length"] or 0) for row in made)
    reached = sum(ask.account.statuses.get(row["status"], {}).get("contact") == "Y" for row in made)
    machines = sum(row["status"] == "AM" for row in made)
    inbound = {row["call_type"] == "inbound" for row in made}
    times = {"talk": talk, "wait": 20 * len(made), "pause": talk // 6, "wrap": 12 * len(made)}
    total = sum(times.values())
    return {
        "user_id": int(user_id) if ask.observed else user_id,
        "name": made[0]["user"],
        "calls": str(len(made)) if ask.observed else len(made),
        "human_answered": reached,
        **{f"{name}_sec_pt": round(100 * length / total, 1) for name, length in times.items()},
        **{f"{name}_sec": clock.duration(length) for name, length in times.items()},
        "total_time": clock.duration(total),
        "am": machines,
        "others": len(made) - reached - machines,
        "am_pt": round(100 * machines / len(made), 1),
        "others_pt": round(100 * (len(made) - reached - machines) / len(made), 1),
        "call_type": "blended" if len(inbound) > 1 else "inbound" if True in inbound else "outbound",
    }


def productivity(ask: Ask) -> Body:
    """agent_productivity.search: a row for each change of state, oldest first, by default today's."""
    account = ask.account
    ask.known("campaign_id", {row["id"] for row in account.campaigns})
    start, end = ask.stamp("date_start"), ask.stamp("date_end")
    if start is not None and end is not None and start > end:
        ask.refuse_code(6032)
    low, high = _days(ask)
    emails, campaigns = ask.many("agent_emails"), ask.many("campaign_id")
    users = {row["id"] for row in account.users if emails is None or row["email"] in emails}
    key = (low, high, emails, campaigns)

    def wanted(row: Row) -> bool:
        return (
            (low is None or row["at"] >= low)
            and (high is None or row["at"] < high)
            and row["user_id"] in users
            and (campaigns is None or row["campaign_id"] in campaigns)
        )

    rows = account.agent_events.search(key, wanted, lambda row: (row["at"], int(row["id"])))
    return page(ask, Listed(rows), lambda row: _event(ask, row))


def _event(ask: Ask, row: Row) -> Row:
    user = ask.account.users.get(row["user_id"]) or {"first_name": "", "last_name": ""}
    campaign = ask.account.campaigns.get(row["campaign_id"]) or {}
    into_day = row["at"] % clock.DAY
    shown: dict[str, Any] = {
        "id": f"ev-{row['id']}",
        "user_id": row["user_id"],
        "state": row["state"],
        "availability_code": row["availability_code"],
        "campaign_id": row["campaign_id"],
        "event_epoch": row["event_epoch"],
        "event_sec": into_day,
        "created_at": clock.text(row["at"]),
        "browser": "Firefox 128",
        "ip_address": "203.0.113.24",
        "user_name": f"{user['first_name']} {user['last_name']}",
        "campaign_name": campaign.get("name"),
        "campaign_type": campaign.get("type"),
    }
    if ask.observed:
        elapsed = clock.duration(into_day).removeprefix("00:")
        shown |= {
            "user_id": int(row["user_id"]),
            "event_epoch": str(row["event_epoch"]),
            "event_sec": elapsed,
        }
    return shown


def users(ask: Ask) -> Body:
    """users.search: by address, first or last name, or all users."""
    wanted = ask.many("user")
    rows = [
        row
        for row in ask.account.users
        if wanted is None or wanted & {row[name].casefold() for name in ("email", "first_name", "last_name")}
    ]
    if wanted and not rows:
        ask.refuse("user", "unknown")
    return page(ask, Listed(rows), _observed_user if ask.observed else _user)


def _user(row: Row) -> Row:
    agent = row["level"] == "agent"
    return {
        "id": row["id"],
        "acl_access_profile": row["level"],
        "email": row["email"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "user_level": row["level"],
        "queue_override": "N",
        "allow_queue_selection": not agent,
        "allow_callbacks": True,
        "callback_types_allowed": "system,personal",
        "allow_transfers": not agent,
        "status": "active",
        "local_gmt": "-8.00",
        "connection_type": "softphone",
        "extension": [row["extension"]],
        "last_login": row["last_login"],
    }


def _observed_user(row: Row) -> Row:
    """Ids and levels as numbers, flags as "1", "0" or "Y"."""
    level = WORDS[row["level"]]
    return _user(row) | {
        "id": int(row["id"]),
        "acl_access_profile": level,
        "user_level": level,
        "queue_override": "USE_CAMPAIGN",
        "allow_queue_selection": "1" if level > 1 else "0",
        "allow_callbacks": "Y",
        "allow_transfers": "1" if level > 1 else "0",
        "status": "Y",
        "connection_type": "BROWSER",
        "extension": [int(row["extension"])],
        "last_login": row["last_login"] or "0000-00-00 00:00:00",
        "created_at": row["created_at"],
        "notification": "",
    }
