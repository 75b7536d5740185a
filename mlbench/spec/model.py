"""The base of every spec model: frozen, no unknown keys, keyword and alias both accepted."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Name", "Positive", "SpecModel"]

Name = Annotated[str, Field(pattern=r"^[^\x00-\x1f/]{1,80}$")]
"""A name that somebody chose: any text without a slash or a control character."""

Positive = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]
"""A time or a limit: above 0, and at most 10 million (seconds: four months)."""


class SpecModel(BaseModel):
    """Data that says what to do; it does nothing itself.

    A model is built when it is first used, which takes longer than its import: so a default
    that is one comes from ``model_construct``.
    """

    model_config = ConfigDict(
        frozen=True,
        defer_build=True,
        extra="forbid",
        populate_by_name=True,
        serialize_by_alias=True,
        ser_json_inf_nan="constants",
    )

    def plain(self) -> dict[str, Any]:  # Any: JSON-like data, as written in YAML
        """The keys that were set, as plain data that ``model_validate`` takes back."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def complete(self) -> dict[str, Any]:  # Any: JSON-like data
        """All keys with their defaults filled in, for a manifest or a hash."""
        return self.model_dump(mode="json", by_alias=True)
