"""Several photos at once, without a browser: one mask for all, and all as one zip."""

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from remend.app.page.repair.album import MOST_PHOTOS, AlbumService, read_keys
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.app.page.repair.zipping import MISSING, Zips
from remend.models.errors import InputError, RequestError
from remend.models.inference.restorer import FilledPatch


@pytest.fixture
def zips(sessions: PhotoSessions) -> Zips:
    return Zips(sessions)


@pytest.fixture
def album(sessions: PhotoSessions, zips: Zips) -> AlbumService:
    return AlbumService(sessions, zips)


def add(album: AlbumService, folder: Path, name: str, size: tuple[int, int]) -> str:
    (folder / name).parent.mkdir(exist_ok=True)
    Image.effect_noise(size, 60).convert("RGB").save(folder / name)
    added = album.add_photo({"path": str(folder / name), "page": "1"})
    assert added["thumb"].startswith("data:image/jpeg") and added["name"] == Path(name).name
    assert (added["width"], added["height"]) == size
    return added["photo"]


def unzip(zips: Zips, address: str) -> zipfile.ZipFile:
    request: Any = SimpleNamespace(path_params={"name": address.rsplit("/")[-1]})
    (offer,) = zips._offers.values()
    assert zips.answer(request).status_code == 200
    pieces = list(zips.stream(offer))
    assert max(map(len, pieces)) < 3 * 2**20
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


def test_a_zip_holds_repaired_photos_in_their_formats_and_others_as_they_came(
    album: AlbumService, sessions: PhotoSessions, zips: Zips, upload_folder: Path
):
    keys = [
        add(album, upload_folder, "a/photo.png", (60, 40)),
        add(album, upload_folder, "b/photo.png", (50, 40)),
        add(album, upload_folder, "c/photo.jpg", (70, 50)),
    ]
    sessions.find(keys[2]).apply([FilledPatch(2, 3, np.zeros((4, 5, 3), np.uint8))])
    message = {"photos": [*keys, keys[0]], "page": "1", "format": "auto", "language": "en"}
    sessions.close(keys[1])
    with pytest.raises(RequestError, match="open it again"):
        album.zip_photos(message)
    keys[1] = add(album, upload_folder, "d/photo.png", (50, 40))
    address = album.zip_photos({**message, "photos": keys})["address"]
    (upload_folder / "d/photo.png").unlink()
    sessions.close(keys[1])
    keys.append(add(album, upload_folder, "e/photo.png", (30, 40)))
    with unzip(zips, address) as archive:
        assert archive.namelist() == ["photo.png", "photo-repaired.jpg", MISSING]
        assert archive.read("photo.png") == (upload_folder / "a/photo.png").read_bytes()
        assert Image.open(io.BytesIO(archive.read("photo-repaired.jpg"))).size == (70, 50)
        assert b"no longer kept" in archive.read(MISSING)


def test_two_photos_of_one_name_are_both_in_the_zip(
    album: AlbumService, zips: Zips, upload_folder: Path
):
    keys = [add(album, upload_folder, f"{room}/p.png", (20, 30)) for room in "abc"]
    offer = {"photos": keys, "page": "1", "format": "auto"}
    with unzip(zips, album.zip_photos(offer)["address"]) as archive:
        assert archive.namelist() == ["p.png", "p-2.png", "p-3.png"]


def test_an_address_that_was_not_offered_holds_nothing(zips: Zips):
    request: Any = SimpleNamespace(path_params={"name": "guessed"})
    assert zips.answer(request).status_code == 404


def test_one_mask_lies_over_photos_of_the_same_shape(
    album: AlbumService, sessions: PhotoSessions, upload_folder: Path
):
    source = add(album, upload_folder, "source.png", (60, 40))
    larger = add(album, upload_folder, "larger.png", (120, 80))
    upright = add(album, upload_folder, "upright.png", (40, 60))
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 30:50] = 255
    Image.fromarray(mask).save(upload_folder / "mask.png")
    paint = {"mask": str(upload_folder / "mask.png"), "left": 0, "top": 0, "page": "1"}
    copied = album.copy_mask({**paint, "photo": larger, "source": source})
    overlay = Image.open(io.BytesIO(sessions.find(larger).overlays[copied["number"]]))
    marked = np.asarray(overlay.getchannel("A")) > 0
    assert marked[20:40, 60:100].all() and marked.sum() <= 22 * 42
    assert album.copy_mask({**paint, "photo": upright, "source": source}) == {"number": 0}


def test_after_a_reload_another_page_takes_the_photos_over(
    album: AlbumService, sessions: PhotoSessions, upload_folder: Path
):
    key = add(album, upload_folder, "photo.png", (20, 30))
    assert album.take_photos({"photos": [key, "guessed"], "page": "2"}) == {"fills": [0, None]}
    with pytest.raises(RequestError, match="another tab"):
        album.thumbnail({"photo": key, "page": "1"})
    album.close_photos({"photos": [key]})
    with pytest.raises(RequestError, match="open it again"):
        sessions.look_up(key)


@pytest.mark.parametrize("sent", [None, "key", [1], [["key"]], {"a": 1}])
def test_keys_that_are_none_are_refused(sent: object):
    with pytest.raises(RequestError, match="photos is not what it should be"):
        read_keys(sent)


def test_an_album_has_an_end_and_a_bad_file_is_named(album: AlbumService, upload_folder: Path):
    with pytest.raises(RequestError, match="too many for one album"):
        read_keys([str(number) for number in range(MOST_PHOTOS + 1)])
    (upload_folder / "bad.png").write_text("no picture")
    with pytest.raises(InputError, match=r"bad\.png"):
        album.add_photo({"path": str(upload_folder / "bad.png")})
