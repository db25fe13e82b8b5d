import asyncio
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from convoso_async import AsyncConvoso, jobs
from convoso_async.simulator import Simulator

pytest.importorskip("pyspark", reason="pyspark is not here: nox -s spark has it")
from pyspark.errors import PySparkException

from convoso_async.integrations.spark import ConvosoDataSource
from convoso_async.integrations.spark_batch import BatchReader
from convoso_async.integrations.spark_options import read_options

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("spark")]
EXAMPLES = Path(__file__).parents[2] / "examples"
RANGE = {"start": "2026-01-01", "end": "2026-04-01"}


@pytest.fixture
def simulator(planted_token: str) -> Iterator[Simulator]:
    with Simulator(call_logs=3_000, leads=500, dnc=1_500, token=planted_token) as running:
        yield running


@pytest.fixture
def load(spark: Any, simulator: Simulator) -> Callable[..., Any]:
    """Give what reads an entity of the simulator."""

    def load(entity: str, **options: str) -> Any:
        return spark.read.format("convoso").options(base_url=simulator.url, entity=entity, **options).load()

    return load


def ids(frame: Any, column: str = "id") -> list[str]:
    return [row[0] for row in frame.select(column).collect()]


async def export(simulator: Simulator) -> tuple[list[str], int]:
    """The ids of a single-process export, and its requests."""
    found: list[str] = []
    async with AsyncConvoso(simulator.token, base_url=simulator.url) as client:
        pager = client.call_logs.retrieve_all(start_time=RANGE["start"], end_time=RANGE["end"])
        report = await jobs.export(pager, lambda rows: found.extend(str(row.id) for row in rows))
    return found, report.requests


def test_half_a_million_calls_equal_the_export_of_one_process(spark: Any, planted_token: str) -> None:
    with Simulator(call_logs=500_000, token=planted_token) as simulator:
        exported, requests = asyncio.run(export(simulator))
        simulator.clear()
        options = {"base_url": simulator.url, "entity": "call_logs", **RANGE}
        frame = spark.read.format("convoso").options(**options).load()
        read = ids(frame)
        asked = len(simulator.requests)
        partitions = frame.rdd.getNumPartitions()
    assert len(read) == len(set(read)) == 500_000
    assert sorted(read) == sorted(exported)
    assert partitions >= 500_000 / 40_000
    assert asked <= requests + partitions


def test_a_worker_that_is_killed_changes_nothing(
    spark: Any, planted_token: str, spark_workers: Callable[[], list[int]]
) -> None:
    killed = []

    def kill(simulator: Simulator, request: Any) -> None:
        if len(simulator.requests) == 60:  # in the middle of the first windows
            killed.extend(spark_workers())
            for process in killed:
                os.kill(process, signal.SIGKILL)

    with Simulator(call_logs=100_000, token=planted_token, before_request=kill) as simulator:
        options = {"base_url": simulator.url, "entity": "call_logs", **RANGE}
        read = ids(spark.read.format("convoso").options(**options).load())
        wanted = simulator.account.call_log_ids()
    assert killed
    assert sorted(read) == sorted(wanted)


def test_every_entity_can_be_read(simulator: Simulator, load: Callable[..., Any]) -> None:
    simulator.profile = "mixed"
    account = simulator.account
    wanted: Mapping[str, list[str]] = {
        "call_logs": account.call_log_ids(),
        "leads": account.lead_ids(),
        "callbacks": account.ids("callbacks"),
        "dnc": account.ids("dnc"),
        "opt_outs": account.ids("sms_opt_outs"),
        "users": account.ids("users"),
        "lists": account.ids("lists"),
        "campaigns": account.ids("campaigns"),
    }
    for entity, expected in wanted.items():
        range_ = {"start": "2026-01-01"} if entity == "call_logs" else {}
        assert sorted(ids(load(entity, **range_))) == sorted(expected), entity
    assert sorted(ids(load("statuses"), "status")) == sorted(account.statuses)
    assert load("agent_events", start="2026-01-01").count() == len(account.ids("agent_events"))


def test_columns_are_typed(simulator: Simulator, load: Callable[..., Any]) -> None:
    call = simulator.account.call_log_ids()[0]
    simulator.account.change_call_log(call, called_count=7)
    row = load("call_logs", **{"where.id": call, "where.include_recordings": "yes"}, **RANGE).collect()[0]
    raw = simulator.account.call_log(call)
    assert row.called_count == 7
    assert f"{row.call_date.isoformat(' ')}" != raw["call_date"]  # a moment: shown in the session's zone
    assert isinstance(row.recording, list)


def test_a_time_is_that_of_the_account(spark: Any, simulator: Simulator, load: Callable[..., Any]) -> None:
    call = simulator.account.call_log_ids()[0]
    frame = load("call_logs", **{"where.id": call}, **RANGE)
    shown = frame.selectExpr(
        "string(to_timestamp_ntz(string(from_utc_timestamp(call_date, 'America/Los_Angeles'))))"
    ).collect()[0][0]
    assert shown == simulator.account.call_log(call)["call_date"]


def test_custom_fields_are_json(spark: Any, simulator: Simulator, load: Callable[..., Any]) -> None:
    simulator.account.add_lead(first_name="Jane", job_group="x")
    frame = load("leads").where("first_name = 'Jane'")
    found = frame.selectExpr("get_json_object(extra, '$.job_group')").collect()
    assert [row[0] for row in found if row[0]] == ["x"]


def test_a_schema_chooses_columns(spark: Any, simulator: Simulator) -> None:
    reader = spark.read.format("convoso").options(base_url=simulator.url, entity="leads")
    frame = reader.schema("status string, id string").load()
    assert frame.columns == ["status", "id"]
    assert sorted(row.id for row in frame.collect()) == sorted(simulator.account.lead_ids())
    with pytest.raises(PySparkException, match="schema: id is string, not bigint; cast it afterwards"):
        reader.schema("id bigint").load().collect()
    with pytest.raises(PySparkException, match="schema: there is no column 'nam'; there are id, lead_id"):
        reader.schema("nam string").load().collect()


def test_several_accounts_are_read_at_once(
    spark: Any, simulator: Simulator, load: Callable[..., Any], planted_token: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(planted_token + "\n")
    frame = load("leads", accounts=f"EAST_TOKEN, west={tmp_path}/token")
    counts = {row.account: row["count"] for row in frame.groupBy("account").count().collect()}
    leads = len(simulator.account.lead_ids())
    assert counts == {"EAST_TOKEN": leads, "west": leads}
    assert frame.columns[0] == "account"


def test_no_token_is_in_what_spark_keeps(
    spark: Any,
    simulator: Simulator,
    load: Callable[..., Any],
    planted_token: str,
    spark_folder: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    frame = load("call_logs", accounts="EAST_TOKEN,WEST_TOKEN", **RANGE)
    frame.explain(True)
    assert frame.count() == 6_000
    simulator.fail("call_logs.retrieve", times=99, status=401, body={"success": False, "text": planted_token})
    with pytest.raises(PySparkException) as failure:
        frame.count()
    kept = [path for path in spark_folder.rglob("*") if path.is_file()]
    assert {"spark.log", "log4j2.properties"} < {path.name for path in kept}
    assert any(b"BatchScan convoso" in path.read_bytes() for path in kept)
    for path in kept:
        assert planted_token.encode() not in path.read_bytes(), path
    shown = capfd.readouterr()
    assert "BatchScan convoso" in shown.out
    assert planted_token not in f"{shown}{failure.value}"


def test_no_token_is_in_what_is_sent_to_the_executors(
    simulator: Simulator, planted_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVOSO_AUTH_TOKEN", planted_token)
    source = ConvosoDataSource({"entity": "call_logs", "base_url": simulator.url, **RANGE})
    reader = BatchReader(read_options(source.options), ["id"])
    parts = reader.partitions()
    assert [part.window.expected for part in parts] == [3_000]
    for thing in (source, reader, parts):
        assert planted_token.encode() not in pickle.dumps(thing)
        assert planted_token not in repr(thing)


def example(name: str) -> Any:
    """An example as a module."""
    found = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert found
    assert found.loader
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_example_of_a_read_runs(
    spark_url: str, planted_token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Simulator(call_logs=300, token=planted_token, port=urlsplit(spark_url).port or 0):
        example("spark_call_logs").main("2026-01-01", "2026-03-31", str(tmp_path / "calls"))
    assert sorted(capsys.readouterr().out.splitlines()) == ["EAST_TOKEN: 300 calls", "WEST_TOKEN: 300 calls"]


def test_the_example_of_a_stream_runs(spark: Any, spark_url: str, planted_token: str, tmp_path: Path) -> None:
    with Simulator(call_logs=300, token=planted_token, port=urlsplit(spark_url).port or 0):
        query = example("spark_new_calls").main("2026-01-01", str(tmp_path / "calls"))
        while query.lastProgress is None:  # the first batch; the next is five minutes away
            query.awaitTermination(1)
        query.stop()
    assert spark.read.parquet(str(tmp_path / "calls")).count() == 300
