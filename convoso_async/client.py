"""The client: its settings, its resources, its life."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .errors import ConfigurationError

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp

    from .endpoint import Endpoint
    from .events import Event
    from .form import Pairs
    from .integrations.shared_rate import SharedRate
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


class AsyncConvoso:
    """A client of the Convoso API.

        async with AsyncConvoso(auth_token="...") as client:
            page = await client.call_logs.retrieve(campaign_id=111, limit=100)

    One client serves any number of tasks of one event loop. Nothing is opened before the first call.

    Its resources are `agent_monitor`, `agent_performance`, `agent_productivity`, `leads`, `lead_post`,
    `lead_validation`, `lists`, `callbacks`, `call_logs`, `campaigns`, `dnc`, `sms_opt_out`, `status`,
    `revenue`, `users` and `user_activity`. A call that fails raises a `ConvosoError`; `convoso_async.errors`
    draws the tree of its classes.

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
        requests_per_second: starts per second, evenly spread; None for no limit. A `SharedRate` of
            `convoso_async.integrations.shared_rate` holds for all processes of the account together.
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
        requests_per_second: "float | SharedRate | None" = None,
        session: "aiohttp.ClientSession | None" = None,
        proxy: str | None = None,
        ssl: "ssl_module.SSLContext | bool | None" = None,
        on_event: "Callable[[Event], object] | None" = None,
    ) -> None:
        from . import settings

        try:
            token = settings.token_of(auth_token)
        finally:
            auth_token = None  # a traceback shows the locals of this frame
        self._settings = settings.Settings(
            token=token,
            base_url=settings.base_url_of(base_url),
            zone=settings.zone_of(timezone),
            timeout=settings.positive("timeout", timeout),
            deadline=settings.positive("deadline", deadline),
            max_retries=settings.whole("max_retries", max_retries, least=0),
            max_connections=settings.whole("max_connections", max_connections, least=1),
            requests_per_second=settings.rate_of(requests_per_second),
            session=settings.session_of(session),
            proxy=settings.proxy_of(proxy),
            ssl=settings.ssl_of(ssl),
            on_event=settings.listener_of(on_event),
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
        if not isinstance(path, str):
            raise TypeError(f"path must be a str, not {type(path).__name__}")
        if (
            not path.startswith("/")
            or path.startswith("//")
            or not path.isprintable()
            or set(path) & set("?# ")
            or ".." in path.split("/")
        ):
            raise ValueError("path must begin with one / and hold no query and no .., such as /leads/search")
        from .endpoint import UNSAFE, Endpoint
        from .form import raw_pairs

        endpoint: Endpoint[Any] = Endpoint(id=path, path=path, retry=UNSAFE, params=dict, result=object)
        answer = await self._call(endpoint, raw_pairs(params or {}, self.zone), raw=True)
        return answer.payload

    async def _call(
        self, endpoint: "Endpoint[Any]", pairs: "Pairs", *, raw: bool = False, later: bool = False
    ) -> "Reply":
        if self._transport is None or self._closed:
            self._transport = self._open()
        return await self._transport.call(endpoint, pairs, raw=raw, later=later)

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
