"""What ``remend evaluate`` does around the scores: find weights and rivals, run, print a table or JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from remend.app.cli.terminal import Terminal
from remend.app.engine.catalogue import default_fill_model, default_upscale_model, find_model
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.inference.restorer import Inpainter, Upscaler, load_restorer
from remend.training.evaluation import benchmark as evaluate
from remend.training.evaluation.lpips import load_lpips

Method = TypeVar("Method")


def pick(known: Mapping[str, Method], against: str) -> dict[str, Method]:
    """The rivals named in a comma-separated list.

    Raises:
        RequestError: One of the names is unknown.
    """
    names = [name.strip() for name in against.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise RequestError(
                f"--against {name} is unknown; choose from {', '.join(known)}, or leave it empty."
            )
    return {name: known[name] for name in names}


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
    """Score a model and its rivals on photos and print the means.

    Raises:
        RequestError: Unknown model, rival or task, a model of another scale, or no photos.
    """
    extra = {"LPIPS": load_lpips()} if lpips else {}
    if task == "fill":
        name = model or default_fill_model()
        restorer = load_restorer(find_model(name, "fill"), placement)
        assert isinstance(restorer, Inpainter)
        fillers = pick(evaluate.FILLERS, ",".join(evaluate.FILLERS) if against is None else against)
        ours = {str(name): evaluate.our_filler(restorer)}
        comparison = evaluate.compare_fills(data, fillers | ours, extra)
    elif task == "upscale":
        name = model or default_upscale_model(scale)
        restorer = load_restorer(find_model(name, "upscale"), placement)
        assert isinstance(restorer, Upscaler)
        if restorer.card.scale != scale:
            raise RequestError(
                f"--scale {scale} does not fit {name}, which enlarges by {restorer.card.scale}; "
                "name another model or scale."
            )
        rivals = ",".join(evaluate.ENLARGERS) if against is None else against
        enlargers = pick(evaluate.ENLARGERS, rivals) | {str(name): evaluate.our_enlarger(restorer)}
        comparison = evaluate.compare_enlargements(data, scale, enlargers, extra)
    else:
        raise RequestError(f"There is nothing to evaluate called {task!r}; choose fill or upscale.")
    with terminal.progress(f"{task}: {len(comparison.cases)} photos", counted=True) as bar:
        total = len(comparison.cases)
        scores = evaluate.mean_scores(comparison, lambda i, case, _: bar.update(i + 1, total))
    if as_json:
        # JSON knows no infinity, the PSNR of equal pictures.
        rows = [
            {"method": method, "set": group}
            | {name: value if math.isfinite(value) else None for name, value in values.items()}
            for (method, group), values in scores.items()
        ]
        print(json.dumps(rows, indent=2))
    else:
        print(evaluate.markdown(scores))
