"""``import remend`` in other people's programs: any kind of photo in and out, and nobody in the way."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import remend

DECOY = """
import sys
sys.path.insert(0, {decoys!r})
import models, app, training          # somebody else's
import remend
import numpy as np
photo = np.full((24, 32, 3), 90, np.uint8)
mask = np.zeros((24, 32), bool)
mask[4:9, 4:9] = True
assert remend.fill(photo, mask, device="cpu").shape == (24, 32, 3)
assert remend.upscale(photo, 2, device="cpu").shape == (48, 64, 3)
import models, app, training
assert models.WHOSE == app.WHOSE == training.WHOSE == "theirs"
assert [name for name in sys.modules if name.startswith(("models.", "app.", "training."))] == []
try:
    remend.upscale(photo, 99)
except remend.RequestError as error:
    print(error)
"""


@pytest.fixture(autouse=True)
def names(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEND_MODELS", str(tiny_weights))


def scene(height: int = 24, width: int = 32) -> np.ndarray:
    dice = np.random.default_rng(0)
    return dice.integers(0, 256, (height, width, 3), dtype=np.uint8)


def hole(height: int = 24, width: int = 32) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[5:12, 8:20] = True
    return mask


def test_other_peoples_packages_of_our_names_stay_theirs(root: Path, tmp_path: Path):
    for name in ("models", "app", "training"):
        (tmp_path / f"{name}.py").write_text("WHOSE = 'theirs'\n")
    code = DECOY.format(decoys=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "99" in done.stdout and "1.5 to 8" in done.stdout


def test_importing_it_loads_nothing_heavy(root: Path):
    code = "import sys, remend; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"torch", "numpy", "PIL", "typer", "gradio", "app", "models"})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [0, 1, 3, 4])
def test_arrays_come_back_as_they_went(dtype: type, channels: int):
    photo = scene().astype(dtype)
    photo = np.dstack([photo, photo[..., :1]])[..., :channels] if channels else photo[..., 0]
    before = photo.copy()
    filled = remend.fill(photo, hole())
    assert filled.shape == photo.shape and filled.dtype == dtype
    assert (filled[~hole()] == photo[~hole()]).all() and (filled != photo).any()
    assert (photo == before).all() and photo.flags.writeable and filled.flags.writeable
    large = remend.upscale(photo, 2)
    assert large.shape == (48, 64, *photo.shape[2:]) and large.dtype == dtype


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_pil_images_of_every_mode(mode: str):
    photo = Image.fromarray(scene()).convert(mode)
    filled = remend.fill(photo, Image.fromarray(hole()))
    assert filled.size == photo.size
    if mode in ("L", "RGB", "RGBA", "LA"):
        assert filled.mode == mode
        assert (np.asarray(filled)[~hole()] == np.asarray(photo)[~hole()]).all()


def test_masks_of_every_kind_are_read_as_those_of_the_command():
    expected = remend.fill(scene(), hole())
    red = hole()[..., None] * np.array([255, 0, 0], np.uint8)
    erased = np.dstack((scene(), 255 - hole() * np.uint8(255)))
    for mask in (red, Image.fromarray(red), erased, Image.fromarray(erased)):
        with pytest.warns(UserWarning, match=r"is filled\."):
            assert (remend.fill(scene(), mask) == expected).all()
    rim = hole() * np.uint8(40)
    assert (remend.fill(scene(), rim) == expected).all()
    shares = remend.fill(scene(), rim, soft_mask=True)
    mixed = scene() + 40 / 255 * (expected.astype(float) - scene())
    assert abs(shares - mixed).max() <= 1
    nearly_all = np.where(hole() & (np.arange(32) < 12), 0, 255).astype(np.uint8)
    with pytest.warns(UserWarning, match=r"\(invert_mask=True\)"):
        remend.fill(scene(), nearly_all)


def test_a_path_gives_what_the_array_gives_and_metadata_beside(tmp_path: Path):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    path, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    Image.fromarray(scene()).save(path, exif=exif, dpi=(300, 300))
    Image.fromarray(hole()).save(mask)
    filled = remend.fill(path, str(mask))
    assert (np.asarray(filled) == remend.fill(scene(), hole())).all()
    assert filled.getexif()[0x010E] == "a description"
    with Image.open(path) as image:
        again = remend.fill(image, hole())
    assert (np.asarray(again) == np.asarray(filled)).all()
    assert again.getexif()[0x010E] == "a description"


def test_orientation_is_applied_once(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo.jpg"
    Image.fromarray(scene()).save(path, exif=exif)
    assert remend.upscale(path, 2).size == (48, 64)
    with Image.open(path) as image:
        large = remend.upscale(image, 2)
    assert large.size == (48, 64) and 0x0112 not in large.getexif()


def test_output_is_what_the_command_writes(tmp_path: Path):
    from remend.app.cli.main import main

    path = tmp_path / "photo.png"
    Image.fromarray(scene()).save(path)
    written = remend.upscale(path, 2, output=tmp_path / "python.png", device="cpu")
    assert written == tmp_path / "python.png"
    command = tmp_path / "command.png"
    assert main(["upscale", str(path), "-s", "2", "-o", str(command), "--device", "cpu"]) == 0
    assert command.read_bytes() == written.read_bytes()
    with pytest.raises(remend.RequestError, match="is an input"):
        remend.upscale(path, 2, output=path)


@pytest.mark.parametrize(
    ("photo", "mask", "sentence"),
    [
        (scene().astype(np.float32), hole(), "uint8 or uint16"),
        (scene()[..., :2], hole(), "24, 32, 2"),
        (scene(), hole().astype(np.int64), "255 = fill"),
        (scene(), hole(10, 10), "they must be the same"),
        (scene(), np.ones((24, 32), bool), "covers the whole photo"),
        (None, hole(), "NoneType is no photo"),
        ("missing.png", hole(), "missing.png"),
    ],
)
def test_what_is_wrong_is_one_sentence(photo: object, mask: np.ndarray, sentence: str):
    with pytest.raises(remend.RemendError, match=sentence) as caught:
        remend.fill(photo, mask)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"device": "abacus"}, {"precision": "fp7"}, {"detail": 2}])
def test_wrong_options_are_one_sentence(wrong: dict[str, object]):
    with pytest.raises(remend.RequestError, match="choose"):
        remend.fill(scene(), hole(), **wrong)  # pyright: ignore[reportArgumentType]
