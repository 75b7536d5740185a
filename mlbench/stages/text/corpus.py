"""A corpus: the paragraphs of Python's own language reference, or of a user's text files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from mlbench.errors import MlbenchError

__all__ = ["SUFFIXES", "paragraphs_of", "read_corpus"]

SUFFIXES = (".md", ".rst", ".text", ".txt")
"""What is read of a folder; a file that is named itself may have any suffix."""


def read_corpus(stage: str, path: str | None, min_characters: int) -> list[str]:
    """The paragraphs of a text file, or of all text files below a folder in sorted order.

    Without a path, those of the language reference that Python keeps for its ``help()``
    (``pydoc_data.topics``): about 800 of 150 characters or more, some more or fewer with
    each release of Python.

    Parameters
    ----------
    stage
        Who asks, for the messages.
    min_characters
        Shorter paragraphs, most of them headings and lists, are left out.

    Raises
    ------
    MlbenchError
        If there is no such file or folder, it holds no text, or no paragraph is long enough.
    """
    if path is None:
        found = paragraphs_of(_reference(), min_characters)
    else:
        texts = (_read(stage, file) for file in _files(stage, Path(path)))
        found = paragraphs_of(texts, min_characters)
    if not found:
        raise MlbenchError(
            f"{stage} found no paragraph of {min_characters} characters or more in "
            f"{path or 'pydoc_data.topics'}: paragraphs are what empty lines divide; set "
            "min_characters lower"
        )
    return found


def paragraphs_of(texts: Iterable[str], min_characters: int) -> list[str]:
    r"""What empty lines divide, each once and on one line, without what is shorter.

    Examples
    --------
    >>> paragraphs_of(["A heading\n\nTwo lines of\ntext.\n\nTwo lines of\ntext."], 10)
    ['Two lines of text.']
    """
    parts = (" ".join(part.split()) for text in texts for part in re.split(r"\n\s*\n", text))
    return [part for part in dict.fromkeys(parts) if len(part) >= min_characters]


def _reference() -> Iterable[str]:
    from pydoc_data.topics import topics

    return topics.values()


def _files(stage: str, path: Path) -> list[Path]:
    path = path.expanduser()
    if path.is_file():
        return [path]
    if not path.exists():
        raise MlbenchError(f"{stage} found no file or folder {path} (from {Path.cwd()})")
    files = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES)
    if not files:
        raise MlbenchError(
            f"{stage} found no text in the folder {path}: it reads files that end with "
            f"{', '.join(SUFFIXES)}; any other text file can be named itself"
        )
    return files


def _read(stage: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_text(stage, path, f"byte {error.start:,} is not UTF-8") from None
    except OSError as error:
        raise MlbenchError(f"{stage} cannot read {path}: {error.strerror or error}") from error
    if "\0" in text:
        raise _not_text(stage, path, "it holds zero bytes")
    return text


def _not_text(stage: str, path: Path, why: str) -> MlbenchError:
    return MlbenchError(f"{stage} reads text, and {path} is none: {why}")
