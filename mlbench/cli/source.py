"""The run or the study that an argument means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlbench.cli.find import find_run, find_study

if TYPE_CHECKING:
    from mlbench.run import Run
    from mlbench.study.study import Study

__all__ = ["find_source"]


def find_source(argument: str) -> Run | Study:
    """The run or study at that path, or of that id.

    Raises
    ------
    NotARunError
        If there is none; the message names the nearest, or it cannot be read.
    """
    study = find_study(argument)
    return find_run(argument) if study is None else study
