"""Words: how texts are made comparable, and how much of one stands in another."""

from __future__ import annotations

import re

__all__ = ["FUNCTION_WORDS", "contains", "content_words", "normalised", "share_in"]

ARTICLES = frozenset(("a", "an", "the"))

STEM = 5
"""Content words are alike if their first five letters are: ``raise``, ``raised``, ``raises``."""

_WORD = re.compile(r"(?<!\w)-\d+(?:\.\d+)?|\w+")

_FUNCTION_WORDS = """
a about above after again against all also although am an and another any are as at away
be because been before being below between both but by can cannot could did do does doing
done down during each either else even ever every few for from further get gets go goes
had has have having he her here hers him his how however i if in instead into is it its
itself just least less let lets made make makes many may me might mine more most much must
my neither no none nor not nothing now of off on once one ones only onto or other others
otherwise our out over own per rather s same say says shall she should so some somebody
something such t than that the their them then there these they thing things this those
through thus to too under until up upon us very was we were what whatever when where
whether which while who whole whom whose why will with within without would yet you your
"""

FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that say nothing of what a text is about."""


def normalised(text: str) -> str:
    """The words of a text in lower case, without punctuation and articles.

    As SQuAD's evaluation does (Rajpurkar et al., EMNLP 2016), but the sign of a number and
    underscores stay: they tell answers about programs apart.

    Examples
    --------
    >>> normalised("The method `__exit__()` gives -1.")
    'method __exit__ gives -1'
    """
    return " ".join(word for word in _words(text) if word not in ARTICLES)


def contains(text: str, answer: str) -> bool:
    """Whether the normalised answer stands in the normalised text, as whole words.

    Examples
    --------
    >>> contains("It is the Reference Count.", "reference count"), contains("ends", "end")
    (True, False)
    """
    return f" {normalised(answer)} " in f" {normalised(text)} "


def content_words(text: str) -> frozenset[str]:
    """The words of a text that are no function words, each by its first five letters.

    Examples
    --------
    >>> sorted(content_words("Which exception is raised by dividing?"))
    ['divid', 'excep', 'raise']
    """
    found = (word for word in _words(text) if word not in FUNCTION_WORDS)
    return frozenset(word.strip("_")[:STEM] for word in found)


def share_in(text: str, other: str) -> float | None:
    """The share of a text's content words that stand in another; null where it has none.

    Examples
    --------
    >>> share_in("raises an error", "the error that is raised"), share_in("is it?", "it is")
    (1.0, None)
    """
    words = content_words(text)
    return len(words & content_words(other)) / len(words) if words else None


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
