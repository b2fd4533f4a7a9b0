"""Weights files that are broken or made to do harm, some by plan and some by dice."""

import io
import json
import os
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from safetensors.torch import save

from tests.helpers.hostile_onnx import hostile_onnx

CANARY = "canary"
"""What code in such a file would make, in its working folder."""
_MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
_LEGACY = _MAGIC + pickle.dumps({"little_endian": True, "protocol_version": 1001}, 2)


class Harm:
    """Unpickling it calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def card_file(state: dict[str, torch.Tensor], card: dict[str, Any] | str | None) -> bytes:
    """A safetensors file with a card of ours, whatever it says."""
    text = card if isinstance(card, str) else json.dumps(card)
    return save(state, {"remend": text})


def raw_header(header: bytes, data: bytes = b"") -> bytes:
    """A safetensors file with that header."""
    return len(header).to_bytes(8, "little") + header + data


def old_file(content: bytes, keys: bytes = b"\x80\x02].", data: bytes = b"") -> bytes:
    """A file as torch.save wrote them before archives, around the pickle of a content."""
    return _LEGACY + content + keys + data


def archive(
    content: bytes, storages: dict[str, bytes] | None = None, packing: int = zipfile.ZIP_STORED
) -> bytes:
    """A file as torch.save writes them, around the pickle of a content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as made:
        made.writestr("archive/data.pkl", content)
        for name, data in (storages or {}).items():
            made.writestr(f"archive/data/{name}", data)
    return buffer.getvalue()


def tensor_pickle(
    shape: tuple[int, ...], strides: tuple[int, ...], count: int, key: str = "0"
) -> bytes:
    """The pickle of {"w": a tensor}, written by hand so that it can lie."""
    numbers = [pickle.dumps(value, 2)[2:-1] for value in (shape, strides, count, key)]
    return (
        b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(("
        b"X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + numbers[3] + b"X\x03\x00\x00\x00cpu"
        + numbers[2] + b"tQK\x00" + numbers[0] + numbers[1] + b"\x89ccollections\nOrderedDict\n)RtRs."
    )  # fmt: skip


def nested_pickle(depth: int) -> bytes:
    """A dictionary in a dictionary in a dictionary."""
    return b"\x80\x02" + b"}U\x01a" * depth + b"}" + b"s" * depth + b"."


def doubling_pickle(depth: int) -> bytes:
    """Each dictionary holds the one before twice."""
    steps = [b"\x80\x02}q\x00"]
    for n in range(depth):
        steps.append(b"0}" + (b"U\x01ah" + bytes([n]) + b"s" + b"U\x01bh" + bytes([n]) + b"s"))
        steps.append(b"q" + bytes([n + 1]))
    return b"".join(steps) + b"."


def zip_with_false_end(path_bytes: bytes) -> bytes:
    """A packed archive in front of which an old pickle stands: two readers see two files."""
    return path_bytes + archive(b"\x80\x02}.", {"0": bytes(1 << 20)}, zipfile.ZIP_DEFLATED)


def _planned(state: dict[str, torch.Tensor], card: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    config = card["config"]
    changes: list[dict[str, Any]] = [
        {"config": {**config, "blocks": 1_000_000}},
        {"config": {**config, "blocks": 10**18}},
        {"config": {**config, "width": 20_000}},
        {"config": {**config, "width": 10**12}},
        {"config": {**config, "width": -1}},
        {"config": {**config, "width": "64"}},
        {"config": {**config, "blocks": 2.5}},
        {"config": {**config, "scale": 0}},
        {"config": {**config, "scale": 100_000}},
        {"config": {**config, "gate": ["none"]}},
        {"config": None},
        {"config": [1]},
        {"scale": 0},
        {"scale": True},
        {"scale": 3},
        {"format": "1"},
        {"format": 0},
        {"format": 99},
        {"metrics": {"Set5 PSNR": "31"}},
        {"metrics": [1, 2]},
        {"metrics": None},
        {"trained_on": {"x": {}}},
        {"images_seen": "many"},
        {"licence": 5},
        {"licence": "x" * 100_000},
        {"name": None},
        {"task": ["fill"]},
        {"task": "fill"},
        {"architecture": "os.system"},
        {"architecture": {}},
        {"adapter": 1_000_000},
        {"adapter": -1},
        {"value_range": [1, 0]},
        {"value_range": "ab"},
        {"run": 7},
    ]
    for change in changes:
        yield "card.safetensors", card_file(state, {**card, **change})
    for text in ("", "null", "[]", "{}", "[" * 100_000, '{"task": 1e999}'):
        yield "text.safetensors", card_file(state, text)


def _lying_headers() -> Iterator[tuple[str, bytes]]:
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    for header in (
        {"__metadata__": None, "a": entry},
        {"__metadata__": [], "a": entry},
        {"__metadata__": {"remend": 1}, "a": entry},
        {"a": {**entry, "shape": ["a", "b"]}},
        {"a": {**entry, "shape": [10**12]}},
        {"a": {**entry, "shape": [0, 10**15]}},
        {"a": {**entry, "shape": [1] * 100_000}},
        {"a": {**entry, "data_offsets": [0, 1 << 60]}},
        {"a": {**entry, "data_offsets": [-16, 0]}},
        {"a": {**entry, "dtype": "X"}},
        {"body.1000000.weight": entry, "body.0.weight": entry},
        {f"layers.{10**40}.weight": entry},
        {"x" * 1_000_000: entry},
        {str(n): entry for n in range(60_000)},
        [entry],
    ):
        yield "lie.safetensors", raw_header(json.dumps(header).encode(), bytes(16))
    for text in (b"[" * 5_000_000, b'{"a":[' + b"[]," * 2_000_000 + b"[]]}", b'{"a":' * 1_000_000):
        yield "deep.safetensors", raw_header(text)
    yield "long.safetensors", (1 << 62).to_bytes(8, "little") + b"{}"


def _lying_pickles() -> Iterator[tuple[str, bytes]]:
    bytearray_of_3_gib = b"\x80\x02}U\x01acbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\xc0\x00\x85Rs."
    pickles = [
        bytearray_of_3_gib,
        b"\x80\x02}r\xff\xff\xff\x7f.",  # a memo with 2 000 million places
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f}.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x05\x96\x00\x00\x00\x00\x01\x00\x00\x00.",
        b"\x80\x02\x8b\x00\x00\x00\x40" + b"\x01" * 100,
        b"\x80\x02" + b"}" * 2_000_000 + b".",
        b"\x80\x02" + b"(" * 900_000 + b"t" * 900_000 + b".",
        b"\x80\x02}" + b")" + b"\x85" * 300_000 + b"K\x01s.",  # a key that is deep
        b"\x80\x02" + b"U\xff" + b"a" * 255 + b"q\x00" + b"h\x00h\x00\x93" * 200_000 + b".",
        b"\x80\x02cos\n" + b"a" * 3_000_000 + b"\n.",
        b"\x80\x02(I" + b"9" * 1_000_000 + b"\nt.",
        nested_pickle(50),
        nested_pickle(200_000),
        doubling_pickle(60),
        tensor_pickle((10**6, 10**6), (0, 0), 1),
        tensor_pickle((1 << 40,), (1,), 1 << 40),
        tensor_pickle((4,), (1 << 50,), 4),
        tensor_pickle((-4,), (1,), 4),
        tensor_pickle((4,), (1,), 4, "../../etc/passwd"),
        tensor_pickle((0, 10**9), (1, 1), 4),
        tensor_pickle(tuple([1] * 5_000), tuple([1] * 5_000), 4),
    ]  # fmt: skip
    for content in pickles:
        yield "lie.pth", archive(content, {"0": bytes(16)})
        yield "lie.ckpt", old_file(content, b"\x80\x02]U\x010a.", struct.pack("<q", 4) + bytes(16))


def _lying_archives() -> Iterator[tuple[str, bytes]]:
    yield (
        "length.pth",
        old_file(tensor_pickle((4,), (1,), 4), b"\x80\x02]U\x010a.", struct.pack("<q", 1 << 60)),
    )
    yield (
        "bomb.pth",
        archive(tensor_pickle((4,), (1,), 4), {"0": bytes(50 << 20)}, zipfile.ZIP_DEFLATED),
    )
    yield "two.pth", zip_with_false_end(old_file(b"\x80\x02}."))
    yield "gzip.pth", zlib.compress(bytes(1 << 20))
    yield "entries.pth", archive(b"\x80\x02}.", {str(n): b"" for n in range(40_000)})
    yield "empty.pth", b""
    yield "text.ckpt", b"hello"


def _running() -> Iterator[tuple[str, bytes]]:
    """Pickles that would run code."""
    touch = f"open({CANARY!r}, 'w')"
    harms = [Harm(os.system, f"touch {CANARY}"), Harm(eval, touch), Harm(exec, touch)]
    harms += [Harm(open, CANARY, "w"), Harm(os.mkdir, CANARY), Harm(__import__, "antigravity")]
    for harm in harms:
        for content in (harm, {"params": {"w": harm}}, [harm], {harm.call[0].__name__: (harm,)}):
            yield "code.pth", archive(pickle.dumps(content, 2))
            yield "code.pt", old_file(pickle.dumps(content, 4))


def _diced(seeds: dict[str, bytes], count: int) -> Iterator[tuple[str, bytes]]:
    """Good files, with bytes changed, cut off, moved or repeated."""
    dice = random.Random(1)
    names = sorted(seeds)
    for number in range(count):
        name = names[number % len(names)]
        data = bytearray(seeds[name])
        if number // len(names) % 3 == 0:
            del data[dice.randrange(len(data)) :]
        elif number // len(names) % 3 == 1:
            for _ in range(dice.choice([1, 5, 50])):  # where the structure is
                data[dice.randrange(min(len(data), 4_000))] = dice.randrange(256)
        else:
            for _ in range(dice.choice([1, 20])):
                data[-1 - dice.randrange(min(len(data), 4_000))] = dice.randrange(256)
        yield name, bytes(data)


def _opcodes(count: int) -> Iterator[tuple[str, bytes]]:
    """Pickles of opcodes in any order."""
    import pickletools

    dice = random.Random(2)
    codes = [
        opcode.code.encode("latin-1") for opcode in pickletools.opcodes if opcode.name != "STOP"
    ]
    for _ in range(count):
        steps = [
            dice.choice(codes) + dice.randbytes(dice.randrange(4))
            for _ in range(dice.randrange(400))
        ]
        yield "dice.pth", archive(b"\x80\x02}" + b"".join(steps) + b".")


def hostile_files(
    state: dict[str, torch.Tensor], card: dict[str, Any], good: dict[str, bytes], count: int
) -> list[tuple[str, bytes]]:
    """At least ``count`` files: all that are planned, and diced ones.

    Args:
        state: Tensors of a network of ours.
        card: Its card.
        good: Good files, by name, of which broken ones are made.
        count: How many.
    """
    planned = [
        *_planned(state, card),
        *_lying_headers(),
        *_lying_pickles(),
        *_lying_archives(),
        *_running(),
        *hostile_onnx(),
    ]
    left = max(0, count - len(planned))
    return [*planned, *_opcodes(left // 3), *_diced(good, left - left // 3)]
