from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convoso_async.simulator import Simulator

pytest.importorskip("pyspark", reason="pyspark is not here: nox -s spark has it")
from pyspark.errors import PySparkException

pytestmark = pytest.mark.timeout(600)
RANGE = {"start": "2026-01-01", "end": "2026-04-01"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(call_logs=2_000, token="planted-7f3a9c51-must-turn-up-nowhere") as running:
        yield running


@pytest.fixture
def calls(spark: Any, simulator: Simulator) -> Iterator[Callable[..., Any]]:
    """Give what reads calls, with or without conditions as parameters."""

    def calls(**options: str) -> Any:
        reader = spark.read.format("convoso").options(base_url=simulator.url, entity="call_logs")
        return reader.options(**RANGE, **options).load()

    simulator.clear()
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    yield calls
    spark.conf.unset("spark.sql.python.filterPushdown.enabled")


CONDITIONS = [
    "campaign_id = '{campaign}'",
    "campaign_id in ('{campaign}', 'none such')",
    "campaign_id = 'none such'",
    "user_id in ({users})",
    "status = '{status}' and call_date >= '{moment}'",
    "status <> '{status}'",
    "call_date > '{moment}'",
    "call_date >= '{moment}'",
    "call_date < '{moment}'",
    "call_date <= '{moment}'",
    "call_date = '{moment}'",
    "call_date > '{moment}' and call_date < '{moment}'",
    "call_date > timestamp '{moment}' - interval 500 milliseconds",
    "call_length is null",
    "first_name like 'J%' and campaign_id = '{campaign}'",
    "campaign_id = '{campaign}' or status = '{status}'",
    "call_date > '2027-01-01'",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_find_what_spark_alone_finds(
    spark: Any, simulator: Simulator, calls: Callable[..., Any], condition: str
) -> None:
    every = simulator.account.call_log_ids()
    call = simulator.account.call_log(every[700])
    moment = calls(**{"where.id": every[700]}).selectExpr("string(call_date)").collect()[0][0]
    others = {str(simulator.account.call_log(one)["user_id"]) for one in every[:3]}
    words = condition.format(
        campaign=call["campaign_id"],
        status=call["status"],
        moment=moment,
        users=", ".join(f"'{user}'" for user in sorted(others)),
    )
    pushed = [row.id for row in calls(push_filters="true").where(words).select("id").collect()]
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "false")
    alone = [row.id for row in calls().where(words).select("id").collect()]
    assert sorted(pushed) == sorted(alone)


def test_conditions_are_asked_of_the_service(simulator: Simulator, calls: Callable[..., Any]) -> None:
    call = simulator.account.call_log(simulator.account.call_log_ids()[700])
    words = f"campaign_id = '{call['campaign_id']}' and call_date >= '2026-03-20 12:00:00'"
    assert calls(push_filters="true").where(words).count()
    asked = {(sent.params["campaign_id"], sent.params["start_time"]) for sent in simulator.requests}
    assert asked == {(call["campaign_id"], "2026-03-20 04:59:59")}


def test_spark_says_what_to_set(spark: Any, calls: Callable[..., Any]) -> None:
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "false")
    with pytest.raises(PySparkException, match=r"spark\.sql\.python\.filterPushdown\.enabled"):
        calls(push_filters="true").count()
