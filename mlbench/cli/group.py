"""A group of commands that imports the module of a command when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from mlbench.cli import failure
from mlbench.cli.status import INTERRUPTED
from mlbench.errors import MlbenchError, nearest

__all__ = ["LazyGroup"]

_MODULES = {"report": "report_page"}
"""Where the module of a command's own name is another one."""


class LazyGroup(click.Group):
    """Commands by name, each in the module of that name beside this one.

    Parameters
    ----------
    lazy
        One line of help for each command, in the order of the list.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, str], **kwargs: Any) -> None:  # Any: click's
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """The names, in the order in which they are met."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now."""
        if cmd_name not in self._lazy:
            return None
        found = import_module(f"mlbench.cli.{_MODULES.get(cmd_name, cmd_name)}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without an import."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lazy.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; an unknown one names the nearest."""
        name = args[0]
        if name not in self._lazy and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"there is no command {name!r} ({nearest(name, self._lazy)})")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # Any: click's
        """Run the command; whatever it raises becomes a message and an exit status."""
        try:
            return super().invoke(ctx)
        except MlbenchError as error:
            ctx.exit(failure.told(error))
        except BrokenPipeError:
            ctx.exit(failure.quiet())
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # whatever it is: `defect` keeps its traceback for a report
            ctx.exit((failure.unwritten if failure.is_full(error) else failure.defect)(error))
