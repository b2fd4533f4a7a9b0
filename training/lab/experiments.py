"""The one table of the lab: technique -> `Experiment`.

Its entries are written in the tables of `training.lab.trials`.
"""

import difflib
from collections.abc import Sequence

from remend.models.errors import RequestError
from remend.training.lab.experiment import Experiment
from remend.training.lab.trials.adversarial_table import GAME
from remend.training.lab.trials.picture_table import PICTURES

EXPERIMENTS: dict[str, Experiment] = {**GAME, **PICTURES}


def find_experiments(words: Sequence[str]) -> list[str]:
    """Names of the experiments that are meant, in the table's order; all where there is no word.

    Args:
        words: Names of the table, config keys (``adversary.penalty``), or values of such a key
            (``r1``).

    Raises:
        RequestError: A word is none of these; names the nearest one.
    """
    meanings: dict[str, set[str]] = {
        name: {name, *experiment.keys, *experiment.choices}
        for name, experiment in EXPERIMENTS.items()
    }
    known = sorted({word for meant in meanings.values() for word in meant})
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, known, 1, 0.0)[0]
            raise RequestError(
                f"There is no technique {word!r}; the nearest is {near}. "
                f"The lab has {', '.join(EXPERIMENTS)}."
            )
    return [name for name, meant in meanings.items() if not words or meant & set(words)]
