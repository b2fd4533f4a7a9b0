"""Verdicts are intervals, the page is what was measured, and its text claims no more than its rows."""

import json
import statistics
from pathlib import Path

import pytest
import torch

from remend.models.checkpoints.registry import ARCHITECTURES
from remend.models.layers.gated import GATES
from remend.models.layers.minibatch import MINIBATCH
from remend.models.layers.norm import NORMS
from remend.models.layers.resample import UPSAMPLERS
from remend.training.lab.experiment import Claim
from remend.training.lab.experiments import EXPERIMENTS
from remend.training.lab.problems.photos import SEEDS
from remend.training.lab.report.claims import show_claims
from remend.training.lab.report.findings import (
    NO_EFFECT,
    NOT_FINITE,
    Better,
    Lines,
    Measure,
    Trial,
    compare,
)
from remend.training.lab.report.page import write_techniques_page
from remend.training.losses.gan import GAN_LOSSES
from remend.training.losses.penalties import PENALTIES
from remend.training.optim.optimisers import OPTIMISERS
from tests.helpers.paths import ROOT

DOCS = ROOT / "docs"
PAGE, FIGURES = DOCS / "techniques.md", DOCS / "techniques"

TABLES = {
    "gan-losses": GAN_LOSSES, "penalties": PENALTIES, "gates": GATES, "norms": NORMS,
    "upsampling": UPSAMPLERS, "minibatch": MINIBATCH, "optimisers": OPTIMISERS,
    "base-models": [name for name, one in ARCHITECTURES.items() if one.task == "generate"],
}  # fmt: skip


@pytest.fixture(scope="module")
def results() -> dict:
    return json.loads((FIGURES / "results.json").read_text("utf-8"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_its_section_numbers_and_figure(name: str, results: dict) -> None:
    text = PAGE.read_text("utf-8")
    assert f"\n## {EXPERIMENTS[name].title}\n" in text
    assert f"techniques/{name}.png" in text
    assert (FIGURES / f"{name}.png").stat().st_size < 120_000
    for trial in results[name]["trials"]:
        assert len(trial["arms"]) >= 2
        for values in trial["arms"].values():
            assert len(values) == len(trial["measures"])
            assert all(abs(value) < float("inf") for found in values for value in found)


@pytest.mark.parametrize("name", TABLES)
def test_everything_that_can_be_chosen_was_measured(name: str, results: dict) -> None:
    arms = {arm for trial in results[name]["trials"] for arm in trial["arms"]}
    assert set(TABLES[name]) <= arms


def test_the_page_says_what_the_results_say(results: dict, tmp_path: Path) -> None:
    # The same depth, so that links are equal.
    (tmp_path / "techniques").mkdir()
    write_techniques_page(results, tmp_path / "techniques.md", tmp_path / "techniques")
    assert (tmp_path / "techniques.md").read_text("utf-8") == PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    ("without", "values", "better", "verdict"),
    [
        ([1, 2, 3], [2, 3, 4.1], "high", "better"),
        ([1, 2, 3], [2, 3, 4.1], "low", "worse"),
        ([1, 2, 3], [2, 3, 4.1], "neither", "higher"),
        ([1, 2, 3], [2, 1, 4], "high", NO_EFFECT),  # seeds disagree
        ([1, 2, 3], [1.1, 2.1, 9], "high", NO_EFFECT),  # one seed does it all
        (
            [1, 2, 3],
            [2, 3, 5.5],
            "high",
            NO_EFFECT,
        ),  # all agree on the sign, and too few to be sure
        ([1, 2], [1, 2], "high", NO_EFFECT),
        ([1.0], [1.01], "low", NO_EFFECT),
        ([1.0], [0.5], "neither", "lower"),
        ([1.0], [float("nan")], "low", NOT_FINITE),
    ],
)
def test_an_effect_is_one_whose_interval_does_not_hold_zero(
    without: list[float], values: list[float], better: Better, verdict: str
) -> None:
    effect = compare(without, values, better)
    assert effect.verdict == verdict
    if len(values) > 1:
        assert (verdict == NO_EFFECT) == (effect.low <= 0 <= effect.high)


def test_the_interval_is_students() -> None:
    # Differences 1, 2, 3, 4, 5: mean 3, standard error sqrt(2.5 / 5), t = 2.776 with 4 degrees.
    effect = compare([0] * 5, [1, 2, 3, 4, 5], "high")
    reach = 2.776 * 0.5**0.5
    assert (effect.difference, effect.low, effect.high) == pytest.approx((3, 3 - reach, 3 + reach))


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    random = torch.Generator().manual_seed(0)
    draws = torch.randn(2000, len(SEEDS), generator=random).tolist()
    held = [
        effect.low <= 0 <= effect.high
        for effect in (compare([0.0] * len(SEEDS), found, "high") for found in draws)
    ]
    assert 0.93 < statistics.fmean(held) < 0.97


ROWS = [
    {
        "measures": [{"name": "dB", "better": "high"}, {"name": "ms", "better": "low"}],
        "effects": {
            "on": [
                {"difference": 1.0, "interval": [0.5, 1.5], "verdict": "better"},
                {"difference": 2.0, "interval": [1.0, 3.0], "verdict": "worse"},
            ],
            "half": [
                {"difference": 0.1, "interval": [-0.5, 0.7], "verdict": NO_EFFECT},
                {"difference": 0.0, "interval": [0.0, 0.0], "verdict": NO_EFFECT},
            ],
        },
    }
]


def test_the_text_claims_no_more_than_the_row() -> None:
    said = show_claims(
        (Claim("on", "better"), Claim("half", "better"), Claim("new", "better")), ROWS
    )
    assert said[::2] == [
        "**Seen here:** on, dB: +1 (+0.5 to +1.5), better.",
        "**Not seen here:** half, dB: +0.1 (-0.5 to +0.7), no effect seen, not better; "
        "new: not measured yet.",
        "**At a price:** on, ms: +2 (+1 to +3), worse.",
    ]
    assert show_claims((Claim("on", "worse"),), ROWS)[0].startswith("**Not seen here:** on, dB: +1")
    assert show_claims((), ROWS) == []


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_a_text_recommends_is_held_against_a_row(name: str, results: dict) -> None:
    claims = EXPERIMENTS[name].claims
    assert claims
    for claim in claims:
        assert claim.arm in results[name]["trials"][claim.trial]["effects"]


def test_a_trial_compares_its_first_measure() -> None:
    lines = Lines("t", "x", "y", {"a": ([0.0], [1.0])})
    trial = Trial("p", (Measure("m", "low"),), {"off": ([2.0],), "on": ([1.0],)}, (lines,))
    ((effect,),) = trial.effects().values()
    assert effect.verdict == "better"
