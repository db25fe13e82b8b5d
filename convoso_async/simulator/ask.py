"""One request as the answers see it: its values, its account, and how to refuse it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NoReturn

from . import clock
from .account import Account
from .switches import Switches
from .tables import Call, Problem

Form = dict[str, str]
TRUE = {"true", "1", "y"}
FALSE = {"false", "0", "n"}


class Refusal(Exception):
    """The call answers with an error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Ask:
    """A request whose values have been checked against the call's table."""

    call: Call
    form: Form
    account: Account
    switches: Switches
    profile: Literal["documented", "observed"]
    count: int
    """How many requests came before, for what alternates."""
    recordings_url: str

    @property
    def observed(self) -> bool:
        """Whether to reply as observed rather than as documented."""
        return self.profile == "observed"

    def refuse(self, name: str, kind: str) -> NoReturn:
        """Answer as the call documents for this problem of this parameter."""
        raise Refusal(self.call.problem(name, kind))

    def refuse_code(self, code: int) -> NoReturn:
        """Answer with one of the call's documented codes."""
        raise Refusal(self.call.codes[code])

    def refuse_text(self, text: str) -> NoReturn:
        """Answer with a text and no code."""
        raise Refusal(Problem(text=text))

    def text(self, name: str) -> str | None:
        """The value as it came; None when it is absent or empty."""
        return self.form.get(name) or None

    def need(self, name: str) -> str:
        """The value of a parameter that the checks have made sure of."""
        return self.form[name]

    def many(self, name: str) -> frozenset[str] | None:
        """The values of a list joined with commas, case folded; None when it is absent or empty."""
        value = self.text(name)
        return frozenset(part.strip().casefold() for part in value.split(",")) if value else None

    def number(self, name: str) -> int | None:
        """The value as a number; None when it is absent or empty."""
        value = self.text(name)
        return int(value) if value else None

    def flag(self, name: str) -> bool:
        """Whether the value says yes; absent is no."""
        return self.form.get(name, "").casefold() in TRUE

    def stamp(self, name: str) -> int | None:
        """The value as seconds on the account's clock; None when it is absent or empty."""
        value = self.text(name)
        return clock.seconds(datetime.fromisoformat(value)) if value else None

    def known(self, name: str, ids: object) -> None:
        """Refuse a list that names something outside `ids`, any container of text."""
        for value in self.many(name) or ():
            if value not in ids:  # type: ignore[operator]  # any container will do
                self.refuse(name, "unknown")

    def done(self, **body: object) -> dict[str, object]:
        """The reply to a write that worked."""
        return {"success": True, **body}
