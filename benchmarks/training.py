"""Images per second of training steps, before and after tuning, and where a step's time goes, in one run.

    python -m benchmarks.training [RECIPE...] [--threads N] [--device auto|cpu|cuda] [--rounds N] [--compile]

Each recipe's step is timed as plain as it can be (float32, contiguous memory, eager) and with one tuning
more at a time: channels_last, bf16 where the hardware multiplies it, torch.compile if asked for. The
variants take turns, so that a machine that is busy with other things slows all of them alike. On a CPU it
is the processor's time that counts, divided by the threads, on a GPU the clock's. Quote the ratios.
"""

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.entry import enter
from remend.app.cli.lab_command import find_gradio_photos
from remend.app.cli.train_command import find_recipe
from remend.models.device import Placement, choose_device, cpu_has_bf16
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.batch import Batch
from remend.training.engine.compiling import settle_compile
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.recipe.parse import read_recipe


class Variant(NamedTuple):
    """A way to compute a step."""

    name: str
    settings: tuple[str, ...] = ()
    dtype: torch.dtype = torch.float32
    layout: torch.memory_format = torch.channels_last


def list_variants(device: torch.device, with_compile: bool) -> list[Variant]:
    """What can be compared on a device."""
    variants = [
        Variant("fp32, contiguous, eager", layout=torch.contiguous_format),
        Variant("fp32, channels_last"),
    ]
    fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else cpu_has_bf16()
    if fast:
        variants.append(Variant("bf16, channels_last", dtype=torch.bfloat16))
    if with_compile:
        last = variants[-1]
        name = f"{last.name}, compiled"
        variants.append(last._replace(name=name, settings=("run.compile=true",)))
    return variants


def make_trainer(
    recipe_name: str, variant: Variant, photos: Sequence[Path], device: torch.device, folder: Path
) -> Trainer:
    """A trainer in the memory layout of the variant."""
    recipe = read_recipe(find_recipe(recipe_name), ["data.held_out=1", *variant.settings])
    recipe, sentence = settle_compile(recipe, device)
    if sentence:
        raise SystemExit(sentence)
    store = PhotoStore.load(
        photos, device=device, min_side=max(recipe.growth.sizes, default=recipe.data.crop)
    )
    run = RunFolder(folder, recipe, resume=False)
    trainer = Trainer(recipe, store, run, Placement(device, variant.dtype, variant.name))
    if variant.layout == torch.contiguous_format:
        use_contiguous_memory(trainer)
    return trainer


def use_contiguous_memory(trainer: Trainer) -> None:
    """Undo the trainer's channels_last in networks and batches."""
    draw = trainer.draw

    def contiguous(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(tensor.contiguous() for tensor in tensors)

    def draw_contiguous() -> list[Batch]:
        return [
            dataclasses.replace(
                batch,
                inputs=contiguous(batch.inputs),
                target=batch.target.contiguous(),
                condition=contiguous(batch.condition),
                kept_noise=None if batch.kept_noise is None else batch.kept_noise.contiguous(),
            )
            for batch in draw()
        ]

    trainer.draw = draw_contiguous
    layout: Any = {"memory_format": torch.contiguous_format}
    for network in (trainer.generator, trainer.adversary.network):
        if network is not None:
            network.to(**layout)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """What a piece of work takes: the processor's time over its threads, or a GPU's."""
    if device.type == "cpu":
        begin = time.process_time()
        work()
        return (time.process_time() - begin) / torch.get_num_threads()
    torch.cuda.synchronize(device)
    begin = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - begin


def compare(
    recipe_name: str, variants: Sequence[Variant], device: torch.device, rounds: int
) -> list[tuple[str, float]]:
    """(variant, images per second) of a recipe, medians of the rounds."""
    photos = find_gradio_photos()[:3]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trainers = {
            variant.name: make_trainer(recipe_name, variant, photos, device, folder / str(number))
            for number, variant in enumerate(variants)
        }
        taken: dict[str, list[float]] = {name: [] for name in trainers}
        for turn in range(rounds + 1):
            for name, trainer in trainers.items():
                took = seconds(trainer.step, device)
                if turn:  # the first step warms up, and compiles
                    taken[name].append(took)
        return [
            (name, trainers[name].step_images / statistics.median(values))
            for name, values in taken.items()
        ]


def shares(recipe_name: str, device: torch.device, rounds: int) -> dict[str, float]:
    """Shares of a tuned step: drawing the batch, the optimiser, the average, networks and losses."""
    with tempfile.TemporaryDirectory() as folder:
        variant = Variant("fp32, channels_last")
        trainer = make_trainer(
            recipe_name, variant, find_gradio_photos()[:3], device, Path(folder) / "run"
        )
        trainer.step()
        whole = [seconds(trainer.step, device) for _ in range(rounds)]
        parts: dict[str, Callable[[], object]] = {
            "drawing the batch": trainer.draw,
            "the optimiser": trainer.optimiser.step,
            "the average": lambda: trainer.ema.update(trainer.generator, 1, 1000),
        }
        step = statistics.median(whole)
        found = {
            name: statistics.median(seconds(part, device) for _ in range(rounds)) / step
            for name, part in parts.items()
        }
        return {**found, "networks and losses": 1 - sum(found.values())}


def main() -> None:
    """Read the arguments, print two tables."""
    parser = argparse.ArgumentParser(
        description="Training steps before and after tuning, in one run."
    )
    parser.add_argument("recipes", nargs="*", default=["fill", "upscale-x4-fast"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--compile", action="store_true", help="also compiled, which takes minutes")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    variants = list_variants(device, arguments.compile)
    print(f"{device}, {torch.get_num_threads()} CPU threads, torch {torch.__version__}\n")
    print("| recipe | step | images a second | ratio |\n| --- | --- | ---: | ---: |")
    for name in arguments.recipes:
        rows = compare(name, variants, device, arguments.rounds)
        for variant, speed in rows:
            print(f"| {name} | {variant} | {speed:.3g} | {speed / rows[0][1]:.2f} |", flush=True)
    print("\n| recipe | part of a step | share |\n| --- | --- | ---: |")
    for name in arguments.recipes:
        for part, share in shares(name, device, arguments.rounds).items():
            print(f"| {name} | {part} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    enter(main)
