"""Dials that are set again at the next visit, whatever the browser has kept."""

import math

import gradio as gr
import pytest

from remend.app.page.work.dials import Dial, restore_dials

SLIDER = Dial("scale", gr.Slider(1.5, 8, 4))
CHOICE = Dial("model", gr.Dropdown(["a", "b"], value="a"), lambda: ["a", "c"])


@pytest.mark.parametrize("value", [None, "3", True, 1.4, 9, math.nan, math.inf, [3], {}])
def test_a_number_that_cannot_be_is_not_set(value: object):
    assert "value" not in SLIDER.restore(value)


def test_what_is_possible_is_set_and_a_choice_that_has_gone_is_the_usual_one():
    slider, choice = restore_dials([SLIDER, CHOICE])(3, "c")
    assert (slider["value"], choice["value"], choice["choices"]) == (3, "c", ["a", "c"])
    for gone in ("b", None, 7, ["a"]):
        assert CHOICE.restore(gone)["value"] == "a"
