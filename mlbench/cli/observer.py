"""What ``mlbench doctor --observer`` measures and shows: the slowdown by the sampler itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlbench.collocation.observer import Effect
    from mlbench.stats import Interval

__all__ = ["measure", "show"]


def measure() -> list[Effect]:
    """The effects, with a line on standard error that says what is going on.

    Raises
    ------
    MlbenchError
        If a run of the reference pipeline does not end well.
    """
    from mlbench.cli.page import notes
    from mlbench.collocation.observer import observer_effect

    with notes().status("measuring what the sampler does") as status:
        return observer_effect(told=lambda text: status.update(f"the sampler's effect: {text}"))


def show(effects: Sequence[Effect]) -> None:
    """Print them as a table."""
    from rich.table import Table

    from mlbench.cli.page import results

    table = Table(title="Slowdown of a busy pipeline by the sampler", title_justify="left")
    table.add_column("sampler")
    table.add_column("all work", justify="right")
    table.add_column("slowest tenth", justify="right")
    for effect in effects:
        table.add_row(f"{effect.rate_hz:g} Hz", _text(effect.mean), _text(effect.slowest))
    page = results()
    page.print(table)
    page.print(
        "Ratio to runs without a sampler, above 1 is slower; 95 % interval over blocks.",
        style="dim",
    )


def _text(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    if interval.low is None or interval.high is None:
        return f"{interval.estimate:.3f}"
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
