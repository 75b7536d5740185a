"""Stage: says what a photograph shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.vision.classes import class_names
from mlbench.stages.vision.network import Network, pretrained
from mlbench.stages.vision.tensors import Tensors, send

__all__ = ["Classify"]

Answer = dict[str, object]
Answers = Answer | list[Answer]


class Classify(Stage):
    """The ImageNet class of each photograph: ``{photo, label, probability}``.

    One photograph gives one answer, a batch a list of them. With ``top`` above 1 an answer
    has also ``top``, the likeliest classes with their probabilities. A list of payloads,
    as dynamic batching hands it on, makes one pass and gives a result for each.
    """

    takes: ClassVar[object] = Tensors | list[Tensors]
    gives: ClassVar[object] = Answer | list[Answer]
    example: ClassVar[str] = "classify: {uses: vision.classify, with: {model: $net, top: 3}}"

    model: Network | Ref = Field(
        default="efficientnet_lite0", description="a network, or a resource that holds one"
    )
    top: int = Field(default=1, ge=1, le=1000, description="classes in each answer")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Tensors | list[Tensors]], object]]:
        """Yield a function that classifies."""
        if self.model.startswith("$"):
            network = context.resource(self.model)
        else:
            network = pretrained("vision.classify", context.device)
        import torch

        @torch.inference_mode()
        def classify(payload: Tensors | list[Tensors]) -> object:
            parts = [payload] if isinstance(payload, Tensors) else payload
            pixels = torch.cat([part.batch for part in parts])
            likely = network(send(pixels, context.device)).softmax(1).topk(self.top)
            rows = zip(likely.indices.tolist(), likely.values.tolist(), strict=True)
            answers = [_result(part, rows) for part in parts]
            return answers[0] if isinstance(payload, Tensors) else answers

        yield classify


def _result(part: Tensors, rows: Iterator[tuple[list[int], list[float]]]) -> Answers:
    """The answers to one payload, from the next rows of the pass."""
    answers = [_answer(name, *next(rows)) for name in part.names]
    return answers[0] if part.single else answers


def _answer(photo: str, indices: list[int], probabilities: list[float]) -> Answer:
    likely = [
        {"label": class_names()[index], "probability": probability}
        for index, probability in zip(indices, probabilities, strict=True)
    ]
    answer: Answer = {"photo": photo, **likely[0]}
    return answer if len(likely) == 1 else {**answer, "top": likely}
