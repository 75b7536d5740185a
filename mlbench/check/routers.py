"""Routers: every output of a stage leads somewhere, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlbench.errors import Path, Problem, nearest
from mlbench.interfaces.stage import Stage
from mlbench.spec import StageSpec

__all__ = ["wrong_routes"]


def wrong_routes(spec: StageSpec, stage: Stage, path: Path) -> Iterator[Problem]:
    """Outputs of a configured stage that its ``to`` lacks, or names without being there."""
    try:
        outputs = stage.routes()
    except Exception as error:  # a stage's own code may raise anything: it is reported
        text = f"the outputs of {spec.uses!r} are not known: {type(error).__name__}: {error}"
        yield Problem((*path, "with"), text)
        return
    at = (*path, "to")
    if isinstance(spec.to, dict):
        yield from _unlike_outputs(spec.to, spec.uses, outputs, at)
    elif outputs is None or outputs:
        example = ", ".join(f"{output}: ..." for output in list(outputs or ("name",))[:4])
        yield Problem(at, f"{spec.uses!r} is a router", f"write to: {{{example}}}")


def _unlike_outputs(
    to: Mapping[str, str], uses: str, outputs: Mapping[str, object] | None, path: Path
) -> Iterator[Problem]:
    if outputs is None:
        return
    if not outputs:
        target = next(iter(to.values()))
        yield Problem(path, f"{uses!r} is no router: it has no outputs", f"write to: {target}")
        return
    for output in to:
        if output not in outputs:
            text = f"{uses!r} has no output {output!r}"
            yield Problem((*path, output), text, nearest(output, outputs))
    for output in outputs:
        if output not in to:
            yield Problem(path, f"the output {output!r} of {uses!r} leads nowhere")
