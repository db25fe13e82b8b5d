"""The client: its settings, its resources, its life."""

import os
import warnings
from collections.abc import Callable, Mapping
from datetime import tzinfo
from importlib import import_module
from inspect import iscoroutinefunction
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import attrs

from .endpoint import UNSAFE, Endpoint
from .errors import ConfigurationError
from .form import Pairs, Token, raw_pairs

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp

    from .events import Event
    from .reply import Json, Reply
    from .resources.agent_monitor import AgentMonitor
    from .resources.agent_performance import AgentPerformance
    from .resources.agent_productivity import AgentProductivity
    from .resources.call_logs import CallLogs
    from .resources.callbacks import Callbacks
    from .resources.campaigns import Campaigns
    from .resources.dnc import Dnc
    from .resources.lead_post import LeadPost
    from .resources.lead_validation import LeadValidation
    from .resources.leads import Leads
    from .resources.lists import Lists
    from .resources.revenue import Revenue
    from .resources.sms_opt_out import SmsOptOut
    from .resources.status import Status
    from .resources.user_activity import UserActivity
    from .resources.users import Users
    from .transport import Transport

BASE_URL = "https://api.convoso.com/v1"
TIMEZONE = "America/Los_Angeles"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
RESOURCES = {
    "agent_monitor": "AgentMonitor",
    "agent_performance": "AgentPerformance",
    "agent_productivity": "AgentProductivity",
    "leads": "Leads",
    "lead_post": "LeadPost",
    "lead_validation": "LeadValidation",
    "lists": "Lists",
    "callbacks": "Callbacks",
    "call_logs": "CallLogs",
    "campaigns": "Campaigns",
    "dnc": "Dnc",
    "sms_opt_out": "SmsOptOut",
    "status": "Status",
    "revenue": "Revenue",
    "users": "Users",
    "user_activity": "UserActivity",
}
"""The resources of a client, and the class of each in its module under `resources`."""


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
    requests_per_second: float | None
    session: "aiohttp.ClientSession | None" = attrs.field(repr=False)
    proxy: str | None = attrs.field(repr=False)
    ssl: "ssl_module.SSLContext | bool | None" = attrs.field(repr=False)
    on_event: "Callable[[Event], object] | None" = attrs.field(repr=False)


class AsyncConvoso:
    """A client of the Convoso API.

        async with AsyncConvoso(auth_token="...") as client:
            page = await client.call_logs.retrieve(campaign_id=111, limit=100)

    One client serves any number of tasks of one event loop. Nothing is opened before the first call.

    Args:
        auth_token: the account's token; else `CONVOSO_AUTH_TOKEN`.
        base_url: where the API is; else `CONVOSO_BASE_URL`, else the public service. https, or http to
            this machine.
        timezone: the account's zone, in which all its stamps are; else `CONVOSO_TIMEZONE`, else
            `America/Los_Angeles`.
        timeout: seconds for one attempt.
        deadline: seconds for a whole call, with its attempts and pauses.
        max_retries: further attempts after the first, where the call may be repeated.
        max_connections: calls under way at once; more wait their turn.
        requests_per_second: starts per second, evenly spread; None for no limit.
        session: a session of yours. It keeps its cookies, proxy and connector, and is never closed.
        proxy: the URL of an HTTP proxy. Those in the environment are not used.
        ssl: an SSL context, or False to accept any certificate.
        on_event: called with each `Event` of a call, in the event loop; see `convoso_async.events`.

    Raises:
        ConfigurationError: a setting is missing or impossible.
    """

    agent_monitor: "AgentMonitor"
    agent_performance: "AgentPerformance"
    agent_productivity: "AgentProductivity"
    leads: "Leads"
    lead_post: "LeadPost"
    lead_validation: "LeadValidation"
    lists: "Lists"
    callbacks: "Callbacks"
    call_logs: "CallLogs"
    campaigns: "Campaigns"
    dnc: "Dnc"
    sms_opt_out: "SmsOptOut"
    status: "Status"
    revenue: "Revenue"
    users: "Users"
    user_activity: "UserActivity"

    def __init__(
        self,
        auth_token: str | None = None,
        *,
        base_url: str | None = None,
        timezone: str | tzinfo | None = None,
        timeout: float = 30.0,
        deadline: float = 120.0,
        max_retries: int = 2,
        max_connections: int = 20,
        requests_per_second: float | None = None,
        session: "aiohttp.ClientSession | None" = None,
        proxy: str | None = None,
        ssl: "ssl_module.SSLContext | bool | None" = None,
        on_event: "Callable[[Event], object] | None" = None,
    ) -> None:
        try:
            token = token_of(auth_token)
        finally:
            auth_token = None  # a traceback shows the locals of this frame
        self._settings = Settings(
            token=token,
            base_url=base_url_of(base_url),
            zone=zone_of(timezone),
            timeout=positive("timeout", timeout),
            deadline=positive("deadline", deadline),
            max_retries=whole("max_retries", max_retries, least=0),
            max_connections=whole("max_connections", max_connections, least=1),
            requests_per_second=None
            if requests_per_second is None
            else positive("requests_per_second", requests_per_second),
            session=session,
            proxy=proxy_of(proxy),
            ssl=ssl,
            on_event=listener_of(on_event),
        )
        self._transport: Transport | None = None
        self._closed = False

    if not TYPE_CHECKING:  # type checkers read the annotations above, or they would accept any name

        def __getattr__(self, name: str) -> Any:
            """Imports a resource on its first use."""
            if name not in RESOURCES:
                raise AttributeError(
                    f"{type(self).__name__!r} has no attribute {name!r}", name=name, obj=self
                )
            module = import_module(f".resources.{name}", __package__)
            resource = self.__dict__[name] = getattr(module, RESOURCES[name])(self)
            return resource

    def __dir__(self) -> list[str]:
        """The names to complete, resources that were not used yet among them."""
        return sorted({*super().__dir__(), *RESOURCES})

    def __repr__(self) -> str:
        """The client without its token."""
        settings = self.__dict__.get("_settings")  # a traceback may show one that was refused its settings
        return f"<{type(self).__name__} {settings.base_url if settings else 'without settings'}>"

    @property
    def zone(self) -> tzinfo:
        """The account's zone."""
        return self._settings.zone

    async def request(self, path: str, params: Mapping[str, object] | None = None) -> "Json":
        """The decoded JSON of any call, unchanged, such as one that this package does not know yet.

        `path` is below the base URL, such as `/leads/search`; `params` are sent as they are named. The call
        counts as a write that must not be repeated: it is sent again only if it was never sent, or after a
        429, and any failure raises.
        """
        if (
            not path.startswith("/")
            or path.startswith("//")
            or not path.isprintable()
            or set(path) & set("?# ")
        ):
            raise ValueError("path must begin with one / and hold no query, such as /leads/search")
        endpoint: Endpoint[Any] = Endpoint(id=path, path=path, retry=UNSAFE, params=dict, result=object)
        answer = await self._call(endpoint, raw_pairs(params or {}, self.zone), raw=True)
        return answer.payload

    async def _call(self, endpoint: Endpoint[Any], pairs: Pairs, *, raw: bool = False) -> "Reply":
        if self._transport is None or self._closed:
            self._transport = self._open()
        return await self._transport.call(endpoint, pairs, raw=raw)

    def _open(self) -> "Transport":
        """The transport, its session in the running loop; aiohttp is imported here, on the first call."""
        if self._closed:
            raise ConfigurationError("the client is closed; make a new one")
        from .transport import Transport

        return Transport(self._settings)

    async def aclose(self) -> None:
        """Closes the connections. A session of yours stays open.

        Raises ConfigurationError in another event loop while that of the client's calls still runs.
        """
        if self._transport is not None:
            await self._transport.aclose()
        self._closed = True

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        await self.aclose()


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
        raise ConfigurationError("the token has blanks or line breaks in it, as a careless copy leaves them")
    return Token(value)


def base_url_of(given: str | None) -> str:
    """Where the API is, without a slash at the end."""
    url = given or os.environ.get("CONVOSO_BASE_URL") or BASE_URL
    from_environment = not given and url != BASE_URL
    try:
        parts = urlsplit(url)
        secret = parts.username is not None or parts.password is not None
        valid = bool(parts.hostname) and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:
        parts, secret, valid = urlsplit(""), False, False
    if secret:
        url = ""
        raise ConfigurationError("base_url must not hold a user name or a password")
    if not valid or not url.isprintable() or " " in url:
        raise ConfigurationError(f"base_url must be an address such as {BASE_URL}")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigurationError("base_url must be https; plain http goes only to this machine")
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


def listener_of(given: object) -> "Callable[[Event], object] | None":
    """What gets the events. Nobody would await a coroutine."""
    if given is None or (callable(given) and not iscoroutinefunction(given)):
        return given
    raise ConfigurationError("on_event must be a plain function of one event, not a coroutine function")


def zone_of(given: str | tzinfo | None) -> tzinfo:
    """The account's zone, by its IANA name."""
    if isinstance(given, tzinfo):
        return given
    name = given or os.environ.get("CONVOSO_TIMEZONE") or TIMEZONE
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        raise ConfigurationError(
            f"timezone {name!r} is not known here; it must be an IANA name such as {TIMEZONE}"
            " (where the system has no zones, install tzdata)"
        ) from None


def positive(name: str, value: object) -> float:
    """A number of seconds, or per second, above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
        raise ConfigurationError(f"{name} must be a number above 0")
    return float(value)


def whole(name: str, value: object, *, least: int) -> int:
    """A whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name} must be a whole number of {least} or more")
    return value
