"""New calls into a folder of Parquet files, for as long as it runs: each once, two hours after it was made.

export CONVOSO_AUTH_TOKEN=... PYSPARK_PYTHON=$(which python)
python examples/spark_new_calls.py 2026-03-01 calls/

Stopped and run again, it goes on where it was.
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from convoso_async.integrations.spark import ConvosoDataSource


def main(start: str, to: str) -> StreamingQuery:
    """Begins to write what has settled since `start`, every five minutes."""
    spark = SparkSession.builder.appName("new-calls").getOrCreate()
    spark.dataSource.register(ConvosoDataSource)
    calls = spark.readStream.format("convoso").options(entity="call_logs", start=start, lag="2h").load()
    writer = calls.writeStream.format("parquet").option("checkpointLocation", f"{to}/_checkpoint")
    return writer.trigger(processingTime="5 minutes").start(to)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:]).awaitTermination()
