"""Writing and reading again, and a disk that does what it likes."""

import errno
import io
import os
import resource
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from remend.models.errors import InputError, RequestError
from remend.models.imaging.files import (
    encode_picture,
    is_picture_name,
    read_picture,
    read_size,
    same_file,
    write_picture,
)
from remend.models.imaging.picture import Metadata, Picture

GENERATOR = np.random.default_rng(4)


def noise(*shape: int, dtype: Any = np.uint8) -> np.ndarray[Any, Any]:
    return GENERATOR.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def picture_of(depth: int, *, grey: bool = False, alpha: bool = False) -> Picture:
    dtype = np.uint8 if depth == 8 else np.uint16
    rgb = np.repeat(noise(37, 23, 1, dtype=dtype), 3, 2) if grey else noise(37, 23, 3, dtype=dtype)
    return Picture(rgb, noise(37, 23, dtype=dtype) if alpha else None, Metadata(grey=grey))


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_lossless_files_give_back_every_bit(
    suffix: str, depth: int, grey: bool, alpha: bool, tmp_path: Path
):
    picture = picture_of(depth, grey=grey, alpha=alpha)
    path = tmp_path / f"photo{suffix}"
    notes = write_picture(picture, path)
    read = read_picture(path)

    assert np.array_equal(read.rgb, picture.rgb) and read.bit_depth == depth
    assert (read.alpha is None) == (picture.alpha is None)
    assert read.alpha is None or np.array_equal(read.alpha, picture.alpha)  # pyright: ignore[reportArgumentType]
    both = grey and alpha and depth == 16 and suffix == ".png"  # no library writes such a PNG
    assert read.meta.grey == (grey and not both)
    assert bool(notes) == both
    assert read_size(path) == picture.size == (23, 37)


@pytest.mark.parametrize("alpha", [False, True])
def test_lossless_webp_gives_back_every_bit(alpha: bool):
    picture = picture_of(8, alpha=alpha)
    data, notes = encode_picture(picture, "webp", quality=100)
    read = read_picture(data)

    assert notes == () and np.array_equal(read.rgb, picture.rgb)  # also where alpha is 0
    assert read.alpha is None or np.array_equal(read.alpha, picture.alpha)  # pyright: ignore[reportArgumentType]


def test_a_tall_wide_tiff_of_many_strips_gives_back_every_bit():
    picture = Picture(noise(1500, 400, 3, dtype=np.uint16))
    data, _ = encode_picture(picture, "tiff")

    with Image.open(io.BytesIO(data)) as image:
        strips = image.tag_v2[273]  # pyright: ignore[reportAttributeAccessIssue]
        assert len(strips) > 2
    assert np.array_equal(read_picture(data).rgb, picture.rgb)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_opencv_reads_the_wide_files_that_were_written(suffix: str, tmp_path: Path):
    for alpha in (False, True):
        picture = picture_of(16, alpha=alpha)
        write_picture(picture, tmp_path / f"photo{suffix}")
        bgr = cv2.imread(str(tmp_path / f"photo{suffix}"), cv2.IMREAD_UNCHANGED)
        assert bgr is not None and bgr.shape[2] == 3 + alpha
        assert np.array_equal(bgr[..., 2::-1], picture.rgb)


def test_jpeg_is_close_with_colour_at_full_resolution():
    odd = np.indices((64, 64))[1] % 2 == 1
    stripes = np.where(odd[..., None], (200, 40, 40), (40, 40, 200)).astype(np.uint8)
    data, notes = encode_picture(Picture(stripes), "jpg")

    with Image.open(io.BytesIO(data)) as image:
        assert image.layer[0][1:3] == (1, 1)  # pyright: ignore[reportAttributeAccessIssue]
    # Halved colour would make every pixel of these one-pixel stripes the same violet.
    assert np.abs(read_picture(data).rgb.astype(int) - stripes).mean() < 6
    assert notes == ()
    small, _ = encode_picture(Picture(stripes.copy()), "jpg", quality=30)
    assert len(small) < len(data)


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_16_bits_are_rounded_where_a_format_holds_8(suffix: str):
    levels = np.array([0, 128, 129, 257 * 100 - 128, 257 * 100 + 128, 65_535], np.uint16)
    rgb = np.repeat(levels, 16 * 16 * 3).reshape(-1, 16, 3)
    data, notes = encode_picture(Picture(rgb), suffix, quality=100)

    read = read_picture(data)
    assert read.bit_depth == 8 and "rounded" in notes[0]
    expected = [0, 0, 1, 100, 100, 255]
    middle = read.rgb[8::16, 8].astype(int)
    assert np.abs(middle - np.array(expected)[:, None]).max() <= (0 if suffix == "webp" else 1)


def test_jpeg_lays_transparency_on_white():
    rgb = np.zeros((16, 48, 3), np.uint8)
    alpha = np.repeat(np.array([[0, 128, 255]], np.uint8), 16, 0).repeat(16, 1)
    data, notes = encode_picture(Picture(rgb, alpha), "jpg", quality=100)

    assert np.abs(read_picture(data).rgb[8, 8::16].astype(int) - [[255], [127], [0]]).max() <= 2
    assert notes == ("JPEG holds no transparency; the picture is laid on white.",)


def test_grey_files_get_the_luminance_of_what_is_no_longer_grey():
    colour = Picture(noise(9, 9, 3), meta=Metadata(grey=True))
    data, _ = encode_picture(colour, "png")
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "L"
        assert np.array_equal(
            np.asarray(image), np.asarray(Image.fromarray(colour.rgb).convert("L"))
        )


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_the_same_picture_gives_the_same_bytes(suffix: str):
    picture = picture_of(8, alpha=True)
    assert encode_picture(picture, suffix) == encode_picture(picture, suffix)


def test_requests_that_are_wrong_are_refused():
    picture = picture_of(8)
    with pytest.raises(RequestError, match=r"'bmp' is not written; choose jpg, png, webp or tiff"):
        encode_picture(picture, "bmp")
    with pytest.raises(RequestError, match="The format '' is not written"):
        write_picture(picture, Path("photo"))
    for quality in (0, 101):
        with pytest.raises(RequestError, match=f"quality={quality} is out of range"):
            encode_picture(picture, "jpg", quality=quality)


@pytest.mark.parametrize(("suffix", "longest"), [("jpg", 65_500), ("webp", 16_383)])
def test_formats_end_at_a_longest_side(suffix: str, longest: int):
    fits = Picture(np.zeros((1, longest, 3), np.uint8))
    assert read_picture(encode_picture(fits, suffix)[0]).width == longest
    with pytest.raises(InputError, match=rf"{longest + 1} x 1 pixels do not fit .* write PNG"):
        encode_picture(Picture(np.zeros((1, longest + 1, 3), np.uint8)), suffix)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_saving_replaces_the_old_file_and_leaves_nothing_else(tmp_path: Path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"old")
    picture = picture_of(8)
    write_picture(picture, path)

    assert list(files_in(tmp_path)) == ["photo.png"]
    assert np.array_equal(read_picture(path).rgb, picture.rgb)
    fresh = tmp_path / "fresh.txt"
    fresh.touch()
    assert path.stat().st_mode == fresh.stat().st_mode  # what the umask says, not a private file


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "kind", "sentence"),
    [
        (errno.ENOSPC, InputError, "is full: photo.png needs 0.0 MB; free some space"),
        (errno.EIO, InputError, "cannot be written .* check the disk"),
        (errno.EROFS, RequestError, "the disk is read-only"),
        (errno.EACCES, RequestError, "permission denied"),
    ],
)
def test_a_failing_disk_leaves_the_old_file_whole(
    failing: str,
    number: int,
    kind: type[Exception],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / "photo.png").write_bytes(b"old")
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(kind, match=sentence) as caught:
        write_picture(picture_of(8), tmp_path / "photo.png")
    assert str(tmp_path) in str(caught.value)
    assert files_in(tmp_path) == {"photo.png": b"old"}


def test_a_disk_that_ends_in_the_middle_of_a_file_leaves_the_old_one_whole(tmp_path: Path):
    (tmp_path / "photo.tiff").write_bytes(b"old")
    picture = Picture(noise(200, 200, 3))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(InputError, match=r"cannot be written \(File too large\)"):
            write_picture(picture, tmp_path / "photo.tiff")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files_in(tmp_path) == {"photo.tiff": b"old"}


def test_an_interrupt_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    (tmp_path / "photo.png").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_picture(picture_of(8), tmp_path / "photo.png")
    assert files_in(tmp_path) == {"photo.png": b"old"}


def test_where_nothing_can_be_written_is_one_sentence(tmp_path: Path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    for path, sentence in (
        (tmp_path / "none" / "photo.png", "does not exist, so photo.png cannot be written"),
        (tmp_path / "file" / "photo.png", "does not exist, so photo.png cannot be written"),
        (tmp_path / "folder.png", "is a folder; name a file"),
    ):
        with pytest.raises(RequestError, match=sentence):
            write_picture(picture_of(8), path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


def test_one_file_is_known_by_all_its_names(tmp_path: Path):
    photo, link, hard = tmp_path / "a.png", tmp_path / "link.png", tmp_path / "hard.png"
    photo.touch()
    link.symlink_to(photo)
    hard.hardlink_to(photo)
    (tmp_path / "b").mkdir()

    for name in (photo, link, hard, tmp_path / "b" / ".." / "a.png"):
        assert same_file(photo, name)
    assert not same_file(photo, tmp_path / "c.png")
    assert same_file(tmp_path / "c.png", tmp_path / "b" / ".." / "c.png")  # neither exists yet


def test_names_of_pictures():
    for name in (
        "a.jpg",
        "A.JPEG",
        "b.c.png",
        "ü.webp",
        "x.tif",
        "x.BMP",
        "x.gif",
        "x.avif",
        "x.heic",
    ):
        assert is_picture_name(Path(name))
    for name in ("notes.txt", "jpg", "photo.jpg.part", "._photo.jpg", "photo", ".remend-0.tmp"):
        assert not is_picture_name(Path(name))


@pytest.mark.parametrize(
    ("suffix", "file_format"),
    [(".mpo", "MPO"), (".apng", "PNG"), (".dib", "BMP"), (".dib", "DIB"), (".avifs", "AVIF")],
)
def test_rare_suffixes_are_found_and_read(suffix: str, file_format: str, tmp_path: Path):
    path = tmp_path / f"photo{suffix}"
    first, second = (Image.new("RGB", (8, 6), colour) for colour in ("red", "blue"))
    several = (
        {"save_all": True, "append_images": [second]} if file_format in ("MPO", "AVIF") else {}
    )
    first.save(path, file_format, **several)
    assert is_picture_name(path)
    picture = read_picture(path)
    assert picture.size == (8, 6) and abs(picture.rgb.astype(int) - [255, 0, 0]).max() < 8
    assert len(picture.meta.notes) == bool(several)


def test_a_heic_of_a_camera_is_found_and_named(tmp_path: Path):
    path = tmp_path / "photo.hif"
    path.write_bytes(b"\0\0\0\x18ftypheix\0\0\0\0mif1heix" + bytes(40))
    assert is_picture_name(path)
    with pytest.raises(InputError, match=r"HEIC picture|damaged"):
        read_picture(path)
