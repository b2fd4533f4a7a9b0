"""Run experiments and keep what they find: figures, results.json and the page, after each one.

What an experiment does is in `training.lab.trials`; what a command line prints is not decided here.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from remend.models.progress import NO_PROGRESS, Progress
from remend.training.lab.experiments import EXPERIMENTS
from remend.training.lab.problems.photos import PhotoLab
from remend.training.lab.report.figures import draw_figure
from remend.training.lab.report.page import (
    read_results,
    summarise,
    summarise_trial,
    write_results,
    write_techniques_page,
)


def run_lab(
    names: Sequence[str],
    lab: PhotoLab,
    folder: Path,
    page: Path,
    *,
    tell: Callable[[str], None],
    progress: Progress = NO_PROGRESS,
) -> None:
    """Run experiments; results that the folder holds of others stay.

    Args:
        names: Keys of ``EXPERIMENTS``.
        lab: Photos and the networks trained on them.
        folder: Gets results.json and ``NAME.png``.
        page: Gets the Markdown page.
        tell: Called with a line for each trial.
        progress: Shown how many experiments are done.
    """
    results = read_results(folder)
    for done, name in enumerate(names):
        progress.update(done, len(names), name)
        begin = time.process_time()
        trials = list(EXPERIMENTS[name].run(lab))
        results[name] = summarise(trials, time.process_time() - begin)
        draw_figure(trials, folder / f"{name}.png")
        write_results(results, folder)
        write_techniques_page(results, page, folder)
        for trial in results[name]["trials"]:
            tell(f"{EXPERIMENTS[name].title}: {': '.join(summarise_trial(trial))}")
    progress.update(len(names), len(names))
