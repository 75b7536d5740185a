"""``mlbench lab``: JupyterLab, with the numbered notebooks if one wants them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from mlbench.errors import MlbenchError, OutputError

__all__ = ["command", "numbered_notebooks"]

PACKAGE = Path(__file__).parents[1]


@click.command(
    "lab",
    epilog="""
\b
Examples:
  mlbench lab                            here
  mlbench lab my-study --notebooks       with copies of the notebooks that explain mlbench
  mlbench lab -- --no-browser --port 9000
\b
Exit status:
  0  JupyterLab has ended
  2  the directory is not there or cannot be written, or JupyterLab is not installed
""",
)
@click.argument("directory", default=".", metavar="[DIRECTORY]")
@click.argument("options", nargs=-1, metavar="[-- OPTIONS]")
@click.option("--notebooks", is_flag=True, help="First copy the numbered notebooks there.")
def command(directory: str, options: tuple[str, ...], notebooks: bool) -> None:
    """Open JupyterLab in DIRECTORY, the current one if none is named.

    With --notebooks, DIRECTORY is made if it is not there, and gets the notebooks that a
    newcomer reads in order; one that is there already stays as it is. Runs that a notebook
    starts go into `runs` beside it, where `mlbench runs` finds them. OPTIONS are those of
    `jupyter lab`. Ctrl-C ends it, with its kernels; runs go on, in processes of their own.
    """
    if directory.startswith("-"):  # `mlbench lab -- --port 9000`
        directory, options = ".", (directory, *options)
    place = Path(directory)
    if notebooks:
        for name in _copy_notebooks(place):
            click.echo(name)
    elif not place.is_dir():
        raise OutputError(
            f"there is no directory {directory}\n"
            f"`mlbench lab {directory} --notebooks` makes it, with notebooks to start from"
        )
    _serve(place, options)


def _serve(place: Path, options: tuple[str, ...]) -> None:
    """JupyterLab in this process, until it ends; it sees to Ctrl-C itself."""
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        raise MlbenchError(
            f"this needs JupyterLab, and {error.name or error} is not installed\n"
            "pip install jupyterlab"
        ) from error
    # -y: the first Ctrl-C ends it, without a question on the terminal
    LabApp.launch_instance(["-y", str(place.resolve()), *options])


def _copy_notebooks(place: Path) -> Iterator[str]:
    """Write the notebooks that are not there yet; yields a line about each."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        for notebook in numbered_notebooks():
            copy = place / notebook.name
            if copy.exists():
                yield f"kept    {copy}"
            else:
                shutil.copyfile(notebook, copy)
                yield f"copied  {copy}"
    except OSError as error:
        raise OutputError(f"{place} cannot be written: {error.strerror}") from error


def numbered_notebooks() -> list[Path]:
    """The notebooks that come with mlbench, in their order.

    They lie inside the package where it was installed, and beside it in a checkout.
    """
    folders = (PACKAGE / "notebooks", PACKAGE.parent / "notebooks")
    return next(filter(None, (sorted(folder.glob("[0-9]*.ipynb")) for folder in folders)), [])
