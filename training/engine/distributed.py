"""The processes that train one network together, one a GPU, or the only one there is.

`SingleProcess` and `DistributedGroup` answer the same questions, so that the loop needs no case for either:
which pieces of a batch are mine, what is everybody's mean, does anybody want to stop. Every process draws
the whole batch from the same random state and takes its own pieces, so several processes compute what one
would with a batch as large, to rounding. How processes find each other is Hugging Face Accelerate's matter.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from remend.models.errors import RequestError
from remend.models.progress import Cancelled, Progress

Samples = TypeVar("Samples", bound="tuple[Any, ...]")


def take(samples: Samples, part: slice | Tensor) -> Samples:
    """Some samples of tensors in (nested, named) tuples, all with the batch as their first dimension."""
    taken = [x[part] if isinstance(x, Tensor) else take(x, part) for x in samples]
    kind: Any = type(samples)
    return kind(*taken) if hasattr(samples, "_fields") else kind(taken)


class SingleProcess:
    """The only process."""

    index, count = 0, 1
    device: torch.device | None = None
    """Where it computes; None = where it was told to."""

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.index == 0

    def pieces(self, batch: Samples, size: int) -> list[Samples]:
        """This process's share of a whole batch, in pieces of ``size`` samples."""
        whole = self.count * size
        first = range(self.index * size, len(batch[0][0]), whole)
        return [take(batch, slice(start, start + size)) for start in first]

    def mean(self, values: Tensor) -> Tensor:
        """The mean of all processes' values."""
        return values

    def average_gradients(self, network: nn.Module) -> None:
        """Give every parameter the mean of all processes' gradients."""

    def average(self, losses: Mapping[str, Tensor | float]) -> dict[str, float]:
        """The mean of all processes' losses."""
        values = torch.tensor([float(value) for value in losses.values()])
        return dict(zip(losses, self.mean(values).tolist(), strict=True))

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
        from accelerate.utils import reduce

        # NCCL reduces on the GPU only.
        mean: Any = reduce(values.to(self.device), "mean")
        return mean.to(values.device)

    def average_gradients(self, network: nn.Module) -> None:
        """Give every parameter the mean of all processes' gradients, in one exchange."""
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        mean = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        lengths = [gradient.numel() for gradient in gradients]
        for gradient, part in zip(gradients, mean.split(lengths), strict=True):
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
def join_processes(device: torch.device) -> Iterator[SingleProcess]:
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
        from accelerate import PartialState
    except ImportError as error:
        raise RequestError(
            f"{os.environ['WORLD_SIZE']} processes were started, and training together needs Accelerate, "
            "which the extra 'training' brings: pip install 'remend[training]'."
        ) from error
    state = PartialState(cpu=device.type == "cpu")
    try:
        yield DistributedGroup(state.device or device, state.process_index, state.num_processes)
    finally:
        state.destroy_process_group()


def mean_losses(pieces: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean over the pieces of a batch."""
    listed: Sequence[Mapping[str, Tensor]] = list(pieces)
    return {name: torch.stack([losses[name] for losses in listed]).mean() for name in listed[0]}
