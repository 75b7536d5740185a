"""Stage: shouts."""

from mlbench.interfaces.stage import stage


@stage
def shout(text: str, *, marks: int = 1) -> str:
    """The text in capitals."""
    return text.upper() + "!" * marks
