"""What a person asks for, its limits, and sizes."""

import pytest

from remend.app.batch.requests import FillRequest, UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.models.errors import InputError, OptionError, RequestError
from remend.models.inference.restorer import FillOptions, UpscaleOptions
from remend.models.inference.upscaler import SMALLEST_TILE_PX


def test_sizes():
    assert TargetSize().size_for((30, 20)) == (120, 80)
    assert TargetSize(scale=1.5).size_for((1, 1)) == (2, 2)
    assert TargetSize(width=60).size_for((30, 20)) == (60, 40)
    assert TargetSize(height=60).size_for((30, 20)) == (90, 60)
    assert TargetSize(width=60, height=50).size_for((30, 20)) == (60, 40)
    width, height = TargetSize(megapixels=2).size_for((1000, 500))
    assert abs(width * height - 2e6) < 2e3
    assert TargetSize().fixed_scale == 4
    assert TargetSize(width=9).fixed_scale is None


@pytest.mark.parametrize("scale", [0, 1.49, 8.01, 20, -2, float("nan"), float("inf")])
def test_a_scale_out_of_range_is_refused(scale: float):
    with pytest.raises(RequestError, match=r"choose 1\.5 to 8"):
        TargetSize(scale=scale)


def test_sizes_that_no_photo_or_not_this_one_can_have():
    with pytest.raises(RequestError, match="width=0 is not possible"):
        TargetSize(width=0)
    with pytest.raises(RequestError, match="megapixels=inf"):
        TargetSize(megapixels=float("inf"))
    with pytest.raises(RequestError, match="Only one of"):
        TargetSize(scale=2, height=100)
    with pytest.raises(InputError, match=r"100 x 50 pixels would have to become 0\.5 times"):
        TargetSize(width=50).size_for((100, 50))
    with pytest.raises(InputError, match=r"8\.1 times"):
        TargetSize(width=810).size_for((100, 50))


@pytest.mark.parametrize(
    ("option", "wrong", "right"),
    [
        ("detail", (-0.1, 1.1, float("nan")), (0, 1)),
        ("strength", (-0.1, 1.1), (0, 1)),
        ("feather", (-1, 1001), (0, 1000)),
        ("grow", (-1001, 1001), (-1000, 1000)),
    ],
)
def test_the_limits_of_filling(option: str, wrong: tuple[float, ...], right: tuple[float, ...]):
    for value in right:
        FillRequest(**{option: value})  # pyright: ignore[reportArgumentType]
    for value in wrong:
        with pytest.raises(OptionError, match="out of range") as caught:
            FillRequest(**{option: value})  # pyright: ignore[reportArgumentType]
        assert caught.value.option == option


@pytest.mark.parametrize(
    ("field", "option", "wrong", "right"),
    [
        ("detail", "detail", (-0.1, 1.1), (0, 1, None)),
        ("denoise", "denoise", (-0.1, 1.1), (0, 1, None)),
        ("strength", "strength", (-0.1, 1.1), (0, 1)),
        ("tile_px", "tile", (-1, 1, 31), (None, 0, 32, 5000)),
    ],
)
def test_the_limits_of_enlarging(
    field: str, option: str, wrong: tuple[float, ...], right: tuple[float | None, ...]
):
    for value in right:
        UpscaleRequest(**{field: value})  # pyright: ignore[reportArgumentType]
    for value in wrong:
        with pytest.raises(OptionError) as caught:
            UpscaleRequest(**{field: value})  # pyright: ignore[reportArgumentType]
        assert caught.value.option == option


def test_a_request_becomes_the_restorers_options():
    fill = FillRequest(detail=0.25, feather=3).options
    assert (fill.detail, fill.feather_px) == (0.25, 3)
    asked = UpscaleRequest(TargetSize(scale=2), detail=0.25, tta=True, tile_px=64)
    options = asked.options_for((30, 20))
    assert (options.size, options.detail, options.tta, options.tile_px) == (
        (60, 40),
        0.25,
        True,
        64,
    )


def test_what_is_not_asked_for_is_the_restorers_default():
    assert UpscaleRequest().options == UpscaleOptions()
    assert FillRequest().options == FillOptions()


def test_the_smallest_tile_is_that_of_the_upscaler():
    UpscaleRequest(tile_px=SMALLEST_TILE_PX)
    with pytest.raises(OptionError):
        UpscaleRequest(tile_px=SMALLEST_TILE_PX - 1)
