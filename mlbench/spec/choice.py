"""A name with options, written as one key: ``poisson: {rate: 3}``."""

from __future__ import annotations

from typing import Any

from pydantic import ModelWrapValidatorHandler, model_serializer, model_validator

from mlbench.spec.model import SpecModel

__all__ = ["Choice", "Load", "Sharing"]


ONE_NAME = "expected one name with its options, such as 'poisson: {rate: 3}'"


def _not_several(value: object) -> str:
    several = isinstance(value, dict) and value
    return f", not {' beside '.join(map(str, value))}" if several else ""  # type: ignore[call-overload]  # a dict


class Choice(SpecModel):
    """One registered name and its options, ``{name: options}`` in YAML.

    Examples
    --------
    >>> Load(poisson={"rate": 3}).name
    'poisson'
    """

    name: str
    options: dict[str, Any]  # Any: checked against the named class by `check`

    @model_validator(mode="wrap")
    @classmethod
    def _from_single_key(cls, value: Any, handler: ModelWrapValidatorHandler[Choice]) -> Choice:
        """Take ``name``, ``{name: options}`` or an instance."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return handler({"name": value, "options": {}})
        if isinstance(value, dict) and value.keys() == {"name", "options"}:
            return handler(value)
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError(f"{ONE_NAME}{_not_several(value)}")
        ((name, options),) = value.items()
        if options is not None and not isinstance(options, dict):
            raise ValueError(f"expected the options of {name!r} as 'key: value' pairs")
        return handler({"name": str(name), "options": options or {}})

    @model_serializer(mode="plain")
    def _as_single_key(self) -> dict[str, Any]:
        return {self.name: self.options}


class Load(Choice):
    """When queries are due: closed, constant, poisson, or one that a plugin brings.

    In a study, ``utilisation: 0.7`` may stand in place of a ``rate``: that share of the
    throughput which the pipeline reaches alone, and which the study measures first.
    """

    @property
    def utilisation(self) -> object:
        """What stands in place of ``rate``: a share of the capacity; null if nothing does."""
        return self.options.get("utilisation")

    def at(self, rate: float) -> Load:
        """The same load at a rate in queries/s, in place of its utilisation.

        Examples
        --------
        >>> Load(poisson={"utilisation": 0.7}).at(12.6).options
        {'rate': 12.6}
        """
        others = {key: value for key, value in self.options.items() if key != "utilisation"}
        return Load(name=self.name, options={"rate": rate, **others})


class Sharing(Choice):
    """How a pipeline shares its device: a placement method such as MPS or MIG."""
