"""What the earlier runs of a study say of their code, whatever became of their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlbench.collocation.code import _code_then
from mlbench.store.layout import REQUEST

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("text", ["", "null", "[1]", '{"code": [], "local_code": 1}'])
def test_a_damaged_request_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / REQUEST).write_text(text)
    assert _code_then(tmp_path) == {}
