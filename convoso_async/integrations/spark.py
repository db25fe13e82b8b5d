"""Convoso as a data source of Spark 4: accounts read in parallel, a stream of calls, repeatable writes.

from convoso_async.integrations.spark import ConvosoDataSource

spark.dataSource.register(ConvosoDataSource)
calls = spark.read.format("convoso").options(entity="call_logs", start="2026-01-01", end="2026-03-31").load()
"""

from typing import TYPE_CHECKING

from ..errors import ConfigurationError

try:
    from pyspark.sql.datasource import DataSource
except ImportError:
    raise ImportError("the Spark data source needs pyspark 4: pip install 'convoso[spark]'") from None
from .spark_columns import check_schema, ddl, types_of
from .spark_options import ReadOptions, read_options, write_options

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from .spark_batch import BatchReader
    from .spark_stream import CallStream
    from .spark_writer import Writer


class ConvosoDataSource(DataSource):
    """The format `convoso`. Every node needs `convoso[spark]`, and the driver and the executors the token.

    Tokens are no options, because Spark keeps those in plans and logs: `CONVOSO_AUTH_TOKEN` holds the token
    in the environment of the driver and, by `spark.executorEnv.CONVOSO_AUTH_TOKEN` or a secret of the
    cluster, of the executors. Python workers must be of the Python that has the package: set
    `PYSPARK_PYTHON`, or Spark takes the first `python3` of the path.

    **Reads**, `spark.read.format("convoso")`. Each task reads one window of `pager.plan()`, complete or not
    at all; one that is lost is read again. The plan is made anew for each action, at one request for each
    window. Give `end`, or each sees another present.

    - `entity`: call_logs, leads, callbacks, agent_events, dnc, opt_outs, users, lists, campaigns or statuses.
    - `start`, `end`: the range in account time, as dates or times; for leads, of their creation. call_logs
      and agent_events must have a `start`. Callbacks have theirs in the future.
    - `where.NAME`: a parameter of the call: `where.campaign_id` `111`, `where.status` `SALE,NI`.
    - `push_filters`: `true` makes parameters of conditions on `id`, `..._id`, `status` and the time. Needs
      `spark.sql.python.filterPushdown.enabled`. Spark still looks at every row.
    - `accounts`: `EAST_TOKEN, west=/run/secrets/west`, where the tokens of several accounts are: environment
      variables, and files (with a `/`). Rows then have their account's name in the column `account`.
    - `timezone`: the accounts' zone, `timezone.west` that of one; else `CONVOSO_TIMEZONE` of the driver.
    - `base_url`: where the service is; else `CONVOSO_BASE_URL` of the driver.
    - `requests_per_second`: the rate of each account. Its tasks share it out evenly, as if all ran at once;
      `tasks_at_once` says how many do. With `shared_rate`, a file for one machine or a Redis for many, they
      take turns instead (see `SharedRate`): its place, or the environment variable that holds it.

    **Columns** are the attributes of the row class, `extra` as JSON in text; see `spark_columns`. A schema of
    your own may choose among them.

    **Streams**, `spark.readStream`, of call_logs only, with the same options. A batch holds the calls between
    two moments, up to now less `lag` (`2h` unless given: `90m`, `1d`), each call once, as it is then: choose
    a lag longer than calls take to appear and to end, since one that is live then has no `call_length`, and
    is not given again. `end` ends what a stream gives. The checkpoint holds these moments of account time.

    **Writes**, `df.write.format("convoso").option("call", "dnc.insert").mode("append")`: one call for each
    row, in no order, the columns being its parameters, `fields` a map of custom fields, null leaving one out.
    Only calls that may be repeated, since Spark repeats tasks: a number that is on a list already counts as
    written. Rows that the service refuses end the write with an error that counts them by reason; the others
    are written. Each task goes as fast as the service lets it; `requests_per_second`, with `tasks_at_once` or
    `shared_rate`, holds for all calls but do-not-call and opt-out writes, which pass every line by.

    Raises ConfigurationError for an option that is missing, unknown or impossible, on the driver, before
    anything is sent.
    """

    @classmethod
    def name(cls) -> str:
        """What `format` takes."""
        return "convoso"

    def schema(self) -> str:
        """The columns of the entity. Nothing is asked of the service."""
        return ddl(self._types(read_options(self.options)))

    def reader(self, schema: "StructType") -> "BatchReader":
        """What reads a batch."""
        from .spark_batch import BatchReader, PushingReader

        options = read_options(self.options)
        if options.lag is not None:
            raise ConfigurationError("option 'lag': it is for streams; give 'end'")
        names = self._chosen(schema, options)
        return PushingReader(options, names) if options.push_filters else BatchReader(options, names)

    def streamReader(self, schema: "StructType") -> "CallStream":
        """What reads a stream."""
        from .spark_stream import CallStream

        options = read_options(self.options)
        if options.kind != "call_logs":
            raise ConfigurationError(f"option 'entity': {options.kind} cannot be streamed, only call_logs")
        return CallStream(options, self._chosen(schema, options))

    def writer(self, schema: "StructType", overwrite: bool) -> "Writer":
        """What writes a batch."""
        from .spark_writer import Writer

        options = write_options(self.options)
        if overwrite:
            raise ConfigurationError("mode 'overwrite': nothing is removed from an account; use 'append'")
        return Writer(options, schema.fieldNames())

    def _types(self, options: ReadOptions) -> dict[str, str]:
        return types_of(options.entity, with_account=options.named)

    def _chosen(self, schema: "StructType", options: ReadOptions) -> list[str]:
        """The columns of a schema, which may be the user's own."""
        asked = {field.name: field.dataType.simpleString() for field in schema.fields}
        check_schema(asked, self._types(options))
        return list(asked)
