"""A plan becomes points and blocks: which, in which order, and what is a mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sweep_support import manifest, notebook, plan, spec

from mlbench.errors import SpecError
from mlbench.sweep.combinations import combinations_of
from mlbench.sweep.layout import read_plan
from mlbench.sweep.plan import Plan, load_plan
from mlbench.sweep.planning import begin

pytestmark = pytest.mark.unit


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return notebook(tmp_path / "tiny.ipynb")


def values(tiny: Path, **parameters: Any) -> list[dict[str, Any]]:
    return list(combinations_of(plan(tiny, parameters=parameters)).values)


# -- which points ------------------------------------------------------------------------


def test_a_grid_is_every_value_with_every_other(tiny: Path) -> None:
    found = values(tiny, grid={"x": [1, 2], "mode": ["a", "b"]})
    assert [(each["x"], each["mode"]) for each in found] == [
        (1, "a"),
        (1, "b"),
        (2, "a"),
        (2, "b"),
    ]


def test_zipped_lists_go_first_with_first(tiny: Path) -> None:
    found = values(tiny, zip={"x": [1, 2], "mode": ["a", "b"]})
    assert [(each["x"], each["mode"]) for each in found] == [(1, "a"), (2, "b")]


def test_sections_multiply_and_what_is_fixed_is_in_all(tiny: Path) -> None:
    found = values(
        tiny,
        fixed={"rate": 2.0},
        grid={"x": [1, 2]},
        points=[{"mode": "a"}, {"mode": "b"}, {"mode": "c"}],
    )
    assert len(found) == 6
    assert {each["rate"] for each in found} == {2.0}


def test_a_plan_without_parameters_is_one_point(tiny: Path) -> None:
    assert values(tiny) == [{}]


def test_more_draws_leave_the_first_ones_as_they_are(tiny: Path) -> None:
    of = {"rate": {"uniform": [0, 1]}, "x": {"integers": [1, 9]}}
    few = values(tiny, random={"draws": 3, "of": of})
    assert values(tiny, random={"draws": 9, "of": of})[:3] == few
    assert len({each["rate"] for each in few}) == 3


def test_a_draw_stays_inside_its_bounds(tiny: Path) -> None:
    of = {"rate": {"log_uniform": [0.001, 0.1]}, "mode": {"choice": ["a", "b"]}}
    found = values(tiny, random={"draws": 50, "of": of})
    assert all(0.001 <= each["rate"] <= 0.1 for each in found)
    assert {each["mode"] for each in found} == {"a", "b"}


def test_a_condition_leaves_points_out_and_counts_them(tiny: Path) -> None:
    grid = {"x": [1, 2], "mode": ["a", "b"]}
    found = manifest(tiny, parameters={"grid": grid}, skip="x == 1 and mode == 'b'")
    assert len(found.points) == 3
    assert found.skipped == 1


# -- in which order ----------------------------------------------------------------------


def test_a_block_of_notebooks_has_every_point_once_in_each_repeat(tiny: Path) -> None:
    found = manifest(tiny, parameters={"grid": {"x": list(range(20))}}, repeats=3)
    assert [len(block.points) for block in found.blocks] == [20, 20, 20]
    ids = {point.id for point in found.points}
    assert {name for block in found.blocks for name in block.points} == ids


def test_the_order_is_random_differs_between_blocks_and_comes_from_the_seed(tiny: Path) -> None:
    def orders(seed: int) -> list[list[int]]:
        found = manifest(tiny, parameters={"grid": {"x": list(range(20))}}, repeats=2, seed=seed)
        return [[p.combination for p in found.points_of(block.id)] for block in found.blocks]

    first, second = orders(1)
    assert first != second
    assert first != sorted(first)
    assert orders(1) == [first, second]
    assert orders(2) != [first, second]


def test_a_block_of_studies_is_one_study(tmp_path: Path) -> None:
    grid = {"pipelines.left.stages.wait.with.seconds": [0.01, 0.02]}
    found = manifest(spec(tmp_path / "two.yml"), parameters={"grid": grid}, repeats=2)
    assert [len(block.points) for block in found.blocks] == [1, 1, 1, 1]
    assert [block.repeat for block in found.blocks] == [0, 0, 1, 1]


def test_a_spec_keeps_its_own_seed_in_the_first_repeat_alone(tmp_path: Path) -> None:
    found = manifest(spec(tmp_path / "two.yml"), repeats=3)
    seeds = [point.seed for point in found.points]
    assert seeds[0] == 7
    assert len(set(seeds)) == 3


# -- identity ----------------------------------------------------------------------------


def identities(target: Path, **keys: Any) -> list[str]:
    return [point.identity for point in manifest(target, **keys).points]


def test_the_same_plan_has_the_same_points(tiny: Path) -> None:
    grid = {"grid": {"x": [1, 2]}}
    assert identities(tiny, parameters=grid) == identities(tiny, parameters=grid)


@pytest.mark.parametrize(
    "keys", [{"cpus": [0]}, {"environment": {"A": "1"}}, {"parameters": {"fixed": {"x": 2}}}]
)
def test_parameters_and_placement_are_part_of_the_identity(
    tiny: Path, keys: dict[str, Any]
) -> None:
    assert identities(tiny, **keys) != identities(tiny)


def test_the_source_of_the_notebook_is_part_of_the_identity(tiny: Path) -> None:
    before = identities(tiny)
    notebook(tiny, "print('another')")
    assert identities(tiny) != before


def test_a_repeat_is_part_of_the_identity(tiny: Path) -> None:
    assert len(set(identities(tiny, repeats=3))) == 3


# -- mistakes ----------------------------------------------------------------------------


def test_an_unknown_key_names_the_nearest_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "plan.yml"
    file.write_text("notebook: a.ipynb\nparameters:\n  gird: {x: [1]}\n")
    with pytest.raises(SpecError, match=r"plan.yml:3:3: parameters.gird: .*did you mean 'grid'"):
        load_plan(file)


def test_what_is_no_plan_says_what_takes_it(tmp_path: Path, tiny: Path) -> None:
    two = spec(tmp_path / "two.yml")
    directory = begin(plan(tiny), tmp_path / "runs")
    for path, told in [
        (two, f"is a spec, not the plan of a sweep (mlbench run {two} or mlbench collocate {two}"),
        (tiny, "is a notebook, not the plan of a sweep (write a file with 'notebook: tiny.ipynb')"),
        (directory, "is a sweep's directory, not the plan of a sweep (mlbench sweep --resume"),
    ]:
        with pytest.raises(SpecError) as error:
            load_plan(path)
        assert str(error.value).startswith(f"{path}: {told}")


def test_a_plan_whose_spec_is_a_notebook_says_so(tiny: Path) -> None:
    with pytest.raises(SpecError, match="is a notebook, not a spec"):
        manifest(tiny, spec=str(tiny), notebook=None)


def test_an_unknown_parameter_names_the_nearest_with_file_and_line(tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb")
    file = tmp_path / "plan.yml"
    file.write_text("notebook: a.ipynb\nparameters:\n  grid:\n    moed: [ok]\n")
    with pytest.raises(SpecError, match=r"plan.yml:4:.*no parameter of a.ipynb.*'mode'"):
        begin(load_plan(file), tmp_path / "runs", file)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "expected one of notebook"),
        ({"notebook": "a.ipynb", "spec": "a.yml"}, "expected one of notebook"),
        ({"notebook": "a", "parameters": {"zip": {"a": [1], "b": [1, 2]}}}, "of one length"),
        (
            {"notebook": "a", "parameters": {"grid": {"a": [1]}, "fixed": {"a": 1}}},
            "a stands in both fixed and grid",
        ),
        ({"notebook": "a", "parameters": {"points": [{"a": 1}, {"b": 1}]}}, "differ in their"),
        (
            {"notebook": "a", "parameters": {"random": {"draws": 1, "of": {"a": {}}}}},
            "expected one of uniform",
        ),
        ({"spec": "a", "kernel": "python3"}, "are of notebooks"),
    ],
)
def test_a_plan_that_contradicts_itself_says_so(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Plan.model_validate(keys)


def test_a_condition_that_leaves_nothing_is_a_mistake(tiny: Path) -> None:
    with pytest.raises(SpecError, match="leaves out all 1 points"):
        manifest(tiny, parameters={"fixed": {"x": 1}}, skip="x == 1")


def test_a_value_that_makes_no_spec_is_a_mistake(tmp_path: Path) -> None:
    grid = {"pipelines.left.load.poison.rate": [1]}
    with pytest.raises(
        SpecError, match=r"two.yml:.*load: .*with pipelines.left.load.poison.rate=1"
    ):
        manifest(spec(tmp_path / "two.yml"), parameters={"grid": grid})


LEFT = "pipelines.left.stages.wait.with.seconds"
RIGHT = "pipelines.right.stages.wait.with.seconds"
FLIGHT = "pipelines.left.load.closed.concurrency"


@pytest.mark.parametrize(
    ("parameters", "place", "message"),
    [
        (f"  grid:\n    {LEFT}: [0.1, -1]", "plan.yml:4:", f"grid.{LEFT}.1: .*{LEFT}: expected"),
        (
            f"  fixed:\n    {LEFT}: long",
            "plan.yml:4:",
            f"fixed.{LEFT}: .*{LEFT}: expected a number",
        ),
        (f"  points:\n  - {LEFT}: 0.1\n  - {LEFT}: long", "plan.yml:5:", f"points.1.{LEFT}: "),
        (
            f"  grid:\n    {RIGHT}: [0.1, 0.2]\n    {FLIGHT}: [1, 3]",
            "plan.yml:5:",
            f"{FLIGHT}.1: .*serial execution has one query in flight, not 3",
        ),
        (
            "  grid:\n    name.x: [1]",
            "plan.yml:4:",
            r"name\.x\.0: name\.x: 'name' has no keys to set",
        ),
        (
            "  grid:\n    pipelines.lft.seed: [1]",
            "plan.yml:4:",
            "pipelines.lft: there is no pipeline 'lft'.*did you mean 'left'",
        ),
        (
            f"  random:\n    draws: 2\n    of:\n      {LEFT}: {{uniform: [-2, -1]}}",
            "plan.yml:6:",
            f"random.of.{LEFT}: ",
        ),
    ],
)
def test_a_value_that_makes_a_mistake_is_told_where_the_plan_has_it(
    tmp_path: Path, parameters: str, place: str, message: str
) -> None:
    spec(tmp_path / "two.yml")
    file = tmp_path / "plan.yml"
    file.write_text(f"spec: two.yml\nparameters:\n{parameters}\n")
    with pytest.raises(SpecError, match=rf"{place}\d+: parameters\..*{message}"):
        begin(load_plan(file), tmp_path / "runs", file)


def test_a_mistake_of_the_spec_itself_is_told_where_the_spec_has_it(tmp_path: Path) -> None:
    file, two = tmp_path / "plan.yml", spec(tmp_path / "two.yml")
    two.write_text(two.read_text().replace("synthetic.sleep", "synthetic.slep", 1))
    file.write_text(f"spec: two.yml\nparameters:\n  grid:\n    {RIGHT}: [0.1, 0.2]\n")
    with pytest.raises(SpecError) as error:
        begin(load_plan(file), tmp_path / "runs", file)
    assert {each.file for each in error.value.problems} == {str(two)}
    assert "did you mean 'synthetic.sleep'" in str(error.value)


def test_a_parameter_that_the_spec_needs_is_not_blamed_for_what_it_does_not_make(
    tmp_path: Path,
) -> None:
    file, two = tmp_path / "plan.yml", spec(tmp_path / "two.yml")
    two.write_text(two.read_text().replace("synthetic.sleep", "synthetic.slep").replace("two", ""))
    file.write_text("spec: two.yml\nparameters:\n  grid:\n    name: [a, b]\n")
    with pytest.raises(SpecError) as error:
        begin(load_plan(file), tmp_path / "runs", file)
    assert {each.file for each in error.value.problems} == {str(two)}


def test_nothing_is_made_where_something_is_wrong(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(SpecError):
        begin(plan(tiny, parameters={"grid": {"x": ["one"]}}), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


# -- on disk -----------------------------------------------------------------------------


def test_a_plan_is_read_back_as_it_was(tmp_path: Path, tiny: Path) -> None:
    made = plan(tiny, parameters={"grid": {"x": [1, 2]}}, repeats=2, skip="x == 2")
    found = read_plan(begin(made, tmp_path / "runs"))
    assert [point.parameters for point in found.points] == [{"x": 1}, {"x": 1}]
    assert found.plan == made.model_copy(update={"notebook": str(tiny)})


def test_a_plan_from_yaml_is_the_one_from_python(tmp_path: Path, tiny: Path) -> None:
    file = tmp_path / "plan.yml"
    file.write_text("notebook: tiny.ipynb\nparameters: {grid: {x: [1, 2]}}\nskip: x == 2\n")
    grid = {"grid": {"x": [1, 2]}}
    assert load_plan(file) == Plan(notebook=str(tiny), parameters=grid, skip="x == 2")
