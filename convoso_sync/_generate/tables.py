"""What is taken, what is not and why, and what is said otherwise here."""

import re

BY_HAND = {"_generate", "_handed_in.py", "_look_ahead.py", "_runtime.py", "py.typed"}
"""What stands in the sync package and is not generated."""
TAKEN = {"__init__", "client", "connect", "jobs", "paging", "prefetch", "resources"}
FUNCTIONS = ("jobs", "connect")
"""Packages whose coroutine functions get sync twins. Their other public names are those of both."""
SHARED = {
    "endpoint": "what a call is, for both",
    "errors": "raised by both",
    "events": "told by both",
    "otel": "an `on_event` for both",
    "reading": "reports, for both",
    "rows": "what replies become, for both",
    "connect.Receiver": "takes a plain `on_event`, and its `wsgi` needs no loop",
}
"""Modules whose public names are those of both packages, re-exported and never copied; so are classes of
`FUNCTIONS` that have async methods, each with the reason.
"""
INTERNAL = set(
    """auth_token convert form iteration known pacing parameters public_names reply resource retry row_source
    search settings texts transport""".split()
)
"""Modules that callers do not import."""
NOT_TAKEN = {
    "cli": "the command, which runs the loop itself",
    "integrations": "serve both: a shared rate in any loop, Spark and dlt in workers of their own",
    "simulator": "serves both as it is: it has a thread of its own",
    "AsyncConvoso.session": "a session belongs to the loop it was made in, and sync callers have none",
    "Pager.__init__": "pagers are made by resources",
    "Pager.trusted_plan": "for jobs and integrations, which read by the async pager",
    "Prefetch.__init__": "made by Pager.prefetch",
}
"""Modules, parameters and methods without a sync twin, each with the reason."""
BASES = {"", "Generic[R]", "Resource", "Iteration[R]"}
"""Bases of taken classes. What they define is internal, or taken care of by `_look_ahead`."""
RENAMED = {
    "AsyncConvoso": "Convoso",
    "AsyncIterator": "Iterator",
    "aclose": "close",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
WRAPPED = {"Pager": "paging", "Prefetch": "prefetch"}
"""Async objects that a method gives, and that go into their sync twins; and their modules."""
ATTRIBUTES = {"Pager.report": "Report"}
"""Public attributes that are set in `__init__`, and their types."""
MACHINERY = {"AsyncConvoso.__getattr__", "AsyncConvoso.__dir__", "AsyncConvoso.__init__"}
"""Parts of the client whose twins have a form of their own."""
BODIES = {
    "AsyncConvoso.__repr__": (
        'client = getattr(self, "_async", None)  # a traceback may show one that was refused its settings\n'
        '        where = client._settings.base_url if client else "without settings"\n'
        '        return f"<{type(self).__name__} {where}>"'
    ),
    "AsyncConvoso.aclose": "self._async.close()",
    "AsyncConvoso.__aenter__": "return self",
    "AsyncConvoso.__aexit__": "self.close()",
    "Pager.__aiter__": "return rows(self._async)",
    "Pager.pages": "return pages(self._async)",
    "Prefetch.__aenter__": "return self._enter()",
    "Prefetch.__aexit__": "self._leave()",
    "Prefetch.__aiter__": "return self",
    "Prefetch.__anext__": "return self._take()",
}
"""Bodies that the rules do not give."""
FACADES = {"Prefetch": "PrefetchedRows[R]"}
"""Bases of sync classes, where they are not the plain facade."""
ADAPTED = {
    "AsyncConvoso.on_event": "events_for(on_event)",
    "export.to": "target_for(to)",
    "run.key": "key_for(key)",
}
"""What callers hand in and the loop must not run: the parameter, and what is passed on for it."""
ADAPTED_TYPES = {
    "AsyncConvoso": 'unwrapped("{0}", {0})',
    "AsyncIterable": "items_for({0})",
    "OnProgress": "telling",
    "Operation": "awaitable({0})",
    "Pager": 'unwrapped("{0}", {0})',
}
"""The same for parameters of functions by what is in their annotation."""
PLAIN_TYPES = {"Operation": "Callable[..., object]"}
"""What types of the source are here, where they are other ones."""
HANDED_IN = re.compile(r"\b(Callable|Awaitable|Coroutine|OnProgress|(Async)?(Iterable|Iterator|Generator))\b")
WORDS = {
    "tasks of one event loop. Nothing is opened before the first call.": (
        "threads. Nothing is opened, and no thread started, before the first call."
    ),
    "        session: a session of yours. "
    "It keeps its cookies, proxy and connector, and is never closed.\n": "",
    "called with each `Event` of a call, in the event loop; see `convoso_async.events`.": (
        "called with each `Event` of a call, in a worker thread, one after the other; see\n"
        "            `convoso_async.events`."
    ),
    " A session of yours stays open.\n\n"
    "        Raises ConfigurationError in another event loop while that of the client's calls still runs."
    "\n        ": "",
    "in the event\n    loop, so an iterable should be quick; memory is bounded": (
        "in a worker\n    thread, as all code of yours is run; memory is bounded"
    ),
    "a function, plain or async, that": "a function, run in a thread, that",
    "any iterable, plain or async. It is read\n    as the work goes on.": (
        "any iterable. It is read as the work\n    goes on."
    ),
    "Several tasks may share the rows.": "Several threads may share the rows.",
    "an async context manager and an async iterator": "a context manager and an iterator",
    "The Convoso API for Python's asyncio:": "The Convoso API for sync code:",
    "async with ": "with ",
    "async for ": "for ",
    "await ": "",
    "AsyncConvoso": "Convoso",
    "from convoso_async import": "from convoso_sync import",
}
"""What docstrings say otherwise here. Each must be found somewhere, or it is out of date."""
LEFT_OVER = re.compile(
    r"\b(async|await|asyncio|coroutines?|tasks?|event loop|session of yours|aiohttp)\b", re.IGNORECASE
)
