"""The processes that train one network together, one a GPU, or the only one there is.

`SingleProcess` and `DistributedGroup` answer the same questions, so that the loop needs no case for either:
which pieces of a batch are mine, what is everybody's mean, does anybody want to stop. Every process draws
the whole batch from the same random state and takes its own pieces, so several processes compute what one
would with a batch as large, to rounding. How processes find each other is left to Hugging Face Accelerate.
"""

import importlib
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from remend.models.errors import RequestError
from remend.models.progress import Cancelled, Progress
from remend.training.engine.batch import Batch


class SingleProcess:
    """The only process."""

    index, count = 0, 1
    device: torch.device | None = None
    """Where it computes; None = on the device that was chosen."""

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.index == 0

    def pieces(self, batch: Batch, size: int) -> list[Batch]:
        """This process's share of a whole batch, in pieces of ``size`` samples."""
        return batch.split(size, first=self.index * size, step=self.count * size)

    def mean(self, values: Tensor) -> Tensor:
        """The mean of all processes' values."""
        return values

    def average_gradients(self, network: nn.Module) -> None:
        """Give every parameter the mean of all processes' gradients."""

    def average(self, losses: Mapping[str, Tensor | float]) -> dict[str, float]:
        """The mean of all processes' losses."""
        means = self.mean(torch.tensor([float(value) for value in losses.values()]))
        return {name: float(means[number]) for number, name in enumerate(losses)}

    def listen(self, progress: Progress) -> Progress:
        """Progress that cancels in all processes after the same step."""
        return progress


class DistributedGroup(SingleProcess):
    """One of several processes.

    Args:
        device: Where this one computes.
        index: Its number, from 0.
        count: How many there are.
    """

    def __init__(self, device: torch.device, index: int, count: int) -> None:
        self.device, self.index, self.count = device, index, count

    def mean(self, values: Tensor) -> Tensor:
        """The mean of all processes' values."""
        accelerate: Any = importlib.import_module("accelerate.utils")  # which has no types
        # NCCL reduces on the GPU only.
        return accelerate.reduce(values.to(self.device), "mean").to(values.device)

    def average_gradients(self, network: nn.Module) -> None:
        """Give every parameter the mean of all processes' gradients, in one exchange."""
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        mean = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        lengths = [gradient.numel() for gradient in gradients]
        for gradient, part in zip(gradients, torch.split(mean, lengths), strict=True):
            gradient.copy_(part.view_as(gradient))

    def listen(self, progress: Progress) -> Progress:
        """Progress that cancels in all processes after the same step."""
        return _Unanimous(progress, self)


class _Unanimous(Progress):
    """Passes progress on; if one process is asked to stop, all do, so that none waits for it."""

    def __init__(self, progress: Progress, processes: DistributedGroup) -> None:
        self._progress, self._processes = progress, processes

    def update(self, done: float, total: float, note: str = "") -> None:
        asked = 0.0
        try:
            self._progress.update(done, total, note)
        except Cancelled:
            asked = 1.0
        if self._processes.mean(torch.tensor(asked)) > 0:
            raise Cancelled


@contextmanager
def join_processes(device: torch.device) -> Generator[SingleProcess]:
    """Join the processes that ``torchrun`` or ``accelerate launch`` has started, if it has.

    Args:
        device: Of the kind that is computed on.

    Raises:
        RequestError: Several were started and Accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield SingleProcess()
        return
    try:
        accelerate: Any = importlib.import_module("accelerate")  # which has no types
    except ImportError as error:
        raise RequestError(
            f"{os.environ['WORLD_SIZE']} processes were started, and training together needs Accelerate, "
            "which the extra 'training' brings: pip install 'remend[training]'."
        ) from error
    state = accelerate.PartialState(cpu=device.type == "cpu")
    try:
        yield DistributedGroup(state.device or device, state.process_index, state.num_processes)
    finally:
        state.destroy_process_group()


def mean_losses(pieces: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean over the pieces of a batch."""
    return {name: torch.stack([losses[name] for losses in pieces]).mean() for name in pieces[0]}
