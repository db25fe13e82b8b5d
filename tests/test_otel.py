"""One span per call, with names and numbers and never a value."""

import asyncio
import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from convoso_async import AsyncConvoso, ConvosoError
from convoso_async.events import CallEnded, Event
from convoso_async.otel import spans

from .fault_server import TOKEN, Fault, make, no_waiting, served, status, until


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    no_waiting(monkeypatch)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def test_without_opentelemetry_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"pip install 'convoso\[otel\]'"):
        spans()


async def test_a_good_call_is_one_span(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    async with served(status("503 Busy"), on_event=spans(provider)) as (_, client):
        await make(client, "leads.update", first_name="Wilhelmina")
    span = only(exporter)
    assert (span.name, span.kind) == ("convoso leads.update", SpanKind.CLIENT)
    assert dict(span.attributes or {}) == {
        "convoso.endpoint": "leads.update",
        "convoso.parameters": ("lead_id", "first_name"),
        "convoso.attempts": 2,
        "convoso.outcome": "applied",
        "http.response.status_code": 200,
    }
    assert span.status.status_code is StatusCode.UNSET
    assert span.start_time is not None
    assert span.end_time is not None
    assert 0 < span.end_time - span.start_time < 5_000_000_000


async def test_a_failed_call_says_how(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    lost = Fault("reset", apply=True, end="reset")
    async with served(lost, on_event=spans(provider)) as (_, client):
        with pytest.raises(ConvosoError):
            await make(client, "leads.insert", first_name="Wilhelmina")
    span = only(exporter)
    attributes = dict(span.attributes or {})
    assert attributes["convoso.outcome"] == "unknown"
    assert attributes["error.type"] == "OutcomeUnknownError"
    assert "http.response.status_code" not in attributes
    assert span.status.status_code is StatusCode.ERROR
    assert "Wilhelmina" not in span.to_json()
    assert TOKEN not in span.to_json()


async def test_a_span_stands_below_that_of_the_program(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    tracer = provider.get_tracer("program")

    async def one(client: AsyncConvoso, name: str) -> None:
        with tracer.start_as_current_span(name):
            await make(client, "leads.search")

    async with served(on_event=spans(provider)) as (_, client):
        await asyncio.gather(*(one(client, f"work {number}") for number in range(3)))
    ours = [span for span in exporter.get_finished_spans() if span.name == "convoso leads.search"]
    theirs = {span.context.span_id: span for span in exporter.get_finished_spans() if span not in ours}
    assert len(ours) == len(theirs) == 3
    assert {span.parent.span_id for span in ours if span.parent} == set(theirs)
    for span in ours:
        assert span.parent is not None
        above = theirs[span.parent.span_id]
        assert span.context.trace_id == above.context.trace_id
        assert above.start_time is not None
        assert span.start_time is not None
        assert above.start_time - 2_000_000 <= span.start_time


async def test_a_call_that_is_given_up_is_a_span_too(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    async with served(Fault("stall", end="stall"), on_event=spans(provider)) as (server, client):
        task = asyncio.ensure_future(make(client, "leads.insert"))
        await until(lambda: server.requests)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    span = only(exporter)
    assert span.attributes is not None
    assert span.attributes["error.type"] == "CancelledError"


async def test_who_else_listens_gets_every_event(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    events: list[Event] = []
    async with served(on_event=spans(provider, then=events.append)) as (_, client):
        await make(client, "leads.search")
    assert len(exporter.get_finished_spans()) == 1
    assert len(events) == 3
    assert isinstance(events[-1], CallEnded)


async def test_without_a_provider_the_global_one_is_taken() -> None:
    async with served(on_event=spans()) as (_, client):
        await make(client, "leads.search")
