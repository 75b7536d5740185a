"""The moments at which a language model's tokens came, as events of the running span."""

from __future__ import annotations

from mlbench.interfaces.stage import Context
from mlbench.records import FIRST_TOKEN, TOKEN

__all__ = ["TokenEvents"]


class TokenEvents:
    """Records ``first_token``, then ``token`` for each further step of one generation.

    Make a new one for each call of the model. The time to the first token and the time
    per output token of a run's tables come from these events.

    Examples
    --------
    >>> context = Context()
    >>> came = TokenEvents(context)
    >>> came(), came()
    (None, None)
    >>> [(name, value) for name, _, value in context.visit.events]
    [('first_token', 1.0), ('token', 1.0)]
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._name = FIRST_TOKEN

    def __call__(self, count: int = 1) -> None:
        """Tokens have come, one for each of ``count`` answers that are generated together."""
        self._context.event(self._name, count)
        self._name = TOKEN
