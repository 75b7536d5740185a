"""A study in words, from its document: what a section on results says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlbench.study.words import listed, number, ratio_text, told

__all__ = ["prose"]

Json = Mapping[str, Any]
"""A document, or a part of one; Any: JSON."""

WHAT = {
    "latency": "latency",
    "ttft": "time to the first token",
    "tpot": "time for each further token",
}
QUANTILES = {"p50": "median", "p90": "p90", "p99": "p99"}

SHARE_TOLD = 0.01
"""A stage that makes up a smaller share of the added latency is not told."""


def prose(document: Json) -> str:
    """The text, a paragraph each for the study, every treatment and the method.

    Parameters
    ----------
    document
        What `mlbench.study.Study.summary` returns.
    """
    parts = [_study(document)]
    parts += [" ".join(_treatment(name, each)) for name, each in document["treatments"].items()]
    parts.append(_method(document))
    return "\n\n".join(part for part in parts if part)


def _study(document: Json) -> str:
    window, blocks = document["window"], document["blocks"]
    head = (
        f"Study {document['study'] or ''}".rstrip()
        + f": {blocks['valid']} VALID of {document['repeats']} blocks, each run measured for "
        f"{window['seconds']:g} s after {window['settle']:g} s."
    )
    verdict = f"{document['verdict']}."
    if document["relaxed"]:
        verdict = f"{document['verdict']}, with relaxed limits: {'; '.join(document['relaxed'])}."
    lines = [f"{head} {verdict}"]
    lines += [f"- {reason}" for reason in document["reasons"]]
    lines += [f"- left out: {note}" for note in document["notes"]]
    return "\n".join([*lines, *_attempts(document["attempts"])])


def _attempts(attempts: Json) -> Iterator[str]:
    """How many runs were made again, of each treatment, and why."""
    yield f"{attempts['discarded']} of {attempts['made']} attempts were discarded."
    for name, found in attempts["by_treatment"].items():
        if found["discarded"]:
            yield (
                f"- of {name} {found['discarded']} of {found['made']}, {found['outside']} of "
                "them for causes from outside alone:"
            )
            yield from (f"  - {reason}" for reason in found["reasons"])


def _treatment(name: str, treatment: Json) -> Iterator[str]:
    pipelines = treatment["pipelines"]
    who = listed(list(pipelines))
    dial = "" if treatment["dial"] is None else f", the dial at {treatment['dial']:g}"
    shared = "shared the machine" if len(pipelines) > 1 else "ran alone once more"
    yield f"In {name}{dial}, {who} {shared}."
    for pipeline, found in pipelines.items():
        yield from _pipeline(pipeline, found)
    if treatment["stp"]["estimate"] is not None:
        yield _progress(treatment, pipelines)


def _pipeline(name: str, found: Json) -> Iterator[str]:
    if found["outcome"] not in ("measured", "saturated"):
        if found["outcome"] is not None:
            yield f"{name} {_befell(found['outcome'])} ({_counts(found['outcomes'])})."
        elif found["reason"]:
            yield f"Of {name} there are no numbers: {found['reason']}."
        return
    if found["outcome"] == "saturated":
        yield _saturated(name, found)
    yield from _slowdowns(name, found)
    if found["added_ms"]:
        yield from _added(name, found["added_ms"])
    elif found["outcome"] == "measured":
        yield f"By how much its queries took longer is not known: {_why(found, 'added_ms')}."
    if found["slo"].get("attainment"):
        yield from _objective(found["slo"]["attainment"])


def _why(found: Json, key: str) -> str:
    return str(found["null_reasons"].get(key, found["reason"]))


def _slowdowns(name: str, found: Json) -> Iterator[str]:
    for what, words in WHAT.items():
        known = {key: found["slowdown"].get(f"{what}_{key}", {}) for key in QUANTILES}
        parts = [
            f"its {QUANTILES[key]} {ratio_text(slowdown)}"
            for key, slowdown in known.items()
            if slowdown.get("estimate") is not None
        ]
        if parts:
            yield f"The {words} of {name} against that alone: {listed(parts)}."
    throughput = found["slowdown"]["throughput"]
    if found["rate_limited"]:
        yield f"{name} kept up with its load, so its throughput is what was offered."
    elif throughput["estimate"] is not None:
        yield f"Its throughput alone was {ratio_text(throughput)} that."


def _befell(outcome: str) -> str:
    return "did not fit into the memory of its device" if outcome == "did not fit" else outcome


def _counts(outcomes: Json) -> str:
    total = sum(outcomes.values())
    return ", ".join(f"{word} in {count} of {total} runs" for word, count in outcomes.items())


def _saturated(name: str, found: Json) -> str:
    slope = found["backlog_slope"]
    growth = ""
    if slope["estimate"] is not None:
        growth = " by {} queries/s ({})".format(*told(slope))
    return f"{name} was saturated: its backlog grew{growth}, so its latency has no steady value."


def _added(name: str, added: Json) -> Iterator[str]:
    whole = added["latency"]["estimate"]
    parts = {
        f"{part} {'in' if part == 'service' else 'in front of'} {stage}": each["estimate"]
        for part in ("service", "queueing")
        for stage, each in added[part].items()
    }
    parts |= {"lateness": added["lateness"]["estimate"]}
    if added["unmatched_share"]:
        parts["spans without a partner"] = added["unmatched"]["estimate"]
    large = {text: value for text, value in parts.items() if abs(value) >= SHARE_TOLD * abs(whole)}
    ranked = [f"{number(value)} ms {text}" for text, value in _by_size(large)]
    rest = whole - sum(large.values())
    longer, bounds = told(added["latency"])
    if ranked and abs(rest) > SHARE_TOLD * abs(whole):
        ranked.append(f"{number(rest)} ms elsewhere")
    yield (
        f"The same query of {name} took {longer} ms longer than alone on average "
        f"({bounds}; {added['queries']:,} pairs{_left_out(added)})"
        + (f": {listed(ranked)}." if ranked else ".")
    )
    if added["unmatched_share"]:
        yield f"Of the time on the critical paths, {added['unmatched_share']:.1%} has no partner."


def _left_out(added: Json) -> str:
    left_out = added["left_out"]
    return f", {left_out:,} more failed or were cut off in one of the runs" if left_out else ""


def _by_size(parts: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(parts.items(), key=lambda part: -abs(part[1]))


def _objective(attainment: Json) -> Iterator[str]:
    alone, together = attainment["isolated"], attainment["collocated"]
    if alone is not None and together is not None:
        yield f"It kept its objective for {together:.1%} of the queries, alone for {alone:.1%}."


def _progress(treatment: Json, pipelines: Json) -> str:
    (stp, stp_bounds), (jain, jain_bounds) = told(treatment["stp"]), told(treatment["jain"])
    text = (
        f"STP is {stp} ({stp_bounds}; {len(pipelines)} without "
        f"interference), Jain's index {jain} ({jain_bounds})"
    )
    if treatment["antt"]["estimate"] is not None:
        text += ", ANTT {} ({})".format(*told(treatment["antt"]))
    limited = [name for name, found in pipelines.items() if found["rate_limited"]]
    if limited:
        text += f"; STP cannot show what {listed(limited)} lost, whose loads leave room"
    return f"{text}.{_tails(pipelines)}"


def _tails(pipelines: Json) -> str:
    """The inflation of the tails, which STP alone would hide."""
    known = {
        name: found["p99_inflation"]["estimate"]
        for name, found in pipelines.items()
        if found["p99_inflation"]["estimate"] is not None
    }
    parts = [f"{inflation:+.0%} for {name}" for name, inflation in known.items()]
    if not parts:
        return " No p99 of latency has enough queries."
    return f" The p99 of latency changed by {listed(parts)}."


def _method(document: Json) -> str:
    interval = document["interval"]
    return (
        f"In brackets {interval['confidence']:.0%} intervals over blocks: {interval['kind']}; "
        f"{interval['pooling']}."
    )
