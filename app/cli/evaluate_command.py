"""What ``remend evaluate`` does around the scores: find weights and other methods, run, print the scores."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from remend.app.cli.printing.terminal import Terminal
from remend.app.engine.catalogue import default_fill_model, default_upscale_model, find_model
from remend.models.device import Placement
from remend.models.errors import OptionError, RequestError
from remend.models.inference.restorer import Inpainter, Upscaler, load_restorer
from remend.training.evaluation import benchmark as evaluate
from remend.training.evaluation.lpips import load_lpips

Method = TypeVar("Method")
Metrics = Mapping[str, Callable[..., float]]


def select_methods(known: Mapping[str, Method], names: str | None) -> dict[str, Method]:
    """The methods named in a comma-separated list; None = all.

    Raises:
        OptionError: One of the names is unknown.
    """
    if names is None:
        return dict(known)
    selected = [name.strip() for name in names.split(",") if name.strip()]
    for name in selected:
        if name not in known:
            limit = f"from {', '.join(known)}, or leave it empty"
            raise OptionError("against", name, "is unknown", limit)
    return {name: known[name] for name in selected}


def run_evaluation(
    task: str,
    data: Sequence[Path],
    model: str | None,
    scale: int,
    against: str | None,
    placement: Placement,
    terminal: Terminal,
    *,
    as_json: bool,
    lpips: bool,
) -> None:
    """Score a model and other methods on photos and print the means.

    Raises:
        RequestError: Unknown model, method or task, a model of another scale, or no photos.
    """
    if task not in ("fill", "upscale"):
        raise RequestError(f"There is nothing to evaluate called {task!r}; choose fill or upscale.")
    metrics = {"LPIPS": load_lpips()} if lpips else {}
    if task == "fill":
        comparison = _compare_fills(data, model, against, placement, metrics)
    else:
        comparison = _compare_enlargements(data, model, scale, against, placement, metrics)
    with terminal.progress(f"{task}: {len(comparison.cases)} photos", counted=True) as bar:
        total = len(comparison.cases)
        scores = evaluate.mean_scores(comparison, lambda i, case, _: bar.update(i + 1, total))
    if as_json:
        # JSON has no infinity, which is the PSNR of equal pictures.
        rows = [
            {"method": method, "set": group}
            | {name: value if math.isfinite(value) else None for name, value in values.items()}
            for (method, group), values in scores.items()
        ]
        print(json.dumps(rows, indent=2))
    else:
        print(evaluate.markdown(scores))


def _compare_fills(
    data: Sequence[Path],
    model: str | None,
    against: str | None,
    placement: Placement,
    metrics: Metrics,
) -> evaluate.Comparison:
    name = model or default_fill_model()
    restorer = load_restorer(find_model(name, "fill"), placement)
    assert isinstance(restorer, Inpainter)
    methods = select_methods(evaluate.FILLERS, against)
    methods[str(name)] = evaluate.our_filler(restorer)
    return evaluate.compare_fills(data, methods, metrics)


def _compare_enlargements(
    data: Sequence[Path],
    model: str | None,
    scale: int,
    against: str | None,
    placement: Placement,
    metrics: Metrics,
) -> evaluate.Comparison:
    name = model or default_upscale_model(scale)
    restorer = load_restorer(find_model(name, "upscale"), placement)
    assert isinstance(restorer, Upscaler)
    if restorer.card.scale != scale:
        problem = f"does not fit {name}, which enlarges by {restorer.card.scale}"
        raise OptionError("scale", scale, problem, "another model or scale")
    methods = select_methods(evaluate.ENLARGERS, against)
    methods[str(name)] = evaluate.our_enlarger(restorer)
    return evaluate.compare_enlargements(data, scale, methods, metrics)
