"""Writes ``weights/golden.json``: what the shipped weights make of the doctor's scene, in fp32 on a CPU.

    .venv/bin/python benchmarks/golden.py

To be run when weights in ``weights/`` change; ``remend doctor`` and a test compare with it.
"""

import json
import os
import tempfile

from benchmarks.entry import enter
from remend.app.cli.doctor import SCENES
from remend.app.engine.catalogue import hash_weights, list_models
from remend.app.engine.golden import GOLDEN_FILE, sample
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement


def main() -> None:
    """Make the samples of every shipped model and write the file."""
    os.environ["REMEND_MODELS"] = tempfile.mkdtemp()  # the person's own models are not shipped
    pool = ModelPool([choose_placement("cpu", "fp32")])
    golden = {}
    for model in list_models():
        result = SCENES[model.card.task](pool, model)
        golden[hash_weights(model.path)] = sample(result)
        print(model.name)
    GOLDEN_FILE.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    enter(main)
