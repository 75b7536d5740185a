"""Pretrained language models: from a package, from a folder, or from the Hugging Face hub."""

from __future__ import annotations

from time import monotonic
from typing import Any, Literal

from mlbench.stages.text.hub import from_disk_or_hub, transformers
from mlbench.stages.text.language_model import LanguageModel
from mlbench.stages.text.notes import note
from mlbench.stages.text.smollm2 import smollm2_folder

__all__ = ["DEFAULT", "Precision", "language_model", "tokeniser"]

DEFAULT = "smollm2-135m"
"""The language model that a package brings: no network is needed for it."""

Precision = Literal["float32", "bfloat16", "float16"]


def language_model(stage: str, name: str, precision: Precision, device: str) -> LanguageModel:
    """The model ``name`` in evaluation mode, with its tokeniser, on ``device``.

    Parameters
    ----------
    stage
        Who asks, for the messages.
    name
        `DEFAULT`, a folder, or an id of the Hugging Face hub.

    Raises
    ------
    MissingExtraError
        If the packages of the extra ``text`` are not installed.
    MlbenchError
        If there is no such model, or it cannot be had.
    """
    kind = transformers(stage).AutoModelForCausalLM
    import torch

    source, begin = _source(stage, name), monotonic()
    dtype = getattr(torch, precision)
    model = from_disk_or_hub(stage, source, DEFAULT, kind.from_pretrained, dtype=dtype)
    opened = LanguageModel(model.eval().to(device), tokeniser(stage, name), device)
    note(stage, f"opened {name}, {_size(model)} on {device}, in {monotonic() - begin:.1f} s")
    return opened


def tokeniser(stage: str, name: str) -> Any:  # Any: one of many classes
    """The tokeniser of the model ``name``, without its weights; as `language_model`."""
    kind = transformers(stage).AutoTokenizer
    return from_disk_or_hub(stage, _source(stage, name), DEFAULT, kind.from_pretrained)


def _source(stage: str, name: str) -> str:
    return str(smollm2_folder(stage)) if name == DEFAULT else name


def _size(model: Any) -> str:  # Any: as transformers
    weights = list(model.parameters())
    count, size = sum(w.numel() for w in weights), sum(w.nbytes for w in weights)
    return f"{count / 1e6:,.0f} million weights of {size / 1e6:,.0f} MB"
