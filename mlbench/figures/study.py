"""What figures ask of a study: that it is one, and how its intervals are named."""

from __future__ import annotations

from typing import Any

from mlbench.errors import FigureError

__all__ = ["check_study", "interval_words"]


def check_study(thing: Any, what: str) -> None:  # Any: whatever a user hands over
    """That a figure was given a study.

    Raises
    ------
    FigureError
        If it was not.
    """
    from mlbench.study.study import Study

    if not isinstance(thing, Study):
        raise FigureError(
            f"{what} needs a study, got {type(thing).__name__}: one run has nothing to compare "
            "with; mlbench.open_study(path)"
        )


def interval_words(study: Any, mark: str = "Bars") -> str:  # Any: a study
    """The intervals of a study, for a caption: level and convention."""
    from mlbench.study.estimate import CONVENTION

    method = study.method
    return f"{mark}: {100 * method.confidence:g} % intervals ({CONVENTION[method.name]})"
