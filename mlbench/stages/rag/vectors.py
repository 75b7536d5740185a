"""The passages of a corpus as vectors, and the search in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlbench.errors import MissingExtraError
from mlbench.stages.rag.passage import Hit, Passage
from mlbench.stages.text.cache import made_once
from mlbench.stages.text.encoder import Encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Vectors", "corpus_hash", "opened_vectors", "weights_hash"]

FILE = "vectors.faiss"

SPARE_BYTES = 16_000_000
"""Free space to ask for beyond the vectors, whose number and width are known before."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """An open index.

    Parameters
    ----------
    passages
        Row by row.
    encoder
        Makes vectors of unit length.
    store
        The faiss index of their inner products; Any: faiss is optional and has no types.
    """

    passages: Sequence[Passage]
    encoder: Encoder
    store: Any

    def search(self, text: str, k: int) -> list[Hit]:
        """The ``k`` passages of the highest cosine with a text, the best first.

        Fewer where the corpus has fewer.
        """
        cosines, rows = self.store.search(self.encoder.encode([text]), min(k, len(self.passages)))
        return [
            Hit(self.passages[int(row)], float(cosine))
            for row, cosine in zip(rows[0], cosines[0], strict=True)
        ]


def opened_vectors(
    stage: str, passages: Sequence[Passage], encoder: Encoder, threads: int
) -> Vectors:
    """The index of the passages: from the cache directory, else built and kept there.

    Parameters
    ----------
    stage
        Who asks, for the messages.
    threads
        That faiss may use.

    Raises
    ------
    MissingExtraError
        If faiss is not installed.
    MlbenchError
        If the cache directory cannot be written.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError(stage, "rag", error) from error
    faiss.omp_set_num_threads(threads)

    def build(folder: Path) -> None:
        vectors = encoder.encode([each.text for each in passages])
        store = faiss.IndexFlatIP(vectors.shape[1])
        store.add(vectors)
        faiss.write_index(store, str(folder / FILE))

    name = f"rag-index-{corpus_hash(passages)}-{weights_hash(encoder)}"
    width = int(encoder.encode([""]).shape[1])
    folder = made_once(name, build, 4 * width * len(passages) + SPARE_BYTES)
    return Vectors(passages, encoder, faiss.read_index(str(folder / FILE)))


def corpus_hash(passages: Sequence[Passage]) -> str:
    """16 hex digits that follow from ids and texts of the passages and their order."""
    digest = blake2b(digest_size=8)
    for each in passages:
        digest.update(repr((each.id, each.text)).encode())
    return digest.hexdigest()


def weights_hash(encoder: Encoder) -> str:
    """16 hex digits that follow from names and values of the encoder's weights."""
    digest = blake2b(digest_size=8)
    for name, tensor in sorted(encoder.model.state_dict().items()):
        values: NDArray[np.float32] = tensor.float().cpu().numpy()
        digest.update(name.encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
