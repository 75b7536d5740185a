"""Stage: one step of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlbench.errors import QueryError
from mlbench.interfaces.stage import Context, Stage
from mlbench.stages.vision.network import Network, pretrained
from mlbench.stages.vision.tensors import Tensors, send

if TYPE_CHECKING:
    from torch.nn import Module
    from torch.optim import Optimizer

__all__ = ["TrainStep"]

Result = dict[str, object]


class TrainStep(Stage):
    """One step of stochastic gradient descent on the payload: ``{loss, step}``.

    EfficientNet-Lite0 is fine-tuned from its ImageNet weights, cross-entropy, all layers;
    the statistics of batch normalisation stay as they were, as is usual with batches this
    small. After warm-up the network and the optimiser are put back, so that every run
    starts from the same weights. Reading the loss waits for the device: a step is whole.
    """

    takes: ClassVar[object] = Tensors
    gives: ClassVar[object] = dict[str, object]
    example: ClassVar[str] = (
        "step: {uses: vision.train_step, with: {model: efficientnet_lite0, rate: 0.0002}}"
    )

    model: Network = "efficientnet_lite0"
    rate: float = Field(default=2e-4, gt=0, description="learning rate")
    momentum: float = Field(default=0.9, ge=0, lt=1)

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Tensors], Result]]:
        """Yield a function that trains."""
        network = pretrained("vision.train_step", context.device)
        _prepare(network)
        import torch

        optimiser = torch.optim.SGD(network.parameters(), self.rate, self.momentum)
        training = _Training(network, optimiser, context.device)
        context.after_warmup(training.restore)
        yield training.step


class _Training:
    """A network that is being trained, and the state that it began with."""

    def __init__(self, network: Module, optimiser: Optimizer, device: str) -> None:
        self.network = network
        self.optimiser = optimiser
        self.device = device
        self.steps = 0
        self.start = deepcopy((network.state_dict(), optimiser.state_dict()))

    def restore(self) -> None:
        """Go back to the state of the beginning."""
        weights, optimiser = self.start
        self.network.load_state_dict(weights)
        self.optimiser.load_state_dict(optimiser)
        self.steps = 0

    def step(self, payload: Tensors) -> Result:
        """Train on one payload; the loss is that before the step."""
        import torch

        labels = send(torch.tensor(_labels(payload)), self.device)
        output = self.network(send(payload.batch, self.device))
        loss = torch.nn.functional.cross_entropy(output, labels)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        self.steps += 1
        return {"loss": loss.item(), "step": self.steps}


def _prepare(network: Module) -> None:
    """Switch to training mode, all but batch normalisation."""
    from torch.nn import BatchNorm2d

    network.train()
    for module in network.modules():
        if isinstance(module, BatchNorm2d):
            module.eval()


def _labels(payload: Tensors) -> list[int]:
    labels = [label for label in payload.labels if label is not None]
    if len(labels) == len(payload.labels):
        return labels
    without = next(
        n for n, label in zip(payload.names, payload.labels, strict=True) if label is None
    )
    raise QueryError(
        f"vision.train_step needs a label for every photograph, and {without!r} has none: "
        "use data: {uses: vision.photos, with: {labelled: true}}"
    )
