"""What `convoso doctor` looks at, in order: each check says what it found, and what to do where it failed."""

import asyncio
import platform
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, urlsplit

from .. import AsyncConvoso, AuthenticationError, ConvosoError, PermissionDeniedError
from ..settings import BASE_URL, LOOPBACK, TIMEZONE, base_url_of, token_of
from .account import NO_TOKEN, Account
from .exit import BadUse
from .table import harmless

if TYPE_CHECKING:
    from .. import ActivityCounts, CallLog, Page

PACKAGES = ("convoso", "aiohttp", "orjson", "cyclopts", "rich", "phonenumbers", "pyarrow")
PATIENCE = 10.0
"""Seconds for each step on the network."""
TOLERATED = timedelta(seconds=5)
"""How far a clock may be off."""
RECENT = timedelta(hours=1)
"""A newest call that is no older shows that the zone is right."""
WIDEST = timedelta(hours=26)
"""As far as two zones can lie apart."""
Verdict = Literal["ok", "failed", "unknown", "skipped"]


@dataclass(frozen=True)
class Finding:
    """What one check found, and what to do about it."""

    verdict: Verdict
    told: str
    advice: str = ""


@dataclass
class Facts:
    """What the checks before have found, for those after."""

    account: Account
    token: str = field(default="", repr=False)
    zone: str = TIMEZONE
    base_url: str = BASE_URL
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The present, by the service's clock where it says so."""

    @property
    def parts(self) -> SplitResult:
        """The parts of the base URL."""
        return urlsplit(self.base_url)

    @property
    def place(self) -> tuple[str, int]:
        """The service's host and port."""
        return self.parts.hostname or "", self.parts.port or (443 if self.parts.scheme == "https" else 80)

    def client(self) -> AsyncConvoso:
        """A client that gives up soon."""
        return AsyncConvoso(
            self.token,
            base_url=self.base_url,
            timezone=self.zone,
            timeout=PATIENCE,
            deadline=2 * PATIENCE,
            max_retries=1,
        )


@dataclass(frozen=True)
class Check:
    """A check, and those without which it cannot be made."""

    examine: Callable[[Facts], Finding]
    needs: tuple[str, ...] = ()


def made(check: Check, facts: Facts, failed: set[str]) -> Finding:
    """What a check found. It is passed over where one failed that it needs; an error is a failure."""
    if failed & set(check.needs):
        return Finding("skipped", "not checked")
    try:
        return check.examine(facts)
    except (BadUse, ConvosoError) as error:
        return Finding("failed", harmless(str(error)))


def python(facts: Facts) -> Finding:
    """Python, and the packages that matter."""
    there = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            there.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            there.append(f"no {name}")
    return Finding("ok", ", ".join(there))


def token(facts: Facts) -> Finding:
    """Where the token was found. It is looked at only to say whether it can be one, and shown nowhere."""
    found = facts.account.token()
    if found is None:
        return Finding("failed", "none found", NO_TOKEN)
    with facts.account.named():
        token_of(found.value)
    facts.token = found.value
    return Finding("ok", f"found in {found.where}")


def zone(facts: Facts) -> Finding:
    """The account's zone, and what its clock shows."""
    found = facts.account.timezone_found()
    facts.zone = TIMEZONE if found is None else found.value
    told = f"{facts.zone}, where it is {datetime.now(facts.account.zone()):%Y-%m-%d %H:%M}"
    if found is None:
        return Finding("ok", told, "It is the usual one. Another is set with CONVOSO_TIMEZONE or --timezone.")
    return Finding("ok", f"{told}; from {found.where}")


def address(facts: Facts) -> Finding:
    """Where the service is: https, or this machine."""
    found = facts.account.base_url_found()
    with facts.account.named():
        facts.base_url = base_url_of(BASE_URL if found is None else found.value)
    if found is None:
        return Finding("ok", facts.base_url)
    host = facts.place[0]
    convoso = host in LOOPBACK or f".{host}".endswith(".convoso.com")
    doubt = "" if convoso else f"That is not Convoso: the token goes to {host}."
    return Finding("ok", f"{facts.base_url}, from {found.where}", doubt)


def network(facts: Facts) -> Finding:
    """Whether the host has an address, and takes connections."""
    host, port = facts.place
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        advice = "Check the network, its name server, and the spelling of the base URL."
        return Finding("failed", f"{host} has no address: {reason(error)}", advice)
    began = perf_counter()
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        advice = f"Is it the right host, does it run, and does the firewall let port {port} out?"
        return Finding("failed", f"{host} takes no connection on port {port}: {reason(error)}", advice)
    return Finding("ok", f"{host} takes a connection in {(perf_counter() - began) * 1000:.0f} ms")


def encryption(facts: Facts) -> Finding:
    """Whether the certificate can be trusted."""
    if facts.parts.scheme != "https":
        return Finding("unknown", "none: the service is on this machine")
    trusted = ssl.create_default_context()
    try:
        with (
            socket.create_connection(facts.place, timeout=PATIENCE) as plain,
            trusted.wrap_socket(plain, server_hostname=facts.place[0]) as secured,
        ):
            expires = (secured.getpeercert() or {}).get("notAfter", "an unknown day")
            return Finding("ok", f"{secured.version()}, the certificate is good until {expires}")
    except ssl.SSLCertVerificationError as error:
        advice = "A proxy may read along; or the certificates, or the clock, of this machine are old."
        return Finding("failed", f"the certificate cannot be trusted: {error.verify_message}", advice)
    except OSError as error:
        return Finding("failed", f"none could be agreed on: {reason(error)}", "Does a proxy stand between?")


def clock(facts: Facts) -> Finding:
    """How far this machine's clock is from the service's, by the Date of one request without a token."""
    of_kind = HTTPSConnection if facts.parts.scheme == "https" else HTTPConnection
    connection = of_kind(*facts.place, timeout=PATIENCE)
    try:
        before = datetime.now(UTC)
        connection.request("HEAD", facts.parts.path or "/")
        told = connection.getresponse().getheader("Date", "")
        after = datetime.now(UTC)
    except (OSError, HTTPException) as error:
        return Finding("failed", f"no reply: {reason(error)}", "Does a proxy stand between?")
    finally:
        connection.close()
    try:
        # The header has whole seconds: half of one is missing, on average.
        facts.now = parsedate_to_datetime(told).astimezone(UTC) + timedelta(seconds=0.5)
    except ValueError:
        return Finding("unknown", "the service does not say what time it is")
    return drift(before + (after - before) / 2 - facts.now)


def drift(ahead: timedelta) -> Finding:
    """What a clock means that is so far ahead of the service's."""
    told = f"{abs(ahead.total_seconds()):.0f} s from the service's clock"
    if abs(ahead) <= TOLERATED:
        return Finding("ok", told)
    if ahead < timedelta():
        advice = "Set it: a read without an end ends at its present, and so misses the newest rows."
        return Finding("failed", f"behind, {told}", advice)
    return Finding("failed", f"ahead, {told}", "Set it: what is taken from it lies in the service's future.")


def one_call(facts: Facts) -> Finding:
    """Whether the service takes the token."""

    async def ask() -> "ActivityCounts":
        async with facts.client() as client:
            return await client.user_activity.search()

    try:
        counts = asyncio.run(ask())
    except PermissionDeniedError:
        advice = "Rights are given per API section, in Convoso: those that it has may do."
        return Finding("ok", "the token is taken, but has no right to user_activity.search", advice)
    except AuthenticationError as error:
        advice = "Is it this account's token, copied whole and still valid?"
        return Finding("failed", harmless(str(error)), advice)
    return Finding("ok", f"the token is taken; agents signed in: {counts.logged_in_agents}")


def zone_fits(facts: Facts) -> Finding:
    """Whether the newest call lies where the zone says: not in the future, and on a busy day not long ago."""

    async def ask() -> "Page[CallLog]":
        async with facts.client() as client:
            return await client.call_logs.retrieve(limit=1, order="desc")

    try:
        newest = next((call.call_date for call in asyncio.run(ask()) if call.call_date), None)
    except ConvosoError as error:
        return Finding("unknown", f"cannot be told: {harmless(str(error))}")
    if newest is None:
        return Finding("unknown", "cannot be told: there are no calls")
    return fit(facts.now - newest)


def fit(age: timedelta) -> Finding:
    """What a newest call of that age means for the zone."""
    told = f"the newest call is {span(age)} old"
    if age < -TOLERATED:
        advice = f"The account's clock is about {span(-age)} ahead of that zone's: set another, east of it."
        return Finding("failed", f"the newest call would be {span(-age)} in the future", advice)
    if age <= RECENT:
        return Finding("ok", told)
    doubt = "Nobody called since, or the account's zone is further west." if age <= WIDEST else ""
    return Finding("unknown", f"cannot be told: {told}", doubt)


def span(length: timedelta) -> str:
    """A length of time, as people say it."""
    minutes = round(length.total_seconds() / 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def reason(error: Exception) -> str:
    """Why a step on the network failed."""
    if isinstance(error, TimeoutError):
        return f"nothing came in {PATIENCE:g} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


CHECKS: Mapping[str, Check] = {
    "versions": Check(python),
    "token": Check(token),
    "zone": Check(zone),
    "base URL": Check(address),
    "network": Check(network, needs=("base URL",)),
    "encryption": Check(encryption, needs=("network",)),
    "clock": Check(clock, needs=("encryption",)),
    "a call": Check(one_call, needs=("token", "zone", "encryption")),
    "zone fits": Check(zone_fits, needs=("a call",)),
}
