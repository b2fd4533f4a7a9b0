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
from remend.training.lab.report.claims import show_claims
from remend.training.lab.report.findings import NO_EFFECT, Trial
from remend.training.lab.report.numbers import show_difference, show_values

RESULTS = "results.json"

HEAD = """# Techniques

What each technique of the training engine does, when to use it, and what it did when it was tried
out: on toy problems, always beside a run without it, even where the effect is none.
Small networks and short runs show what a technique acts on, not how much it is worth in a long run.

This page is made by `remend lab`; only the descriptions are typed by hand. One technique or a config key
is enough (`remend lab r1`, `remend lab generator.norm`), and photos can be named. Every number is the mean
over seeds, with its range in brackets where it varies. Each run is compared with the run of the same seed
in the first row, the one without. The difference is given with the interval in which its true mean lies in
95 of 100 such trials (Student's t). If the interval holds 0, the page says "no effect seen"; then there may
be one that so few runs cannot show. With some hundred rows, a few say "better" or "worse" by chance. Where
nothing is random one run is made, and more than 2 % counts.

"Seen here", "not seen here" and "at a price" below a description are read off the rows: whether what the
description recommends is what was measured, and what got worse by it.
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
                    arm: [[_rounded(value) for value in found] for found in values]
                    for arm, values in trial.arms.items()
                },
                "effects": {
                    arm: [
                        {
                            "difference": _rounded(effect.difference),
                            "interval": [_rounded(effect.low), _rounded(effect.high)],
                            "verdict": effect.verdict,
                        }
                        for effect in found
                    ]
                    for arm, found in trial.effects().items()
                },
                "how": trial.how,
            }
            for trial in trials
        ],
    }


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def write_results(results: Mapping[str, Any], folder: Path) -> None:
    """Replace results.json; entries in the table's order."""
    ordered = {name: results[name] for name in EXPERIMENTS if name in results}
    temporary = folder / f".{RESULTS}.tmp"
    temporary.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(temporary, folder / RESULTS)


def table_of(trial: Mapping[str, Any]) -> list[str]:
    """A Markdown table: a row an arm, a column a measure, and how far the first one differs."""
    names = [measure["name"] for measure in trial["measures"]]
    heads = " | ".join(map(escape, names))
    lines = [f"| | {heads} | difference of the first measure | effect on it |"]
    lines.append("| --- |" + " ---: |" * (len(names) + 1) + " --- |")
    for arm, values in trial["arms"].items():
        cells = [
            show_values(found, name.endswith("dB"))
            for name, found in zip(names, values, strict=True)
        ]
        if effects := trial["effects"].get(arm):
            for column, effect in enumerate(effects[1:], 1):
                cells[column] += "" if effect["verdict"] == NO_EFFECT else f", {effect['verdict']}"
            cells += [show_difference(effects[0]), effects[0]["verdict"]]
        else:
            cells += ["", ""]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def summarise_trial(trial: Mapping[str, Any]) -> tuple[str, str]:
    """A trial in a line: its first measure, and that of every arm with its verdict."""
    measure = trial["measures"][0]["name"]
    cells: list[str] = []
    for arm, values in trial["arms"].items():
        number = show_values([statistics.fmean(values[0])], measure.endswith("dB"))
        effects = trial["effects"].get(arm)
        cells.append(f"{arm} {number}" + (f" ({effects[0]['verdict']})" if effects else ""))
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
    lines += show_claims(experiment.claims, entry["trials"])
    for trial in entry["trials"]:
        lines += [f"**Measured:** {trial['problem']} {show_runs(trial)}", "", *table_of(trial), ""]
    return [*lines, f"![{experiment.title}]({figure})", ""]


def show_runs(trial: Mapping[str, Any]) -> str:
    """How many runs a row is the mean of, and how they were made."""
    values, *_ = trial["arms"].values()
    count = len(values[0])
    seeds = f"{count} seeds." if count > 1 else "One run: nothing in it is random."
    return f"{seeds} {trial['how'].rstrip('.')}." if trial["how"] else seeds


def write_techniques_page(results: Mapping[str, Any], page: Path, figures: Path) -> None:
    """Write the Markdown page of all results; figures are linked relative to it.

    Args:
        results: As in results.json.
        page: The file.
        figures: The folder with one ``NAME.png`` a technique.
    """
    lines = [HEAD]
    lines += ["| technique | measure | without · with |", "| --- | --- | --- |"]
    named = [(name, results[name]) for name in EXPERIMENTS if name in results]
    lines += [summary_row(name, trial) for name, entry in named for trial in entry["trials"]]
    lines.append("")
    folder = os.path.relpath(figures, page.parent)
    for name, entry in named:
        lines += section(name, entry, Path(folder, f"{name}.png").as_posix())
    page.write_text("\n".join(lines), "utf-8")
