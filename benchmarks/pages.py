"""Replies of an invented account: pages of call logs with 25 fields, and the answer to an insert."""

import random
from datetime import datetime, timedelta

import orjson

FIRST_CALL = datetime(2025, 7, 14, 8)
CALLS_A_SECOND = 4
PATTERNS = 97
"""Rows that differ; the others repeat them, with ids and a stamp of their own."""

PEOPLE = "Jane Doe,Rosa Quill,Omar Vance,Li Hart,Ines Mole,Tom Ashe,Ada Birch,Max Reed".split(",")
CAMPAIGNS = "Harbor Outreach,Autumn Renewals,Solar West,Warm Transfers".split(",")
DISPOSITIONS = [("SALE", "Sale"), ("NA", "No Answer"), ("CALLBK", "Call Back"), ("DNC", "Do Not Call")]


def pattern(seed: int) -> dict[str, object]:
    """One call of 25 fields as the service writes it: ids and counts as text, nothing in four forms.

    Two calls in five were answered, and have a recording.
    """
    dice = random.Random(seed)
    campaign, agent = dice.randrange(4), dice.randrange(8)
    answered, queued = dice.random() < 0.4, dice.random() < 0.3
    status, status_name = dice.choice(DISPOSITIONS)
    first, _, last = dice.choice(PEOPLE).partition(" ")
    phone = f"21255501{dice.randrange(100):02}"
    recording = {
        "src": "https://media.example.org/i/r-%(id)d",
        "type": "mp3",
        "recording_id": "r-%(id)d",
        "filename": "%(id)d.mp3",
        "public_url": "https://media.example.org/p/r-%(id)d",
    }
    return {
        "id": "%(id)d",
        "lead_id": "9%(id)d",
        "list_id": str(700 + campaign),
        "campaign_id": str(60 + campaign),
        "campaign": CAMPAIGNS[campaign],
        "queue_id": str(9_000 + campaign) if queued else "0",
        "queue": f"{CAMPAIGNS[campaign]} In" if queued else None,
        "user_id": str(40_000 + agent),
        "user": PEOPLE[agent],
        "originating_agent_id": "",
        "phone_number": phone,
        "number_dialed": f"1{phone}",
        "caller_id_displayed": f"212555010{campaign}",
        "first_name": first,
        "last_name": last,
        "status": status,
        "status_name": status_name,
        "agent_comment": "asked for a call after lunch" if dice.random() < 0.1 else "",
        "call_length": str(dice.randrange(5, 900)) if answered else "0",
        "call_date": "%(at)s",
        "call_type": "INBOUND" if queued else "OUTBOUND",
        "called_count": str(dice.randrange(1, 9)),
        "term_reason": "AGENT" if answered else "CALLER",
        "queue_seconds": str(dice.randrange(90)) if queued else "-",
        "recording": [recording] if answered else [],
    }


WRITTEN = [orjson.dumps(pattern(seed)).decode() for seed in range(PATTERNS)]


def row(number: int) -> str:
    """The JSON of one call. Four begin in each second."""
    at = FIRST_CALL + timedelta(seconds=number // CALLS_A_SECOND)
    return WRITTEN[number % PATTERNS] % {"id": 55_000_000 + number, "at": at}


def page(first: int, offset: int, limit: int, end: int) -> bytes:
    """One page of the calls from number `first` up to `end`, in the envelope that the service uses."""
    rows = [row(number) for number in range(first + offset, min(first + offset + limit, end))]
    return (
        f'{{"success":true,"data":{{"offset":{offset},"limit":{limit},"total_found":"{end - first}",'
        f'"entries":{len(rows)},"results":[{",".join(rows)}]}}}}'
    ).encode()


INSERTED = orjson.dumps({"success": True, "data": {"lead_id": 880_143}})
LEAD = {
    "list_id": "702",
    "phone_number": "2125550143",
    "first_name": "Jane",
    "last_name": "Doe",
    "email": "jane.doe@mail.example.org",
    "city": "Springfield",
    "state": "CA",
    "created_by": "web form #7, 2 p.m.",
}
