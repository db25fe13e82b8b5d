"""Webhooks of Convoso Connect beside a Flask app.

CONNECT_SECRET=... python examples/flask_app.py

It needs Flask: pip install flask
"""

import os

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from convoso_sync import connect


def handle(event: connect.ConnectEvent) -> None:
    """Runs in the thread of the request: the sender waits for it."""
    if event.call.id is not None:
        print(f"call {event.call.id}: {event.call.status}, {event.call.call_length} s", flush=True)


receiver = connect.Receiver(
    secret=os.environ["CONNECT_SECRET"],
    on_event=handle,
    # What the account's adaptor renames.
    names={"crm_call": "call_log_id", "outcome": "call_log.status"},
)
app = Flask(__name__)
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/connect": receiver.wsgi})  # type: ignore[method-assign]

if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
