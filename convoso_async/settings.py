"""The settings of a client: each checked, with one clear error for what cannot be.

Loaded when a client is made: importing the package must not take the time of what it needs.
"""

import os
import warnings
from collections.abc import Callable, Hashable
from datetime import tzinfo
from inspect import isasyncgenfunction, iscoroutinefunction
from sys import float_info
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import attrs

from .auth_token import Token
from .errors import ConfigurationError

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp

    from .events import Event
    from .integrations.shared_rate import SharedRate
    from .pacing import Line

BASE_URL = "https://api.convoso.com/v1"
TIMEZONE = "America/Los_Angeles"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@attrs.frozen(kw_only=True)
class Settings:
    """The checked settings of one client."""

    token: Token
    base_url: str
    zone: tzinfo
    timeout: float
    deadline: float
    max_retries: int
    max_connections: int
    requests_per_second: "float | SharedRate | None"
    session: "aiohttp.ClientSession | None" = attrs.field(repr=False)
    proxy: str | None = attrs.field(repr=False)
    ssl: "ssl_module.SSLContext | bool | None" = attrs.field(repr=False)
    on_event: "Callable[[Event], object] | None" = attrs.field(repr=False)

    @property
    def limits(self) -> str:
        """The settings that end a call which takes too long, for its error."""
        return f"timeout={self.timeout:g}, deadline={self.deadline:g} seconds"

    @property
    def shares_rate(self) -> bool:
        """Whether other clients go by the same rate."""
        return not isinstance(self.requests_per_second, int | float | None)

    def rate_or_line(self) -> "float | Line | None":
        """The rate, or a place in the line of those who share it, for one transport."""
        rate = self.requests_per_second
        return rate if isinstance(rate, int | float | None) else rate.line(self.base_url, self.token)


def token_of(given: str | None) -> Token:
    """The token, from the argument or the environment."""
    value, given = given if given is not None else os.environ.get("CONVOSO_AUTH_TOKEN"), None
    if not isinstance(value, str | None):
        kind, value = type(value).__name__, None
        raise ConfigurationError(f"auth_token must be a str, not {kind}")
    if not value or not value.strip():
        raise ConfigurationError("no token: give auth_token=..., or set CONVOSO_AUTH_TOKEN")
    if not value.isprintable() or value != value.strip():
        value = None
        raise ConfigurationError("auth_token has blanks or line breaks in it, as a careless copy leaves them")
    return Token(value)


def base_url_of(given: str | None) -> str:
    """Where the API is, without a slash at the end."""
    if not isinstance(given, str | None):
        raise ConfigurationError(f"base_url must be a str, not {type(given).__name__}")
    url = given or os.environ.get("CONVOSO_BASE_URL") or BASE_URL
    from_environment = not given and url != BASE_URL
    source = " (CONVOSO_BASE_URL has it)" if from_environment else ""
    try:
        parts = urlsplit(url)
        secret = parts.username is not None or parts.password is not None
        valid = bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, secret, valid = urlsplit(""), False, False
    if secret:
        url = ""
        raise ConfigurationError(f"base_url must not hold a user name or a password{source}")
    if not valid or not url.isprintable() or set(url) & set("?# "):
        raise ConfigurationError(f"base_url must be an address such as {BASE_URL}, with no query{source}")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigurationError(f"base_url must be https; plain http goes only to this machine{source}")
    if (
        from_environment
        and parts.hostname not in LOOPBACK
        and not f".{parts.hostname}".endswith(".convoso.com")
    ):
        warnings.warn(
            f"CONVOSO_BASE_URL sends the token to {parts.hostname}, which is not Convoso", stacklevel=3
        )
    return url.rstrip("/")


def proxy_of(given: str | None) -> str | None:
    """The URL of a proxy. It may hold a password, so no error shows it."""
    if given is None:
        return None
    try:
        parts = urlsplit(given)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError):
        valid = False
    if valid:
        return given
    raise ConfigurationError("proxy must be an address such as http://proxy.example.org:3128")


def session_of(given: "aiohttp.ClientSession | None") -> "aiohttp.ClientSession | None":
    """A session of the caller's. What only looks like one might send a write again by itself."""
    if given is None:
        return None
    import aiohttp

    if not isinstance(given, aiohttp.ClientSession):
        raise ConfigurationError(f"session must be an aiohttp.ClientSession, not {type(given).__name__}")
    return given


def ssl_of(given: "ssl_module.SSLContext | bool | None") -> "ssl_module.SSLContext | bool | None":
    """What certificates are checked with."""
    if given is None or isinstance(given, bool):
        return given
    import ssl

    if not isinstance(given, ssl.SSLContext):
        raise ConfigurationError(f"ssl must be an ssl.SSLContext or a bool, not {type(given).__name__}")
    return given


def listener_of(given: object) -> "Callable[[Event], object] | None":
    """What gets the events. Nobody would await a coroutine."""
    if given is None:
        return None
    if callable(given) and not any(map(is_async, (given, type(given).__call__))):
        return given
    raise ConfigurationError("on_event must be a plain function of one event, not a coroutine function")


def is_async(function: object) -> bool:
    """Whether a call of a function only makes what somebody must await."""
    return iscoroutinefunction(function) or isasyncgenfunction(function)


def zone_of(given: str | tzinfo | None) -> tzinfo:
    """The account's zone, by its IANA name."""
    if isinstance(given, tzinfo):  # one of pytz gives right stamps only through methods of its own
        given = getattr(given, "zone", None) or given
    if isinstance(given, tzinfo) and isinstance(given, Hashable):  # one of dateutil cannot be a key
        return given
    from_environment = None if given else os.environ.get("CONVOSO_TIMEZONE")
    name = given or from_environment or TIMEZONE
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        source = " (CONVOSO_TIMEZONE has it)" if from_environment else ""
        raise ConfigurationError(
            f"timezone {name!r} is not known here{source}; it must be an IANA name such as {TIMEZONE},"
            " or a zoneinfo.ZoneInfo (where the system has no zones, install tzdata)"
        ) from None


def positive(name: str, value: object) -> float:
    """A number of seconds, or per second, above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = type(value).__name__
        raise ConfigurationError(f"{name} must be a number above 0 (int or float), not {kind}")
    if not 0 < value <= float_info.max:
        raise ConfigurationError(f"{name} must be a number above 0, and finite")
    return float(value)


def rate_of(given: "float | SharedRate | None") -> "float | SharedRate | None":
    """A rate of the client's own, or one that it shares."""
    if given is None:
        return None
    if isinstance(given, int | float):
        return positive("requests_per_second", given)
    from .integrations.shared_rate import SharedRate

    if isinstance(given, SharedRate):
        return given
    raise ConfigurationError("requests_per_second must be a number above 0, or a SharedRate")


def whole(name: str, value: object, *, least: int) -> int:
    """A whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name} must be a whole number of {least} or more (int)")
    return value
