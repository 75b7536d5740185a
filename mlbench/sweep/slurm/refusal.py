"""What Slurm says when it does not do as it was told, and what to type then."""

from __future__ import annotations

from collections.abc import Iterable

from mlbench.errors import EngineError, MlbenchError, Problem, SpecError, nearest

__all__ = ["FORGOTTEN", "SILENT", "NoAnswerError", "refusal"]

FORGOTTEN = "Invalid job id"
SILENT = "Socket timed out"
_UNREACHABLE = ("Unable to contact slurm controller", SILENT, "Connection refused")

_ADVICE = {
    "Invalid account": "`sacctmgr show assoc user=$USER` lists yours: --account",
    "Invalid qos": "`sacctmgr show qos` lists them: --qos",
    "Invalid feature": "`sinfo --format='%R %f'` lists them: --constraint",
    "Requested node configuration is not available": (
        "`sinfo --format='%R %N %c %m %G'` lists what the nodes have: "
        "--gres, --constraint, --slurm mem=..."
    ),
    "Invalid generic resource": "`sinfo --format='%R %G'` lists what there is: --gres",
    "time limit": "`sinfo --format='%R %l'` lists the longest: --time",
    "unrecognized option": "`sbatch --help` lists what --slurm takes",
}
"""What to type next, by what Slurm says."""


class NoAnswerError(EngineError):
    """Slurm's controller does not answer: it may have taken what it was asked for."""


def refusal(said: str, partitions: Iterable[str] = ()) -> MlbenchError:
    """The error for what Slurm said: a mistake in the options, or a Slurm that is not there.

    Parameters
    ----------
    partitions
        The names that there are.

    Examples
    --------
    >>> print(refusal("sbatch: error: invalid partition specified: gpus", ["cpu", "gpu"]))
    Slurm refuses the job: it has no partition 'gpus' (did you mean 'gpu'?)
    """
    last = _last_words(said)
    if any(words in said for words in _UNREACHABLE):
        return NoAnswerError(
            f"Slurm's controller does not answer: {last}\n"
            "see with `scontrol ping` whether it is up; jobs that were submitted go on, and "
            "the sweep finds them again with `mlbench sweep --resume DIR --on slurm`"
        )
    if "invalid partition specified: " in said:
        name = said.partition("partition specified: ")[2].splitlines()[0].strip()
        hint = nearest(name, partitions, "sinfo") or "`sinfo` lists them: --partition"
        return _mistake(f"it has no partition {name!r}", hint)
    return _mistake(last, next((told for words, told in _ADVICE.items() if words in said), ""))


def _mistake(message: str, hint: str) -> SpecError:
    return SpecError([Problem((), f"Slurm refuses the job: {message}", hint)])


def _last_words(said: str) -> str:
    """The last line that says something, without where it comes from.

    Examples
    --------
    >>> _last_words("sbatch: error: Batch job submission failed: Invalid qos specification")
    'Invalid qos specification'
    """
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("Try ")]
    last = (lines or ["it does not say why"])[-1].strip()
    program, colon, rest = last.partition(": ")
    last = rest if colon and program.isalpha() else last
    return last.removeprefix("error: ").removeprefix("Batch job submission failed: ")
