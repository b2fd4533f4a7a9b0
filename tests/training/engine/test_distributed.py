"""Batches in pieces: processes that train together and accumulated gradients give what one batch gives."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from remend.models.checkpoints.checkpoint import read_card
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.progress import Cancelled, Progress
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.batch import Augmentation, Batch, StepNoise
from remend.training.engine.distributed import DistributedGroup, SingleProcess, join_processes
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.recipe.contradictions import advice
from remend.training.recipe.parse import read_recipe
from tests.helpers.paths import RECIPES

TINY = RECIPES / "tiny.toml"
FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


@pytest.fixture(scope="module")
def photos(photo_files: Sequence[Path]) -> PhotoStore:
    return PhotoStore.load(photo_files, min_side=128)


def make(photos: PhotoStore, path: Path, *settings: str) -> Trainer:
    recipe = read_recipe(TINY, settings)
    return Trainer(recipe, photos, RunFolder(path, recipe, resume=False), FP32)


def whole_batch(samples: int) -> Batch:
    """A batch whose every tensor holds the number of its sample."""
    n = torch.arange(samples)
    drawn = Augmentation(n, n, n, n)
    return Batch((n, n), n, (n,), n, StepNoise(n, n, drawn, n, n))


def tensors_of(part: object) -> Iterator[Tensor]:
    """All tensors of a batch, however deep."""
    if isinstance(part, Tensor):
        yield part
    elif isinstance(part, tuple):
        for inner in part:
            yield from tensors_of(inner)
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            yield from tensors_of(getattr(part, field.name))


def test_every_sample_is_in_one_piece_of_one_process() -> None:
    whole = whole_batch(12)
    pieces = [DistributedGroup(FP32.device, i, 3).pieces(whole, 2) for i in range(3)]
    assert [len(found) for found in pieces] == [2, 2, 2]
    flat = [piece for found in pieces for piece in found]
    assert torch.equal(torch.cat([piece.target for piece in flat]).sort().values, whole.target)
    for piece in flat:
        assert len(piece) == 2
        assert all(torch.equal(tensor, piece.target) for tensor in tensors_of(piece))
        assert len(list(tensors_of(piece))) == len(list(tensors_of(whole))) == 13
    (all_of_it,) = SingleProcess().pieces(whole, 12)
    assert torch.equal(all_of_it.target, whole.target)


def test_samples_can_be_taken_by_number_and_what_is_absent_stays_absent() -> None:
    numbers = torch.tensor([3, 1])
    taken = whole_batch(4).take(numbers)
    assert all(torch.equal(tensor, numbers) for tensor in tensors_of(taken))
    plain = Batch((torch.arange(4),), torch.arange(4)).take(slice(1, 3))
    assert (plain.condition, plain.kept_noise, plain.noise) == ((), None, None)


# What depends on more than one sample, is random, or has a state of its own.
HARD = [
    "losses.tv=0.1 losses.perceptual=0.1 losses.style=1 losses.l1=1",
    "adversary.instance_noise=0.3 adversary.instance_noise_images=1000 adversary.augment=1",
    "adversary.loss=lsgan adversary.label_smoothing=[0.5,1.0]",
    "adversary.penalty=gp1 discriminator.norm=layer",
    "generator.spectral=true generator.norm=instance",
]


@pytest.mark.parametrize("settings", HARD)
def test_accumulated_gradients_are_those_of_the_large_batch(
    settings: str, photos: PhotoStore, tmp_path: Path
) -> None:
    common = ("data.crop=32", "data.held_out=1", *settings.split())
    large = make(photos, tmp_path / "large", "data.batch=8", *common)
    small = make(photos, tmp_path / "small", "data.batch=2", "data.accumulate=4", *common)
    lost = [trainer.step() for trainer in (large, small)]
    assert lost[0].keys() == lost[1].keys()
    for name, value in lost[0].items():
        assert float(lost[1][name]) == pytest.approx(float(value), rel=1e-4, abs=1e-5), name
    assert large.adversary.network is not None and small.adversary.network is not None
    pairs = [(large.generator, small.generator), (large.adversary.network, small.adversary.network)]
    for one, other in pairs:
        largest = max(float(p.grad.abs().max()) for p in one.parameters() if p.grad is not None)
        for (name, p), q in zip(one.named_parameters(), other.parameters(), strict=True):
            assert p.grad is not None and q.grad is not None, name
            assert torch.allclose(p.grad, q.grad, rtol=1e-3, atol=1e-4 * largest), name
    assert large.images_seen == small.images_seen == 8
    for one, other in zip(large.ema.network.buffers(), small.ema.network.buffers(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_pieces_and_batch_statistics_are_advised_against() -> None:
    batch_norm = read_recipe(TINY, ["discriminator.norm=batch"])
    assert not advice(batch_norm)
    assert "2 pieces of 8" in advice(batch_norm, processes=2)[0]


def start_two(path: Path, photos: Sequence[Path], *settings: str) -> subprocess.Popen[str]:
    words = [word for photo in photos for word in ("--data", str(photo))]
    words += [word for setting in settings for word in ("--set", setting)]
    command = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "remend",
    ]
    return subprocess.Popen(
        [sys.executable, *command, "train", "tiny", "--out", str(path), "--device", "cpu",
         "--threads", "1", *words],
        cwd=TINY.parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def read_stats(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (path / "stats.jsonl").read_text().splitlines()]


def test_two_processes_lose_what_one_with_the_doubled_batch_loses(
    photos: PhotoStore, photo_files: Sequence[Path], tmp_path: Path
) -> None:
    settings = ("images=16", "data.crop=32", "data.held_out=1", "run.report_images=8")
    process = start_two(tmp_path / "two", photo_files[1:], "data.batch=4", *settings)
    # The five photos that are large enough are the same for both.
    alone = make(photos, tmp_path / "one", "data.batch=8", *settings)
    alone.run()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    one, two = read_stats(tmp_path / "one"), read_stats(tmp_path / "two")
    assert [line["images"] for line in two] == [8, 16]
    for ours, theirs in zip(one, two, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours.keys() - {"seconds"}:
            # A share of ordered pairs jumps where two logits change places.
            error = 5e-3 if name.startswith("auc") else 2e-4
            assert theirs[name] == pytest.approx(ours[name], rel=1e-3, abs=error), name
    assert read_card(tmp_path / "two" / "ema.safetensors").images_seen == 16
    assert len(list((tmp_path / "two").glob("events.*"))) == 1  # one process writes


@pytest.mark.slow
def test_a_signal_to_one_of_two_processes_stops_both_with_the_state_saved(
    photo_files: Sequence[Path], tmp_path: Path
) -> None:
    settings = ("data.crop=32", "data.held_out=1", "run.report_images=16", "images=1000000")
    process = start_two(tmp_path / "run", photo_files, *settings)
    end = time.monotonic() + 120
    while not (tmp_path / "run" / "stats.jsonl").is_file():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert "--resume goes on" in err
    seen = read_card(tmp_path / "run" / "ema.safetensors").images_seen
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["images_seen"] == seen > 0


def test_one_that_wants_to_stop_stops_all_and_losses_are_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The other process, as this one would hear of it: it wants to stop, and lost 3.
    crew = DistributedGroup(FP32.device, 0, 2)
    monkeypatch.setattr(crew, "mean", lambda values: (values + 1) / 2)
    with pytest.raises(Cancelled):
        crew.listen(Progress()).update(1, 2)
    assert crew.average({"l1": 3.0, "tv": torch.tensor(1.0)}) == {"l1": 2.0, "tv": 1.0}


def test_without_accelerate_processes_cannot_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    with join_processes(FP32.device) as alone:
        assert alone.leads and alone.count == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with (
        pytest.raises(RequestError, match="2 processes were started"),
        join_processes(FP32.device),
    ):
        pass
