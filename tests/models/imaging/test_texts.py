"""IPTC, comments, texts, long XMP: through real files from format to format; what is lost is said."""

import hashlib
import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from remend.models.imaging.files import encode_picture, read_picture
from remend.models.imaging.metadata.leftovers import what_is_left
from remend.models.imaging.picture import Metadata, Picture
from tests.helpers.picture_files import encoded
from tests.models.imaging.test_metadata import exif_with, small_photo

PHOTO = Image.fromarray(small_photo())
IPTC = b"\x1c\x02\x78\0\x0cGrandma 1944\x1c\x02\x19\0\x03dog"  # a caption and a keyword, 25 bytes
RESOURCES = (  # another resource with a name before it (Photoshop's image resources)
    b"8BIM\x03\xed\x03abc" + struct.pack(">L", 3) + b"xyz\0"
    b"8BIM\x04\x04\0\0" + struct.pack(">L", len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
)  # fmt: skip
TARGETS = ["jpg", "png", "webp", "tiff"]
HEAD = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
TAIL = b"</rdf:RDF></x:xmpmeta>"


def jpeg_with(*segments: tuple[int, bytes], behind: bytes = b"") -> bytes:
    head = b"".join(
        bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content
        for marker, content in segments
    )
    return b"\xff\xd8" + head + encoded(PHOTO, "JPEG")[2:] + behind


def png_with(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key.replace("_", " "), text, zip=len(text) > 40)
    return encoded(PHOTO, "PNG", pnginfo=info)


def packed(kind: str, content: bytes) -> str:
    return f"\n{kind}\n{len(content):8}\n" + "\n".join(
        content.hex()[start : start + 72] for start in range(0, 2 * len(content), 72)
    )


IPTC_FILES = {
    "JPEG": jpeg_with((0xED, b"Photoshop 3.0\0" + RESOURCES)),
    "TIFF": encoded(PHOTO, "TIFF", tiffinfo={33_723: IPTC}),
    "TIFF of Photoshop": encoded(PHOTO, "TIFF", tiffinfo={34_377: RESOURCES}),
    "PNG": png_with(Raw_profile_type_iptc=packed("iptc", RESOURCES)),
    "PNG of ExifTool": png_with(Raw_profile_type_iptc=packed("iptc", IPTC)),
    "PNG, 8bim": png_with(Raw_profile_type_8bim=packed("8bim", RESOURCES)),
}


@pytest.mark.parametrize("origin", IPTC_FILES)
def test_iptc_goes_from_every_format_to_every_format_that_holds_it(origin: str):
    picture = read_picture(IPTC_FILES[origin])
    assert picture.meta.iptc == IPTC and picture.meta.texts == picture.meta.notes == ()
    for target in TARGETS:
        content, notes = encode_picture(picture, target)
        if target == "webp":
            assert notes == ("WebP cannot hold the IPTC data; it was dropped.",)
        else:
            assert notes == () and read_picture(content).meta.iptc == IPTC
    with Image.open(io.BytesIO(encode_picture(picture, "jpg")[0])) as image:
        assert image.info["photoshop"] == {0x0404: IPTC}  # as another reader sees it


def test_iptc_in_numbers_of_four_bytes_is_read():
    block = IPTC + bytes(-len(IPTC) % 4)
    numbers = struct.unpack(f"<{len(block) // 4}L", block)
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory.tagtype[33_723] = 4
    directory[33_723] = numbers
    assert read_picture(encoded(PHOTO, "TIFF", tiffinfo=directory)).meta.iptc == block


def test_texts_of_a_png_stay_in_png_and_are_named_elsewhere():
    texts = {
        "Author": "Some Body",
        "parameters": "steps 20",
        "Title": "Käse 🧀",
        "Comment": "hello",
    }
    picture = read_picture(png_with(**texts))
    assert picture.meta.texts == tuple(texts.items())
    content, notes = encode_picture(picture, "png")
    assert notes == () and read_picture(content).meta.texts == picture.meta.texts
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert {key: str(image.info[key]) for key in texts} == texts
    for target, name, held in (("jpg", "JPEG", 1), ("webp", "WebP", 0), ("tiff", "TIFF", 0)):
        content, notes = encode_picture(picture, target)
        lost = ["Author", "parameters", "Title", "Comment"][: 4 - held]
        assert notes == (f"{name} cannot hold these texts: {', '.join(lost)}; they were dropped.",)
        assert read_picture(content).meta.texts == (("Comment", "hello"),) * held
    for target in TARGETS:
        content, notes = encode_picture(picture, target, keep_metadata=False)
        assert notes == () and read_picture(content).meta.texts == () and b"Body" not in content


@pytest.mark.parametrize("comment", [b"scanned 1998", "Größe".encode(), "Größe".encode("latin-1")])
def test_comments_stay_byte_by_byte_in_jpeg_and_readable_in_png(comment: bytes):
    picture = read_picture(jpeg_with((0xFE, b"the first"), (0xFE, comment)))
    content, notes = encode_picture(picture, "jpg")
    assert notes == ()
    with Image.open(io.BytesIO(content)) as image:
        comments = [content for name, content in image.applist if name == "COM"]  # pyright: ignore[reportAttributeAccessIssue]
    assert comments == [b"the first", comment]
    content, notes = encode_picture(picture, "png")
    texts = read_picture(content).meta.texts
    assert notes == () and texts[-1][1] in ("scanned 1998", "Größe")
    gif = read_picture(encoded(PHOTO, "GIF", comment=b"a gif"))
    assert gif.meta.texts == (("Comment", "a gif"),)


def test_profiles_that_imagemagick_packs_into_texts_are_unpacked():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    block = exif_with(6).tobytes()
    picture = read_picture(
        png_with(
            Raw_profile_type_exif=packed("exif", block),
            Raw_profile_type_xmp=packed("xmp", HEAD + TAIL),
            Raw_profile_type_icc=packed("icc", profile),
            Raw_profile_type_iptc="damaged",
        )
    )
    assert picture.size == (16, 24)  # upright
    assert picture.meta.exif is not None and b"Cam" in picture.meta.exif
    assert (picture.meta.xmp, picture.meta.icc_profile) == (HEAD + TAIL, profile)
    assert picture.meta.texts == ()
    app1 = read_picture(png_with(Raw_profile_type_APP1=packed("app1", block)))
    assert app1.meta.exif == picture.meta.exif


def extended_jpeg(length: int = 150_000) -> tuple[bytes, bytes, bytes]:
    """A file, its main packet and its extension, whose parts lie in the wrong order."""
    body = b'<rdf:Description rdf:about="" xmlns:a="urn:a"><a:long>%s</a:long></rdf:Description>'
    extension = HEAD + body % (b"x" * length) + TAIL
    name = hashlib.md5(extension).hexdigest().upper().encode()
    packet = (
        HEAD + b'<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
        b'xmp:Rating="5" xmpNote:HasExtendedXMP="%s"/>' % name + TAIL
    )
    parts = [
        b"http://ns.adobe.com/xmp/extension/\0" + name
        + struct.pack(">LL", len(extension), start) + extension[start : start + 60_000]
        for start in range(0, len(extension), 60_000)
    ]  # fmt: skip
    main = (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    return jpeg_with(main, *((0xE1, part) for part in parts[::-1])), packet, extension


def test_long_xmp_of_a_jpeg_is_kept_everywhere():
    content, packet, extension = extended_jpeg()
    picture = read_picture(content)
    assert (picture.meta.xmp, picture.meta.xmp_extension) == (packet, extension)
    again, notes = encode_picture(picture, "jpg")
    assert notes == () and read_picture(again).meta == picture.meta
    for target in ("png", "webp", "tiff"):
        data, notes = encode_picture(picture, target)
        merged = read_picture(data).meta.xmp
        assert notes == () and merged is not None
        assert b'xmp:Rating="5"' in merged and b"<a:long>xxx" in merged
        assert b"HasExtendedXMP" not in merged and merged.count(b"<rdf:RDF") == 1
        back = read_picture(encode_picture(read_picture(data), "jpg")[0])
        assert back.meta.xmp_extension == merged  # too long for one segment


def test_an_extension_with_a_part_missing_is_said():
    content, packet, _ = extended_jpeg()
    begin = content.index(b"http://ns.adobe.com/xmp/extension/") - 4
    length = int.from_bytes(content[begin + 2 : begin + 4]) + 2
    picture = read_picture(content[:begin] + content[begin + length :])
    assert (picture.meta.xmp, picture.meta.xmp_extension) == (packet, None)
    assert picture.meta.notes == ("The extension of the XMP data is damaged; it was dropped.",)


GAIN_MAP = (
    b'<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
    b'xmlns:C="http://ns.google.com/photos/1.0/container/" xmp:Rating="5" '
    b'xmlns:I="http://ns.google.com/photos/1.0/container/item/" hdrgm:Version="1.0">'
    b'<C:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><C:Item I:Semantic="GainMap" '
    b'I:Length="999"/></rdf:li></rdf:Seq></C:Directory></rdf:Description>'
)
MOTION = (
    b'<rdf:Description rdf:about="" xmlns:G="http://ns.google.com/photos/1.0/camera/" '
    b'G:MicroVideo="1" G:MotionPhotoPresentationTimestampUs="9" G:SpecialTypeID="x" '
    b'G:MicroVideoOffset="30"><G:MotionPhoto>1</G:MotionPhoto></rdf:Description>'
)
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\1" * 99


def jpeg_that_says(described: bytes, behind: bytes) -> bytes:
    packet = b"http://ns.adobe.com/xap/1.0/\0" + HEAD + described + TAIL
    return jpeg_with((0xE1, packet), behind=behind)


GAIN_MAP_FILE = jpeg_that_says(GAIN_MAP, encoded(PHOTO, "JPEG"))
MOTION_FILE = jpeg_that_says(MOTION, VIDEO)


@pytest.mark.parametrize(
    ("content", "note", "gone", "stays"),
    [
        (GAIN_MAP_FILE, "gain map (HDR)", (b"hdrgm:", b"C:", b"I:"), b"Rating"),
        (MOTION_FILE, "video", (b"MicroVideo", b"MotionPhoto"), b"SpecialTypeID"),
    ],
    ids=["gain map", "motion"],
)
def test_what_is_not_written_is_not_promised(
    content: bytes, note: str, gone: tuple[bytes, ...], stays: bytes
):
    picture = read_picture(content)
    assert picture.meta.notes == (f"Its {note} was not kept.",)
    xmp = picture.meta.xmp
    assert xmp is not None and stays in xmp and xmp.endswith(b"</rdf:Description>" + TAIL)
    plain = xmp.replace(b"xmlns:", b"")
    assert not any(b" " + name in plain or b"<" + name in plain for name in gone)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (jpeg_with(behind=VIDEO), "Its video was not kept."),
        (jpeg_with(behind=b"junk" * 9), "The 36 bytes behind its picture were not kept."),
        (jpeg_with(behind=encoded(PHOTO, "JPEG")), "The further pictures behind its own were not"),
        (
            jpeg_with((0xE2, b"urn:iso:std:iso:ts:21496:-1\0....")),
            "Its gain map (HDR) was not kept",
        ),
        (encoded(PHOTO, "MPO", save_all=True, append_images=[PHOTO]), "Only the first of its"),
        (jpeg_with(behind=bytes(40)), None),
    ],
    ids=["video", "unknown", "picture", "gain map", "MPO", "padding"],
)
def test_what_lies_behind_a_jpeg_is_noted(content: bytes, note: str | None):
    notes = read_picture(content).meta.notes
    assert [known.startswith(note or "") for known in notes] == [True] * (note is not None)


def test_bits_beyond_eight_of_an_avif_are_noted():
    content = bytearray(encoded(PHOTO, "AVIF"))
    with Image.open(io.BytesIO(content)) as image:
        assert what_is_left(image, io.BytesIO(content), ()) == []
        flags = content.index(b"av1C") + 6
        content[flags] |= 0x40  # high bit depth (AV1 in ISO base media files, 2.3.3)
        (note,) = what_is_left(image, io.BytesIO(content), ())
    assert note == "Its 10 bits a colour were read with 8."


def test_all_of_it_together_goes_through_a_jpeg():
    meta = Metadata(
        exif=exif_with().tobytes()[6:],
        xmp=HEAD + TAIL,
        dpi=(300.0, 300.0),
        iptc=IPTC,
        texts=(("Comment", "one"), ("Comment", "two")),
    )
    read: Any = read_picture(encode_picture(Picture(np.array(PHOTO), meta=meta), "jpg")[0]).meta
    for name in ("xmp", "dpi", "iptc", "texts"):
        assert getattr(read, name) == getattr(meta, name)
    assert read.exif is not None
