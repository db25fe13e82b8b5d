import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from convoso_async import ConfigurationError
from convoso_async.simulator import Simulator

pytest.importorskip("pyspark", reason="pyspark is not here: nox -s spark has it")
from pyspark.errors import PySparkException

from convoso_async.integrations.spark_options import read_options
from convoso_async.integrations.spark_stream import CallStream, settled

pytestmark = pytest.mark.timeout(600)
ZONE = ZoneInfo("America/Los_Angeles")
CALLS = {"entity": "call_logs", "start": "2026-03-01"}


@pytest.fixture
def simulator(planted_token: str) -> Iterator[Simulator]:
    with Simulator(call_logs=3_000, token=planted_token) as running:
        yield running


@pytest.fixture
def run(spark: Any, simulator: Simulator, tmp_path: Path) -> Callable[..., list[str]]:
    """Give what runs a query until it has all there is, and gives the ids that it has written so far."""
    schema = spark.read.format("convoso").options(base_url=simulator.url, **CALLS).load().schema

    def run(**options: str) -> list[str]:
        given = {"base_url": simulator.url, **CALLS, **options}
        query = (
            spark.readStream.format("convoso")
            .options(**given)
            .load()
            .writeStream.format("parquet")
            .option("checkpointLocation", str(tmp_path / "checkpoint"))
            .trigger(availableNow=True)
            .start(str(tmp_path / "calls"))
        )
        query.awaitTermination()
        return [row.id for row in spark.read.schema(schema).parquet(str(tmp_path / "calls")).collect()]

    return run


def test_each_interval_has_exactly_its_calls(simulator: Simulator, run: Callable[..., list[str]]) -> None:
    account = simulator.account
    for end in ("2026-03-10", "2026-03-10", "2026-03-20 12:00:00"):
        moment = end if len(end) > 10 else f"{end} 23:59:59"
        assert sorted(run(end=end)) == sorted(account.call_log_ids("2026-03-01 00:00:00", moment))
    assert sorted(run()) == sorted(account.call_log_ids("2026-03-01 00:00:00"))


def test_a_call_in_the_second_of_an_offset_comes_once(
    simulator: Simulator, run: Callable[..., list[str]]
) -> None:
    simulator.account.add_call_logs(3, "2026-03-10 12:00:00")
    simulator.account.add_call_logs(3, "2026-03-10 12:00:01")
    for inclusive in (True, False):
        simulator.end_inclusive = inclusive
        run(end="2026-03-10 12:00:00")
    found = run(end="2026-03-11")
    assert sorted(found) == sorted(simulator.account.call_log_ids("2026-03-01", "2026-03-11 23:59:59"))


def test_late_calls_are_there_when_their_time_has_settled(planted_token: str, spark: Any, run: Any) -> None:
    """The service's present is that of this machine, and calls appear up to an hour after their time."""
    now = datetime.now(ZONE).replace(tzinfo=None)
    start = now - timedelta(days=2)
    with Simulator(call_logs=500, token=planted_token, start=start, end=now) as live:
        options = {"base_url": live.url, "start": start.isoformat(" ", "seconds")}
        early = run(**options, lag="3h")
        assert early == live.account.call_log_ids(None, now - timedelta(hours=3, minutes=2))[: len(early)]
        late = live.account.add_call_log(now - timedelta(hours=2))
        live.account.add_call_log(now)
        assert late in run(**options, lag="1h")
        found = run(**options, lag="1h")
        settled_ids = set(live.account.call_log_ids(None, now - timedelta(hours=1, minutes=2)))
    assert len(found) == len(set(found))
    assert settled_ids <= set(found)


def test_a_batch_that_failed_is_read_again_as_it_was(
    simulator: Simulator, run: Callable[..., list[str]]
) -> None:
    run(end="2026-03-10")
    simulator.fail("call_logs.retrieve", times=99, status=401)
    with pytest.raises(PySparkException):
        run(end="2026-03-20")
    simulator.faults.clear()
    simulator.account.add_call_log("2026-03-15 12:00:00")
    found = run(end="2026-03-25")
    assert sorted(found) == sorted(simulator.account.call_log_ids("2026-03-01", "2026-03-25 23:59:59"))


def test_a_checkpoint_holds_moments_and_no_token(
    run: Callable[..., list[str]], tmp_path: Path, planted_token: str
) -> None:
    run(end="2026-03-10", accounts="EAST_TOKEN, west=WEST_TOKEN")
    files = [path for path in (tmp_path / "checkpoint").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert planted_token.encode() not in path.read_bytes()
    offset = json.loads((tmp_path / "checkpoint/offsets/0").read_text().splitlines()[-1])
    assert offset == {"EAST_TOKEN": "2026-03-11 00:00:00", "west": "2026-03-11 00:00:00"}


def test_only_calls_are_streamed(run: Callable[..., list[str]]) -> None:
    with pytest.raises(PySparkException, match="option 'entity': leads cannot be streamed, only call_logs"):
        run(entity="leads")


def test_a_lag_is_for_streams(spark: Any, simulator: Simulator) -> None:
    frame = spark.read.format("convoso").options(base_url=simulator.url, **CALLS, lag="1h").load()
    with pytest.raises(PySparkException, match="option 'lag': it is for streams"):
        frame.collect()


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> CallStream:
    monkeypatch.setenv("CONVOSO_AUTH_TOKEN", simulator.token)
    return CallStream(read_options({**CALLS, "base_url": simulator.url, "end": "2026-03-10"}), ["id"])


HERE = "CONVOSO_AUTH_TOKEN"


def test_an_offset_never_goes_back(stream: CallStream) -> None:
    assert stream.initialOffset() == {HERE: "2026-03-01 00:00:00"}
    assert stream.latestOffset() == {HERE: "2026-03-11 00:00:00"}
    assert stream.latestOffset({HERE: "2026-03-20 00:00:00"}, None) == {HERE: "2026-03-20 00:00:00"}
    with pytest.raises(ConfigurationError, match="is at 2026-03-20 00:00:00 already: set 'lag' back"):
        stream.partitions({HERE: "2026-03-20 00:00:00"}, {HERE: "2026-03-10 00:00:00"})


def test_an_account_that_is_new_begins_at_the_start(stream: CallStream) -> None:
    parts = stream.partitions({}, stream.latestOffset({}, None))
    assert [part.window.start for part in parts] == [datetime(2026, 3, 1)]
    assert stream.partitions(stream.latestOffset(), stream.latestOffset()) == []


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        ("2026-06-01T12:00:59-07:00", "2026-06-01 12:00:00"),
        ("2026-03-08T01:59:00-08:00", "2026-03-08 01:59:00"),
        ("2026-03-08T03:00:00-07:00", "2026-03-08 03:00:00"),
        ("2026-11-01T00:59:00-07:00", "2026-11-01 00:59:00"),
        ("2026-11-01T01:00:00-07:00", "2026-11-01 00:59:00"),  # 01:00 will be shown again
        ("2026-11-01T01:59:00-07:00", "2026-11-01 00:59:00"),
        ("2026-11-01T01:00:00-08:00", "2026-11-01 01:00:00"),
        ("2026-11-01T02:00:00-08:00", "2026-11-01 02:00:00"),
    ],
)
def test_what_has_settled_is_not_shown_again(now: str, shown: str) -> None:
    moment = datetime.fromisoformat(now).astimezone(UTC)
    assert settled(moment, timedelta(0), ZONE).isoformat(" ") == shown
    assert settled(moment + timedelta(hours=2), timedelta(hours=2), ZONE).isoformat(" ") == shown
