"""Tables of Arrow as pandas has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlbench.store.arrow import from_numpy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["nullable_integers", "stacked"]


def stacked(
    names: tuple[str, ...], table_of: Callable[[str], pa.Table], columns: Sequence[str]
) -> pd.DataFrame:
    """The tables of all pipelines below each other, with the pipeline's name in front."""
    import pandas as pd

    frames = [] if names else [pd.DataFrame(columns=["pipeline", *columns])]
    for name in names:
        table = table_of(name)
        codes = from_numpy(np.zeros(len(table), dtype=np.int32))
        label = pa.DictionaryArray.from_arrays(codes, pa.array([name]))
        table = table.add_column(0, "pipeline", label)
        frames.append(table.to_pandas(types_mapper=nullable_integers))
    whole: pd.DataFrame = pd.concat(frames, ignore_index=True)
    for column in ("pipeline", "stage", "route", "outcome", "name"):
        if column in whole:
            whole[column] = whole[column].astype("category")
    return whole


def nullable_integers(kind: pa.DataType) -> object:
    """What pandas has for a type of Arrow, where it is of integers that may be null."""
    import pandas as pd

    return pd.Int64Dtype() if pa.types.is_integer(kind) else None
