"""Loads that are a share of the capacity, and the dial of a co-tenant."""

from __future__ import annotations

import pytest
from collocate_support import bench, pipeline

from mlbench.check import problems
from mlbench.collocation.capacity import saturated, with_rates, wrong_utilisations
from mlbench.collocation.dial import turned, wrong_dial
from mlbench.spec import StageSpec

pytestmark = pytest.mark.unit

SPIN = {"uses": "synthetic.spin", "with": {"seconds": 0.01}}


def shared(utilisation: object = 0.7, name: str = "poisson", **options: object):
    load = {name: {"utilisation": utilisation, **options}}
    return bench({"a": pipeline(load=load), "b": pipeline()})


# -- a share of the capacity -------------------------------------------------------------


@pytest.mark.parametrize("name", ["poisson", "constant", "gamma"])
def test_the_rate_is_the_share_of_what_was_measured(name):
    options = {"cv": 2} if name == "gamma" else {}
    what = with_rates(shared(0.7, name, **options), {"a": 18.0})
    assert what.pipelines["a"].load.options == {"rate": 12.6, **options}
    assert problems(what) == []


def test_a_rate_has_four_digits():
    load = with_rates(shared(0.7), {"a": 17.123456}).pipelines["a"].load
    assert load.options == {"rate": 11.99}


def test_a_rate_that_is_given_stays():
    what = bench({"a": pipeline(load={"poisson": {"rate": 3}}), "b": pipeline()})
    assert with_rates(what, {}) == what


def test_a_plain_run_says_what_to_type():
    (problem,) = problems(shared(0.7))
    assert problem.key == "pipelines.a.load.poisson.utilisation"
    assert "needs a study to measure it" in problem.message
    assert "rate:" in problem.hint
    assert "mlbench collocate" in problem.hint


def test_a_load_without_a_rate_has_no_utilisation():
    found = [problem.key for problem in problems(shared(0.7, "closed"))]
    assert found == ["pipelines.a.load.closed.utilisation"]


@pytest.mark.parametrize("share", ["much", True, 0, -1, 11, [0.5]])
def test_a_share_is_a_number_above_0(share):
    (problem,) = wrong_utilisations(shared(share))
    assert problem.key == "pipelines.a.load.poisson.utilisation"


def test_a_share_does_not_stand_beside_a_rate():
    (problem,) = wrong_utilisations(shared(0.5, rate=3))
    assert "stands beside a rate" in problem.message


def test_a_serial_pipeline_is_saturated_by_one_query_in_flight():
    what = saturated(shared(), "a")
    assert what.pipelines["a"].load.options == {"concurrency": 1}
    assert what.pipelines["b"] == shared().pipelines["b"]
    assert problems(what) == []


def test_a_pipelined_one_by_two_batches_for_every_worker():
    stages = {
        "one": StageSpec(uses="synthetic.noop", to="two", workers=3),
        "two": StageSpec(uses="synthetic.noop", batch={"size": 8}),
    }
    load = {"poisson": {"utilisation": 0.7}}
    busy = pipeline(load=load, stages=stages, execution="pipelined")
    what = saturated(bench({"a": busy, "b": pipeline()}), "a")
    assert what.pipelines["a"].load.options == {"concurrency": 2 * (3 + 8)}


# -- a dial ------------------------------------------------------------------------------


def against(dial: str, stage: object = SPIN, **keys: object):
    return bench(
        {"a": pipeline(), "b": pipeline(stage, **keys)}, against={"pipeline": "b", "dial": dial}
    )


@pytest.mark.parametrize("dial", ["seconds", "stages.step.with.seconds"])
def test_the_option_of_a_stage_is_turned_by_its_name_or_its_path(dial):
    what = turned(against(dial), 0.5)
    assert what.pipelines["b"].stages["step"].with_ == {"seconds": 0.5}
    assert what.pipelines["a"] == against(dial).pipelines["a"]


def test_an_option_that_is_left_out_is_the_only_stages():
    what = turned(against("intensity", {"uses": "synthetic.noop"}), 0.25)
    assert what.pipelines["b"].stages["step"].with_ == {"intensity": 0.25}


def test_an_option_of_the_load_or_of_the_data_is_turned_by_its_path():
    load = turned(against("load.closed.concurrency", load={"closed": {}}), 4.0)
    assert load.pipelines["b"].load.options == {"concurrency": 4}
    data = turned(against("data.with.n"), 8)
    assert data.pipelines["b"].data.with_ == {"n": 8}


@pytest.mark.parametrize(
    ("dial", "message"),
    [
        ("stages.stp.with.seconds", "no stage is called 'stp'"),
        ("load.poisson.rate", "the load is 'closed', not 'poisson'"),
        ("place.threads", "is no option of a stage, of the data or of the load"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(dial, message):
    (problem,) = wrong_dial(against(dial))
    assert problem.key == "study.against.dial"
    assert message in problem.message


def test_a_name_that_several_stages_have_needs_its_path():
    stages = {"one": {**SPIN, "to": "two"}, "two": SPIN}
    (problem,) = wrong_dial(against("seconds", stages=stages))
    assert "2 stages of 'b' set 'seconds'" in problem.message
    assert problem.hint == "write dial: stages.one.with.seconds"


def test_a_co_tenant_that_is_not_there_is_told_with_the_nearest_name():
    what = bench({"victim": pipeline(), "noise": pipeline()}, against="nois")
    (problem,) = wrong_dial(what)
    assert problem.key == "study.against.pipeline"
    assert problem.hint == "did you mean 'noise'?"
