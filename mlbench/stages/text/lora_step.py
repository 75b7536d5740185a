"""Stage: one step of fine-tuning with low-rank adapters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, field_validator

from mlbench.errors import MissingExtraError
from mlbench.interfaces.stage import Context, Stage
from mlbench.seed import derive
from mlbench.stages.text.pretrained import DEFAULT, language_model
from mlbench.stages.text.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer

__all__ = ["LoraStep"]

STAGE = "text.lora_step"

Result = dict[str, object]


class LoraStep(Stage):
    """One step of AdamW on the low-rank adapters of a language model: ``{loss, step}``.

    The model's own weights stay as they are; beside its attention projections learn
    matrices of ``rank`` (Hu et al., LoRA, arXiv 2106.09685). The loss is the cross-entropy
    of each next token, in nats, before the step; it is also the event ``loss``. After
    warm-up the adapters and the optimiser are put back, so that every run starts from the
    same weights. The stage has a model of its own: a shared one would change under the
    others.
    """

    takes: ClassVar[object] = Tokens
    gives: ClassVar[object] = dict[str, object]
    example: ClassVar[str] = "step: {uses: text.lora_step, with: {rank: 8, rate: 0.001}}"

    model: str = Field(default=DEFAULT, min_length=1, description="a name, a folder, or a hub id")
    rank: int = Field(default=8, ge=1, description="of the adapters")
    alpha: int = Field(default=16, ge=1, description="their weight is alpha / rank")
    targets: tuple[str, ...] = Field(
        default=("q_proj", "v_proj"), min_length=1, description="layers that get an adapter"
    )
    rate: float = Field(default=1e-3, gt=0, description="learning rate")
    dropout: float = Field(default=0, ge=0, lt=1, description="in the adapters")

    @field_validator("model")
    @classmethod
    def _its_own(cls, value: str) -> str:
        if value.startswith("$"):
            raise ValueError("expected the name of a model: training changes it, so it has its own")
        return value

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Tokens], Result]]:
        """Yield a function that trains."""
        try:
            import peft  # noqa: F401  # before a model is loaded for nothing
        except ImportError as error:
            raise MissingExtraError(STAGE, "text", error) from error
        import torch

        model = language_model(STAGE, self.model, "float32", context.device).model
        network = self._adapted(model, context)
        learning = [each for each in network.parameters() if each.requires_grad]
        optimiser = torch.optim.AdamW(learning, self.rate)
        training = _Training(network, learning, optimiser, context)
        context.after_warmup(training.restore)
        yield training.step

    def _adapted(self, model: Any, context: Context) -> Any:  # Any: peft's classes are untyped
        """The model with adapters, whose begin depends on the seed alone."""
        import torch
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            target_modules=list(self.targets),
            lora_dropout=self.dropout,
            task_type="CAUSAL_LM",
        )
        begin = derive(context.seed, "adapters", context.pipeline, context.block, context.stage)
        devices = [] if context.device == "cpu" else [context.device]
        with torch.random.fork_rng(devices), warnings.catch_warnings():
            # peft 0.21 asks transformers 5.24 for something under its deprecated name
            warnings.simplefilter("ignore", FutureWarning)
            torch.manual_seed(begin)
            return get_peft_model(model, config).train()


class _Training:
    """Adapters that are being trained, and the state that they began with."""

    def __init__(
        self, network: Module, learning: list[Tensor], optimiser: Optimizer, context: Context
    ) -> None:
        self.network = network
        self.learning = learning
        self.optimiser = optimiser
        self.context = context
        self.steps = 0
        self.start = deepcopy(([each.detach() for each in learning], optimiser.state_dict()))

    def restore(self) -> None:
        """Go back to the state of the beginning."""
        import torch

        weights, optimiser = self.start
        with torch.no_grad():
            for each, value in zip(self.learning, weights, strict=True):
                each.copy_(value)
        self.optimiser.load_state_dict(deepcopy(optimiser))
        self.steps = 0

    def step(self, payload: Tokens) -> Result:
        """Train on one payload; the loss is that before the step."""
        import torch

        device = self.context.device
        ids, mask = payload.ids.to(device), payload.mask.to(device)
        # -100 is what transformers leaves out of the loss: padding teaches nothing.
        labels = ids.masked_fill(mask == 0, -100)
        self.optimiser.zero_grad()
        loss = self.network(input_ids=ids, attention_mask=mask, labels=labels).loss
        torch.autograd.backward(loss)
        self.optimiser.step()
        self.steps += 1
        value = loss.item()
        self.context.event("loss", value)
        return {"loss": value, "step": self.steps}
