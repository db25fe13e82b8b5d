"""The fact sheet, and good values for every call."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from convoso_async.simulator import Simulator

SPEC = Path(__file__).parent.parent / "spec"
PHONE = "2125550123"

# A good call of each kind, against the account that seed 1 makes.
GOOD: dict[str, dict[str, object]] = {
    "agent_monitor.search": {},
    "agent_monitor.logout": {"user_id": 40801},
    "agent_performance.search": {},
    "agent_productivity.search": {"date_start": "2026-03-01", "limit": 5},
    "leads.search": {"limit": 5},
    "leads.insert": {"list_id": 701, "phone_number": PHONE},
    "leads.update": {"lead_id": 880001, "city": "Reno"},
    "leads.delete": {"lead_id": 880002},
    "leads.get_recordings": {"lead_id": 880001},
    "lead_post.insert": {"criteria_key": "accept-all", "phone_number": PHONE},
    "lead_validation.search": {"criteria_key": "accept-all", "phone_number": PHONE},
    "lists.search": {"status": 1},
    "lists.insert": {"name": "Autumn intake", "campaign_id": 61},
    "lists.update": {"list_id": 701, "status": "false"},
    "lists.delete": {"list_id": 703},
    "callbacks.search": {"limit": 5},
    "callbacks.insert": {
        "lead_id": 880001,
        "recipient": "system",
        "callback_time_zone": "-7.00",
        "callback_time": "2026-04-02 03:15 PM",
    },
    "callbacks.update": {"callback_id": 1401, "comments": "later"},
    "callbacks.delete": {"callback_id": 1402},
    "call_logs.retrieve": {"limit": 5, "include_recordings": 1},
    "call_logs.update": {"call_log_id": "FIRST", "extra_field_01": "x"},
    "campaigns.search": {},
    "campaigns.status": {"campaign_id": 61, "status": "false"},
    "dnc.search": {"limit": 5},
    "dnc.insert": {"phone_number": PHONE, "phone_code": 1, "campaign_id": 0},
    "dnc.update": {"id": 9001, "reason": "DNC"},
    "dnc.delete": {"phone_number": "9565550100", "phone_code": 1, "campaign_id": 0},
    "sms_opt_out.search": {"limit": 5},
    "sms_opt_out.insert": {"phone_number": PHONE, "phone_code": 1, "campaign_id": 0},
    "sms_opt_out.update": {"id": 3001, "reason": "DNC"},
    "status.search": {"query": "warm"},
    "status.insert": {
        "status": "HOT",
        "name": "Hot lead",
        **dict.fromkeys(["final", "reached", "success", "dnc", "callback", "contact", "voicemail"], "N"),
    },
    "status.update": {"status": "WARM", "final": "Y"},
    "revenue.update": {"call_log_id": "FIRST", "revenue": "87.25"},
    "users.search": {"limit": 5},
    "users.recordings": {"user": "ada.abara@example.org"},
    "user_activity.search": {},
}


@pytest.fixture(scope="session")
def endpoints() -> dict[str, dict[str, Any]]:
    """The calls of the fact sheet by id."""
    rows = yaml.safe_load((SPEC / "endpoints.yaml").read_text("utf-8"))
    return {row["id"]: row for row in rows}


def good(sim: Simulator, endpoint_id: str, **changes: object) -> Any:
    """The decoded reply to a good call, with some values changed; None leaves one out."""
    params = GOOD[endpoint_id] | changes
    first = sim.account.call_log_ids()[0] if "FIRST" in params.values() else ""
    given = {
        name: first if value == "FIRST" else value for name, value in params.items() if value is not None
    }
    return sim.call(endpoint_id, **given)


def post(sim: Simulator, path: str, **params: object) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of one call over the socket, token added."""
    form = urllib.parse.urlencode({"auth_token": sim.token, **params}).encode()
    try:
        with urllib.request.urlopen(sim.url + path, form, timeout=10) as reply:
            return reply.status, reply.read(), dict(reply.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def rows_at(body: Any, path: str) -> Any:
    """What lies at a dotted path of a reply; `$` is the whole."""
    for name in path.split(".") if path != "$" else ():
        body = body[name]
    return body


def dumped(body: Any) -> str:
    """A reply as text, for comparisons."""
    return json.dumps(body, sort_keys=True)


@pytest.fixture
def tools() -> Any:
    """`good`, `post`, `rows_at` and `GOOD`, for test files that cannot import each other."""

    class Tools:
        pass

    kit: Any = Tools()
    kit.good, kit.post, kit.rows_at, kit.GOOD, kit.dumped = good, post, rows_at, GOOD, dumped
    return kit


@pytest.fixture
def sim() -> Simulator:
    """A simulator without a socket, documented profile."""
    return Simulator()


@pytest.fixture
def observed() -> Simulator:
    """A simulator without a socket, observed profile."""
    return Simulator(profile="observed")
