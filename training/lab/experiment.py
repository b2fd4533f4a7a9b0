"""What an entry of the lab's table is: a technique's text, and how it is tried out.

The entries themselves are in the tables of `training.lab.trials`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from remend.training.lab.problems.photos import PhotoLab
from remend.training.lab.report.findings import Trial


@dataclass(frozen=True)
class Claim:
    """What a technique's text is based on; whether the lab saw it is read off the row, beside the text.

    Attributes:
        arm: Of the trial.
        verdict: What the text takes for granted of that arm against the first one.
        trial: Which of the experiment's trials, from 0.
        measure: Which of the trial's measures, from 0.
    """

    arm: str
    verdict: str
    trial: int = 0
    measure: int = 0


@dataclass(frozen=True)
class Experiment:
    """One technique.

    Attributes:
        title: The technique's name as a heading.
        keys: Config keys that choose it; empty where nothing is to be chosen.
        choices: Values of those keys that are tried out.
        what: What it is.
        when: When to use it.
        formula: Plain text; σ is the logistic function, r = D(real) and k = D(generated) are logits.
        run: Gives the trials, one after the other; toy problems need nothing of the `PhotoLab`.
        claims: What ``when`` recommends on the ground of an effect, so that the page can say whether the rows
            show it.
    """

    title: str
    keys: tuple[str, ...]
    choices: tuple[str, ...]
    what: str
    when: str
    formula: str
    run: Callable[[PhotoLab], Iterator[Trial]]
    claims: tuple[Claim, ...] = ()
