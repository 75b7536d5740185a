"""Puts the job of one block into the queue, through submitit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from mlbench.sweep.slurm.client import partitions
from mlbench.sweep.slurm.options import FOLDER, Options
from mlbench.sweep.slurm.refusal import refusal

__all__ = ["comment_of", "log_of", "submit"]

SURROUNDING = ("SLURM", "SRUN_", "SBATCH_", "SUBMITIT_")


def comment_of(sweep: Path, block: str) -> str:
    """What is written on the job of a block: by it a job is found that nobody noted down."""
    return f"mlbench:{sweep.resolve()}:{block}"


def log_of(sweep: Path, job: str) -> Path:
    """What a job printed."""
    return sweep / FOLDER / f"{job}_0_log.out"


def submit(sweep: Path, block: str, options: Options, limit_minutes: int) -> str:
    """Put the job of a block into the queue; returns its number.

    Parameters
    ----------
    limit_minutes
        The limit of the job, where the options have none.

    Raises
    ------
    SpecError
        If Slurm does not take it, with what to change.
    EngineError
        If its controller does not answer.
    """
    from submitit import SlurmExecutor
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    executor = SlurmExecutor(folder=sweep.resolve() / FOLDER)
    executor.update_parameters(**_parameters(sweep, block, options, limit_minutes))
    command = [sys.executable, "-m", "mlbench.sweep.block", str(sweep.resolve()), block]
    try:
        with (
            _environment_of_the_job(),
            redirect_stderr(StringIO()),
        ):  # submitit prints what sbatch said
            # In place of submitit's process: a signal to the job reaches the block alone, and
            # the status of the one is that of the other.
            return str(executor.submit(os.execv, command[0], command).job_id)
    except (FailedJobError, FailedSubmissionError) as error:
        raise refusal(str(error), partitions()) from None
    finally:
        _tidy(sweep / FOLDER)


def _parameters(
    sweep: Path, block: str, options: Options, limit_minutes: int
) -> dict[str, Any]:  # Any: what submitit takes
    return {
        "job_name": f"mlbench-{block}",
        "comment": comment_of(sweep, block),
        "stderr_to_stdout": True,
        # Which processors a pipeline runs on is a matter of its placement.
        "srun_args": ["--cpu-bind=none"],
        **options.parameters(limit_minutes),
    }


@contextmanager
def _environment_of_the_job() -> Iterator[None]:
    """What a job inherits: the modules that this process finds, and no job around it.

    Of a job that this process is part of, sbatch would take over the resources.
    """
    before = dict(os.environ)
    for name in _surrounding(before):
        del os.environ[name]
    os.environ["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _surrounding(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables of a job around this process; none outside of one, where they are wishes."""
    if "SLURM_JOB_ID" not in environment:
        return {}
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(SURROUNDING) and name != "SLURM_CONF"
    }


def _tidy(folder: Path) -> None:
    """Remove what submitit leaves beside the files of its jobs."""
    for pattern in (".submission_file_*.sh", "*.pkl"):
        for path in folder.glob(pattern):
            if not path.name.endswith("_submitted.pkl"):
                path.unlink(missing_ok=True)
