"""Facts about the game between generator and discriminator."""

import dataclasses

import pytest
import torch

from remend.models.device import Placement
from remend.models.discriminators.multiscale import DiscriminatorOutput
from remend.training.engine.adversary import PATIENCE, Adversary, Judgement, sum_up
from remend.training.engine.batch import Batch
from remend.training.engine.distributed import SingleProcess
from remend.training.evaluation.metrics import area_under_curve
from remend.training.losses.penalties import PENALTIES
from remend.training.losses.pixel import feature_matching, gram, mean_where
from remend.training.recipe.parse import parse_recipe

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


def adversary(**settings: object) -> Adversary:
    torch.manual_seed(0)
    table = {
        "task": "fill", "architecture": "inpaint", "images": 100, "data": {"crop": 64, "batch": 2},
        "losses": {"adversarial": 1.0}, "discriminator": {"width": 8, "spectral": False},
        "adversary": settings,
    }  # fmt: skip
    return Adversary(parse_recipe(table), FP32, SingleProcess())


def half_filled(size: int = 64) -> tuple[Batch, torch.Tensor]:
    """A photo with a hole in a corner, and what was made of it."""
    random = torch.Generator().manual_seed(0)
    real = torch.rand(2, 3, size, size, generator=random) * 2 - 1
    mask = torch.zeros(2, 1, size, size)
    mask[..., :8, :8] = 1
    fake = torch.where(mask > 0, torch.zeros(()), real)
    return Batch((real * (1 - mask), mask), real, (mask,)), fake


def test_logits_that_see_no_hole_teach_the_discriminator_nothing() -> None:
    opponent = adversary()
    batch, fake = half_filled()
    batch = dataclasses.replace(batch, noise=opponent.draw(batch.target, 0))
    head = opponent.network.get_submodule("scales.0.head")
    grads: list[torch.Tensor] = []
    head.register_full_backward_hook(lambda _, inputs, outputs: grads.append(outputs[0]))
    opponent.judge(batch, fake).learn(1)
    for grad in grads:
        assert grad[..., :2, :2].abs().min() > 0
        assert not grad[..., -2:, -2:].any()


def test_one_look_gives_both_sides_the_gradients_that_looks_of_their_own_would() -> None:
    opponent = adversary()
    batch, fake = half_filled()
    batch = dataclasses.replace(batch, noise=opponent.draw(batch.target, 0))
    weights = list(opponent.network.parameters())
    looks: list[object] = []
    opponent.network.register_forward_hook(lambda *_: looks.append(None))

    def terms_of(strength: torch.Tensor) -> tuple[torch.Tensor, Judgement]:
        judgement = opponent.judge(batch, batch.target + strength * (fake - batch.target))
        return torch.stack([term() for term in judgement.terms.values()]).sum(), judgement

    strength = torch.ones((), requires_grad=True)
    total, judgement = terms_of(strength)
    torch.autograd.backward(total, inputs=[strength], retain_graph=True)
    assert all(weight.grad is None for weight in weights)
    judgement.learn(1)
    assert len(looks) == 2
    shared = [weight.grad for weight in weights]

    opponent.network.requires_grad_(False)
    alone = torch.ones((), requires_grad=True)
    terms_of(alone)[0].backward()
    assert strength.grad is not None and alone.grad is not None
    assert float(strength.grad) == pytest.approx(float(alone.grad)) != 0

    opponent.network.requires_grad_(True).zero_grad()
    opponent.judge(batch, fake).learn(1)
    for weight, grad in zip(weights, shared, strict=True):
        assert weight.grad is not None and grad is not None
        assert torch.allclose(weight.grad, grad, atol=1e-7)


def test_penalties_that_pull_to_zero_take_the_slope_of_the_sum() -> None:
    """N logits of slope 1 each, each at its own pixel: half of n, where the mean of them has 1 / 2n."""

    def critic(pictures: torch.Tensor) -> torch.Tensor:
        return sum_up(DiscriminatorOutput(pictures.flatten(1), []), "r1")

    pictures = torch.randn(3, 1, 4, 5)
    r1 = PENALTIES["r1"]
    assert r1 is not None
    assert float(r1(critic, pictures, pictures, torch.ones(3))) == pytest.approx(20 / 2)


def test_the_penalty_that_pulls_to_one_takes_the_slope_of_what_the_loss_is_the_mean_of() -> None:
    logits = torch.tensor([[1.0, 2.0, 6.0]])
    assert float(sum_up(DiscriminatorOutput(logits, []), "gp1")) == pytest.approx(3)
    shares = torch.tensor([[0.5, 0.5, 0.0]])
    assert float(sum_up(DiscriminatorOutput(logits, [], shares), "gp1")) == pytest.approx(1.5)


def test_what_lies_outside_the_area_does_not_count() -> None:
    values, area = torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 4)
    values[..., 0, :] = torch.tensor([1.0, 2, 3, 6])
    area[..., 0, :] = 1
    assert float(mean_where(values, area)) == 3
    assert float(mean_where(values, torch.zeros_like(area))) == 0
    real = torch.zeros_like(values)
    assert float(feature_matching([values], [real], [area])) == 3
    assert float(feature_matching([values], [real])) == pytest.approx(3 / 4)


def test_gram_of_an_area_is_that_of_the_part_cut_out() -> None:
    features = torch.randn(2, 5, 8, 8)
    area = torch.zeros(2, 1, 8, 8)
    area[..., 2:5, 1:7] = 1
    assert torch.allclose(gram(features, area), gram(features[..., 2:5, 1:7]), atol=1e-6)
    assert torch.allclose(gram(features, torch.ones_like(area)), gram(features), atol=1e-6)


@pytest.mark.parametrize(
    ("real", "made", "area"),
    [([1, 2], [0, 3], 0.5), ([4, 5], [1, 2, 3], 1.0), ([1], [2], 0.0), ([1, 1], [1], 0.5),
     ([1, 3], [2, 2, 0], 4 / 6), ([], [], 0.5)],
)  # fmt: skip
def test_the_area_under_the_curve_counts_pairs_in_order(
    real: list[float], made: list[float], area: float
) -> None:
    assert area_under_curve(torch.tensor(real), torch.tensor(made)) == pytest.approx(area)


def test_a_blind_discriminator_and_an_unbeaten_one_are_named() -> None:
    opponent = adversary()
    batch, fake = half_filled()
    for report in range(PATIENCE):
        assert not opponent.warning, report
        told = opponent.tell_apart(batch, batch.target)
        assert set(told.values()) == {0.5}
        assert set(told) == {"auc_1", "auc_2"}
    assert "cannot tell real from made (AUC 0.50)" in opponent.warning
    for parameter in opponent.network.parameters():
        parameter.requires_grad_(True)
    for _ in range(30):
        noisy = dataclasses.replace(batch, noise=opponent.draw(batch.target, 0))
        opponent.zero_grad()
        opponent.judge(noisy, fake).learn(1)
        opponent.step(20.0)
    for _ in range(PATIENCE):
        opponent.tell_apart(batch, fake)
    assert "always tells" in opponent.warning


def test_the_generator_hears_nothing_during_the_head_start() -> None:
    opponent = adversary(head_start_images=10)
    batch, fake = half_filled()
    for images_seen, heard in ((8, False), (10, True)):
        drawn = dataclasses.replace(batch, noise=opponent.draw(batch.target, images_seen))
        assert ("adversarial" in opponent.judge(drawn, fake).terms) == heard
