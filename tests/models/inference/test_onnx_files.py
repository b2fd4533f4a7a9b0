"""ONNX files of any maker: the same pictures as from the network itself, in whatever way it wants them."""

import os
import signal
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from PIL import Image
from torch import nn

from remend.app.cli.main import main
from remend.app.engine.catalogue import card_of
from remend.models.checkpoints.checkpoint import open_network
from remend.models.checkpoints.onnx_file import check_onnx
from remend.models.device import Placement
from remend.models.errors import InputError, RequestError
from remend.models.imaging.picture import Mask, Picture, to_unit
from remend.models.inference.export import Exported, export_weights
from remend.models.inference.foreign import open_foreign
from remend.models.inference.onnx_files.adapter import OnnxNetwork, open_onnx
from remend.models.inference.regions import WorkSizes, plan_regions
from remend.models.inference.restorer import (
    FillOptions,
    Inpainter,
    UpscaleOptions,
    Upscaler,
    load_restorer,
)
from remend.models.storage import helper_process
from tests.helpers.commands import Remend, only_sentence
from tests.helpers.images import open_image
from tests.helpers.onnx_graphs import filler, make_file, upscaler
from tests.models.inference.test_spandrel_adapter import ENLARGING, FP32, noise


def put(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def repeat(rgb: np.ndarray[Any, Any], scale: int) -> np.ndarray[Any, Any]:
    return rgb.repeat(scale, 0).repeat(scale, 1)


def hole_in(picture: Picture) -> Mask:
    values = np.zeros(picture.rgb.shape[:2], np.uint8)
    values[20:40, 30:60] = 255
    return Mask(values)


def to_onnx(network: nn.Module, path: Path) -> Path:
    """By torch's older exporter, which made the files that circulate."""
    free = {2: "h", 3: "w"}
    with warnings.catch_warnings():  # torch's, about itself
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.rand(1, 3, 24, 20),), path, input_names=["input"],
            output_names=["output"], dynamic_axes={"input": free, "output": free}, dynamo=False,
        )  # fmt: skip
    return path


def test_an_esrgan_gives_what_pytorch_gives(tmp_path: Path, remend: Remend):
    scale, make = ENLARGING["ESRGAN"]
    network = make()
    path = to_onnx(network, tmp_path / "4x.onnx")
    picture = noise(70, 90)
    with torch.inference_mode():
        theirs = network((to_unit(picture.rgb) + 1) / 2)[0].clamp(0, 1)
    Image.fromarray(picture.rgb).save(tmp_path / "photo.png")
    out = tmp_path / "out.png"
    command = ("upscale", tmp_path / "photo.png", "-o", out, "--device", "cpu", "--model", path)
    assert remend(*command, "-s", str(scale)).code == 0
    levels = theirs.permute(1, 2, 0).numpy() * 255
    assert np.abs(np.asarray(open_image(out)) - levels).max() <= 1


@pytest.mark.parametrize("name", ["x2-fidelity", pytest.param("fill", marks=pytest.mark.slow)])
def test_our_exports_give_what_pytorch_gives(name: str, tiny_weights: Path, tmp_path: Path):
    source, path = tiny_weights / f"{name}.safetensors", tmp_path / "ours.onnx"
    export_weights(source, "onnx", path)
    network, card = open_network(source)
    reference = Exported(network, fills=card.task == "fill").eval()  # pyright: ignore[reportArgumentType]
    picture, restorer = (
        noise(512, 512) if name == "fill" else noise(70, 90),
        load_restorer(path, FP32),
    )
    unit = (to_unit(picture.rgb) + 1) / 2
    if isinstance(restorer, Inpainter):
        mask = hole_in(picture)
        ours = restorer.restore(picture, mask, FillOptions(detail=0))
        with torch.inference_mode():
            theirs = reference(unit, torch.as_tensor(mask.values / np.float32(255))[None, None])
    else:
        assert isinstance(restorer, Upscaler) and restorer.card.scale == 2
        ours = restorer.restore(picture)
        with torch.inference_mode():
            theirs = reference(unit)
    assert np.abs(ours.rgb - theirs[0].permute(1, 2, 0).numpy() * 255).max() <= 1


@pytest.mark.parametrize(
    ("model", "scale"),
    [
        (upscaler(3), 3),
        (upscaler(1), 1),
        (upscaler(2, multiple=8), 2),
        (upscaler(2, ("n", 1, "h", "w")), 2),
        (upscaler(2, kind=TensorProto.FLOAT16), 2),
        (upscaler(2, kind=TensorProto.UINT8), 2),
        (upscaler(2, (1, 3, 48, 64), output=(1, 3, 96, 128)), 2),
    ],
    ids=["3x", "1x", "multiples of 8", "grey", "half", "bytes", "one size"],
)
def test_any_upscaler_enlarges(model: onnx.ModelProto, scale: int, tmp_path: Path):
    restorer = load_restorer(put(model, tmp_path / "m.onnx"), FP32)
    assert isinstance(restorer, Upscaler) and restorer.card.scale == scale
    picture = noise(70, 101)
    if model.graph.input[0].type.tensor_type.shape.dim[1].dim_value == 1:
        grey = picture.rgb.mean(2, keepdims=True).round().astype(np.uint8)
        picture = Picture(grey.repeat(3, 2))
    for tile_px in (None, 0, 32):
        large = restorer.restore(picture, UpscaleOptions(tile_px=tile_px)).rgb
        assert np.abs(large.astype(int) - repeat(picture.rgb, scale)).max() <= 1


@pytest.mark.parametrize(
    "model",
    [
        filler(),
        filler(keeps=True),
        filler(output_white=255),
        filler(black=-1, output_white=255),
        filler(white=255, output_white=255),
        filler(is_byte=True, white=255, output_white=255, keeps=True),
        filler(is_byte=True, white=255, output_white=255),
        filler(names=("x", "input_mask"), shapes=(("n", None, "h", "w"), ("n", None, "h", "w"))),
        filler(shapes=((1, 3, 96, 96), (1, 1, 96, 96)), output_white=255),
        filler(shapes=((1, 3, 128, 96), (1, 1, 128, 96))),
    ],
    ids=["LaMa", "1 = keep", "LaMa to 255", "-1 to 1", "0 to 255", "MI-GAN", "bytes, 255 = hole",
         "by name", "one size", "one odd size"],
)  # fmt: skip
def test_any_fill_gets_photo_and_mask_as_it_wants_them(model: onnx.ModelProto, tmp_path: Path):
    restorer = load_restorer(put(model, tmp_path / "m.onnx"), FP32)
    assert isinstance(restorer, Inpainter)
    colour = np.array([200, 90, 30], np.uint8)
    rgb = np.broadcast_to(colour, (80, 90, 3)).copy()
    mask = hole_in(Picture(rgb.copy()))
    rgb[mask.values > 0] = 255
    picture = Picture(rgb)
    filled = restorer.restore(picture, mask, FillOptions(detail=0)).rgb
    assert (filled[mask.values == 0] == colour).all()
    assert np.abs(filled[mask.values > 0].astype(int) - colour).max() <= 2


def test_a_network_of_one_size_sees_as_much_of_the_photo_as_it_can():
    values = np.zeros((400, 900), np.uint8)
    values[180:190, 10:30] = 255
    (region,) = plan_regions(Mask(values), WorkSizes(256, 100, is_fixed=True))
    assert (region.crop.width, region.crop.height, region.crop.left) == (256, 256, 0)
    (small,) = plan_regions(Mask(values[100:300, :200]), WorkSizes(256, 100, is_fixed=True))
    assert (small.crop.width, small.crop.height) == (200, 200)


def test_a_file_is_listed_inspected_added_and_removed(
    remend: Remend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path / "models"))
    path = put(filler(), tmp_path / "lama_fp32.onnx")
    assert '"task": "fill"' in remend("models", "inspect", path).out
    assert remend("models", "add", path, "--licence", "Apache-2.0").code == 0
    (line,) = (line for line in remend("models list").out.splitlines() if "lama" in line)
    assert line.split()[:3] == ["lama_fp32", "fill", "ONNX"] and "Apache-2.0" in line
    assert "fills holes (ONNX)" in (tmp_path / "models" / "lama_fp32.md").read_text()
    assert "ONNX file already" in only_sentence(remend("models export lama_fp32 --to onnx"))
    assert remend("models remove lama_fp32").code == 0
    assert not list((tmp_path / "models").iterdir())


def test_a_process_that_ends_costs_one_photo(tmp_path: Path):
    restorer = load_restorer(put(upscaler(), tmp_path / "m.onnx"), FP32)
    assert isinstance(restorer, Upscaler)
    picture = noise(40, 40)
    restorer.restore(picture)
    process: Any = restorer.network._session._process._process  # pyright: ignore[reportAttributeAccessIssue]
    real = process.poll
    process.poll = lambda: None  # it ends while the photo is on its way
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(InputError, match=r"ended while it ran m\.onnx"):
        restorer.restore(picture)
    process.poll = real
    assert (restorer.restore(picture).rgb == repeat(picture.rgb, 2)).all()


def test_an_interrupted_run_leaves_no_answer_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    restorer = load_restorer(put(upscaler(), tmp_path / "m.onnx"), FP32)
    assert isinstance(restorer, Upscaler)
    restorer.restore(noise(40, 40))
    receive = helper_process._receive
    monkeypatch.setattr(helper_process, "_receive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        restorer.restore(Picture(255 - noise(40, 40).rgb))
    monkeypatch.setattr(helper_process, "_receive", receive)
    assert (restorer.restore(noise(40, 40)).rgb == repeat(noise(40, 40).rgb, 2)).all()


def interrupt(_: Any) -> None:
    raise KeyboardInterrupt


def test_memory_that_a_run_wants_is_tried_with_smaller_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make = onnx.helper.make_node
    nodes = [
        make("Expand", ["image", "many"], ["copies"]),
        make("ReduceMax", ["copies", "first"], ["output"]),
    ]
    port = ("image", TensorProto.FLOAT, (1, 3, "h", "w"))
    constants = {"many": np.array([1000, 1, 1, 1]), "first": np.array([0])}
    model = make_file(nodes, [port], ("output", *port[1:]), constants)
    restorer = load_restorer(put(model, tmp_path / "m.onnx"), FP32)
    assert isinstance(restorer, Upscaler)
    free = SimpleNamespace(available=200 << 20)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    picture = noise(130, 130)  # in one piece 200 MB
    enlarged = restorer.restore(picture, UpscaleOptions(tile_px=0))
    assert any("Memory ran out" in note for note in enlarged.meta.notes)
    assert (enlarged.rgb == picture.rgb).all()


def test_what_a_file_computes_in_is_its_own_affair(tmp_path: Path):
    path = put(upscaler(), tmp_path / "m.onnx")
    half = Placement(torch.device("cpu"), torch.bfloat16, "as asked for")
    assert load_restorer(path, half).placement.dtype == torch.float32
    gpu = Placement(torch.device("cuda"), torch.float16, "as asked for")
    network, _ = open_foreign(path)
    placement = network.suit(gpu)
    assert (placement.device.type, placement.dtype) == ("cpu", torch.float32)
    assert "does not compute on cuda" in placement.reason
    session: Any = network._session
    session.uses_gpu = True
    assert network.suit(gpu).device.type == "cuda"
    # This ONNX Runtime may have no CUDA: then the file runs on the processor, and says so.
    assert isinstance(open_onnx(path, torch.device("cuda"))[0], OnnxNetwork)


def test_a_missing_extra_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = put(upscaler(), tmp_path / "m.onnx")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r"pip install 'remend\[onnx\]'"):
        card_of(path)


def test_the_suffix_does_not_matter(tmp_path: Path):
    assert main(["models", "inspect", str(put(upscaler(), tmp_path / "m.pth"))]) == 0
    check_onnx(put(upscaler(), tmp_path / "m.onnx"))
