"""Stage: shouts."""

from mlbench.interfaces.stage import stage


@stage
def shout(payload: object, *, marks: int = 1) -> str:
    """The payload as text, in capitals."""
    return str(payload).upper() + "!" * marks
