"""Turn a run's averaged weights into a file of ``weights/``, with measured numbers and a written card.

    python -m benchmarks.publish RUN NAME --data TESTS... [--parent NAME] [--device TEXT] [--limits TEXT]

Measures the weights on the test pictures (see ``benchmarks/quality.py``), puts the numbers into the card
in the file's header, and writes ``weights/NAME.safetensors``, ``weights/NAME.md`` and, for weights that
were trained with one, ``weights/NAME.discriminator.safetensors``.
"""

import argparse
import dataclasses
import tomllib
from collections import Counter
from pathlib import Path

from benchmarks.damage.measure import finders, share_marked, tally_drawn
from benchmarks.entry import enter
from benchmarks.quality import load_enlarger, load_filler
from remend.app.batch.requests import DEFAULT_SENSITIVITY
from remend.models.checkpoints.checkpoint import Card, open_network, save_network
from remend.training.evaluation import benchmark as evaluate

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"


def measure(file: Path, card: Card, data: list[Path]) -> dict[str, float]:
    """Scores on the test sets, ``set measure -> value``."""
    if card.task == "damage":
        return measure_damage(file, data)
    if card.task == "fill":
        comparison = evaluate.compare_fills(data, {"ours": load_filler(str(file))})
    else:
        enlargers = {"ours": load_enlarger(str(file))}
        comparison = evaluate.compare_enlargements(data, card.scale, enlargers)
    return {
        f"{group} {name}": round(value, 4)
        for (_, group), values in evaluate.mean_scores(comparison).items()
        for name, value in values.items()
    }


def measure_damage(file: Path, data: list[Path]) -> dict[str, float]:
    """Scores on clean photos, of which every tenth is damaged by program too, at the default sensitivity."""
    ours = {"ours": finders(str(file), DEFAULT_SENSITIVITY)[str(file)]}
    drawn = tally_drawn(ours, data, 10)[0]["ours"]
    marked = [share for share, _ in share_marked(ours, data, 1)["ours"]]
    return {
        "drawn damage F1": round(drawn.f1, 4),
        "drawn damage recall": round(drawn.recall, 4),
        "drawn damage precision": round(drawn.precision, 4),
        "clean photos marked, per cent": round(100 * sum(marked) / len(marked), 4),
    }


def source_table(trained_on: dict[str, int]) -> str:
    """Photos by collection and licence as markdown, and their sums by licence class."""
    known = tomllib.loads((WEIGHTS / "sources.toml").read_text("utf-8"))
    lines = ["| photos | from | licence as stated | class |", "| ---: | --- | --- | --- |"]
    classes: Counter[str] = Counter()
    for source, count in trained_on.items():
        entry = known[source]
        classes[entry["class"]] += count
        lines.append(f"| {count} | {entry['from']} | {entry['licence']} | {entry['class']} |")
    sums = ", ".join(f"{count} {name}" for name, count in classes.most_common())
    return f"{sum(classes.values())} photos: {sums}.\n\n" + "\n".join(lines)


def write_card(path: Path, card: Card) -> None:
    """The card for people, beside the weights."""
    metrics = "\n".join(f"| {name} | {value:g} |" for name, value in card.metrics.items())
    limits = card.limits or "See the README."
    path.write_text(
        f"""# {card.name}

- task: {card.task}{f" x{card.scale}" if card.task == "upscale" else ""}
- architecture: `{card.architecture}`, {dict(card.config)}
- images seen: {card.images_seen}, {card.run["hours"]} hours on {card.run["device"]}
- recipe: the header of `{card.name}.safetensors` holds it whole (`remend models inspect`)
- parent: {card.parent or "none, trained from scratch"}
- licence of the weights: {card.licence}

## Measured

| set and measure | value |
| --- | ---: |
{metrics}

## Limits

{limits}

## Trained on

{source_table(dict(card.trained_on))}

No photo is part of the weights file or of this repository. If you need weights without photos of unclear
or non-commercial terms, you can train them yourself: the recipe is in `training/recipe`.
""",
        "utf-8",
    )


def main() -> None:
    """Read the arguments, measure, write."""
    parser = argparse.ArgumentParser(description="Make a file of weights/ from a run.")
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--limits", default="")
    parser.add_argument("--parent", default="", help="name of the weights that the run began with")
    parser.add_argument(
        "--device", help="what the run computed on, if its card does not say enough"
    )
    arguments = parser.parse_args()
    network, card = open_network(arguments.run / "ema.safetensors")
    device = arguments.device or card.run.get("device")
    if not device:
        parser.error(f"the card of {arguments.run} does not say what it ran on; add --device")
    metrics = measure(arguments.run / "ema.safetensors", card, arguments.data)
    recipe = {**card.run["recipe"], "name": arguments.name, "parent": arguments.parent}
    card = dataclasses.replace(
        card,
        name=arguments.name,
        metrics=metrics,
        limits=arguments.limits,
        parent=arguments.parent,
        run={**card.run, "recipe": recipe, "device": device},
    )
    save_network(WEIGHTS / f"{arguments.name}.safetensors", network, card)
    write_card(WEIGHTS / f"{arguments.name}.md", card)
    judge = arguments.run / "discriminator.safetensors"
    if judge.is_file():
        discriminator, judge_card = open_network(judge)
        file = WEIGHTS / f"{arguments.name}.discriminator.safetensors"
        save_network(file, discriminator, dataclasses.replace(judge_card, name=arguments.name))
    print("\n".join(f"{name}: {value}" for name, value in metrics.items()))


if __name__ == "__main__":
    enter(main)
