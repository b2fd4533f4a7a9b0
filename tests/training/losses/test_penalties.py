"""Gradient penalties: closed forms on simple critics, and the Dirac-GAN they were made for."""

import pytest
import torch
from torch import Tensor

from remend.training.lab.problems.dirac import DiracSettings, run_dirac
from remend.training.losses.gan import GAN_LOSSES, GanLossName
from remend.training.losses.penalties import PENALTIES, PenaltyName, interpolate

SLOPE = torch.tensor([0.6, 0.8, 1.2])  # norm² = 2.44


def sample(seed: int) -> Tensor:
    return torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("name", "value"),
    [("gp1", (2.44**0.5 - 1) ** 2), ("r1", 1.22), ("r2", 1.22), ("gp0", 2.44)],
)
def test_a_linear_critic_has_the_exact_penalty(name: PenaltyName, value: float) -> None:
    penalty = PENALTIES[name]
    assert penalty is not None
    result = penalty(lambda x: x @ SLOPE, sample(0), sample(1), torch.rand(5))
    assert float(result) == pytest.approx(value, rel=1e-5)


def test_r1_and_r2_look_at_their_own_side() -> None:
    real, fake = torch.ones(2, 3), torch.zeros(2, 3)

    def quadratic(x: Tensor) -> Tensor:
        return x.square().sum(1) / 2

    for name, value in (("r1", 1.5), ("r2", 0.0)):
        penalty = PENALTIES[name]  # pyright: ignore[reportArgumentType]
        assert penalty is not None
        assert penalty(quadratic, real, fake, torch.rand(2)).item() == pytest.approx(value)


def test_interpolates_lie_on_the_segment() -> None:
    real, fake, mix = sample(0), sample(1), torch.rand(5)
    point = interpolate(real, fake, mix)
    distance = (point - real).norm(dim=1) + (point - fake).norm(dim=1)
    assert torch.allclose(distance, (real - fake).norm(dim=1), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "none"])
def test_penalties_reach_the_critics_parameters(name: PenaltyName) -> None:
    weight = SLOPE.clone().requires_grad_()
    penalty = PENALTIES[name]
    assert penalty is not None
    penalty(lambda x: torch.tanh(x @ weight), sample(0), sample(1), torch.rand(5)).backward()
    assert weight.grad is not None and weight.grad.abs().max() > 0


def dirac_gan(loss: GanLossName, penalty: PenaltyName, weight: float) -> float:
    """Distance from the equilibrium after 500 alternating steps from (1, 1)."""
    settings = DiracSettings(loss=loss, penalty=penalty, penalty_weight=weight)
    return run_dirac(settings).distances[-1]


@pytest.mark.parametrize("loss", ["minimax", "hinge"])
def test_the_dirac_gan_circles_without_a_penalty(loss: GanLossName) -> None:
    assert dirac_gan(loss, "none", 0) > 1.2


@pytest.mark.parametrize(
    ("loss", "penalty", "weight"),
    [("minimax", "r1", 1.0), ("minimax", "gp0", 0.5), ("hinge", "r1", 1.0)],
)
def test_the_dirac_gan_converges_with_a_zero_centred_penalty(
    loss: GanLossName, penalty: PenaltyName, weight: float
) -> None:
    assert dirac_gan(loss, penalty, weight) < 1e-5


def test_the_dirac_gans_jacobian_has_the_eigenvalues_of_the_paper() -> None:
    """Mescheder et al. 2018, lemma 2.3 and section 4.1, from the engine's own losses and penalties."""
    r1 = PENALTIES["r1"]
    assert r1 is not None
    loss = GAN_LOSSES["minimax"]
    real = torch.zeros(1, 1)

    def field(point: Tensor, gamma: float) -> Tensor:
        """Where theta (the generated number) and psi (the critic's slope) are moved to."""
        theta, psi = point.unbind()

        def critic(x: Tensor) -> Tensor:
            return psi * x[:, 0]

        logits = critic(real), critic(theta.view(1, 1))
        of_psi = loss.discriminator(*logits) + gamma * r1(critic, real, real, torch.ones(1))
        (down_psi,) = torch.autograd.grad(of_psi, psi, create_graph=True)
        (down_theta,) = torch.autograd.grad(loss.generator(logits[1]), theta, create_graph=True)
        return -torch.stack([down_theta, down_psi])

    for gamma in (0.0, 0.5, 1.0, 2.0):
        point = torch.zeros(2, requires_grad=True)
        moved = field(point, gamma)
        rows = [torch.autograd.grad(one, point, retain_graph=True)[0] for one in moved]
        found = torch.linalg.eigvals(torch.stack(rows))
        root = torch.sqrt(torch.tensor(gamma**2 - 1, dtype=torch.complex64))
        expected = torch.stack([(-gamma + root) / 2, (-gamma - root) / 2])
        for one in expected:
            assert (found - one).abs().min() < 1e-3, (gamma, found)
