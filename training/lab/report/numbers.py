"""Numbers as the page of techniques shows them."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any


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


def show_difference(effect: Mapping[str, Any]) -> str:
    """A mean difference with its sign, and its interval in brackets."""
    mean, (low, high) = effect["difference"], effect["interval"]
    shown = show_signed(mean)
    return shown if low == high else f"{shown} ({show_signed(low)} to {show_signed(high)})"


def show_signed(value: float) -> str:
    """Three significant digits with a sign; what is only rounding is 0."""
    if abs(value) < 1e-12:
        return "0"
    return show_number(value) if value <= 0 else f"+{show_number(value)}"
