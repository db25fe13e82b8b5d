"""Webhooks of Convoso Connect in an aiohttp app, which reads each lead back before it says yes.

CONNECT_SECRET=... CONVOSO_AUTH_TOKEN=... python examples/aiohttp_app.py
"""

import os
from collections.abc import AsyncIterator

from aiohttp import web

from convoso_async import AsyncConvoso, connect

CLIENT = web.AppKey("client", AsyncConvoso)


async def with_client(app: web.Application) -> AsyncIterator[None]:
    """One client for as long as the app runs."""
    async with AsyncConvoso() as app[CLIENT]:
        yield


def make_app() -> web.Application:
    """The app, with the receiver at /connect."""

    async def handle(event: connect.ConnectEvent) -> None:
        if event.lead.id is None:
            return
        lead = await connect.lead(app[CLIENT], event)
        if lead is not None:
            print(f"lead {lead.id}: {lead.status}", flush=True)

    receiver = connect.Receiver(secret=os.environ["CONNECT_SECRET"], on_event=handle)
    app = web.Application()
    app.cleanup_ctx.append(with_client)
    app.router.add_route("*", "/connect", receiver.aiohttp)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
