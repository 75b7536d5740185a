"""Which pipelines run together in which treatments, and in which order."""

from __future__ import annotations

import pytest
from collocate_support import bench, names, pipeline

from mlbench.collocation.design import block_runs, design_of, planned, treatments_of

pytestmark = pytest.mark.unit


def told(what) -> dict[str, tuple[str, ...]]:
    return {each.name: each.pipelines for each in treatments_of(what)}


def roles(what) -> list[str]:
    return [each.role for each in treatments_of(what)]


# -- treatments --------------------------------------------------------------------------


def test_a_group_has_each_pipeline_alone_and_all_together():
    what = bench("abc")
    assert told(what) == {
        "alone-a": ("a",),
        "alone-b": ("b",),
        "alone-c": ("c",),
        "together": ("a", "b", "c"),
    }
    assert roles(what) == ["isolated"] * 3 + ["collocated"]


def test_pairs_have_each_alone_and_every_two():
    what = bench("abc", design="pairs")
    assert list(told(what))[3:] == ["pair-a-b", "pair-a-c", "pair-b-c"]
    assert told(what)["pair-a-c"] == ("a", "c")


def test_against_has_a_treatment_for_each_level_and_the_co_tenant_is_never_alone():
    what = bench("ab", against={"pipeline": "b", "levels": [0.5, 1]})
    assert told(what) == {
        "alone-a": ("a",),
        "against-b-0.50": ("a", "b"),
        "against-b-1.00": ("a", "b"),
    }
    assert [each.dial for each in treatments_of(what)] == [None, 0.5, 1.0]


def test_against_names_the_other_where_there_are_several():
    what = bench("abc", against={"pipeline": "b", "levels": [1]})
    assert told(what) == {
        "alone-a": ("a",),
        "a-against-b-1.00": ("a", "b"),
        "alone-c": ("c",),
        "c-against-b-1.00": ("b", "c"),
    }


def test_levels_that_differ_by_little_are_treatments_of_their_own():
    what = bench("ab", against={"pipeline": "b", "levels": [0.501, 0.502]})
    assert list(told(what)) == ["alone-a", "against-b-0.50", "against-b-0.50-2"]


def test_aa_is_one_pipeline_beside_nothing_twice():
    what = bench("a", design="aa")
    assert told(what) == {"aa-1": ("a",), "aa-2": ("a",)}
    assert roles(what) == ["isolated", "collocated"]


def test_aa_of_several_pipelines_says_which():
    assert list(told(bench("ab", design="aa"))) == ["aa-1-a", "aa-2-a", "aa-1-b", "aa-2-b"]


def test_names_that_look_the_same_are_told_apart():
    what = bench(
        {"a-b": pipeline(), "c": pipeline(), "a": pipeline(), "b-c": pipeline()}, design="pairs"
    )
    found = told(what)
    assert found["pair-a-b-c"] == ("a-b", "c")
    assert found["pair-a-b-c-2"] == ("a", "b-c")


def test_a_capacity_is_a_treatment_of_its_own_before_all_others():
    what = bench({"a": pipeline(load={"poisson": {"utilisation": 0.7}}), "b": pipeline()})
    first, *_ = treatments_of(what)
    assert (first.name, first.pipelines, first.role) == ("capacity-a", ("a",), "capacity")
    assert "capacity-a" not in [each.name for each in treatments_of(what, capacities=False)]


# -- order -------------------------------------------------------------------------------


def test_a_block_has_one_run_of_each_treatment_in_an_order_that_the_seed_says():
    treatments = treatments_of(bench("abcd"))
    orders = [names(block_runs(treatments, 7, block)) for block in range(20)]
    assert all(sorted(order) == sorted(each.name for each in treatments) for order in orders)
    assert len({tuple(order) for order in orders}) > 10
    assert orders == [names(block_runs(treatments, 7, block)) for block in range(20)]
    assert orders != [names(block_runs(treatments, 8, block)) for block in range(20)]


def test_no_treatment_is_always_first():
    treatments = treatments_of(bench("ab"))
    first = {names(block_runs(treatments, 7, block))[0] for block in range(20)}
    assert first == {each.name for each in treatments}


def test_capacities_are_measured_once_and_first():
    load = {"poisson": {"utilisation": 0.7}}
    treatments = treatments_of(bench({"a": pipeline(load=load), "b": pipeline()}))
    assert names(block_runs(treatments, 7, 0))[0] == "capacity-a"
    assert "capacity-a" not in names(block_runs(treatments, 7, 1))


# -- directories -------------------------------------------------------------------------


def test_a_run_has_a_directory_by_block_treatment_and_attempt():
    treatments = treatments_of(bench("ab"))
    assert planned(treatments, 3, "alone-a", 1).directory == "blocks/003/alone-a-1"


def test_names_that_are_one_on_disk_get_folders_of_their_own():
    treatments = treatments_of(bench({"a b": pipeline(), "a_b": pipeline(), "A_B": pipeline()}))
    folders = [planned(treatments, 0, each.name).directory.casefold() for each in treatments]
    assert len(set(folders)) == len(folders) == 4


def test_the_design_says_what_is_turned_and_which_variant_it_is():
    found = design_of(bench("ab", against={"pipeline": "b", "levels": [1]}), "mps").model_dump()
    assert found == {
        "kind": "against",
        "pipeline": "b",
        "dial": "intensity",
        "levels": [1.0],
        "variant": "mps",
    }
