"""What is wrong with a study is told before anything starts, all of it at once."""

from __future__ import annotations

import pytest
from collocate_support import bench, pipeline, sleeping

from mlbench.collocation.mistakes import mistakes
from mlbench.collocation.studies import with_study
from mlbench.collocation.variants import variants_of
from mlbench.errors import SpecError

pytestmark = pytest.mark.unit


def told(what) -> dict[str, str]:
    return {problem.key: f"{problem.message} ({problem.hint})" for problem in mistakes(what)}


def test_a_study_that_can_be_made_has_none():
    assert told(bench("ab")) == {}
    assert told(bench("abc", design="pairs")) == {}
    assert told(bench("a", design="aa")) == {}


def test_a_load_that_is_a_share_of_the_capacity_is_none():
    load = {"poisson": {"utilisation": 0.7}}
    assert told(bench({"a": pipeline(load=load), "b": pipeline()})) == {}


def test_a_load_of_which_all_is_due_at_once_has_no_window_to_study():
    found = told(bench({"a": pipeline(load={"offline": {"queries": 10}}), "b": pipeline()}))
    assert list(found) == ["pipelines.a.load.offline"]
    assert "no window" in found["pipelines.a.load.offline"]
    assert "utilisation" in found["pipelines.a.load.offline"]


@pytest.mark.parametrize("design", ["group", "pairs"])
def test_one_pipeline_is_not_collocated(design):
    assert "aa runs one pipeline twice" in told(bench("a", design=design))["study.design"]


def test_mistakes_of_the_study_and_of_its_pipelines_are_told_together():
    what = bench({"a": pipeline({"uses": "synthetic.nop"}), "b": pipeline()}, against="c")
    assert set(told(what)) == {"pipelines.a.stages.step.uses", "study.against.pipeline"}


def test_every_level_is_held_against_its_stage():
    levels = {"pipeline": "b", "dial": "seconds", "levels": [0.1, 0.2]}
    what = bench({"a": pipeline(), "b": sleeping(0.1)}, against=levels)
    assert told(what) == {}
    whole = {"pipeline": "b", "dial": "data.with.n", "levels": [0.5]}
    assert list(told(bench("ab", against=whole))) == ["pipelines.b.data.with.n"]


# -- placements --------------------------------------------------------------------------


PLACEMENTS = {"one": {"*": {"cpus": [0]}}, "apart": {"a": {"cpus": [0]}, "b": {"threads": 1}}}


def test_a_variant_changes_what_it_says_and_nothing_else():
    places = {
        "a": pipeline(place={"cpus": [0], "priority": "best_effort"}),
        "b": pipeline(place={}),
    }
    found = variants_of(bench(places, placements=PLACEMENTS))
    assert list(found) == ["one", "apart"]
    assert found["one"].pipelines["b"].place.cpus == (0,)
    assert found["apart"].pipelines["b"].place.cpus is None
    assert {each.pipelines["a"].place.priority for each in found.values()} == {"best_effort"}


def test_what_is_said_of_one_pipeline_counts_more_than_what_is_said_of_all():
    placements = {"mixed": {"b": {"threads": 2}, "*": {"threads": 1}}}
    found = variants_of(bench("ab", placements=placements))["mixed"]
    assert [each.place.threads for each in found.pipelines.values()] == [1, 2]


def test_without_placements_there_is_one_variant_without_a_name():
    assert variants_of(bench("ab")) == {"": bench("ab")}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"c": {}}, "study.placements.x.c"),
        ({"a": {"cpu": [0]}}, "study.placements.x.a.cpu"),
        ({"*": {"threads": 0}}, "study.placements.x.*.threads"),
        ({"a": {"sharing": {"mpps": {}}}}, "study.placements.x.a.sharing.mpps"),
        ({"a": {"cpus": [9000]}}, "study.placements.x.a.cpus.0"),
    ],
)
def test_a_variant_that_cannot_be_is_told_where_it_stands(changes, key):
    assert list(told(bench("ab", placements={"x": changes}))) == [key]


# -- options in place of the spec --------------------------------------------------------


def test_options_change_the_study_and_leave_the_rest():
    what = with_study(bench("ab", settle=2), repeats=9, seconds=4)
    assert (what.study.repeats, what.study.seconds, what.study.settle) == (9, 4, 2)
    assert with_study(bench("ab"), repeats=None) == bench("ab")


def test_a_co_tenant_brings_its_design_and_keeps_its_dial():
    levels = {"pipeline": "a", "dial": "seconds", "levels": [0.1]}
    what = with_study(bench("ab", against=levels), against="b")
    assert what.study.design == "against"
    assert (what.study.against.pipeline, what.study.against.dial) == ("b", "seconds")


def test_another_design_leaves_the_co_tenant_out():
    what = with_study(bench("ab", against="b"), design="pairs")
    assert (what.study.design, what.study.against) == ("pairs", None)


def test_an_option_that_is_no_study_is_told_as_its_field():
    with pytest.raises(SpecError, match=r"study\.seconds: expected more than 0"):
        with_study(bench("ab"), seconds=0)
