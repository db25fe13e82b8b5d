"""Takes webhooks on a server: checks, reads, parses, drops repeats, hands over, answers.

The ways in, for aiohttp, ASGI and WSGI, make a `Request` of a server's request and a response of an `Answer`.
Everything between is here.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import tzinfo
from importlib import import_module
from traceback import walk_tb
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..settings import positive, whole, zone_of
from .event import ConnectEvent, PayloadError, event_of, is_media_type, payload_of, targets_of
from .on_asgi import AsgiApp
from .repeats import Repeats
from .request import FAILED, REFUSED, TAKEN, Answer, Body, Refusal, Request
from .secret import Secrets

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from aiohttp import web

LOG = logging.getLogger("convoso_async.connect")


class Receiver:
    """Receives the webhooks of Convoso Connect, in any server.

        receiver = Receiver(secret=os.environ["CONNECT_SECRET"], on_event=handle)
        app.router.add_route("*", "/connect", receiver.aiohttp)        # aiohttp
        app.routes.append(Route("/connect", receiver.asgi))            # FastAPI, Starlette
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/connect": receiver.wsgi})    # Flask

    Convoso signs nothing, so a secret of yours must come with each request. In the endpoint's settings, set
    it among the headers: `Content-type: application/json|X-Connect-Secret: ...`. A header is best, since the
    path and the query stand in access logs. Restrict the sender's network, 66.85.240.0/21, in your proxy.

    A request is checked in this order: the secret; the method (POST), the content type (JSON, a form, plain
    text or none), no content encoding, the announced length; the body's length while it is read; the body.
    The first that fails is answered 404, the same for all, before anything more is read. Then the event is
    handed over, and only when `on_event` is done is the sender told `{"success": true}`.

    If `on_event` raises, the answer is 500 and `{"success": false}`, and the body is forgotten, so that it is
    taken when it comes again. Whether Convoso sends again is not documented; its log shows the request as
    failed, and can be searched for such requests. So do not fail on work that can wait: store the event, say
    yes, and work later.

    The log `convoso_async.connect` tells why requests are refused and where `on_event` raised. It never holds
    a value: not of the body, the headers or the URL, nor the text of an error.

    Args:
        secret: the shared secret, any text. It is sent in UTF-8.
        on_event: gets each event. In aiohttp and ASGI it may be a coroutine function, and is awaited; a plain
            function runs in the event loop and must not block it. In WSGI it must be a plain function.
        previous_secret: a second secret that is right as well, while you change from one to the other.
        header: the header that the secret may stand in, alone; None for none.
        query: the parameter of the URL that the secret may stand in; None for none.
        path: whether the secret may be the last segment of the URL's path.
        names: the keys that your adaptor renames, see `parse`.
        timezone: the account's zone; else `CONVOSO_TIMEZONE`, else `America/Los_Angeles`.
        max_bytes: the longest body taken.
        drop_repeats_for: seconds in which a body that was handled before, byte for byte, is not handed over
            again but answered `{"success": true}`; 0 hands all over. One that comes while the first is still
            being handled waits for it.
        never_drop: tells whether an event is to be handed over although its body came before, such as
            `lambda event: event.call_log_id is None`. A payload does not say what happened, so two events may
            look alike, if nothing in them names a call or a time.
        clock: seconds, for `drop_repeats_for`.

    Raises:
        ConfigurationError: a secret is empty or cannot stand where it should, or a setting is impossible.
        ValueError: `names` that are not documented.
    """

    def __init__(
        self,
        secret: str,
        on_event: Callable[[ConnectEvent], object],
        *,
        previous_secret: str | None = None,
        header: str | None = "X-Connect-Secret",
        query: str | None = None,
        path: bool = False,
        names: Mapping[str, str] | None = None,
        timezone: str | tzinfo | None = None,
        max_bytes: int = 262_144,
        drop_repeats_for: float = 60.0,
        never_drop: Callable[[ConnectEvent], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = Secrets(secret, previous_secret)
        if not (header or query or path):
            raise ConfigurationError("say where the secret stands: header=..., query=... or path=True")
        for given in (secret, previous_secret or ""):
            if (header and "|" in given) or (path and "/" in given):
                raise ConfigurationError("a secret cannot hold | in a header, which ends it, or / in a path")
        secret, previous_secret = "", None  # a traceback shows the locals of this frame
        if not callable(on_event):
            raise ConfigurationError("on_event must be callable")
        self._on_event = on_event
        self._header = header.lower() if header else None
        self._query = query.encode() if query else None
        self._path = path
        self._targets = targets_of(names)
        self._zone = zone_of(timezone)
        import_module("convoso_async.convert")  # here, or the first event would hold up the loop
        self._max_bytes = whole("max_bytes", max_bytes, least=1)
        self._repeats = Repeats(drop_repeats_for and positive("drop_repeats_for", drop_repeats_for), clock)
        self._never_drop = never_drop if drop_repeats_for else (lambda event: True)

    def __repr__(self) -> str:
        """Nothing of the secret."""
        return f"<{type(self).__name__}>"

    # -- the ways in --------------------------------------------------------------------------------

    async def aiohttp(self, request: "web.Request") -> "web.Response":
        """A handler for aiohttp: `app.router.add_route("*", "/connect", receiver.aiohttp)`.

        For any method: a router answers those that it does not know itself, and not with a 404.
        """
        from .on_aiohttp import serve

        return await serve(self._take, request)

    @property
    def asgi(self) -> AsgiApp:
        """An ASGI app, for a route of FastAPI or Starlette, or to serve alone.

        `app.routes.append(Route("/connect", receiver.asgi))`, with Starlette's `Route`. Not `app.mount`: that
        redirects to `/connect/`, and whether the sender follows is not documented. The event loop must be
        asyncio's.
        """
        return AsgiApp(self._take)

    def wsgi(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """A WSGI app, to put beside a Flask or Django app in one server, or to serve alone.

        `app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/connect": receiver.wsgi})` for Flask; for Django
        the same around `get_wsgi_application()`, with the middleware of Werkzeug or one of your own.
        """
        from .on_wsgi import serve

        return serve(self._take_in_thread, environ, start_response)

    # -- what is done with a request: once for event loops, once for threads -----------------------------

    async def _take(self, request: Request, read: Callable[[], Awaitable[bytes]]) -> Answer:
        """Takes a request in an event loop. `read` gives the next piece of the body, empty at its end."""
        try:
            collected = self._admit(request)
            while piece := await read():
                collected.take(piece)
            body = collected.whole()
            event = self._event(request, body)
        except Refusal as refusal:
            return refused(refusal)
        try:
            digest = self._digest(event, body)
            while digest is not None and (before := self._repeats.begin(digest)):
                if before.result() if before.done() else await asyncio.wrap_future(before):
                    return TAKEN
            with self._handling(digest):
                result = self._on_event(event)
                if inspect.isawaitable(result):
                    await result
        except Exception as error:
            return failed(error)
        return TAKEN

    def _take_in_thread(self, request: Request, read: Callable[[], bytes]) -> Answer:
        """Takes a request in a thread, as `_take` does in an event loop."""
        try:
            collected = self._admit(request)
            while piece := read():
                collected.take(piece)
            body = collected.whole()
            event = self._event(request, body)
        except Refusal as refusal:
            return refused(refusal)
        try:
            digest = self._digest(event, body)
            while digest is not None and (before := self._repeats.begin(digest)):
                if before.result():
                    return TAKEN
            with self._handling(digest):
                result = self._on_event(event)
                if inspect.isawaitable(result):
                    LOG.error("a WSGI app has no event loop: on_event must be a plain function there")
                    if inspect.iscoroutine(result):
                        result.close()
                    raise TypeError("on_event must be a plain function in a WSGI app")
        except Exception as error:
            return failed(error)
        return TAKEN

    def _admit(self, request: Request) -> Body:
        """A place for the body of a request that may be read. Raises Refusal."""
        if not self._secrets.know(self._presented(request)):
            raise Refusal("its secret")
        if request.method != "POST":
            raise Refusal("its method")
        if not all(is_media_type(value.decode("latin-1")) for value in request.headers("content-type")):
            raise Refusal("its content type")
        if any(value.lower() not in (b"", b"identity") for value in request.headers("content-encoding")):
            raise Refusal("its content encoding")
        return Body(self._max_bytes, request.length)

    def _presented(self, request: Request) -> list[bytes]:
        """What stands in the places for the secret, always as many."""
        presented = []
        if self._header is not None:
            presented.append(request.header(self._header))
        if self._query is not None:
            presented.append(request.parameter(self._query))
        if self._path:
            presented.append(request.segment)
        return presented

    def _event(self, request: Request, body: bytes) -> ConnectEvent:
        """The event in a body. Raises Refusal."""
        content_type = request.header("content-type").decode("latin-1")
        try:
            return event_of(payload_of(body, content_type), self._targets, self._zone)
        except PayloadError:
            raise Refusal("its body") from None

    def _digest(self, event: ConnectEvent, body: bytes) -> bytes | None:
        """What a repeat is known by. None where repeats are handed over as well."""
        if self._never_drop is not None and self._never_drop(event):
            return None
        return self._repeats.digest(body)

    @contextmanager
    def _handling(self, digest: bytes | None) -> Iterator[None]:
        """Remembers a body as handled, unless what is done in here fails."""
        handled = False
        try:
            yield
            handled = True
        finally:
            if digest is not None:
                self._repeats.end(digest, handled=handled)


def refused(refusal: Refusal) -> Answer:
    """The answer to every refusal: the same, whatever the reason."""
    LOG.info("a request was refused because of %s", refusal)
    return REFUSED


def failed(error: Exception) -> Answer:
    """The answer when an event could not be handed over. The text of an error may quote the event."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    LOG.error("on_event raised %s in %s:%d", type(error).__name__, frame.f_code.co_filename, line)
    return FAILED
