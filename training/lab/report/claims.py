"""What of a technique's text the rows show: sentences made from the rows, so that they never say more."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from remend.training.lab.experiment import Claim
from remend.training.lab.report.numbers import show_difference


def show_claims(claims: Sequence[Claim], trials: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of Markdown on which claims the rows show, which they do not, and what else got worse.

    Args:
        claims: Of one technique.
        trials: Its trials, as in results.json.
    """
    run = [claim for claim in claims if _is_measured(claim, trials)]
    kept = [_word(claim, trials) for claim in run if _verdict(claim, trials) == claim.verdict]
    missed = [
        f"{_word(claim, trials)}, not {claim.verdict}"
        for claim in run
        if _verdict(claim, trials) != claim.verdict
    ]
    missed += [f"{claim.arm}: not measured yet" for claim in claims if claim not in run]
    prices = [
        _word(other, trials)
        for claim in run
        for measure in range(len(trials[claim.trial]["measures"]))
        if measure != claim.measure
        and _verdict(other := replace(claim, measure=measure), trials) == "worse"
    ]
    parts = {"Seen here": kept, "Not seen here": missed, "At a price": prices}
    lines = [
        f"**{title}:** {'; '.join(dict.fromkeys(said))}." for title, said in parts.items() if said
    ]
    return [part for line in lines for part in (line, "")]


def _is_measured(claim: Claim, trials: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the results have that row: those of an earlier table may lack it."""
    return claim.trial < len(trials) and claim.arm in trials[claim.trial]["effects"]


def _effect(claim: Claim, trials: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return trials[claim.trial]["effects"][claim.arm][claim.measure]


def _verdict(claim: Claim, trials: Sequence[Mapping[str, Any]]) -> str:
    return _effect(claim, trials)["verdict"]


def _word(claim: Claim, trials: Sequence[Mapping[str, Any]]) -> str:
    """Arm, measure, difference and verdict."""
    effect, measure = _effect(claim, trials), trials[claim.trial]["measures"][claim.measure]["name"]
    return f"{claim.arm}, {measure}: {show_difference(effect)}, {effect['verdict']}"
