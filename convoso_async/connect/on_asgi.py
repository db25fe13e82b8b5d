"""The way in for ASGI servers, and for frameworks that mount ASGI apps."""

from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from .request import Answer, Refusal, Request, last_segment

Scope = Mapping[str, object]
Receive = Callable[[], Awaitable[Mapping[str, object]]]
Send = Callable[[dict[str, object]], Awaitable[None]]
Take = Callable[[Request, Callable[[], Awaitable[bytes]]], Awaitable[Answer]]


class AsgiApp:
    """Has requests taken.

    An object and no function: Starlette's routes take functions for something else, and uvicorn methods.
    """

    def __init__(self, take: Take) -> None:
        self._take = take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; or, where nothing else answers, a server that starts and ends."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            answer = await self._take(_request_of(scope), _Reader(receive).read)
            body = b"" if scope["method"] == "HEAD" else answer.body
            headers = [
                (b"content-type", answer.content_type.encode()),
                (b"content-length", str(len(answer.body)).encode()),
            ]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        else:
            await send({"type": "websocket.close"})  # before it was accepted: the server refuses


class _Reader:
    """Gives a body piece by piece, empty at its end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def read(self) -> bytes:
        while self._more:
            message = await self._receive()
            if message["type"] != "http.request":
                raise Refusal("a body that breaks off")
            self._more = bool(message.get("more_body", False))
            piece = cast("bytes", message.get("body", b""))
            if piece:
                return piece
        return b""


def _request_of(scope: Scope) -> Request:
    pairs = cast("list[tuple[bytes, bytes]]", scope["headers"])

    def headers(name: str) -> list[bytes]:
        wanted = name.encode()
        return [value for key, value in pairs if key.lower() == wanted]

    raw = cast("bytes | None", scope.get("raw_path"))
    if raw is None:  # optional in ASGI; `path` is decoded, and its slashes are as they were
        segment = cast("str", scope["path"]).removesuffix("/").rpartition("/")[2].encode("utf-8", "replace")
    else:
        segment = last_segment(raw)
    query = cast("bytes", scope.get("query_string", b""))
    return Request(cast("str", scope["method"]), headers, segment, query)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
