"""OpenTelemetry: one span per call. Needs the extra `otel`.

AsyncConvoso(..., on_event=spans())
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .events import CallEnded, Event

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

NANOSECONDS = 1_000_000_000


def spans(
    tracer_provider: "TracerProvider | None" = None, then: Callable[[Event], object] | None = None
) -> Callable[[Event], None]:
    """An `on_event` that gives each call a span, below the span in which the call was made.

    A span is named for the call, such as `convoso leads.insert`, and carries attempts, outcome, HTTP status
    and the class of an error: never a value that was sent or came back. `then` gets every event as well.
    """
    try:
        from opentelemetry import trace
    except ImportError:
        raise ImportError("spans need OpenTelemetry: pip install 'convoso[otel]'") from None
    tracer = trace.get_tracer("convoso_async", tracer_provider=tracer_provider)

    def on_event(event: Event) -> None:
        if isinstance(event, CallEnded):
            end = time.time_ns()
            start = end - int(event.seconds * NANOSECONDS)
            name = f"convoso {event.endpoint}"
            span = tracer.start_span(name, kind=trace.SpanKind.CLIENT, start_time=start)
            span.set_attribute("convoso.endpoint", event.endpoint)
            span.set_attribute("convoso.parameters", event.parameters)
            span.set_attribute("convoso.attempts", event.attempts)
            span.set_attribute("convoso.outcome", event.outcome)
            if event.status is not None:
                span.set_attribute("http.response.status_code", event.status)
            if event.error is not None:
                span.set_attribute("error.type", event.error)
                span.set_status(trace.StatusCode.ERROR)
            span.end(end_time=end)
        if then is not None:
            then(event)

    return on_event
