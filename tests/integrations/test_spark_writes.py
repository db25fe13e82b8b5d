import os
import signal
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from convoso_async.simulator import Simulator

pytest.importorskip("pyspark", reason="pyspark is not here: nox -s spark has it")
from pyspark.errors import PySparkException

pytestmark = pytest.mark.timeout(600)
PHONES = [f"212555{number:04d}" for number in range(100, 220)]


@pytest.fixture
def simulator(planted_token: str) -> Iterator[Simulator]:
    with Simulator(dnc=0, token=planted_token) as running:
        yield running


@pytest.fixture
def write(simulator: Simulator) -> Callable[..., None]:
    """Give what writes a frame to the simulator."""

    def write(frame: Any, call: str, mode: str = "append", **options: str) -> None:
        writer = frame.write.format("convoso").options(base_url=simulator.url, call=call, **options)
        writer.mode(mode).save()

    return write


@pytest.fixture
def numbers(spark: Any) -> Any:
    """Give 120 numbers for DNC, in two partitions."""
    rows = [(phone, "1", 0) for phone in PHONES]
    return spark.createDataFrame(rows, "phone_number string, phone_code string, campaign_id int").repartition(
        2
    )


def on_dnc(simulator: Simulator) -> list[str]:
    return sorted(row["phone_number"] for row in simulator.account.dnc)


def test_each_row_is_one_call(simulator: Simulator, write: Callable[..., None], numbers: Any) -> None:
    write(numbers, "dnc.insert")
    assert on_dnc(simulator) == PHONES
    assert len(simulator.requests) == len(PHONES)


def test_a_second_write_finds_all_of_it_done(
    simulator: Simulator, write: Callable[..., None], numbers: Any
) -> None:
    write(numbers, "dnc.insert")
    write(numbers, "dnc.insert")
    assert on_dnc(simulator) == PHONES


def test_a_task_that_is_lost_is_done_again(
    simulator: Simulator, write: Callable[..., None], numbers: Any, spark_workers: Callable[[], list[int]]
) -> None:
    killed = []

    def kill(simulator: Simulator, request: Any) -> None:
        if len(simulator.requests) == 20:
            killed.extend(spark_workers())
            for process in killed:
                os.kill(process, signal.SIGKILL)

    simulator.before_request = kill
    write(numbers, "dnc.insert")
    assert killed
    assert on_dnc(simulator) == PHONES


def test_updates_take_what_columns_hold(spark: Any, simulator: Simulator, write: Callable[..., None]) -> None:
    lead, other = simulator.account.lead_ids()[:2]
    before = simulator.account.lead(other)["city"]
    frame = spark.createDataFrame(
        [
            (lead, "Jane", date(1990, 5, 17), "12.50", {"job_group": "x"}),
            (other, None, None, None, None),
        ],
        "lead_id string, city string, date_of_birth date, annual_revenue string, fields map<string,string>",
    )
    write(frame.repartition(1), "leads.update")
    sent = next(request.params for request in simulator.requests if request.params["lead_id"] == lead)
    assert sent == {
        "lead_id": lead,
        "city": "Jane",
        "date_of_birth": "1990-05-17",
        "annual_revenue": "12.50",
        "job_group": "x",
    }
    assert simulator.account.lead(lead)["city"] == "Jane"
    assert simulator.account.lead(other)["city"] == before


def test_rows_that_are_refused_are_counted_and_the_others_written(
    spark: Any, simulator: Simulator, write: Callable[..., None]
) -> None:
    lead = simulator.account.lead_ids()[0]
    frame = spark.createDataFrame(
        [(lead, "12"), ("999999999", "12"), ("999999998", "12"), (lead, "a secret of Jane's")],
        "lead_id string, annual_revenue string",
    )
    with pytest.raises(PySparkException) as error:
        write(frame.repartition(2), "leads.update")
    said = str(error.value)
    assert "leads.update: 3 of 4 rows were refused, the others are written: 2 x NotFoundError 6071" in said
    assert "1 x leads.update: annual_revenue has texts that stand for no such value" in said
    assert "Jane" not in said
    assert "99999999" not in said
    sent = [request.params["lead_id"] for request in simulator.requests]
    assert sorted(sent) == sorted([lead, "999999999", "999999998"])  # nothing was tried again


def test_what_may_pass_is_tried_again(simulator: Simulator, write: Callable[..., None], numbers: Any) -> None:
    simulator.fail("dnc.insert", times=2, status=401)
    write(numbers, "dnc.insert")
    assert on_dnc(simulator) == PHONES


def test_a_token_that_is_refused_ends_the_write(
    simulator: Simulator, write: Callable[..., None], numbers: Any, planted_token: str
) -> None:
    simulator.fail("dnc.insert", times=999, status=401, body={"text": planted_token})
    with pytest.raises(
        PySparkException, match=r"dnc\.insert: 0 of .* rows of this task are written, then:"
    ) as error:
        write(numbers, "dnc.insert")
    assert planted_token not in str(error.value)
    assert len(simulator.requests) < 2 * 4 * 20


@pytest.mark.parametrize(
    ("call", "mode", "columns", "said"),
    [
        ("leads.insert", "append", "list_id string, phone_number string", "leads.insert would be done twice"),
        ("dnc.insert", "overwrite", "phone_number string", "mode 'overwrite': nothing is removed"),
        (
            "dnc.insert",
            "append",
            "phone string",
            "column 'phone': dnc.insert has no such parameter; did you mean",
        ),
        (
            "dnc.insert",
            "append",
            "phone_number string",
            "column 'phone_code' is missing: dnc.insert needs it",
        ),
        ("dnc.insert", "append", "fields string", "column 'fields': dnc.insert has no such parameter"),
    ],
)
def test_bad_writes_fail_before_anything_is_sent(
    spark: Any,
    simulator: Simulator,
    write: Callable[..., None],
    call: str,
    mode: str,
    columns: str,
    said: str,
) -> None:
    frame = spark.createDataFrame([("x",) * len(columns.split(","))], columns)
    with pytest.raises(PySparkException, match=said):
        write(frame, call, mode)
    assert simulator.requests == []
