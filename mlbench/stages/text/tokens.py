"""Texts as tokens: what flows from `text.tokenise` into a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Tokens"]


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of one text or several, on the CPU.

    Parameters
    ----------
    ids
        Texts x length, int64, shorter texts filled up on the right.
    mask
        Of the same shape: 1 where a token is, 0 where it was filled up.
    """

    ids: Tensor
    mask: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Texts and length: what the record of an output says of it."""
        return tuple(self.ids.shape)

    @property
    def count(self) -> int:
        """Tokens in all, without what was filled up."""
        return int(self.mask.sum())
