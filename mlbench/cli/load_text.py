"""A load in a few words."""

from __future__ import annotations

from mlbench.spec import Load

__all__ = ["load_text"]


def load_text(load: Load) -> str:
    """The load as a table shows it.

    Examples
    --------
    >>> [load_text(Load(**one)) for one in ({"poisson": {"rate": 0.3}}, {"closed": {}})]
    ['poisson 0.3/s', 'closed 1']
    >>> load_text(Load(gamma={"utilisation": 0.7, "cv": 2}))
    'gamma 70% of capacity cv=2'
    """
    options = dict(load.options)
    if load.name == "closed":
        options.setdefault("concurrency", 1)
    shown = [_option(key, value) for key, value in options.items()]
    return " ".join([load.name, *shown])


def _option(key: str, value: object) -> str:
    if key == "rate" and isinstance(value, int | float):
        return f"{value:g}/s"
    if key == "utilisation" and isinstance(value, int | float):
        return f"{100 * value:.3g}% of capacity"
    return str(value) if key == "concurrency" else f"{key}={value}"
