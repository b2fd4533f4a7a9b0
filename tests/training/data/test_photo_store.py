"""Facts about the photo store: what comes in comes out, somewhere, upright, reproducibly."""

import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from remend.models.errors import RequestError
from remend.training.data.decoding import PhotoBlocks, choose_home
from remend.training.data.photo_store import PhotoStore, batch_to_unit


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def coordinates(height: int, width: int, number: int) -> np.ndarray:
    """A picture whose pixel (y, x) is the colour (y, x, number): any crop says where it is from."""
    y, x = np.mgrid[:height, :width]
    return np.stack((y, x, np.full_like(y, number)), axis=-1).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos in a folder (one of them deeper), two in a shard beside them."""
    root = tmp_path / "photos"
    (root / "deep" / "er").mkdir(parents=True)
    Image.fromarray(coordinates(40, 60, 0)).save(root / "a.png")
    Image.fromarray(coordinates(90, 33, 1)).save(root / "deep" / "er" / "b.PNG")
    Image.fromarray(coordinates(64, 64, 2)).save(root / "c.webp", lossless=True)
    with tarfile.open(root / "shard.tar", "w") as archive:
        for number, name in ((3, "in/d.png"), (4, "in/e.bmp")):
            file = tmp_path / Path(name).name
            Image.fromarray(coordinates(50 + number, 70, number)).save(file)
            archive.add(file, name)
    (root / "notes.txt").write_text("not a picture")
    (root / "._a.png").write_bytes(b"resource fork")
    return root


@pytest.fixture
def store(folder: Path) -> PhotoStore:
    return PhotoStore.load([folder], min_side=32)


def test_folders_and_shards_are_read_whole(store: PhotoStore):
    assert store.names == ["a", "c", "b", "d", "e"]
    assert store.skipped == []
    assert store.heights.tolist() == [40, 64, 90, 53, 54]
    assert store.widths.tolist() == [60, 64, 33, 70, 70]
    assert store.nbytes == len(store.flat) == 3 * int((store.heights * store.widths).sum())
    for index, number in enumerate((0, 2, 1, 3, 4)):
        height, width = int(store.heights[index]), int(store.widths[index])
        start = int(store.offsets[index])
        photo = store.flat[start : start + 3 * height * width].view(height, width, 3)
        assert np.array_equal(photo.numpy(), coordinates(height, width, number))


def test_sources_mix_and_a_limit_takes_the_first(folder: Path):
    mixed = PhotoStore.load([folder / "shard.tar", folder / "deep", folder / "a.png"], min_side=8)
    assert mixed.names == ["d", "e", "b", "a"]
    seen = []
    two = PhotoStore.load([folder], min_side=8, limit=2, on_progress=lambda *at: seen.append(at))
    assert two.names == ["a", "c"]
    assert seen == [(1, 2), (2, 2)]


def test_a_photo_is_upright_and_rgb(tmp_path: Path):
    grey = Image.fromarray(np.tile(np.arange(0, 200, 5, dtype=np.uint8), (20, 1)))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90 degrees clockwise
    grey.save(tmp_path / "turned.png", exif=exif)
    store = PhotoStore.load([tmp_path], min_side=8)
    assert (store.heights.item(), store.widths.item()) == (40, 20)
    photo = store.flat.view(40, 20, 3)
    assert (photo == photo[:, :1, :1]).all() and photo[-1, 0, 0] == 195


def test_labels_are_the_first_folders_below_the_sources(tmp_path: Path):
    pets, cars = tmp_path / "pets", tmp_path / "cars"
    places = ("pets/dogs/old/1.png", "pets/cats/2.png", "pets/3.png", "cars/4.png", "5.png")
    for number, place in enumerate(places):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coordinates(10, 10, number)).save(tmp_path / place)
    for shard, member in (
        (pets / "cats" / "s.tar", "birds/6.png"),
        (pets / "s.tar", "birds/7.png"),
    ):
        with tarfile.open(shard, "w") as archive:
            archive.add(tmp_path / "5.png", member)
    store = PhotoStore.load([pets, cars, tmp_path / "5.png"], min_side=8)
    classes = {
        name: store.class_names[label]
        for name, label in zip(store.names, store.labels.tolist(), strict=True)
    }
    assert classes == {
        "1": "dogs", "2": "cats", "3": "pets", "4": "cars",
        "5": tmp_path.name, "6": "cats", "7": "birds",
    }  # fmt: skip
    assert store.class_names == sorted(store.class_names)
    kept, held = store.split(3, seed=1)
    for part in (kept, held):
        assert part.class_names == store.class_names
        for name, label in zip(part.names, part.labels.tolist(), strict=True):
            assert part.class_names[label] == classes[name]


def test_sixteen_bits_become_eight(tmp_path: Path):
    wide = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    store = PhotoStore.load([tmp_path], min_side=8)
    photo = store.flat.view(32, 32, 3).numpy()
    assert np.abs(photo - wide[..., None] / 257).max() <= 0.5


def test_a_damaged_picture_in_a_shard_is_named(tmp_path: Path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.effect_noise((20, 20), 90).save(good)
    bad.write_bytes(good.read_bytes()[:200])
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        archive.add(bad, "x/bad.png")
        archive.add(good, "x/good.png")
    store = PhotoStore.load([tmp_path / "shard.tar"], min_side=8)
    assert store.names == ["good"]
    assert "shard.tar:x/bad.png was left out: The picture is cut short" in store.skipped[0]


def test_unreadable_and_small_pictures_are_left_out_with_a_sentence(folder: Path):
    (folder / "broken.jpg").write_bytes(b"no picture at all")
    whole = (folder / "c.webp").read_bytes()
    (folder / "cut.webp").write_bytes(whole[: len(whole) // 2])
    store = PhotoStore.load([folder], min_side=40)
    assert store.names == ["a", "c", "d", "e"]
    broken, cut, small = sorted(store.skipped)
    assert "broken.jpg was left out: it is not a picture" in broken
    assert "cut.webp was left out: it is cut short or damaged" in cut
    assert "b.PNG was left out: its shorter side is 33 px, at least 40 px are needed." in small


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: root / "nowhere", ["nowhere does not exist"]),
        (lambda root: root / "empty", ["No pictures were found in", "empty", ".webp"]),
        (lambda root: root / "small", ["at least 32 px", "the largest has 9 px", "smaller crops"]),
        (lambda root: root / "bad.tar", ["bad.tar cannot be read as an uncompressed .tar shard"]),
        (lambda root: root / "broken", ["None of the 1 pictures", "x.png"]),
    ],
)
def test_what_a_person_can_do_wrong_is_one_sentence(tmp_path: Path, make, words: list[str]):
    for name in ("empty", "small", "broken"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (9, 40)).save(tmp_path / "small" / "x.png")
    (tmp_path / "broken" / "x.png").write_bytes(b"text")
    (tmp_path / "bad.tar").write_bytes(b"text" * 1000)
    with pytest.raises(RequestError) as caught:
        PhotoStore.load([make(tmp_path)], min_side=32)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_crops_lie_inside_their_photo_everywhere_in_it(store: PhotoStore):
    size = 24
    crops = store.crops(600, size, dice(), mirror=False)
    assert crops.shape == (600, 3, size, size) and crops.dtype == torch.uint8
    assert crops.is_contiguous(memory_format=torch.channels_last)
    y, x, number = crops.long().unbind(1)
    steps = torch.arange(size)
    assert (y == y[:, :1, :1] + steps[:, None]).all()
    assert (x == x[:, :1, :1] + steps).all()
    assert (number == number[:, :1, :1]).all()
    shapes = {0: (40, 60), 1: (90, 33), 2: (64, 64), 3: (53, 70), 4: (54, 70)}
    for label, (height, width) in shapes.items():
        mine = number[:, 0, 0] == label
        assert 80 < mine.sum() < 160  # a fifth each, whatever their size
        assert y[mine].min() <= 4 and y[mine].max() >= height - 5
        assert x[mine].min() <= 4 and x[mine].max() >= width - 5
        assert y[mine].max() < height and x[mine].max() < width


def test_a_crop_of_the_whole_photo_is_the_photo(folder: Path):
    store = PhotoStore.load([folder / "c.webp"], min_side=64)
    crop = store.crops(1, 64, dice(), mirror=False)
    assert np.array_equal(crop[0].permute(1, 2, 0).numpy(), coordinates(64, 64, 2))


def directions(crops: torch.Tensor) -> set[tuple[int, ...]]:
    """How y and x of the photo run down and across each crop."""
    values = crops[:, :2].long()
    down = values[:, :, 1, 0] - values[:, :, 0, 0]
    across = values[:, :, 0, 1] - values[:, :, 0, 0]
    return {tuple(row) for row in torch.cat((down, across), dim=1).tolist()}


def test_mirror_and_turn_give_exactly_their_symmetries(store: PhotoStore):
    upright, mirrored = (1, 0, 0, 1), (1, 0, 0, -1)
    assert directions(store.crops(200, 8, dice(), mirror=False)) == {upright}
    assert directions(store.crops(200, 8, dice())) == {upright, mirrored}
    assert len(directions(store.crops(200, 8, dice(), turn=True))) == 8


def test_half_is_the_mean_of_four_pixels_and_only_where_it_fits(store: PhotoStore):
    crops = store.crops(300, 20, dice(), mirror=False, half_share=1.0).long()
    step = crops[:, 0, 1, 0] - crops[:, 0, 0, 0]
    number = crops[:, 2, 0, 0]
    assert (step[number == 1] == 1).all()  # 33 px wide: 40 do not fit
    assert (step[number != 1] == 2).all()
    some = store.crops(2000, 20, dice(), half_share=0.25)
    share = (some[:, 0, 1, 0] - some[:, 0, 0, 0] == 2).float().mean() / 0.8
    assert abs(share - 0.25) < 0.05

    noise = torch.randint(0, 256, (8, 8, 3), generator=dice(), dtype=torch.uint8)
    size = torch.tensor([8])
    one = PhotoStore(noise.flatten(), size, size, torch.tensor([0]), ["noise"])
    crop = one.crops(1, 4, dice(), mirror=False, half_share=1.0)[0].permute(1, 2, 0)
    mean = noise.double().view(4, 2, 4, 2, 3).mean(dim=(1, 3))
    assert (crop.double() - mean).abs().max() <= 0.5


def test_a_batch_follows_from_the_generator_state(store: PhotoStore):
    random = dice(5)
    store.crops(7, 16, random, turn=True, half_share=0.5)
    state = random.get_state()
    first = store.crops(7, 16, random, turn=True, half_share=0.5)
    random.set_state(state)
    assert torch.equal(first, store.crops(7, 16, random, turn=True, half_share=0.5))
    assert not torch.equal(first, store.crops(7, 16, random, turn=True, half_share=0.5))


def test_indices_choose_the_photos(store: PhotoStore):
    crops = store.crops(4, 8, dice(), indices=torch.tensor([2, 0, 0, 4]))
    assert crops[:, 2, 0, 0].tolist() == [1, 0, 0, 4]


def test_a_crop_larger_than_a_photo_is_refused(store: PhotoStore):
    with pytest.raises(RequestError, match="Crops of 34 px do not fit: the smallest photo has 33"):
        store.crops(1, 34, dice())


def test_a_split_shares_memory_and_parts_the_photos(store: PhotoStore):
    train, held = store.split(2, seed=3)
    assert len(train) == 3 and len(held) == 2
    assert sorted(train.names + held.names) == sorted(store.names)
    assert train.flat is store.flat and held.flat is store.flat
    assert train.nbytes + held.nbytes == store.nbytes
    assert store.split(2, seed=3)[1].names == held.names
    numbers = {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}
    seen = set(held.crops(50, 8, dice())[:, 2, 0, 0].tolist())
    assert seen == {numbers[name] for name in held.names}
    assert len(store.split(0, seed=0)[1]) == 0
    with pytest.raises(RequestError, match="5 photos cannot be held out of 5"):
        store.split(5, seed=0)


def test_blocks_join_seamlessly():
    blocks = PhotoBlocks(block_bytes=100)
    photos = [coordinates(3 + n, 5, n) for n in range(20)]
    for photo in photos:
        blocks.append(photo)
    flat = blocks.flat(torch.device("cpu"))
    assert np.array_equal(flat.numpy(), np.concatenate([photo.ravel() for photo in photos]))


def test_every_byte_survives_the_unit_range():
    byte = torch.arange(256, dtype=torch.uint8)
    unit = batch_to_unit(byte)
    assert unit.dtype == torch.float32
    assert unit[0] == -1 and unit[255] == 1
    assert torch.equal(((unit + 1) * 127.5).round().to(torch.uint8), byte)


def test_photos_that_fill_a_gpu_stay_on_the_host(
    photo_files: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = torch.device("meta")  # a device that is not the host and is everywhere
    monkeypatch.setattr(
        "remend.training.data.decoding.free_gpu_bytes",
        lambda device: 100 if device == gpu else None,
    )
    photos, held_out = PhotoStore.load(photo_files[1:], device=gpu, min_side=64).split(1, seed=0)
    for store in (photos, held_out):
        assert store.device.type == "cpu"
        assert store.crops(2, 32, torch.Generator().manual_seed(0)).device == gpu
    assert choose_home(50, gpu) == gpu and choose_home(51, gpu) == torch.device("cpu")
