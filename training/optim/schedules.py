"""Numbers that change while training, as functions of images seen.

Who applies them, and to what, is not known here.
"""

import math


def learning_rate_factor(seen: int, total: int, warmup: int, decay_from: float) -> float:
    """Factor on the learning rate: linear warm-up, constant, cosine to 0 (Loshchilov and Hutter 2017).

    Args:
        seen: Images seen so far.
        total: Images of the whole run; the factor is 0 there.
        warmup: Images until the factor reaches 1.
        decay_from: Share of the run after which the cosine begins, 0 to 1.
    """
    rise = min(1.0, (seen + 1) / (warmup + 1))
    begin = decay_from * total
    if seen <= begin:
        return rise
    progress = min(1.0, (seen - begin) / (total - begin))
    return rise * 0.5 * (1 + math.cos(math.pi * progress))


def linear_decay(start: float, seen: int, until: int) -> float:
    """``start`` at 0 images, 0 from ``until`` images on."""
    return start * max(0.0, 1 - seen / until) if until > 0 else 0.0


def half_life_decay(batch: int, half_life: float) -> float:
    """Weight that the past keeps after ``batch`` images if it halves every ``half_life`` images."""
    return 0.5 ** (batch / half_life) if half_life > 0 else 0.0
