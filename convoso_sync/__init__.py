# Made from convoso_async/__init__.py by convoso_sync._generate: change those.
"""The Convoso API for sync code: every call typed, exports complete, writes never sent twice.

from convoso_sync import Convoso

with Convoso(auth_token="...") as client:
    for call in client.call_logs.retrieve_all(start_time=a, end_time=b):
        ...
"""

from typing import TYPE_CHECKING

from convoso_async.public_names import public_names

if TYPE_CHECKING:
    from convoso_async import (
        ActivityCounts as ActivityCounts,
        AgentEvent as AgentEvent,
        AgentStatistics as AgentStatistics,
        AuthenticationError as AuthenticationError,
        Callback as Callback,
        CallbackResult as CallbackResult,
        CallLog as CallLog,
        CallLogUpdate as CallLogUpdate,
        CallRecording as CallRecording,
        Campaign as Campaign,
        ConfigurationError as ConfigurationError,
        ConvosoAPIError as ConvosoAPIError,
        ConvosoConnectionError as ConvosoConnectionError,
        ConvosoError as ConvosoError,
        ConvosoHTTPError as ConvosoHTTPError,
        ConvosoTimeoutError as ConvosoTimeoutError,
        Disposition as Disposition,
        DncEntry as DncEntry,
        DncResult as DncResult,
        DuplicateError as DuplicateError,
        IncompleteError as IncompleteError,
        InvalidRequestError as InvalidRequestError,
        Lead as Lead,
        LeadList as LeadList,
        LeadPostResult as LeadPostResult,
        LeadResult as LeadResult,
        ListDeletion as ListDeletion,
        ListResult as ListResult,
        LogoutResult as LogoutResult,
        MonitoredAgent as MonitoredAgent,
        MonitorSnapshot as MonitorSnapshot,
        NotFoundError as NotFoundError,
        OffsetCapError as OffsetCapError,
        OptOut as OptOut,
        OptOutResult as OptOutResult,
        OutcomeUnknownError as OutcomeUnknownError,
        Page as Page,
        PagingError as PagingError,
        PermissionDeniedError as PermissionDeniedError,
        RateLimitError as RateLimitError,
        Recording as Recording,
        RedirectError as RedirectError,
        RejectedError as RejectedError,
        ReplyError as ReplyError,
        Report as Report,
        Result as Result,
        RevenueResult as RevenueResult,
        Row as Row,
        ServerError as ServerError,
        StatusResult as StatusResult,
        User as User,
        Verdict as Verdict,
        Window as Window,
        WindowTooDenseError as WindowTooDenseError,
    )

    from .client import Convoso as Convoso
    from .paging import Pager as Pager
    from .prefetch import Prefetch as Prefetch

_HOMES = {
    ".client": "Convoso",
    ".paging": "Pager",
    ".prefetch": "Prefetch",
    "convoso_async": """
        ActivityCounts AgentEvent AgentStatistics AuthenticationError Callback CallbackResult CallLog
        CallLogUpdate CallRecording Campaign ConfigurationError ConvosoAPIError ConvosoConnectionError
        ConvosoError ConvosoHTTPError ConvosoTimeoutError Disposition DncEntry DncResult DuplicateError
        IncompleteError InvalidRequestError Lead LeadList LeadPostResult LeadResult ListDeletion ListResult
        LogoutResult MonitoredAgent MonitorSnapshot NotFoundError OffsetCapError OptOut OptOutResult
        OutcomeUnknownError Page PagingError PermissionDeniedError RateLimitError Recording RedirectError
        RejectedError ReplyError Report Result RevenueResult Row ServerError StatusResult User Verdict Window
        WindowTooDenseError
    """,
}

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = public_names(__name__, _HOMES)
