"""The form of a fine-tune: what it takes, and a sentence for everything that it does not."""

import math
import os
from pathlib import Path
from typing import Any

import pytest

from remend.app.page.tuning.form import MOST_IMAGES, check_folder, parents, read_form
from remend.models.errors import RequestError


def test_a_form_becomes_the_request_of_the_command(album: Path, models: Path):
    asked = read_form(f" {album} ", "small", "mine.safetensors", 3, 0)
    assert (asked.task, asked.data) == ("upscale", (album,))
    assert asked.out == models / "mine.safetensors" and asked.parent == str(
        models / "small.safetensors"
    )
    assert (asked.seconds, asked.images) == (180, None)
    assert read_form(str(album), "fill", "mine", None, None).seconds == 1200
    by_images = read_form(str(album), "fill", "mine", 3, 64)
    assert (by_images.task, by_images.seconds, by_images.images) == ("fill", None, 64)


def test_what_finds_damage_cannot_be_started_from(models: Path):
    assert {"small", "fill"} <= set(parents()) and "damage" not in parents()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"folder": None}, "No folder is named"),
        ({"folder": "  "}, "No folder is named"),
        ({"folder": "s3://bucket/photos"}, "is an address; name a folder of this computer"),
        ({"folder": "//server/photos"}, "is an address"),
        ({"folder": "photos"}, "is no whole path"),
        ({"folder": "../photos"}, "is no whole path"),
        ({"folder": "/"}, "is the whole disk"),
        ({"folder": "/tmp/.."}, "is the whole disk"),
        ({"folder": "/no/such/folder"}, "does not exist"),
        ({"folder": __file__}, "is a file; name the folder"),
        ({"folder": "/a\0b"}, "cannot be read as a folder"),
        ({"folder": "/" + "a" * 5000}, "cannot be read as a folder"),
        ({"parent": None}, "There is no model"),
        ({"parent": "/etc/passwd"}, "There is no model"),
        ({"parent": "damage"}, "There is no model"),
        ({"name": ""}, "cannot be the name of a model"),
        ({"name": "../../mine"}, "cannot be the name of a model"),
        ({"name": "/tmp/mine"}, "cannot be the name of a model"),
        ({"name": "small"}, "There is a model small already"),
        ({"name": "X2-Photo"}, "There is a model x2-photo already"),
        ({"minutes": 0}, "minutes=0"),
        ({"minutes": -1}, "minutes=-1"),
        ({"minutes": math.nan}, "minutes=nan"),
        ({"minutes": math.inf}, "minutes=inf"),
        ({"images": -4}, "images=-4"),
        ({"images": math.nan}, "images=nan"),
        ({"images": 10 * MOST_IMAGES}, "is out of range"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    album: Path, models: Path, changed: dict[str, Any], sentence: str
):
    good = {"folder": str(album), "parent": "small", "name": "mine", "minutes": 1, "images": 0}
    before = sorted(models.rglob("*"))
    with pytest.raises(RequestError) as caught:
        read_form(**{**good, **changed})
    assert sentence in str(caught.value) and str(caught.value)[-1] in ".)"
    assert sorted(models.rglob("*")) == before


def test_a_folder_that_may_not_be_read(album: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)  # the tests may run as root, who may read all
    with pytest.raises(RequestError, match="check who may read it"):
        check_folder(str(album))
