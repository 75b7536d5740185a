"""The builder as Python sees it: one spec on both sides, judged in the words of `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

import mlbench as mb
from mlbench.errors import MlbenchError, OutputError, SpecError
from mlbench.sweep.plan import load_plan

EXAMPLES = Path(__file__).parents[2] / "examples"

ONE: dict[str, Any] = {
    "data": {"uses": "synthetic.items"},
    "stages": {
        "first": {"uses": "synthetic.noop", "to": "second"},
        "second": {"uses": "synthetic.noop"},
    },
}


def one(**changes: Any) -> mb.Benchmark:
    return mb.Benchmark(name="one", pipelines={"p": {**ONE, **changes}})


def edit(builder: mb.Builder, spec: dict[str, Any]) -> None:
    """What the browser does after each edit."""
    number = builder.canvas["number"] + 1
    builder.canvas = {"number": number, "by": "browser", "spec": spec}


@mb.stage
def spell(number: int) -> str:
    """A stage that only this module has."""
    return str(number)


class TestTheBenchmark:
    def test_is_what_was_given(self) -> None:
        assert mb.Builder(one()).bench == one()

    def test_is_a_list_of_problems_where_it_cannot_run(self) -> None:
        builder = mb.Builder(one())
        edit(builder, {"name": "one", "pipelines": {"p": {**ONE, "lod": 3}}})
        (problem,) = builder.bench
        assert (problem.key, problem.hint) == ("pipelines.p.lod", "did you mean 'load'?")

    def test_follows_an_edit_in_the_browser(self) -> None:
        builder = mb.Builder(one())
        edit(builder, {**builder.canvas["spec"], "seed": 9})
        assert builder.bench == one().model_copy(update={"seed": 9})

    def test_set_in_python_is_a_step_of_the_canvas(self) -> None:
        builder = mb.Builder()
        assert builder.canvas == {
            "number": 0, "by": "python", "spec": {"name": "untitled", "pipelines": {}}
        }  # fmt: skip
        builder.bench = one()
        assert (builder.canvas["number"], builder.canvas["by"]) == (1, "python")
        assert builder.canvas["spec"] == one().plain()

    def test_is_nothing_else_than_a_benchmark(self) -> None:
        with pytest.raises(MlbenchError, match=r"mb\.load\('spec\.yml'\), not str"):
            mb.Builder().bench = "spec.yml"  # type: ignore[assignment]  # what a user may try

    def test_keeps_a_stage_that_only_the_caller_has(self) -> None:
        builder = mb.Builder(one(stages={"only": {"uses": spell}}))
        edit(builder, {**builder.canvas["spec"], "seed": 3})
        bench = builder.bench
        assert isinstance(bench, mb.Benchmark)
        assert bench.pipelines["p"].stages["only"].uses.target is spell  # type: ignore[attr-defined]


class TestWhatIsTold:
    def test_says_which_edit_was_checked(self) -> None:
        builder = mb.Builder(one())
        edit(builder, {"name": "one", "pipelines": {"p": {**ONE, "data": {"uses": "items"}}}})
        assert builder.checked["number"] == 1
        paths = [problem["path"] for problem in builder.checked["problems"]]
        assert ["pipelines", "p", "data", "uses"] in paths

    def test_says_what_does_not_fit_and_why(self) -> None:
        refused = mb.Builder().refused
        assert "rag.grade takes" in refused["vision.augment"]["rag.grade"]
        assert "rag.grade" not in refused["rag.retrieve"]
        assert "vision.classify" in refused["rag.grade:relevant"]

    def test_describes_every_stage_with_a_form(self) -> None:
        library = {each["name"]: each for each in mb.Builder().library}
        grade = library["rag.grade"]
        assert list(grade["outputs"]) == ["relevant", "irrelevant"]
        assert grade["schema"]["properties"]["threshold"]["maximum"] == 2
        assert library["rag.questions"]["kind"] == "data"
        assert library["text.model"]["kind"] == "resource"

    def test_lanes_say_what_they_set_or_why_they_cannot(self) -> None:
        lanes = mb.Builder().machine["lanes"]
        assert lanes[0]["place"] == {}
        assert all(lane["available"] or lane["why"] for lane in lanes)
        for lane in lanes:
            if lane["available"]:
                assert isinstance(mb.Builder(one(place=lane["place"])).bench, mb.Benchmark)


class TestText:
    @pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yml")), ids=lambda path: path.stem)
    def test_round_trips_through_yaml_and_python(self, path: Path, tmp_path: Path) -> None:
        bench = mb.load(path)
        builder = mb.Builder(bench)
        made: dict[str, Any] = {}
        exec(builder.to_python(), made)
        assert made["bench"] == bench
        assert mb.load(builder.save(tmp_path / "saved.yml")) == bench

    def test_is_refused_where_there_is_no_benchmark(self) -> None:
        builder = mb.Builder()
        edit(builder, {"name": 3})
        with pytest.raises(SpecError, match="name"):
            builder.to_yaml()


class TestASweep:
    def test_is_a_spec_a_notebook_and_a_plan(self, tmp_path: Path) -> None:
        builder = mb.Builder(one(load={"poisson": {"rate": 50}}))
        plan = load_plan(builder.write_sweep(tmp_path / "sweep"))
        assert plan.parameters.grid == {"rate_factor": (0.5, 1.0, 1.5)}
        assert mb.load(tmp_path / "sweep" / "bench.yml") == builder.bench
        nbformat.validate(nbformat.read(tmp_path / "sweep" / "point.ipynb", as_version=4))

    def test_does_not_overwrite(self, tmp_path: Path) -> None:
        builder = mb.Builder(one())
        builder.write_sweep(tmp_path)
        with pytest.raises(OutputError, match="is there already"):
            builder.write_sweep(tmp_path)

    def test_is_written_when_the_browser_asks(self, tmp_path: Path) -> None:
        builder = mb.Builder(one())
        builder.asked = {"number": 1, "what": "sweep", "directory": str(tmp_path / "s")}
        assert builder.answered["ok"], builder.answered
        builder.asked = {"number": 2, "what": "sweep", "directory": str(tmp_path / "s")}
        assert not builder.answered["ok"]

    def test_is_refused_for_what_cannot_run(self, tmp_path: Path) -> None:
        builder = mb.Builder(one(stages={"only": {"uses": "synthetic.nop"}}))
        with pytest.raises(SpecError, match=r"synthetic\.noop"):
            builder.write_sweep(tmp_path)


class TestTheStillPicture:
    def test_holds_names_as_text(self) -> None:
        name = '<script>alert(1) "x" 🦊'
        stages = {name: {"uses": "synthetic.noop"}}
        builder = mb.Builder(mb.Benchmark(name=name, pipelines={name: {**ONE, "stages": stages}}))
        html = builder._still()
        assert "<script" not in html
        assert "&lt;script&gt;" in html
        assert "🦊" in html
        assert html.count("<svg") == 1

    def test_lists_the_problems_of_what_is_no_benchmark(self) -> None:
        builder = mb.Builder()
        edit(builder, {"name": 3})
        assert "<svg" not in builder._still()
        assert "name" in builder._still()


class TestNumbersThatWentThroughTheBrowser:
    """JavaScript has doubles alone, and puts keys that are numbers first."""

    def test_are_those_that_python_had(self) -> None:
        bench = one(load={"poisson": {"rate": 10.0}}).model_copy(update={"seed": 2**53 + 1})
        builder = mb.Builder(bench)
        sent = builder.canvas["spec"] | {"name": "other", "seed": 2**53}
        sent["pipelines"]["p"]["load"]["poisson"]["rate"] = 10
        edit(builder, sent)
        assert builder.bench == bench.model_copy(update={"name": "other"})
        assert "rate: 10.0" in builder.to_yaml()

    def test_that_were_edited_are_the_new_ones(self) -> None:
        builder = mb.Builder(one().model_copy(update={"seed": 7}))
        edit(builder, builder.canvas["spec"] | {"seed": 8})
        assert builder.bench == one().model_copy(update={"seed": 8})

    def test_leave_the_entry_where_it_was(self) -> None:
        stages = {"z": {"uses": "synthetic.noop", "to": "1"}, "1": {"uses": "synthetic.noop"}}
        builder = mb.Builder(one(stages=stages))
        spec = builder.canvas["spec"]
        moved = {"1": stages["1"], "z": stages["z"]}
        pipeline = spec["pipelines"]["p"] | {"stages": moved}
        edit(builder, spec | {"seed": 1, "pipelines": {"p": pipeline}})
        bench = builder.bench
        assert isinstance(bench, mb.Benchmark)
        assert list(bench.pipelines["p"].stages) == ["z", "1"]
