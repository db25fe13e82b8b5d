"""The help of each call, made from its declaration: an example, parameters with limits, error codes."""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from ..endpoint import Endpoint
from ..parameters import ChoiceRule, FlagRule, ListRule
from .reference import AGAIN, meanings, paragraphs, parameters, summary, takes
from .values import CUSTOM

WIDEST = 100
"""Columns of the text in a wide window."""
WIDEST_NAME = 34
EXAMPLES: Mapping[str, str] = {
    "agent_monitor.search": "campaign_id=61",
    "agent_monitor.logout": "user_id=40802",
    "agent_performance.search": "date_start=2026-03-01 date_end=2026-03-31",
    "agent_productivity.search": "limit=5",
    "leads.search": "list_id=701 limit=5",
    "leads.insert": "list_id=701 phone_number=2125550123 first_name=Jane",
    "leads.update": "lead_id=880001 status=CALLBK",
    "leads.delete": "lead_id=880002",
    "leads.get_recordings": "lead_id=880003 limit=5",
    "lead_post.insert": "criteria_key=accept-all phone_number=2125550123",
    "lead_validation.search": "criteria_key=accept-all phone_number=2125550123",
    "lists.search": "status=yes",
    "lists.insert": "name='Spring leads' campaign_id=61",
    "lists.update": "list_id=701 name='Summer leads'",
    "lists.delete": "list_id=702",
    "callbacks.search": "recipient=System limit=5",
    "callbacks.insert": "lead_id=880003 recipient=system callback_time='2026-04-01 02:30 PM'"
    " callback_time_zone=-7",
    "callbacks.update": "callback_id=1401 comments='After lunch'",
    "callbacks.delete": "callback_id=1402",
    "call_logs.retrieve": "campaign_id=61 start_time=2026-03-30 end_time=2026-03-31 limit=5",
    "call_logs.update": "call_log_id=5500001 extra_field_01=checked",
    "campaigns.search": "",
    "campaigns.status": "campaign_id=61 status=yes",
    "dnc.search": "phone_number=2125550123",
    "dnc.insert": "phone_number=2125550123 phone_code=1 campaign_id=0",
    "dnc.update": "id=9001 reason=Asked",
    "dnc.delete": "phone_number=9565550100 phone_code=1 campaign_id=0",
    "sms_opt_out.search": "phone_number=2125550123",
    "sms_opt_out.insert": "phone_number=2125550123 phone_code=1 campaign_id=0",
    "sms_opt_out.update": "id=3001 reason=Asked",
    "status.search": "query=SALE",
    "status.insert": "status=HOT name='Hot lead' final=no reached=yes success=no dnc=no callback=yes"
    " contact=yes voicemail=no",
    "status.update": "status=WARM name='Warm lead'",
    "revenue.update": "call_log_id=5500001 revenue=129.90",
    "users.search": "limit=5",
    "users.recordings": "user=ada.abara@example.org limit=5",
    "user_activity.search": "campaign_id=61",
}
"""What is typed after the name of each call. The ids are of the account that `convoso simulator` makes."""


def help_of(endpoint: Endpoint[Any]) -> str:
    """What the call gives, an example, and its parameters, limits and error codes."""
    width = min(shutil.get_terminal_size().columns - 1, WIDEST)
    given_with = {name: takes(parameter.rule) for name, parameter in parameters(endpoint).items()}
    required = [name for name, parameter in parameters(endpoint).items() if parameter.required]
    rows = [(f"{name}{'*' if name in required else ''}", told) for name, told in given_with.items()]
    if endpoint.custom_fields:
        rows.append((f"{CUSTOM}NAME", "a custom field of that name"))
    codes = [(str(code), meaning.description) for code, meaning in meanings(endpoint).items()]
    codes += [(f"“{text}”", meaning.description) for text, meaning in endpoint.texts.items()]
    parts = [
        summary(endpoint),
        example(endpoint, width),
        *("\n".join(wrap(part, width)) for part in remarks(endpoint)),
        "Parameters, as NAME=VALUE (* must be given):\n" + below_each_other(rows, width),
        "Errors:\n" + below_each_other(codes, width),
    ]
    return "\n\n".join(parts)


def example(endpoint: Endpoint[Any], width: int) -> str:
    """A line that can be pasted; where it is too long, on several lines."""
    line = f"Example: convoso call {endpoint.id} {EXAMPLES[endpoint.id]}".rstrip()
    lines = [""]
    for word in re.split(r" (?=\w+=)", line):
        if len(lines[-1]) + len(word) > width - 3:
            lines.append("   ")
        lines[-1] += f"{' ' if lines[-1] else ''}{word}"
    return " \\\n".join(lines)


def remarks(endpoint: Endpoint[Any]) -> Iterable[str]:
    """What the call's method says beside its summary, as it is for the command: no classes of errors."""
    method = endpoint.id.partition(".")[2]
    words = {"fields={...}": f"{CUSTOM}NAME=VALUE", f"{method}_all": "--all", "`": ""}
    for part in paragraphs(endpoint)[1:]:
        told = " ".join(line for line in re.split(r"(?<=\.) ", part) if "Error" not in line)
        for word, instead in words.items():
            told = told.replace(word, instead)
        if told:
            yield told
    yield f"Retry class {endpoint.retry.value}: {AGAIN[endpoint.retry]}."


def below_each_other(rows: Sequence[tuple[str, str]], width: int) -> str:
    """Two columns; the second one folds."""
    if not rows:
        return "  none"
    first = min(max(len(name) for name, _ in rows), WIDEST_NAME)
    lines = []
    for name, told in rows:
        head = f"  {name.ljust(first)}  "
        lines += wrap(told, width, initial_indent=head, subsequent_indent=" " * (first + 4))
    return "\n".join(lines)


def offered(endpoint: Endpoint[Any], words: Sequence[str]) -> Iterable[tuple[str, str]]:
    """What may come after some words, for the shell: `limit=`, or all of it where there is little choice."""
    if words[-1:] == ["="]:  # bash parts `order=` into two words, and completes what comes after
        named = "".join(words[-2:])
        offers = offered(endpoint, words[:-2])
        yield from ((offer.removeprefix(named), told) for offer, told in offers if offer.startswith(named))
        return
    names = {word.partition("=")[0] for word in words}
    for name, parameter in parameters(endpoint).items():
        if name in names:
            continue
        rule = parameter.rule.item if isinstance(parameter.rule, ListRule) else parameter.rule
        told = takes(parameter.rule)
        if isinstance(rule, ChoiceRule):
            yield from ((f"{name}={word}", told) for word in rule.words)
        elif isinstance(rule, FlagRule):
            yield from ((f"{name}={word}", told) for word in ("yes", "no"))
        else:
            yield f"{name}=", told
