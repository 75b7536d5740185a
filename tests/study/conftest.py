"""Tests of studies use the runs in virtual time, and the damage, of other tests."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("analysis", "hostile"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
