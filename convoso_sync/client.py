# Made from convoso_async/client.py by convoso_sync._generate: change those.
"""The client: its settings, its resources, its life."""

from collections.abc import Mapping
from datetime import tzinfo
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from convoso_async.client import RESOURCES

from ._runtime import Client, Facade, events_for, run

if TYPE_CHECKING:
    import ssl as ssl_module
    from collections.abc import Callable

    from convoso_async.events import Event
    from convoso_async.integrations.shared_rate import SharedRate
    from convoso_async.reply import Json

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


class Convoso(Facade[Client]):
    """A client of the Convoso API.

        with Convoso(auth_token="...") as client:
            page = client.call_logs.retrieve(campaign_id=111, limit=100)

    One client serves any number of threads. Nothing is opened, and no thread started, before the first call.

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
        proxy: the URL of an HTTP proxy. Those in the environment are not used.
        ssl: an SSL context, or False to accept any certificate.
        on_event: called with each `Event` of a call, in a worker thread, one after the other; see
            `convoso_async.events`.

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
        proxy: str | None = None,
        ssl: "ssl_module.SSLContext | bool | None" = None,
        on_event: "Callable[[Event], object] | None" = None,
    ) -> None:
        try:
            client = Client(
                auth_token,
                base_url=base_url,
                timezone=timezone,
                timeout=timeout,
                deadline=deadline,
                max_retries=max_retries,
                max_connections=max_connections,
                requests_per_second=requests_per_second,
                proxy=proxy,
                ssl=ssl,
                on_event=events_for(on_event),
            )
        finally:
            auth_token = None  # a traceback shows the locals of this frame
        super().__init__(client)

    if not TYPE_CHECKING:  # type checkers read the annotations above, or they would accept any name

        def __getattr__(self, name: str) -> Any:
            """Imports a resource on its first use."""
            if name not in RESOURCES:
                raise AttributeError(
                    f"{type(self).__name__!r} has no attribute {name!r}", name=name, obj=self
                )
            module = import_module(f".resources.{name}", __package__)
            resource = getattr(module, RESOURCES[name])(getattr(self._async, name))
            self.__dict__[name] = resource
            return resource

    def __dir__(self) -> list[str]:
        """The names to complete, resources that were not used yet among them."""
        return sorted({*super().__dir__(), *RESOURCES})

    def __repr__(self) -> str:
        """The client without its token."""
        client = getattr(self, "_async", None)  # a traceback may show one that was refused its settings
        where = client._settings.base_url if client else "without settings"
        return f"<{type(self).__name__} {where}>"

    @property
    def zone(self) -> tzinfo:
        """The account's zone."""
        return self._async.zone

    def request(self, path: str, params: Mapping[str, object] | None = None) -> "Json":
        """The decoded JSON of any call, unchanged, such as one that this package does not know yet.

        `path` is below the base URL, such as `/leads/search`; `params` are sent as they are named. The call
        counts as a write that must not be repeated: it is sent again only if it was never sent, or after a
        429, and any failure raises.
        """
        return run(self._async.request(path, params))

    def close(self) -> None:
        """Closes the connections."""
        self._async.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        self.close()
