"""A process to be killed: one load, and another if the first only finished what was left of an earlier one.

Its words: the simulator's token and URL, dlt's working folder, the URL of the warehouse, the dataset.
"""

import sys

import dlt

from convoso_async.integrations.dlt_source import convoso_source


def pipeline(folder: str, warehouse: str, dataset: str) -> dlt.Pipeline:
    """The pipeline of the tests into a DuckDB file or a PostgreSQL server."""
    kind = dlt.destinations.postgres if warehouse.startswith("postgresql:") else dlt.destinations.duckdb
    return dlt.pipeline("convoso", pipelines_dir=folder, destination=kind(warehouse), dataset_name=dataset)


def main(token: str, url: str, folder: str, warehouse: str, dataset: str) -> None:
    loading = pipeline(folder, warehouse, dataset)
    loading.sync_destination()
    for _ in range(1 + loading.has_pending_data):
        loading.run(convoso_source(token, base_url=url, start="2026-01-01"))


if __name__ == "__main__":
    main(*sys.argv[1:])
