"""Failed queries on the page: how many there are, and their errors, the most frequent first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from mlbench.cli.page import name
from mlbench.cli.tables import Column, table_of
from mlbench.cli.text import plain

__all__ = ["failed_shares", "failure_rows"]

Json = Mapping[str, Any]
"""What a summary says of its pipelines, or of one; Any: JSON."""

TOLD_SHARE = 0.01
"""A pipeline of whose queries more than this failed is told above all tables."""


def failed_shares(pipelines: Json) -> Iterator[Text]:
    """A line for each pipeline of which more queries failed than `TOLD_SHARE`."""
    for key, pipeline in pipelines.items():
        errors, queries = pipeline["errors"], pipeline["queries"]
        if errors > TOLD_SHARE * queries:
            yield Text(
                f"{errors:,} of {queries:,} queries of {plain(key)} failed "
                f"({errors / queries:.1%}): in its latencies they are infinite, and they leave "
                "its throughput",
                style="bold red",
            )


def failure_rows(pipeline: Json, kinds: Callable[[], int]) -> Iterator[Table | Text]:
    """The errors of a pipeline, and how many kinds there are besides.

    Parameters
    ----------
    kinds
        Says how many there are, where the summary has not all of them.
    """
    told = pipeline["failures"]
    if not told:
        return
    yield table_of(
        [
            Column("failed", [Text(f"{each['count']:,}", style="red") for each in told]),
            Column("outcome", [Text(plain(each["outcome"])) for each in told], "left"),
            Column("first query", [Text(f"{each['first_query']:,}") for each in told]),
            Column("error", [name(each["error"], "red") for each in told], "left"),
        ]
    )
    outcomes = pipeline["outcomes"]
    left = outcomes["failed"] + outcomes["timed_out"] - sum(each["count"] for each in told)
    if left > 0:
        more = kinds() - len(told)
        yield Text(f"and {more:,} more kind{'s' * (more != 1)}, {left:,} queries", style="red")
