"""The code of the README that starts a run, as somebody would copy it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from mlbench.run import open_run

README = Path(__file__).parent.parent / "README.md"


def test_a_stage_of_a_notebook_runs_as_the_readme_has_it(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.M | re.S)
    code = "\n".join(block for block in blocks if "shout" in block)
    script = tmp_path / "script.py"
    script.write_text(code)
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True, timeout=60)
    (path,) = (tmp_path / "runs").iterdir()
    run = open_run(path)
    assert run.status == "done"
    assert run.outputs()["output"].str.endswith("!!!").tolist() == [True] * 10
