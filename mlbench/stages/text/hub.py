"""Models by name: from disk where they are there, else from the Hugging Face hub."""

from __future__ import annotations

import socket
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from mlbench.errors import MissingExtraError, MlbenchError

__all__ = ["from_disk_or_hub", "transformers"]

REACH_S = 5
"""How long to wait for a connection to the hub."""


def transformers(stage: str) -> Any:  # Any: the module, which is optional
    """The library transformers, without its progress bars: ``stderr.log`` is no terminal.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import transformers as library
    except ImportError as error:
        raise MissingExtraError(stage, "text", error) from error
    found: Any = library  # Any: most of it is not typed
    found.utils.logging.disable_progress_bar()
    return found


def from_disk_or_hub(
    stage: str, source: str, packaged: str, load: Callable[..., Any], **options: object
) -> Any:  # Any: whatever `load` gives
    """A model from its folder, or from the hub's cache, so that a second run needs no network.

    Parameters
    ----------
    stage
        Who asks, for the messages.
    source
        A folder, or an id of the hub.
    packaged
        The name that needs neither, for the messages.
    load
        Takes ``source``, ``local_files_only`` and the options.

    Raises
    ------
    MlbenchError
        If there is no such model, or it cannot be had.
    """
    folder = source if Path(source).is_dir() else _cached(source)
    try:
        if folder is not None:
            return load(folder, local_files_only=True, **options)
    except (OSError, ValueError) as error:
        if folder == source:
            raise _unusable(stage, source, packaged, str(error)) from error
    if (away := _out_of_reach()) is not None:
        raise _unusable(stage, source, packaged, away)
    try:
        return load(source, **options)
    except (OSError, ValueError) as error:
        raise _unusable(stage, source, packaged, str(error)) from error


def _cached(source: str) -> str | None:
    """Its folder in the hub's cache: given the id, transformers asks the network all the same."""
    from huggingface_hub import snapshot_download

    try:
        return str(snapshot_download(source, local_files_only=True))
    except (OSError, ValueError):  # it is not there, or no id: the message comes later
        return None


def _out_of_reach() -> str | None:
    """Why the hub cannot be asked: its own client finds out only after a minute of retries."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "it is not in the hub's cache, and HF_HUB_OFFLINE is set"
    if getproxies():
        return None
    at = urlsplit(constants.ENDPOINT)
    try:
        port = at.port or (80 if at.scheme == "http" else 443)
        socket.create_connection((at.hostname, port), timeout=REACH_S).close()
    except OSError as error:
        return f"it is not in the hub's cache, and {constants.ENDPOINT} is out of reach ({error})"
    return None


def _unusable(stage: str, source: str, packaged: str, reason: str) -> MlbenchError:
    first = reason.strip().partition("\n")[0].rstrip(".")
    near = get_close_matches(source, [packaged], cutoff=0.6)
    hint = f" (did you mean {packaged!r}?)" if near else ""
    return MlbenchError(
        f"{stage} cannot load the model {source!r}{hint}: {first}. "
        f"A model is {packaged!r}, which needs no network, a folder that save_pretrained wrote, "
        "or one of the Hugging Face hub"
    )
