"""The way in for aiohttp's server."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from .request import Answer, Refusal, Request, last_segment

Take = Callable[[Request, Callable[[], Awaitable[bytes]]], Awaitable[Answer]]


async def serve(take: Take, request: web.Request) -> web.Response:
    """Has one request taken."""

    def headers(name: str) -> list[bytes]:
        return [_as_it_came(value) for value in request.headers.getall(name, ())]

    async def read() -> bytes:
        try:
            return await request.content.readany()
        except (web.RequestPayloadError, OSError):
            raise Refusal("a body that breaks off") from None

    # `raw_path` has the query, unlike the path of all other servers, and nothing in it is decoded.
    path, _, query = _as_it_came(request.raw_path).partition(b"?")
    answer = await take(Request(request.method, headers, last_segment(path), query), read)
    return web.Response(
        status=answer.status, body=answer.body, content_type=answer.content_type, reason=answer.reason
    )


def _as_it_came(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
