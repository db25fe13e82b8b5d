"""The Convoso API for Python's asyncio: every call typed, exports complete, writes never sent twice.

from convoso_async import AsyncConvoso

async with AsyncConvoso(auth_token="...") as client:
    async for call in client.call_logs.retrieve_all(start_time=a, end_time=b):
        ...
"""

from typing import TYPE_CHECKING

from .public_names import public_names

if TYPE_CHECKING:
    from .client import AsyncConvoso as AsyncConvoso
    from .errors import (
        AuthenticationError as AuthenticationError,
        ConfigurationError as ConfigurationError,
        ConvosoAPIError as ConvosoAPIError,
        ConvosoConnectionError as ConvosoConnectionError,
        ConvosoError as ConvosoError,
        ConvosoHTTPError as ConvosoHTTPError,
        ConvosoTimeoutError as ConvosoTimeoutError,
        DuplicateError as DuplicateError,
        IncompleteError as IncompleteError,
        InvalidRequestError as InvalidRequestError,
        NotFoundError as NotFoundError,
        OffsetCapError as OffsetCapError,
        OutcomeUnknownError as OutcomeUnknownError,
        PagingError as PagingError,
        PermissionDeniedError as PermissionDeniedError,
        RateLimitError as RateLimitError,
        RedirectError as RedirectError,
        RejectedError as RejectedError,
        ReplyError as ReplyError,
        ServerError as ServerError,
        WindowTooDenseError as WindowTooDenseError,
    )
    from .paging import Pager as Pager, Window as Window
    from .prefetch import Prefetch as Prefetch
    from .reading import Report as Report
    from .resources.agent_monitor import (
        LogoutResult as LogoutResult,
        MonitoredAgent as MonitoredAgent,
        MonitorSnapshot as MonitorSnapshot,
    )
    from .resources.agent_performance import AgentStatistics as AgentStatistics
    from .resources.agent_productivity import AgentEvent as AgentEvent
    from .resources.call_logs import (
        CallLog as CallLog,
        CallLogUpdate as CallLogUpdate,
        CallRecording as CallRecording,
    )
    from .resources.callbacks import Callback as Callback, CallbackResult as CallbackResult
    from .resources.campaigns import Campaign as Campaign
    from .resources.dnc import DncEntry as DncEntry, DncResult as DncResult
    from .resources.lead_post import LeadPostResult as LeadPostResult
    from .resources.lead_validation import Verdict as Verdict
    from .resources.leads import Lead as Lead, LeadResult as LeadResult, Recording as Recording
    from .resources.lists import LeadList as LeadList, ListDeletion as ListDeletion, ListResult as ListResult
    from .resources.revenue import RevenueResult as RevenueResult
    from .resources.sms_opt_out import OptOut as OptOut, OptOutResult as OptOutResult
    from .resources.status import Disposition as Disposition, StatusResult as StatusResult
    from .resources.user_activity import ActivityCounts as ActivityCounts
    from .resources.users import User as User
    from .rows import Page as Page, Result as Result, Row as Row

_HOMES = {
    ".client": "AsyncConvoso",
    ".errors": """AuthenticationError ConfigurationError ConvosoAPIError ConvosoConnectionError ConvosoError
        ConvosoHTTPError ConvosoTimeoutError DuplicateError IncompleteError InvalidRequestError NotFoundError
        OffsetCapError OutcomeUnknownError PagingError PermissionDeniedError RateLimitError RedirectError
        RejectedError ReplyError ServerError WindowTooDenseError""",
    ".paging": "Pager Window",
    ".prefetch": "Prefetch",
    ".reading": "Report",
    ".resources.agent_monitor": "LogoutResult MonitoredAgent MonitorSnapshot",
    ".resources.agent_performance": "AgentStatistics",
    ".resources.agent_productivity": "AgentEvent",
    ".resources.call_logs": "CallLog CallLogUpdate CallRecording",
    ".resources.callbacks": "Callback CallbackResult",
    ".resources.campaigns": "Campaign",
    ".resources.dnc": "DncEntry DncResult",
    ".resources.lead_post": "LeadPostResult",
    ".resources.lead_validation": "Verdict",
    ".resources.leads": "Lead LeadResult Recording",
    ".resources.lists": "LeadList ListDeletion ListResult",
    ".resources.revenue": "RevenueResult",
    ".resources.sms_opt_out": "OptOut OptOutResult",
    ".resources.status": "Disposition StatusResult",
    ".resources.user_activity": "ActivityCounts",
    ".resources.users": "User",
    ".rows": "Page Result Row",
}

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = public_names(__name__, _HOMES)
