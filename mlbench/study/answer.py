"""The answer of a study in a sentence or two: who suffers most, and in which stage.

It is said where the intervals say it: of two whose intervals overlap none suffers more. That
asks more than a test of their difference would, so what is said is not said too early.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log, sqrt
from typing import Any

from mlbench.stats.student import student_t_quantile
from mlbench.study.words import listed, more_text, ratio_text

__all__ = ["answers", "blocks_to_part"]

METRICS = {"latency_mean": "mean latency", "throughput": "loss of throughput"}
"""What pipelines are compared in: the first one that all of them have."""

TOLD = 3
"""Of how many pipelines it is told what their queries wait for."""

MOST_BLOCKS = 50
"""A study that would take more is not proposed."""

Json = Mapping[str, Any]
"""A document, or a part of it; Any: JSON."""


OPENINGS = ("No pipeline", "Not decided", "All of them", "Which of them")
"""How a sentence about several pipelines begins that does not begin with a name."""


def answers(document: Json) -> list[str]:
    """What a study says, a text for each of its collocated treatments.

    Parameters
    ----------
    document
        What `mlbench.study.document.document` returns.
    """
    if document["verdict"] != "VALID":
        return ["Not decided: the study is INVALID."]
    treatments, confidence = document["treatments"], document["interval"]["confidence"]
    texts = {
        name: " ".join(_treatment(each["pipelines"], confidence))
        for name, each in treatments.items()
    }
    if len(texts) == 1:
        return [text for text in texts.values() if text]
    return [f"{name}: {text}" for name, text in texts.items() if text]


def _treatment(pipelines: Json, confidence: float) -> Iterator[str]:
    for name in pipelines:
        if name in _fell(pipelines):
            yield f"{name} {_befell(pipelines[name])}."
    for metric, words in METRICS.items():
        known = {
            name: found["slowdown"][metric]
            for name, found in pipelines.items()
            if found["slowdown"][metric]["estimate"] is not None
            and not (metric == "throughput" and found["rate_limited"])
        }
        if known and (len(known) == len(_measured(pipelines)) or metric == "throughput"):
            left = [name for name in _measured(pipelines) if name not in known]
            yield from (_not_ranked(name, pipelines[name]) for name in left)
            told = _most(known, words, pipelines, confidence)
            others = left or _fell(pipelines).difference(known)
            yield f"Of the others: {_inside(told)}" if others else told
            for name in _suffering(known)[:TOLD]:
                yield from _parts(name, pipelines[name]["added_ms"])
            return
    yield from (_not_ranked(name, pipelines[name]) for name in _measured(pipelines))


def _inside(told: str) -> str:
    """A sentence after a colon; a name at its beginning stays as it is."""
    return told[0].lower() + told[1:] if told.startswith(OPENINGS) else told


def _suffering(known: Json) -> list[str]:
    """Those that are shown to suffer, the one that does most first."""
    ranked = sorted(known, key=lambda name: -known[name]["estimate"])
    return [name for name in ranked if (known[name]["low"] or 0) > 1]


def _measured(pipelines: Json) -> list[str]:
    return [name for name, found in pipelines.items() if found["outcome"] == "measured"]


def _not_ranked(name: str, found: Json) -> str:
    """That nothing is said of a pipeline, or its silence would pass for its being well."""
    throughput = (
        "its throughput is what its load offers"
        if found["rate_limited"]
        else "no throughput to compare"
    )
    return f"{name} is not ranked: it has no mean latency, and {throughput}; see its quantiles."


def _fell(pipelines: Json) -> set[str]:
    """Those that could not be measured: none of the others is said to suffer more than they."""
    outcomes = ("saturated", "failed", "did not fit")
    return {name for name, found in pipelines.items() if found["outcome"] in outcomes}


def _befell(found: Json) -> str:
    match found["outcome"]:
        case "saturated":
            sides = (found["outcomes"], found["isolated_outcomes"])
            together, alone = (f"{s.get('saturated', 0)} of {sum(s.values())}" for s in sides)
            return f"was saturated in {together} runs together and in {alone} alone"
        case "did not fit":
            return "does not fit into the memory of its device"
        case word:
            return str(word)


# -- pipelines ---------------------------------------------------------------------------


def _most(known: Json, words: str, pipelines: Json, confidence: float) -> str:
    """Which pipeline suffers most, or that it is not decided."""
    ranked = sorted(known, key=lambda name: -known[name]["estimate"])
    told = listed([f"{name} {ratio_text(known[name])}" for name in ranked])
    first = known[ranked[0]]
    if any(each["low"] is None or each["high"] is None for each in known.values()):
        return f"Not decided, for want of an interval; {words} against alone: {told}."
    if not _suffering(known):
        return f"No pipeline is shown to suffer; {words} against alone: {told}."
    if len(ranked) == 1:
        return f"{ranked[0]} suffers; {words} against alone: {ratio_text(first)}."
    rivals = [name for name in ranked[1:] if known[name]["high"] >= first["low"]]
    if not rivals:
        return f"{ranked[0]} suffers most; {words} against alone: {told}."
    blocks = min(pipelines[name]["blocks"] for name in (ranked[0], *rivals))
    needed = [blocks_to_part(first, known[name], blocks, confidence) for name in rivals]
    more = _more(None if None in needed else max(filter(None, needed)), blocks)
    every = len(_suffering(known)) == len(known)
    start = "All of them suffer, and which" if every else "Which of them suffers"
    return f"{start} most is not decided; {words} against alone: {told}; {more}."


def _more(needed: int | None, blocks: int) -> str:
    if needed is None:
        return (
            f"the first differs from another by less than {MOST_BLOCKS} blocks that scatter like "
            "these would show (longer windows scatter less)"
        )
    return (
        f"if blocks go on to scatter like these {blocks}, it takes about {needed - blocks} more "
        "to part the first from the others"
    )


def blocks_to_part(first: Json, second: Json, blocks: int, confidence: float) -> int | None:
    """How many blocks it takes until two intervals of ratios part, as far as one can tell.

    As if estimates and scatter stayed as they are: the half width of an interval, of the
    logarithm, goes with Student's t over the root of the number of blocks. Null above
    `MOST_BLOCKS`.

    Examples
    --------
    >>> one = {"estimate": 2.0, "low": 1.6, "high": 2.5}
    >>> two = {"estimate": 1.6, "low": 1.28, "high": 2.0}
    >>> blocks_to_part(one, two, 5, 0.95)
    13
    """
    gap = log(first["estimate"] / second["estimate"])
    width = sum(log(each["high"] / each["low"]) / 2 for each in (first, second))
    now = _width(blocks, confidence)
    enough = (
        count
        for count in range(blocks + 1, MOST_BLOCKS + 1)
        if width * _width(count, confidence) / now < gap
    )
    return next(enough, None)


def _width(blocks: int, confidence: float) -> float:
    return student_t_quantile((1 + confidence) / 2, blocks - 1) / sqrt(blocks)


# -- stages ------------------------------------------------------------------------------


def _parts(name: str, added: Json | None) -> Iterator[str]:
    """Where the time goes that collocation adds to a query of the pipeline."""
    if not added or not added["latency"]["low"] or added["latency"]["low"] <= 0:
        return
    parts = {
        _place(part, stage): each
        for part in ("service", "queueing")
        for stage, each in added[part].items()
    }
    parts["lateness of the load"] = added["lateness"]
    parts["stages that only one of its runs visited"] = added["unmatched"]
    ranked = sorted(parts, key=lambda text: -parts[text]["estimate"])
    whole, first = more_text(added["latency"]), parts[ranked[0]]
    start = f"Of the {whole} that a query of {name} takes longer, the largest part is"
    rival = max(ranked[1:], key=lambda text: parts[text]["high"] or 0.0)
    if first["low"] is None or first["low"] <= 0:
        yield f"In which stage a query of {name} takes {whole} longer is not decided."
    elif first["low"] > parts[rival]["high"]:
        share = first["estimate"] / added["latency"]["estimate"]
        of_it = f"{share:.0%}" if share <= 1 else "and others take less time than alone"
        yield f"{start} {ranked[0]}: {more_text(first)}, {of_it}."
    else:
        two = " or ".join(f"{text}, {more_text(parts[text])}" for text in (ranked[0], rival))
        yield f"{start} not decided: {two}."


def _place(part: str, stage: str) -> str:
    if part == "service":
        return f"service in {stage}"
    return "waiting for the pipeline to start it" if stage == "data" else f"queueing for {stage}"
