"""Files and plans for tests of batches."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from remend.app.batch.inputs import find_inputs
from remend.app.batch.manifest import MANIFEST_NAME
from remend.app.batch.plan import Naming, Plan, make_folder, make_plan


def touch(*names: str) -> None:
    """Make files; a plan goes by names and never looks into them."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)


def plan_of(
    *arguments: str,
    out: str = "out",
    listed: Iterable[str] = (),
    recursive: bool = False,
    file_format: str = "auto",
    suffix: str = "",
    on_clash: str = "refuse",
) -> Plan:
    found = find_inputs(
        arguments, listed=listed, recursive=recursive, output=Path(out), suffix=suffix
    )
    return make_plan(found, Path(out), Naming(file_format, suffix, on_clash))


def pairs(plan: Plan) -> dict[str, str]:
    return {job.source.as_posix(): job.output.as_posix() for job in plan.jobs}


def noise(width: int, height: int, seed: int) -> Image.Image:
    dice = np.random.default_rng(seed)
    return Image.fromarray(dice.integers(0, 256, (height, width, 3), dtype=np.uint8))


def make_tree(good: int, bad: int, side: int = 120) -> tuple[list[Path], list[Path]]:
    """Photos in a tree, and among them files that are none."""
    goods, bads = [], []
    for index in range(good + bad):
        path = Path("in", f"album {index % 3}", f"{index:03}.{('jpg', 'png', 'webp')[index % 3]}")
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(side, side - 20, index).save(path)
        if index % 10 == 7 and len(bads) < bad:
            whole = path.read_bytes()
            path.write_bytes((whole[: len(whole) // 2], b"", b"no picture")[index // 10 % 3])
            bads.append(path)
        else:
            goods.append(path)
    return goods, bads


def plan_in(out: str, pattern: str = "in") -> Plan:
    found = find_inputs([pattern], recursive=True, output=Path(out))
    if not Path(out).suffix:
        make_folder(Path(out))
    return make_plan(found, Path(out), Naming())


def read_manifest() -> list[dict[str, object]]:
    """The lines of the manifest in ``out``."""
    path = Path("out", MANIFEST_NAME)
    entries = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue  # what a kill cut short
    return entries
