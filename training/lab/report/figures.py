"""One figure an experiment: a row for each trial, its first measure on the left, its panels beside.

Small PNGs (a palette of 256 colours). Nothing is computed here.
"""

import io
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from remend.training.lab.report.findings import Clouds, Lines, Panel, Pictures, Trial

Part = Any
"""A piece of a figure, matplotlib's SubFigure; its methods and those of a plot take untyped keywords."""
Plot = Any
"""matplotlib's Axes."""
DPI, ROW_INCHES, COLUMN_INCHES, COLOURS = 100, 2.5, 3.9, 256
PER_LINE = 4


def draw_figure(trials: Sequence[Trial], file: Path) -> None:
    """Draw the trials of one experiment to a PNG."""
    columns = 1 + max(len(trial.panels) for trial in trials)
    size = (COLUMN_INCHES * columns, ROW_INCHES * len(trials))
    figure: Any = Figure(figsize=size, dpi=DPI, layout="constrained")
    parts = figure.subfigures(len(trials), columns, squeeze=False)
    for row, trial in zip(parts, trials, strict=True):
        draw_values(row[0], trial)
        for part, panel in zip(row[1:], trial.panels, strict=False):
            draw_panel(part, panel)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with Image.open(buffer) as picture:
        picture.convert("RGB").quantize(COLOURS).save(file, optimize=True)


def draw_values(part: Part, trial: Trial) -> None:
    """The first measure of every arm, or its difference from the first: a dot a seed, a bar the mean.

    Of differences the interval is drawn as well, in red: where it crosses 0 no effect was seen.
    """
    axes = part.add_subplot()
    names = list(trial.arms)
    values = [list(trial.arms[name][0]) for name in names]
    title = trial.measures[0].name
    if trial.paired:
        values = [[v - base for v, base in zip(found, values[0], strict=True)] for found in values]
        names, values = names[1:], values[1:]
        title = f"{title}: less {next(iter(trial.arms))}"
    means = [statistics.fmean(found) for found in values]
    labels = ["\n".join(textwrap.wrap(name, 18)) for name in names]
    grey = [] if trial.paired else ["#b8c2cc"]
    axes.barh(labels, means, color=[*grey, *["#8db7e0"] * (len(names) - len(grey))])
    if trial.paired:
        spans = [(effect.low, effect.high) for effect, *_ in trial.effects().values()]
        for row, span in enumerate(spans):
            axes.plot(span, [row, row], color="#d1495b", linewidth=2)
    for row, found in enumerate(values):
        axes.plot(found, [row] * len(found), "o", color="#1f2933", markersize=3)
    axes.axvline(0, color="#1f2933", linewidth=0.6)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    axes.set_title("\n".join(textwrap.wrap(title, 48)), fontsize=9)


def draw_panel(part: Part, panel: Panel) -> None:
    """A panel of any kind."""
    match panel:
        case Lines():
            draw_lines(part.add_subplot(), panel)
        case Clouds():
            part.suptitle(panel.title, fontsize=9)
            for axes, points in zip(grid(part, panel.clouds), panel.clouds.values(), strict=True):
                axes.scatter(points[:, 0], points[:, 1], s=1, color="#1f5fa8")
                axes.set(xlim=(-panel.limit, panel.limit), ylim=(-panel.limit, panel.limit))
        case Pictures():
            part.suptitle(panel.title, fontsize=9)
            pictures = panel.pictures
            for axes, picture in zip(grid(part, pictures), pictures.values(), strict=True):
                axes.imshow(picture.clamp(-1, 1).permute(1, 2, 0).cpu() / 2 + 0.5)


def draw_lines(axes: Plot, panel: Lines) -> None:
    """Curves with a legend."""
    for name, (x, y) in panel.lines.items():
        axes.plot(x, y, label=name, linewidth=1.2)
    if panel.logarithmic:
        axes.set_yscale("log")
    axes.set_xlabel(panel.across, fontsize=8)
    axes.set_ylabel(panel.up, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.set_title(panel.title, fontsize=9)
    axes.legend(fontsize=7, framealpha=0.6)


def grid(part: Part, labels: Mapping[str, Tensor]) -> list[Plot]:
    """Square plots without ticks, one a label, at most four beside each other."""
    count = len(labels)
    rows = -(-count // PER_LINE)
    across = -(-count // rows)
    plots = [part.add_subplot(rows, across, i + 1) for i in range(count)]
    for axes, label in zip(plots, labels, strict=True):
        axes.set_title("\n".join(textwrap.wrap(label, 20)), fontsize=7)
        axes.set(xticks=[], yticks=[], aspect="equal")
    return plots
