"""Webhooks of Convoso Connect in a FastAPI app: say yes at once, read the call back in the background.

CONNECT_SECRET=... CONVOSO_AUTH_TOKEN=... python examples/fastapi_app.py

It needs FastAPI and uvicorn: pip install fastapi uvicorn
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from fastapi import FastAPI
from starlette.routing import Route

from convoso_async import AsyncConvoso, ConvosoError, connect

arrived: asyncio.Queue[connect.ConnectEvent] = asyncio.Queue(maxsize=10_000)


async def work(client: AsyncConvoso) -> None:
    """Reads each call back: nothing signs an event, so what it says is a hint."""
    while True:
        event = await arrived.get()
        with suppress(ConvosoError):  # a real worker would keep the event, and try again
            call = await connect.call_log(client, event)
            if call is not None:
                print(f"call {call.id}: {call.status}, {call.call_length} s", flush=True)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Works for as long as the app runs."""
    async with AsyncConvoso() as client:
        worker = asyncio.create_task(work(client))
        yield
        worker.cancel()


def handle(event: connect.ConnectEvent) -> None:
    """A full queue raises: the sender is told that the event was not taken."""
    if event.call_log_id is not None:
        arrived.put_nowait(event)


receiver = connect.Receiver(secret=os.environ["CONNECT_SECRET"], on_event=handle)
app = FastAPI(lifespan=lifespan)
app.routes.append(Route("/connect", receiver.asgi))

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
