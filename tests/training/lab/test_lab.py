"""The lab's problems behave as theory says, its table is complete, and the page is what was measured."""

import dataclasses
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from remend.app.cli.lab_command import find_gradio_photos, run_techniques
from remend.app.cli.main import main
from remend.app.cli.printing.terminal import Terminal
from remend.app.cli.train_command import TrainingSources
from remend.models.checkpoints.registry import ARCHITECTURES
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.layers.minibatch import MINIBATCH, Minibatch
from remend.training.data.audit import refuse_shared
from remend.training.lab.experiments import EXPERIMENTS, find_experiments
from remend.training.lab.problems import checkerboard
from remend.training.lab.problems.dirac import DiracSettings, run_dirac
from remend.training.lab.problems.generation import sliced_wasserstein, train_generator
from remend.training.lab.problems.lone_discriminators import settle_logit, tell_collapse
from remend.training.lab.problems.photos import (
    HOLE_PSNR,
    PERCEPTUAL,
    SHARPNESS,
    PhotoLab,
)
from remend.training.lab.problems.ring import (
    MODES,
    RingSettings,
    centres,
    count_modes,
    draw_ring,
    run_ring,
)
from remend.training.lab.trials import adversarial_trials
from remend.training.recipe.schema import Recipe

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")
OF_GRADIO = TrainingSources(())

# Every technique that the training engine promises, in the words of its configuration or of the table.
TECHNIQUES = [
    "minimax", "non_saturating", "wgan", "lsgan", "hinge", "hinge_no_relu", "dcgan", "resnet",
    "inputs", "generator.output_kernel", "generator.upsample", "generator.gate", "generator.norm",
    "discriminator.norm", "discriminator.scales", "discriminator.minibatch", "losses.perceptual",
    "losses.style", "losses.tv", "losses.grid", "losses.l1", "losses.l1_hole",
    "losses.feature_matching", "gp1", "r1", "r2", "gp0", "adversary.penalty_every",
    "discriminator.spectral", "generator.spectral", "adversary.label_smoothing", "data.classes",
    "adversary.instance_noise",
    "optimiser.discriminator.lr", "optimiser.discriminator.steps", "growth.sizes", "growing",
    "generator.refine", "ema.half_life_images", "muon",
]  # fmt: skip

# The table


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_every_technique_has_an_experiment(technique: str) -> None:
    assert find_experiments([technique])


def test_experiments_are_found_by_name_key_and_value() -> None:
    assert find_experiments([]) == list(EXPERIMENTS)
    assert find_experiments(["ema"]) == ["ema"]
    assert find_experiments(["adversary.penalty"]) == find_experiments(["r1"]) == ["penalties"]
    assert find_experiments(["style", "hinge"]) == ["gan-losses", "style"]
    with pytest.raises(RequestError, match="'sytle'; the nearest is style"):
        find_experiments(["sytle"])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_keys_are_fields_of_a_recipe_or_of_a_network(name: str) -> None:
    networks = {field for a in ARCHITECTURES.values() for field in fields_of(a.config)}
    for key in EXPERIMENTS[name].keys:
        kind: type = Recipe
        first, *rest = key.split(".")
        if first in ("generator", "discriminator"):
            assert rest[0] in networks
            continue
        for part in (first, *rest):
            assert part in fields_of(kind), key
            kind = fields_of(kind)[part]


def fields_of(kind: type) -> dict[str, type]:
    return {field.name: field.type for field in dataclasses.fields(kind)}  # pyright: ignore[reportReturnType]


# The problems


def test_instance_noise_and_the_average_settle_the_dirac_gan() -> None:
    plain = run_dirac(DiracSettings(samples=256, noise_steps=500))
    noisy = run_dirac(DiracSettings(samples=256, noise_steps=500, noise=1.0))
    assert plain.distances[-1] > 1.2 and noisy.distances[-1] < 0.3
    path = run_dirac(DiracSettings(ema_half_life=200, steps=1000))
    assert max(map(abs, path.theta[-200:])) > 1.2
    assert max(map(abs, path.average[-200:])) < 0.3


@pytest.mark.parametrize(
    ("target", "settles_at"), [(1.0, 1.0), (0.9, 0.9), ((0.9, 1.1), 1.0), ((0.7, 1.2), 0.95)]
)
def test_only_targets_below_one_on_average_smooth(
    target: float | tuple[float, float], settles_at: float
) -> None:
    assert abs(settle_logit(target)[-1] - settles_at) < 0.02


def test_period_two_patterns_are_measured_from_none_to_all() -> None:
    flat, board = torch.ones(1, 8, 8), torch.ones(1, 8, 8)
    board[:, ::2, ::2] = board[:, 1::2, 1::2] = -1
    assert checkerboard.nyquist_energy(flat) == 0
    assert checkerboard.nyquist_energy(board) == 1
    assert checkerboard.nyquist_energy(flat + board) == pytest.approx(0.5)


def test_checkerboards_come_from_transposed_and_from_unequal_sub_kernels() -> None:
    energy = {
        name: checkerboard.mean_nyquist_energy(build) for name, build in checkerboard.ARMS.items()
    }
    assert energy["transposed"] > 0.3 and energy["pixelshuffle without ICNR"] > 0.3
    assert energy["nearest"] == energy["pixelshuffle"] == 0


@pytest.mark.parametrize(("name", "low", "high"), [("none", 0.4, 0.6), ("stddev", 0.95, 1.0),
                                                   ("discrimination", 0.98, 1.0)])  # fmt: skip
def test_only_minibatch_layers_see_a_collapse(name: Minibatch, low: float, high: float) -> None:
    # stddev compares four samples at a time, the other layer all of them.
    assert low <= tell_collapse(name, 0).accuracy <= high


def test_modes_are_counted() -> None:
    points = draw_ring(2000, torch.Generator().manual_seed(0))
    modes, quality = count_modes(points)
    assert modes == MODES and quality > 0.98
    assert count_modes(torch.cat([centres()[:3]] * 100))[0] == 3
    assert count_modes(torch.zeros(100, 2)) == (0, 0.0)


@pytest.mark.slow
def test_r1_finds_the_modes_that_a_gan_without_it_loses() -> None:
    seeds = range(3)
    without = [run_ring(RingSettings(seed=seed)).modes for seed in seeds]
    with_r1 = [run_ring(RingSettings(penalty="r1", seed=seed)).modes for seed in seeds]
    assert statistics.median(without) <= 2
    assert statistics.median(with_r1) >= 5


def test_sliced_wasserstein_of_a_shift_is_its_mean_share() -> None:
    points = torch.randn(64, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert sliced_wasserstein(points, points[torch.randperm(64)]) < 1e-6
    near = sliced_wasserstein(points, points + 0.1)
    assert sliced_wasserstein(points, points + 0.2) == pytest.approx(2 * near, rel=1e-3)


# The photos and the command


@pytest.fixture(scope="module")
def lab(photo_files: Sequence[Path], tmp_path_factory: pytest.TempPathFactory) -> PhotoLab:
    return PhotoLab(photo_files, tmp_path_factory.mktemp("lab"), FP32)


def test_the_engine_runs_on_photos_each_setting_once(lab: PhotoLab) -> None:
    settings = ("images=16", "data.crop=32", "losses.adversarial=0", "losses.feature_matching=0")
    run = lab.train(*settings)
    assert 10 < run.values[HOLE_PSNR] < 60 and 0 < run.values[SHARPNESS] < 3
    assert 0 < lab.value(run, PERCEPTUAL) < 3
    assert lab.train(*settings) is run
    other = lab.train(*settings, "seed=1")
    assert other is not run
    # Whatever the seed, the same crops of the same photos with the same holes are judged.
    for mine, theirs in zip(run.check, other.check, strict=True):
        assert torch.equal(mine.target, theirs.target) and torch.equal(
            mine.inputs[1], theirs.inputs[1]
        )
    learned, held_out = lab.split
    refuse_shared(learned, held_out)
    assert len(learned) + len(held_out) == len(lab.photos)
    assert all(name in lab.how for name in held_out.names)


def test_photos_to_judge_on_can_be_named(photo_files: Sequence[Path], tmp_path: Path) -> None:
    *others, exam = photo_files
    learned, held_out = PhotoLab(others, tmp_path, FP32, [exam]).split
    assert held_out.names == [exam.stem] and exam.stem not in learned.names
    with pytest.raises(RequestError, match="1 photos to validate on are trained on as well"):
        _ = PhotoLab(photo_files, tmp_path, FP32, [exam]).split


def test_every_photo_of_one_folder_is_a_class(lab: PhotoLab) -> None:
    made = train_generator(lab, "images=64", "data.classes=true")
    assert made.samples.shape == made.photos.shape == (3, 64, 64)
    assert all(torch.tensor(value).isfinite() for value in made.values.values())


def test_the_command_writes_numbers_page_and_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversarial_trials, "SEEDS", (0, 1))
    run_techniques(["stddev"], tmp_path / "a", None, OF_GRADIO, FP32, Terminal(quiet=True))
    assert "share told apart" in capsys.readouterr().out
    found = json.loads((tmp_path / "a" / "results.json").read_text("utf-8"))
    assert list(found) == ["minibatch"]
    arms = found["minibatch"]["trials"][0]["arms"]
    assert set(arms) == set(MINIBATCH)
    assert (tmp_path / "a" / "minibatch.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "a" / "techniques.md").read_text("utf-8")
    assert "(minibatch.png)" in page and "## Minibatch discrimination" in page
    # Another run into the folder keeps what it does not measure again.
    kept = {"seconds": 0.0, "trials": []}
    (tmp_path / "a" / "results.json").write_text(json.dumps({"ema": kept}), "utf-8")
    page = tmp_path / "page.md"
    run_techniques(["minibatch"], tmp_path / "a", page, OF_GRADIO, FP32, Terminal(quiet=True))
    found = json.loads((tmp_path / "a" / "results.json").read_text("utf-8"))
    assert list(found) == ["minibatch", "ema"] and found["ema"] == kept
    assert "(a/minibatch.png)" in page.read_text("utf-8")


def test_photos_are_found_without_importing_the_page() -> None:
    assert len(find_gradio_photos()) >= 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("lab sytle --out run", "nearest is style"),
        ("lab style --out run --data nowhere", "nowhere does not exist"),
        ("lab style --out file/run", "cannot be written"),
    ],
)
def test_wrong_requests_end_with_a_sentence(
    words: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert main(words.split()) == 2
    assert sentence in capsys.readouterr().err
