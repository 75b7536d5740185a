"""Options that several commands have."""

from __future__ import annotations

import click

__all__ = ["set_option"]

set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="Set a field of the spec, such as seed=7 or stop.seconds=10; may be repeated. "
    "A name with a dot in it is quoted: --set 'pipelines.\"a.b\".load=poisson'.",
)
