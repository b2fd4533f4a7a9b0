"""The known faults of upscalers trained against a discriminator, each measured; see docs/limits.md.

    python -m benchmarks.faults DATA... [--model x4-photo] [--detail 0 --detail 1] [--peers all] [--damaged]
    python -m benchmarks.faults DATA... --noise 15 --denoise 0 --denoise 1

Prints a markdown table. In units of 1/255 where nothing else is said:

- *colour*: the mean of the output against that of the input, the worst channel of the worst photo;
- *histogram*: the output reduced to the input's size against the input, both sorted: mean distance of
  the sorted values, which is the 1-Wasserstein distance of the histograms;
- *overshoot*: how far the output leaves the range of the original's 5 x 5 neighbourhood, on average over
  places where that range is wider than 40: halos and ringing;
- *flat*: standard deviation of what a Gaussian of 1.5 px takes off where the original is flat: grain that
  was invented or noise that was left; *truth flat* is the original's own;
- *edges*: how steep the output is where the original is steepest, as a part of the original;
- *grid*: power of the output at the frequencies of the network's grid, as a multiple of their
  surroundings: 1 = no line in the spectrum, so no checkerboard;
- *seams*: the largest difference that tiles of 48 px make against tiles of 256.
"""

import argparse
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import peer_runs
from benchmarks.entry import enter
from benchmarks.peer_runs import Peer
from benchmarks.quality import damaged, load_enlarger
from remend.models.imaging.picture import Pixels
from remend.training.evaluation import benchmark as evaluate
from remend.training.evaluation.cases import Case, upscale_cases
from remend.training.evaluation.metrics import luma

Plane = NDArray[np.float32]
FLAT_STD = 2.0
"""Local standard deviation, in 1/255, below which the original counts as flat."""
STEEP_RANGE = 40.0
"""Range of a 5 x 5 neighbourhood, in 1/255, above which there is an edge."""


def noisy(rgb: Pixels, scale: int, std: float) -> Pixels:
    """A reduced photo with white noise of ``std`` in 1/255, the same one every time."""
    small = evaluate.reduced(rgb, scale).astype(np.float64)
    small += np.random.default_rng(0).normal(0, std, small.shape)
    return small.round().clip(0, 255).astype(np.uint8)


def plane(rgb: Pixels) -> Plane:
    """Luma in 1/255, float32."""
    return luma(rgb).astype(np.float32)


def colour_shift(output: Pixels, given: Pixels) -> float:
    """Largest difference of a channel's mean."""
    return float(np.abs(output.mean((0, 1)) - given.mean((0, 1))).max())


def histogram_shift(output: Pixels, given: Pixels) -> float:
    """1-Wasserstein distance of the channels' histograms at the input's size, the worst channel."""
    size = (given.shape[1], given.shape[0])
    reduced = cv2.resize(output, size, interpolation=cv2.INTER_AREA)
    ranked = [np.sort(x.reshape(-1, 3), axis=0).astype(float) for x in (reduced, given)]
    return float(np.abs(ranked[0] - ranked[1]).mean(0).max())


def overshoot(output: Plane, truth: Plane) -> float:
    """Mean distance from the original's local range, at its edges."""
    window = np.ones((5, 5), np.uint8)
    low, high = cv2.erode(truth, window), cv2.dilate(truth, window)
    beyond = np.maximum(np.maximum(output - high, low - output), 0)
    return float(beyond[high - low > STEEP_RANGE].mean())


def fine_detail(picture: Plane) -> Plane:
    """What a Gaussian of 1.5 px takes off."""
    return picture - cv2.GaussianBlur(picture, (0, 0), 1.5)


def flat_places(truth: Plane) -> NDArray[np.bool_]:
    """Where the original is flat over several pixels."""
    mean = cv2.GaussianBlur(truth, (0, 0), 3)
    variance = cv2.GaussianBlur(truth * truth, (0, 0), 3) - mean * mean
    return np.asarray(variance < FLAT_STD**2)


def flat_detail(picture: Plane, flat: NDArray[np.bool_]) -> float:
    """Standard deviation of fine detail in flat places; not a number where there are too few."""
    return float(fine_detail(picture)[flat].std()) if flat.sum() > 500 else float("nan")


def steepness(output: Plane, truth: Plane) -> float:
    """Mean gradient of the output over the original's, at the steepest fiftieth of the original."""

    def gradient(picture: Plane) -> Plane:
        across, down = np.gradient(picture)
        return np.hypot(across, down)

    slopes = gradient(truth)
    steep = slopes > np.quantile(slopes, 0.98)
    return float(gradient(output)[steep].mean() / slopes[steep].mean())


def grid_line(output: Plane, scale: int) -> float:
    """Power at multiples of 1/scale of the sampling rate over that of their surroundings, the worst one."""
    worst = 0.0
    for lines in (output, output.T):
        windowed = (lines - lines.mean(1, keepdims=True)) * np.hanning(lines.shape[1])
        power = (np.abs(np.fft.rfft(windowed, axis=1)) ** 2).mean(0)
        bins = len(power) - 1
        for harmonic in range(1, scale // 2 + 1):
            peak = round(2 * bins * harmonic / scale)
            far = np.arange(max(0, peak - bins // 12), min(bins, peak + bins // 12) + 1)
            around = power[far[np.abs(far - peak) > 3]]
            here = power[max(0, peak - 1) : peak + 2].max()
            worst = max(worst, float(here / np.median(around)))
    return worst


def measure(output: Pixels, given: Pixels, truth: Pixels, scale: int) -> dict[str, float]:
    """All that one output shows."""
    y, original = plane(output), plane(truth)
    flat = flat_places(original)
    return {
        "colour": colour_shift(output, given),
        "histogram": histogram_shift(output, given),
        "overshoot": overshoot(y, original),
        "flat": flat_detail(y, flat),
        "truth flat": flat_detail(original, flat),
        "edges": steepness(y, original),
        "grid": grid_line(y, scale),
    }


def summarise(measured: list[dict[str, float]]) -> dict[str, float]:
    """Means over photos; of the colour, the worst."""
    summary = {name: float(np.nanmean([one[name] for one in measured])) for name in measured[0]}
    summary["colour"] = max(one["colour"] for one in measured)
    return summary


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description="Faults of upscalers, measured.")
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--detail", action="append", type=float)
    parser.add_argument("--denoise", action="append", type=float)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--peers", nargs="+", default=[], help="names, or all; default: ours")
    parser.add_argument("--damaged", action="store_true", help="blur, noise and JPEG on the inputs")
    parser.add_argument(
        "--noise", type=float, default=0.0, help="white noise on the inputs, of 255"
    )
    parser.add_argument("--every", type=int, default=1, help="every so many-th photo only")
    arguments = parser.parse_args()
    scale = arguments.scale
    names = peer_runs.ENLARGERS[scale] if arguments.peers == ["all"] else arguments.peers
    reduce = damaged if arguments.damaged else partial(noisy, std=arguments.noise)
    cases = upscale_cases(arguments.data, scale)[:: arguments.every]
    with ExitStack() as stack:
        methods: dict[str, evaluate.Enlarger] = {
            name: stack.enter_context(Peer(name, scale)) for name in names
        }
        tiled: dict[str, evaluate.Enlarger] = {}
        for model in arguments.model:
            for detail in arguments.detail or [1.0]:
                for denoise in arguments.denoise or [0.5]:
                    name = f"{model} --detail {detail:g} --denoise {denoise:g}"
                    methods[name] = load_enlarger(model, detail, denoise)
                    tiled[name] = load_enlarger(model, detail, denoise, tile_px=48)
        print_table(cases, methods, tiled, scale, reduce)


def print_table(
    cases: list[Case],
    methods: dict[str, evaluate.Enlarger],
    tiled: dict[str, evaluate.Enlarger],
    scale: int,
    reduce: evaluate.Reducer,
) -> None:
    """Run every method on every photo and print the means."""
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in methods}
    for case in cases:
        given = reduce(case.truth, scale)
        for name, enlarge in methods.items():
            output = enlarge(given, scale)
            found = measure(output, given, case.truth, scale)
            other = tiled[name](given, scale) if name in tiled else output
            measured[name].append(
                {**found, "seams": float(np.abs(output.astype(int) - other.astype(int)).max())}
            )
    columns = list(next(iter(measured.values()))[0])
    print(f"| method | {' | '.join(columns)} |")
    print("| --- " * (len(columns) + 1) + "|")
    for name, results in measured.items():
        summary = summarise(results)
        print(f"| {name} | {' | '.join(f'{summary[column]:.2f}' for column in columns)} |")


if __name__ == "__main__":
    enter(main)
