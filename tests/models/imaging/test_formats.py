"""What becomes of every kind of photo in every format: each is enlarged, and the file is looked at again.

``docs/formats.md`` is made from what is seen here: ``REMEND_WRITE_FORMATS=1`` writes it anew. A property
that is neither kept nor spoken of fails a test.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import features

from remend.app.batch.plan import Job
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.errors import InputError
from remend.models.progress import NO_PROGRESS
from tests.helpers.paths import ROOT
from tests.helpers.photo_kinds import KINDS, PHOTO, Kind, save_image

PAGE = ROOT / "docs" / "formats.md"
AGAIN = "REMEND_WRITE_FORMATS=1 python -m pytest tests/models/imaging/test_formats.py"
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "TIFF": ".tiff"}


@pytest.fixture(scope="module")
def work(tiny_models: Path) -> UpscaleWork:
    pool = ModelPool([choose_placement("cpu", "fp32")])
    return UpscaleWork(pool, UpscaleRequest(TargetSize(scale=2), "x2-fidelity"))


def see(kind: Kind, file_format: str, folder: Path, work: UpscaleWork) -> tuple[str, str]:
    """What becomes of a kind of photo: ``kept``, ``said`` or ``refused``, and the sentence."""
    source = folder / f"{kind.stem}{kind.suffix}"
    if not source.exists():
        kind.make(source)
    made = folder / "out" / f"{kind.stem}{FORMATS[file_format]}"
    before = source.read_bytes()
    try:
        notes = work.perform(Job(source, made), NO_PROGRESS)
    except InputError as error:
        assert not made.exists()
        return "refused", str(error).replace(str(source), "The photo")
    assert source.read_bytes() == before
    if kind.check(source, made):
        return ("said" if notes else "kept"), " ".join(notes)
    assert notes, f"{kind.name} was lost in {file_format} without a word"
    return "said", " ".join(notes)


def rows(work: UpscaleWork, folder: Path) -> Iterator[tuple[Kind, list[tuple[str, str]]]]:
    for number, kind in enumerate(KINDS):
        place = folder / str(number)
        place.mkdir()
        yield kind, [see(kind, name, place, work) for name in FORMATS]


def write_page(work: UpscaleWork, folder: Path) -> str:
    """The table as Markdown, with every sentence that was said as a numbered note."""
    page = io.StringIO()
    page.write(
        "# Formats\n\n"
        "What becomes of each kind of photo when it is enlarged and written in each format. Every cell\n"
        "is a file that a test wrote and read again; the page is made anew by\n"
        f"`{AGAIN}`.\n\n"
        "*kept*: all of it is in the output. A number: the sentence below is said, on the terminal, in\n"
        "`--json` and in the record of a batch. *refused*: it is a failed input, with that sentence.\n\n"
    )
    page.write(f"| a photo with | {' | '.join(FORMATS)} |\n| --- |{' --- |' * len(FORMATS)}\n")
    sentences: dict[str, int] = {}
    for kind, cells in rows(work, folder):
        words = []
        for state, sentence in cells:
            number = sentences.setdefault(sentence, len(sentences) + 1) if sentence else 0
            words.append(
                {"kept": "kept", "said": f"{number}", "refused": f"refused, {number}"}[state]
            )
        page.write(f"| {kind.name} | {' | '.join(words)} |\n")
    page.write("\n")
    for sentence, number in sentences.items():
        page.write(f"{number}. {sentence}\n")
    page.write(
        "\nHEIC is read with the extra `heic` (`pip install 'remend[heic]'`). Filling reads and writes\n"
        "by the same code; its lossless outputs are the photo's own bits outside the mask.\n"
    )
    return page.getvalue()


needs_avif = pytest.mark.skipif(
    not features.check("avif"), reason="this Pillow was built without AVIF"
)


@needs_avif
def test_the_page_says_what_is_seen(work: UpscaleWork, tmp_path: Path):
    import importlib.util

    if importlib.util.find_spec("pillow_heif"):
        pytest.skip("the page is made without the extra heic")
    page = write_page(work, tmp_path)
    if os.environ.get("REMEND_WRITE_FORMATS") == "1":
        PAGE.write_text(page, "utf-8")
    assert page == PAGE.read_text("utf-8"), f"make it anew: {AGAIN}"


def test_a_loss_without_a_word_is_found(work: UpscaleWork, tmp_path: Path):
    lossy = Kind("nothing", ".png", save_image(PHOTO), lambda *_: False)
    with pytest.raises(AssertionError, match="without a word"):
        see(lossy, "PNG", tmp_path, work)
