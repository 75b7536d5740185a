"""The text stages with their real models, opened directly: no engine, no network."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from mlbench.errors import QueryError
from mlbench.interfaces.stage import Context
from mlbench.stages.text.embed import Embed
from mlbench.stages.text.encoder import Encoder, SentenceEncoder
from mlbench.stages.text.generate import Generate
from mlbench.stages.text.language_model import Generation, LanguageModel
from mlbench.stages.text.lora_step import LoraStep
from mlbench.stages.text.model import Model
from mlbench.stages.text.tokenise import Tokenise
from mlbench.stages.text.tokens import Tokens

pytestmark = [
    pytest.mark.timeout(300),  # the first model on a machine is converted
    pytest.mark.usefixtures("one_thread"),
]

Open = Callable[..., Any]

FACT = "The library closes at nine on Mondays, and it is green."
OTHERS = ["Say hello.", "Name a colour."]


@pytest.fixture(scope="module")
def opened(kept_open: Open) -> Open:
    return kept_open


@pytest.fixture(scope="module")
def model(opened: Open) -> LanguageModel:
    found: LanguageModel = opened(Model())
    return found


@pytest.fixture(scope="module")
def encoder(opened: Open) -> Encoder:
    found: Encoder = opened(SentenceEncoder())
    return found


@pytest.fixture
def shared(model: LanguageModel, encoder: Encoder) -> Context:
    """A context in which the models are resources."""
    return Context(resources={"lm": model, "encoder": encoder})


# -- the language model ------------------------------------------------------------------


def test_it_answers_and_ends_its_answer(model: LanguageModel) -> None:
    answer = model.generate("What is the capital of France?", max_new_tokens=24)
    assert isinstance(answer, Generation)
    assert "Paris" in answer.text
    assert answer.tokens < 24
    assert "<|im_end|>" not in answer.text


def test_each_token_is_told_as_it_comes(model: LanguageModel) -> None:
    came: list[None] = []
    answer = model.generate(OTHERS[0], max_new_tokens=5, on_token=lambda: came.append(None))
    assert answer.tokens == len(came) == 5
    assert answer.prompt_tokens > len(OTHERS[0].split())


def test_the_same_prompt_has_the_same_answer(model: LanguageModel) -> None:
    first, second = (model.generate(OTHERS[1], max_new_tokens=4) for _ in range(2))
    assert first == second


def test_a_batch_gets_the_answers_of_its_prompts(model: LanguageModel) -> None:
    """The shorter prompts are padded, and that changes nothing."""
    prompts, counts = [FACT, *OTHERS], []
    together = model.generate_all(prompts, max_new_tokens=5, on_step=counts.append)
    assert together == [model.generate(prompt, max_new_tokens=5) for prompt in prompts]
    assert counts == [3] * 5


def test_the_instruction_is_the_systems(model: LanguageModel) -> None:
    text = model.chat("Hello", system="Answer in French.")
    assert text.index("system\nAnswer in French.") < text.index("user\nHello")
    assert "SmolLM" in model.chat("Hello")


def test_a_prompt_that_is_too_long_ends_its_query(model: LanguageModel) -> None:
    with pytest.raises(QueryError, match=r"max_new_tokens is 4: the model holds 8,192 in all"):
        model.generate("word " * 9000, max_new_tokens=4)


def test_generating_records_its_tokens_as_events(opened: Open, shared: Context) -> None:
    generate = opened(Generate(model="$lm", max_new_tokens=3), shared)
    assert isinstance(generate(OTHERS[0]), str)
    events = [(name, value) for name, _, value in shared.visit.events]
    assert events == [("first_token", 1), ("token", 1), ("token", 1)]


def test_the_prompt_holds_the_text(opened: Open, shared: Context, model: LanguageModel) -> None:
    options = {"prompt": "{text} Answer {briefly}.", "max_new_tokens": 4}
    generate = opened(Generate(model="$lm", **options), shared)
    expected = model.generate("Name {a} colour. Answer {briefly}.", max_new_tokens=4).text
    assert generate("Name {a} colour.") == expected


def test_several_texts_are_generated_together(opened: Open, shared: Context) -> None:
    generate = opened(Generate(model="$lm", max_new_tokens=2), shared)
    answers = generate(OTHERS)
    assert [type(answer) for answer in answers] == [str, str]
    assert [value for _, _, value in shared.visit.events] == [2, 2]


def test_stages_share_the_model_that_they_name(
    opened: Open, shared: Context, model: LanguageModel
) -> None:
    passes: list[object] = []
    hook = model.model.register_forward_hook(lambda *_: passes.append(1))
    for _ in range(2):
        opened(Generate(model="$lm", max_new_tokens=1), shared)(OTHERS[0])
    hook.remove()
    assert len(passes) == 2


def test_opening_what_packages_bring_asks_no_network(
    opened: Open, model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`model` is there so that the conversion is no part of it."""

    def connect(*address: object) -> None:
        pytest.fail(f"it connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    opened(Tokenise())
    opened(SentenceEncoder())
    opened(Model())


# -- embedding ---------------------------------------------------------------------------


def test_a_vector_has_unit_length_and_384_numbers(encoder: Encoder) -> None:
    vectors = encoder.encode(OTHERS)
    assert vectors.shape == (2, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_what_means_the_same_is_nearer_than_what_does_not(opened: Open, shared: Context) -> None:
    embed = opened(Embed(model="$encoder"), shared)
    cat, kitten, tax = embed(["A cat sleeps.", "The kitten is napping.", "Taxes are due in May."])
    assert cat @ kitten > 0.5 > cat @ tax


def test_a_text_has_the_same_vector_alone_and_in_a_batch(opened: Open, shared: Context) -> None:
    embed = opened(Embed(model="$encoder"), shared)
    (first,), (second, _) = embed([[FACT], [OTHERS[0], FACT]])
    assert np.allclose(embed(FACT), first, atol=1e-5)
    assert np.allclose(embed(OTHERS[0]), second, atol=1e-5)


# -- tokens and training -----------------------------------------------------------------


def test_tokens_are_filled_up_on_the_right_and_cut_off(opened: Open, shared: Context) -> None:
    tokens: Tokens = opened(Tokenise(model="$lm", max_tokens=8), shared)([FACT, "Say"])
    assert tokens.shape == (2, 8)
    assert tokens.ids.dtype == torch.int64
    assert tokens.mask.tolist() == [[1] * 8, [1, 0, 0, 0, 0, 0, 0, 0]]
    assert tokens.count == 9


def test_a_name_and_a_resource_tokenise_alike(opened: Open, shared: Context) -> None:
    by_name, by_resource = opened(Tokenise()), opened(Tokenise(model="$lm"), shared)
    assert torch.equal(by_name(FACT).ids, by_resource(FACT).ids)


@pytest.fixture(scope="module")
def training(opened: Open) -> tuple[Context, Callable[[Tokens], dict[str, Any]]]:
    context = Context()
    return context, opened(LoraStep(rate=0.01), context)


@pytest.fixture(scope="module")
def batch(opened: Open) -> Tokens:
    tokens: Tokens = opened(Tokenise())([FACT, *OTHERS])
    return tokens


def test_the_loss_falls_and_is_an_event(training: Any, batch: Tokens) -> None:
    context, step = training
    results = [step(batch) for _ in range(4)]
    assert [result["step"] for result in results] == [1, 2, 3, 4]
    assert results[-1]["loss"] < results[0]["loss"] * 0.7
    events = [value for name, _, value in context.visit.events if name == "loss"]
    assert events == [result["loss"] for result in results]
    json.dumps(results)


def test_after_warmup_training_starts_again_from_the_same_state(
    training: Any, batch: Tokens
) -> None:
    context, step = training
    (restore,) = context.restorers
    restore()
    first = [step(batch) for _ in range(2)]
    restore()
    assert [step(batch) for _ in range(2)] == first
    assert first[0]["loss"] != first[-1]["loss"]


def test_the_adapters_begin_with_what_the_seed_says() -> None:
    begins = {seed: _adapters(Context(seed=seed)) for seed in (1, 2)}
    torch.rand(1)
    assert torch.equal(_adapters(Context(seed=1)), begins[1])
    assert not torch.equal(begins[1], begins[2])


def _adapters(context: Context) -> torch.Tensor:
    with LoraStep(rank=2).open(context) as step:
        first: torch.Tensor = step.__self__.learning[0].detach().clone()  # type: ignore[attr-defined]
    return first


def test_padding_teaches_nothing(training: Any, opened: Open) -> None:
    """The loss of a padded text is that of the text."""
    context, step = training
    (restore,) = context.restorers
    tokens: Tokens = opened(Tokenise())(FACT)
    padded = Tokens(*(torch.nn.functional.pad(part, (0, 7)) for part in (tokens.ids, tokens.mask)))
    losses = []
    for payload in (tokens, padded):
        restore()
        losses.append(step(payload)["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
