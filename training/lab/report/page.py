"""Findings to files: results.json, and the page that is made from it.

The page needs nothing but results.json and the table, so it can be written again without a run. Figures are
drawn in ``figures``.
"""

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from remend.training.lab.experiments import EXPERIMENTS
from remend.training.lab.problems.photos import SEEDS
from remend.training.lab.report.findings import Trial

RESULTS = "results.json"

HEAD = """# Techniques

What each technique of the training engine does, when to use it, and what it did when it was tried
out: on toy problems that take seconds, always beside a run without it, even where the effect is none.
Small networks and short runs show what a technique acts on, not how much it is worth in a long run.

This page is made by `remend lab`; only the descriptions are typed by hand. One technique or a config key
is enough (`remend lab r1`, `remend lab generator.norm`), and photos can be named. Every number is the mean
of the seeds {seeds}, with its range in brackets where it varies; each seed is compared with the same seed
of the first row, the run without. It counts as an effect where all seeds agree on the sign and the mean
difference is more than 1.5 times the standard deviation of the differences (where a single run was made:
more than 2 %). Otherwise the page says "no clear effect". With so few runs that is a hint, not a proof.
"""


def read_results(folder: Path) -> dict[str, Any]:
    """What was found before in this folder: technique -> entry."""
    file = folder / RESULTS
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def summarise(trials: Sequence[Trial], seconds: float) -> dict[str, Any]:
    """One experiment as plain values."""
    return {
        "seconds": round(seconds, 1),
        "trials": [
            {
                "problem": trial.problem,
                "measures": [{"name": m.name, "better": m.better} for m in trial.measures],
                "arms": {
                    arm: [[float(f"{value:.5g}") for value in found] for found in values]
                    for arm, values in trial.arms.items()
                },
                "verdicts": trial.verdicts(),
            }
            for trial in trials
        ],
    }


def write_results(results: Mapping[str, Any], folder: Path) -> None:
    """Replace results.json; entries in the table's order."""
    ordered = {name: results[name] for name in EXPERIMENTS if name in results}
    temporary = folder / f".{RESULTS}.tmp"
    temporary.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(temporary, folder / RESULTS)


def show_number(value: float) -> str:
    """Three significant digits; what is nearly nothing in powers of ten."""
    if value == 0 or 0.001 <= abs(value) < 10_000:
        return f"{float(f'{value:.3g}'):g}" if abs(value) < 100 else f"{value:.0f}"
    return f"{value:.0e}"


def show_decibels(value: float) -> str:
    """Two digits behind the point."""
    return f"{value:.2f}"


def show_values(values: Sequence[float], precise: bool) -> str:
    """Mean, and the range in brackets where the seeds differ."""
    show = show_decibels if precise else show_number
    low, high, mean = show(min(values)), show(max(values)), show(statistics.fmean(values))
    return mean if low == high else f"{mean} ({low} to {high})"


def table_of(trial: Mapping[str, Any]) -> list[str]:
    """A Markdown table: a row an arm, a column a measure, and the verdict."""
    names = [measure["name"] for measure in trial["measures"]]
    heads = " | ".join(map(escape, names))
    lines = [f"| | {heads} | effect on the first |"]
    lines.append("| --- |" + " ---: |" * len(names) + " --- |")
    for arm, values in trial["arms"].items():
        cells = [
            show_values(found, name.endswith("dB"))
            for name, found in zip(names, values, strict=True)
        ]
        lines.append(f"| {arm} | {' | '.join(cells)} | {trial['verdicts'].get(arm, '')} |")
    return lines


def summarise_trial(trial: Mapping[str, Any]) -> tuple[str, str]:
    """A trial in a line: its first measure, and that of every arm with its verdict."""
    measure = trial["measures"][0]["name"]
    cells: list[str] = []
    for arm, values in trial["arms"].items():
        number = show_values([statistics.fmean(values[0])], measure.endswith("dB"))
        verdict = trial["verdicts"].get(arm)
        cells.append(f"{arm} {number}" + (f" ({verdict})" if verdict else ""))
    return measure, " · ".join(cells)


def summary_row(name: str, trial: Mapping[str, Any]) -> str:
    """A line of the table at the top."""
    title = EXPERIMENTS[name].title
    measure, arms = summarise_trial(trial)
    return f"| [{title}](#{anchor(title)}) | {escape(measure)} | {arms} |"


def escape(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", r"\|")


def anchor(title: str) -> str:
    """How Markdown viewers name a heading."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -")
    return kept.replace(" ", "-")


def section(name: str, entry: Mapping[str, Any], figure: str) -> list[str]:
    """A technique's part of the page."""
    experiment = EXPERIMENTS[name]
    keys = ", ".join(f"`{key}`" for key in experiment.keys) or "none: it is always so"
    lines = [f"## {experiment.title}", "", f"Config: {keys}", "", experiment.what, ""]
    lines += [f"**When:** {experiment.when}", "", "```text", experiment.formula, "```", ""]
    for trial in entry["trials"]:
        lines += [f"**Measured:** {trial['problem']}", "", *table_of(trial), ""]
    return [*lines, f"![{experiment.title}]({figure})", ""]


def write_techniques_page(results: Mapping[str, Any], page: Path, figures: Path) -> None:
    """Write the Markdown page of all results; figures are linked relative to it.

    Args:
        results: As in results.json.
        page: The file.
        figures: The folder with one ``NAME.png`` a technique.
    """
    lines = [HEAD.format(seeds=", ".join(map(str, SEEDS)))]
    lines += ["| technique | measure | without · with |", "| --- | --- | --- |"]
    named = [(name, results[name]) for name in EXPERIMENTS if name in results]
    lines += [summary_row(name, trial) for name, entry in named for trial in entry["trials"]]
    lines.append("")
    folder = os.path.relpath(figures, page.parent)
    for name, entry in named:
        lines += section(name, entry, Path(folder, f"{name}.png").as_posix())
    page.write_text("\n".join(lines), "utf-8")
