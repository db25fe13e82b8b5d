"""The data source as Spark's Python processes use it, in this one: what it does is counted here."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import pyarrow as pa
import pytest

from convoso_async import AuthenticationError, ConfigurationError, ConvosoError
from convoso_async.resources import leads
from convoso_async.simulator import Simulator

pytest.importorskip("pyspark", reason="pyspark is not here: nox -s spark has it")
from pyspark.sql.datasource import EqualTo, GreaterThan, InputPartition, Not
from pyspark.sql.types import StructType

from convoso_async.integrations.spark import ConvosoDataSource
from convoso_async.integrations.spark_writer import Written

CALLS = {"entity": "call_logs", "start": "2026-01-01"}


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with Simulator(call_logs=2_500, leads=50, dnc=3) as running:
        monkeypatch.setenv("CONVOSO_AUTH_TOKEN", running.token)
        monkeypatch.setenv("CONVOSO_BASE_URL", running.url)
        yield running


def columns(**types: str) -> StructType:
    """A schema."""
    schema = StructType()
    for name, type_name in types.items():
        schema = schema.add(name, type_name)
    return schema


def rows(reader: Any) -> list[dict[str, Any]]:
    """What all partitions of a reader hold."""
    return [row for part in reader.partitions() for batch in reader.read(part) for row in batch.to_pylist()]


def reader(options: Mapping[str, str], **types: str) -> Any:
    """A reader of some columns."""
    return ConvosoDataSource(dict(options)).reader(columns(**(types or {"id": "string"})))


def test_a_schema_is_known_without_asking(simulator: Simulator) -> None:
    schema = ConvosoDataSource({**CALLS, "accounts": "CONVOSO_AUTH_TOKEN"}).schema()
    assert schema.startswith("`account` string, `id` string, `lead_id` string")
    assert "`call_date` timestamp" in schema
    assert "`recording` array<struct<src:string,type:string,recording_id:string" in schema
    assert simulator.requests == []


def test_windows_are_read_apart(simulator: Simulator) -> None:
    for second in range(4):
        simulator.account.add_call_logs(10_000, f"2026-03-30 12:00:0{second}")
    calls = reader(CALLS)
    assert len(calls.partitions()) == 2
    assert sorted(row["id"] for row in rows(calls)) == sorted(simulator.account.call_log_ids())
    assert list(calls.read(InputPartition(None))) == []  # Spark's own, for a plan of nothing


@pytest.mark.parametrize("totals", ["number", "missing"])
def test_without_totals_leads_are_read_by_one_task(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, totals: Any
) -> None:
    paging = attrs.evolve(leads.SEARCH.paging, offset_max=20)
    monkeypatch.setattr(leads, "SEARCH", attrs.evolve(leads.SEARCH, paging=paging))
    simulator.profile, simulator.totals, simulator.offset_cap = "observed", totals, 20
    found = reader({"entity": "leads"})
    assert (len(found.partitions()) == 1) is (totals == "missing")
    assert sorted(row["id"] for row in rows(found)) == sorted(simulator.account.lead_ids())


def test_a_read_that_is_given_up_ends_its_requests(simulator: Simulator) -> None:
    calls = reader(CALLS)
    (part,) = calls.partitions()
    batches = calls.read(part)
    assert next(batches).num_rows == 500
    batches.close()


def test_calls_without_pages_are_read_whole(simulator: Simulator) -> None:
    lists = reader({"entity": "lists", "accounts": "CONVOSO_AUTH_TOKEN"}, id="string", account="string")
    assert sorted(row["id"] for row in rows(lists)) == sorted(simulator.account.ids("lists"))
    assert {row["account"] for row in rows(lists)} == {"CONVOSO_AUTH_TOKEN"}


def test_a_schema_must_be_a_choice_of_the_columns(simulator: Simulator) -> None:
    with pytest.raises(ConfigurationError, match="schema: there is no column 'nam'"):
        reader(CALLS, nam="string")
    with pytest.raises(ConfigurationError, match="schema: id is string, not bigint"):
        reader(CALLS, id="long")


def test_conditions_are_looked_at_again(simulator: Simulator) -> None:
    pushing = reader({**CALLS, "push_filters": "true"})
    campaign = simulator.account.ids("campaigns")[0]
    conditions = [EqualTo(("campaign_id",), campaign), Not(EqualTo(("status",), "NI"))]
    assert list(pushing.pushFilters(conditions)) == conditions
    assert 0 < len(rows(pushing)) < 2_500
    assert {request.params["campaign_id"] for request in simulator.requests} == {campaign}


def test_an_id_that_the_account_lacks_is_left_to_spark(simulator: Simulator) -> None:
    pushing = reader({**CALLS, "push_filters": "true"})
    pushing.pushFilters([EqualTo(("campaign_id",), "999999")])
    assert len(rows(pushing)) == 2_500


def test_conditions_that_leave_nothing_ask_for_nothing(simulator: Simulator) -> None:
    pushing = reader({**CALLS, "end": "2026-02-01", "push_filters": "true"})
    pushing.pushFilters([GreaterThan(("call_date",), datetime(2026, 3, 1, tzinfo=UTC))])
    assert rows(pushing) == []
    assert simulator.requests == []


def test_what_the_service_refuses_otherwise_is_an_error(simulator: Simulator) -> None:
    simulator.fail("call_logs.retrieve", status=401)
    with pytest.raises(AuthenticationError):
        reader(CALLS).partitions()
    with pytest.raises(ConvosoError, match="campaign"):
        reader({**CALLS, "where.campaign_id": "999999"}).partitions()


def test_a_stream_reads_between_offsets(simulator: Simulator) -> None:
    stream = ConvosoDataSource({**CALLS, "end": "2026-03-31", "lag": "0s"}).streamReader(columns(id="string"))
    stream.prepareForTriggerAvailableNow()
    parts = stream.partitions(stream.initialOffset(), stream.latestOffset())
    found = [row["id"] for part in parts for batch in stream.read(part) for row in batch.to_pylist()]
    assert sorted(found) == sorted(simulator.account.call_log_ids())


@pytest.mark.parametrize("inclusive", [True, False])
def test_the_second_of_an_offset_belongs_to_the_next_batch(simulator: Simulator, inclusive: bool) -> None:
    simulator.end_inclusive = inclusive
    calls = set(simulator.account.add_call_logs(3, "2026-03-10 12:00:00"))
    stream = ConvosoDataSource(CALLS).streamReader(columns(id="string"))
    before, then, after = (
        {"CONVOSO_AUTH_TOKEN": f"2026-03-10 {time}:00"} for time in ("11:30", "12:00", "12:30")
    )
    found = [
        {row["id"] for part in parts for batch in stream.read(part) for row in batch.to_pylist()}
        for parts in (stream.partitions(before, then), stream.partitions(then, after))
    ]
    assert not found[0] & found[1]
    assert calls <= found[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"entity": "leads"}, "leads cannot be streamed"), ({"entity": "call_logs"}, "call_logs need one")],
)
def test_only_calls_are_streamed_from_a_start(
    simulator: Simulator, options: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ConvosoDataSource(options).streamReader(columns(id="string"))


def test_a_lag_is_for_streams(simulator: Simulator) -> None:
    with pytest.raises(ConfigurationError, match="option 'lag': it is for streams; give 'end'"):
        reader({**CALLS, "lag": "1h"})


DNC = columns(phone_number="string", phone_code="string", campaign_id="string")
NUMBERS = [
    {"phone_number": f"212555{number:04d}", "phone_code": "1", "campaign_id": "0"}
    for number in range(100, 130)
]


def writer(call: str, schema: StructType = DNC) -> Any:
    """A writer."""
    return ConvosoDataSource({"call": call}).writer(schema, False)


def batches(rows: list[dict[str, Any]]) -> Iterator[Any]:
    """The rows as Spark gives them."""
    return iter([pa.RecordBatch.from_pylist(rows[:10]), pa.RecordBatch.from_pylist(rows[10:])])


def test_a_task_writes_each_row(simulator: Simulator) -> None:
    for _ in range(2):  # the second finds them there
        message = writer("dnc.insert").write(batches(NUMBERS))
        assert (message.rows, dict(message.refused)) == (30, {})
        writer("dnc.insert").commit([message, None])
    assert len(simulator.account.dnc) == 33


def test_refusals_are_told_at_the_end(simulator: Simulator) -> None:
    lead = simulator.account.lead_ids()[0]
    schema = columns(lead_id="string", annual_revenue="string", fields="string")
    changes = [
        {"lead_id": lead, "annual_revenue": "1", "fields": [("job_group", "x")]},
        {"lead_id": "999999999", "annual_revenue": "1", "fields": None},
        {"lead_id": lead, "annual_revenue": "much", "fields": None},
    ]
    leads = writer("leads.update", schema)
    types = pa.schema(
        [
            ("lead_id", pa.string()),
            ("annual_revenue", pa.string()),
            ("fields", pa.map_(pa.string(), pa.string())),
        ]
    )
    message = leads.write(iter([pa.RecordBatch.from_pylist(changes, types)]))
    assert message.rows == 3
    assert sum(message.refused.values()) == 2
    with pytest.raises(ConvosoError, match="2 of 3 rows were refused, the others are written: 1 x ") as error:
        leads.commit([message])
    assert "999999999" not in str(error.value)
    assert simulator.requests[0].params["job_group"] == "x"


def test_what_may_pass_fails_the_task(simulator: Simulator) -> None:
    simulator.fail("dnc.insert", times=99, status=401)
    with pytest.raises(ConvosoError, match=r"dnc\.insert: 0 of [0-9]+ rows of this task are written, then: "):
        writer("dnc.insert").write(batches(NUMBERS))


def test_the_most_frequent_reasons_are_told(simulator: Simulator) -> None:
    messages = [Written(9, {f"reason {n}": n for n in range(1, 8)}), Written(1, {"reason 7": 1})]
    with pytest.raises(ConvosoError, match=r"29 of 10 rows .*: 8 x reason 7; 6 x reason 6; .*3 x reason 3$"):
        writer("dnc.insert").commit(messages)


@pytest.mark.parametrize(
    ("call", "schema", "said"),
    [
        (
            "dnc.insert",
            columns(phone="string"),
            "column 'phone': dnc.insert has no such parameter; did you mean",
        ),
        ("dnc.insert", columns(phone_number="string"), "column 'phone_code' is missing: dnc.insert needs it"),
        ("leads.insert", DNC, "leads.insert would be done twice"),
    ],
)
def test_bad_columns_are_refused(simulator: Simulator, call: str, schema: StructType, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        writer(call, schema)


def test_nothing_is_overwritten(simulator: Simulator) -> None:
    with pytest.raises(ConfigurationError, match="mode 'overwrite': nothing is removed"):
        ConvosoDataSource({"call": "dnc.insert"}).writer(DNC, True)
