"""An account in a warehouse, for cron: all of it at first, then what is new or changed.

CONVOSO_AUTH_TOKEN=... python examples/dlt_warehouse.py 2026-01-01

Into DuckDB, the schema `account` of the file `convoso.duckdb`; into PostgreSQL with `postgres` as a second
word and DESTINATION__POSTGRES__CREDENTIALS=postgresql://user:password@host/database. After a crash, run it
again.
"""

import sys

import dlt

from convoso_async.integrations.dlt_source import convoso_source


def main(start: str, destination: str = "duckdb") -> None:
    """Loads what is new, and says where to."""
    pipeline = dlt.pipeline("convoso", destination=destination, dataset_name="account")
    if pipeline.has_pending_data:
        pipeline.run()  # what a crash left; a run does that or reads, not both
    print(pipeline.run(convoso_source(start=start)))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
