"""What the page says: sentences, languages, and the cards of the models."""

import ast
import html
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from remend.app.batch.target_size import TargetSize
from remend.app.engine.catalogue import Model, list_models
from remend.app.page.i18n import (
    ENGINE,
    MESSAGES,
    choose_language,
    join_sentences,
    spell_seconds,
    translate_sentence,
)
from remend.app.page.models_tab import PICTURES, cards_list
from remend.app.page.status import OPTION_LABELS, explain, returns_errors, say
from remend.models.checkpoints.card import Card
from remend.models.errors import OptionError, RequestError
from remend.training.finetune.outcome import Outcome, compare
from remend.training.finetune.validation import Score
from tests.helpers.paths import ROOT
from tests.helpers.visiting import CHINESE, ENGLISH


def test_a_file_name_cannot_bring_markup_into_the_status_line():
    assert "<img" not in say("<img src=x onerror=alert(1)> is no picture", "upscale")


def test_an_error_of_ours_is_its_sentence_and_any_other_is_logged(caplog: pytest.LogCaptureFixture):
    def refuse(message: dict[str, Any]) -> dict[str, Any]:
        raise RequestError("The scale 20 is out of range.")

    assert returns_errors(refuse)({}) == {"error": "The scale 20 is out of range."}
    with caplog.at_level(logging.ERROR):
        text = explain(ZeroDivisionError("secret"))
    assert "secret" not in text
    assert "ZeroDivisionError: secret" in caplog.text


def sentences_of(file: Path) -> set[str]:
    """The literals of a source file, with {} where a value stands."""

    def template(node: ast.JoinedStr) -> str:
        parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        return "".join(map(str, parts))

    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    return {template(node) for node in nodes if isinstance(node, ast.JoinedStr)} | {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize(
    ("option", "value", "limit", "sentences"),
    [
        ("scale", 20.0, "1.5 to 8", ("Scale: 20 is", "倍数：20 超出范围；请选择 1.5 到 8。")),
        ("detail", 2, "0 to 1", ("Detail: 2 is", "细节：2 超出范围；请选择 0 到 1。")),
        (
            "grow",
            99,
            "0 to 64",
            ("Fill this far around the paint: 99 is", "填充范围向外扩展：99 超"),
        ),
        ("feather", 2000, "0 to 1000", ("feather: 2000 is", "feather：2000 超出范围")),
    ],
)
def test_a_wrong_option_goes_by_its_label_in_the_visitors_language(
    option: str, value: float, limit: str, sentences: tuple[str, str]
):
    error = OptionError(option, value, "is out of range", limit)
    english, chinese = sentences
    assert explain(error, "en") == f"{english} out of range; choose {limit}."
    assert explain(error, "a language that is not spoken here") == explain(error, "en")
    assert explain(error, "zh").startswith(chinese)


def test_every_language_has_the_labels_of_options():
    for messages in MESSAGES.values():
        assert set(OPTION_LABELS.values()) <= set(messages)


def test_a_width_that_cannot_be_names_no_flag():
    with pytest.raises(OptionError) as caught:
        TargetSize(width=-3)
    assert explain(caught.value, "en").startswith("Target width in pixels: -3 is not possible; ")
    assert explain(caught.value, "zh") == "目标宽度：-3 不可用；请选择大于 0 的数。"


@pytest.mark.parametrize("language", ENGINE)
def test_every_translated_sentence_is_one_that_the_engine_says(language: str):
    root = ROOT
    said = set[str]().union(
        *(
            sentences_of(file)
            for part in ("app", "models", "training")
            for file in (root / part).rglob("*.py")
        )
    )
    for sentence in ENGINE[language]:
        # The reason of an `OptionError` is put together from its problem and its limit.
        parts = sentence.removesuffix(".").split("; choose ")
        assert sentence in said or said.issuperset(parts), sentence
    for sentence, translation in ENGINE[language].items():
        assert "{}{}" not in sentence, f"where does the first value end? {sentence}"
        places = [int(place) for place in re.findall(r"\{(\d)\}", translation)]
        assert set(places) <= set(range(sentence.count("{}")))


def test_every_language_says_the_same_things():
    keys = {language: set(messages) for language, messages in MESSAGES.items()}
    assert keys["zh"] == keys["en"]
    for key, text in MESSAGES["en"].items():
        names = [sorted(re.findall(r"{(\w+)}", said)) for said in (text, MESSAGES["zh"][key])]
        assert names[0] == names[1], key


def test_the_browser_decides_on_the_language():
    assert choose_language(CHINESE) == "zh"
    assert choose_language(ENGLISH) == choose_language(None) == "en"
    assert spell_seconds(45.2, "en") == "45 s"
    assert spell_seconds(600, "zh") == "10 分钟"
    assert join_sentences("en", "One.", "Two.") == "One. Two."
    assert join_sentences("zh", "一。", "二。") == "一。二。"


def test_every_model_has_a_card_that_escapes_what_its_file_says(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
):
    cards = cards_list()
    assert cards.count("<article>") == len(list_models())
    assert "Upscales photos ×4 and takes blur" in cards and "Upscales clean photos ×4" in cards
    assert "照片放大 ×4，并去除模糊" in cards_list("zh") and "干净的照片放大 ×4" in cards_list("zh")
    evil = Card(
        task="<i>",
        architecture="upscale",
        config={},
        metrics={"<b>5 <b>dB": 31.5, "<b>5 SSIM": 0.8765},
        trained_on={"<b>": 3},
        licence="<b>",
        limits="<b>",
    )
    monkeypatch.setattr(
        "remend.app.page.models_tab.list_models", lambda: [Model("<b>", Path("x"), evil)]
    )
    cards = cards_list()
    assert "<b>" not in cards
    assert "<i>" not in cards
    assert "<td>31.50</td><td>0.876</td>" in cards


def test_every_model_that_comes_with_the_program_is_described_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path))  # no others
    ours = [model for model in list_models() if model.comes_with_us]
    assert {"fill", "damage", "x4-photo"} <= {model.name for model in ours}
    for language, messages in MESSAGES.items():
        cards = cards_list(language)
        for model in ours:
            for kind in ("merit", "limits"):
                words = messages[f"{kind}_{model.name.replace('-', '_')}"]
                assert (language == "zh") == bool(re.search("[\u4e00-\u9fff]", words))
                assert html.escape(words) in cards
            assert html.escape(model.card.limits) in cards
            assert (PICTURES / f"{model.name}.jpg").is_file()


def test_without_models_the_tab_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("remend.app.page.models_tab.list_models", list)
    assert "remend train" in cards_list()


@pytest.mark.parametrize("distances", [(None, None), (0.1, 0.2)])
@pytest.mark.parametrize("gain", [0.0, 1.0])
def test_what_a_fine_tune_says_is_chinese_from_end_to_end(
    gain: float, distances: tuple[float | None, float | None]
):
    before = Score(20.0, (0.0, 0.0, 0.0), distances[0])
    after = Score(20.0 + gain, (0.0, 0.0, 0.0), distances[1])
    outcome = Outcome(before, after, 3, 12)
    said = [outcome.sentence, f"640 images: {compare(after, before)} (best so far)"]
    for sentence in said:
        words = re.findall("[A-Za-z]{3,}", translate_sentence(sentence, "zh"))
        assert words == [], sentence
