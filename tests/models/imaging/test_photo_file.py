"""A photo's file is opened once, for its header and for its pixels."""

import io
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from remend.models.errors import InputError
from remend.models.imaging.files import (
    encode_picture,
    open_photo,
)
from remend.models.imaging.picture import Picture
from remend.models.storage.remote import to_path
from tests.models.imaging.test_files import noise, picture_of


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every stream that a path opened from now on."""
    opened: list[Any] = []
    plain_open = Path.open

    def open_and_note(self: Path, *arguments: Any, **named: Any) -> Any:
        opened.append(plain_open(self, *arguments, **named))
        return opened[-1]

    monkeypatch.setattr(Path, "open", open_and_note)
    return opened


def test_a_photo_is_opened_once_for_header_and_pixels(tmp_path: Path, streams: list[Any]):
    path = tmp_path / "photo.png"
    picture = picture_of(16, alpha=True)
    path.write_bytes(encode_picture(picture, "png")[0])
    streams.clear()
    with open_photo(path) as photo:
        assert photo.header == ((23, 37), 16, True)
        assert np.array_equal(photo.read().rgb, picture.rgb)
        assert [stream.closed for stream in streams] == [True]
    photo = open_photo(path)
    photo.close()
    assert [stream.closed for stream in streams] == [True] * 2
    assert photo.header.size == photo.read().size  # which opens it again
    assert [stream.closed for stream in streams] == [True] * 3


def test_a_photo_in_memory_can_be_read_twice():
    data, _ = encode_picture(picture_of(8), "png")
    for source in (data, io.BytesIO(data)):
        photo = open_photo(source)
        assert np.array_equal(photo.read().rgb, photo.read().rgb)


def test_a_refused_photo_does_not_stay_open(tmp_path: Path, streams: list[Any]):
    path = tmp_path / "photo.png"
    path.write_bytes(encode_picture(picture_of(8), "png")[0])
    streams.clear()
    with pytest.raises(InputError, match=r"limit of 0\.0001"):
        open_photo(path, max_megapixels=1e-4)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="cut short"):
        open_photo(path).read()
    assert [stream.closed for stream in streams if stream.mode == "rb"] == [True] * 3


def test_behind_a_url_the_header_takes_one_request_and_the_rest_another():
    picture = Picture(noise(900, 900, 3))
    data, _ = encode_picture(picture, "png")
    fetched: list[tuple[int, int]] = []

    class Bucket(AbstractFileSystem):
        protocol = "countedbucket"

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            return {"name": path, "size": len(data), "type": "file"}

        def _open(self, path: str, *_: Any, block_size: Any = None, **__: Any) -> Any:
            return BucketFile(self, path, "rb", block_size)

    class BucketFile(AbstractBufferedFile):
        def _fetch_range(self, start: int, end: int) -> bytes:
            fetched.append((start, end))
            return data[start:end]

    fsspec.register_implementation("countedbucket", Bucket, clobber=True)
    with open_photo(to_path("countedbucket://photos/a.png")) as photo:
        assert photo.header.size == (900, 900)
        (header,) = fetched
        assert header[1] < len(data) / 2
        assert np.array_equal(photo.read().rgb, picture.rgb)
    assert fetched == [header, (header[1], len(data))]  # no byte twice
