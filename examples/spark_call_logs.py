"""The calls of several accounts as Parquet files by day, in Spark: on a laptop, on a cluster, or hosted.

export EAST_TOKEN=... WEST_TOKEN=... PYSPARK_PYTHON=$(which python)
python examples/spark_call_logs.py 2026-01-01 2026-03-31 calls/

The executors need the package and the tokens too: see ConvosoDataSource.
"""

import sys

from pyspark.sql import SparkSession

from convoso_async.integrations.spark import ConvosoDataSource


def main(start: str, end: str, to: str) -> None:
    """Writes the calls of the range, and says how many each account has."""
    spark = SparkSession.builder.appName("calls").getOrCreate()
    spark.dataSource.register(ConvosoDataSource)
    calls = (
        spark.read.format("convoso")
        .option("entity", "call_logs")
        .option("accounts", "EAST_TOKEN, WEST_TOKEN")
        .option("timezone.EAST_TOKEN", "America/New_York")
        .option("start", start)
        .option("end", end)
        .load()
    )
    by_day = calls.selectExpr("*", "date(call_date) AS day")
    by_day.write.mode("overwrite").partitionBy("account", "day").parquet(to)
    for account, count in spark.read.parquet(to).groupBy("account").count().collect():
        print(f"{account}: {count} calls")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
