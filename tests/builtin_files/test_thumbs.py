"""Thumbs: sizes, geometry, and pictures."""

from __future__ import annotations

import io
import struct

import pytest
from builtin_files.rendering import ThumbError, render
from builtin_files.thumb_geometry import Crop, Resize, Step, ThumbSize
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

PIXELS = 50_000_000


def steps(size: str, width: int, height: int) -> list[Step]:
    parsed = ThumbSize.parse(size)
    assert parsed is not None
    return parsed.steps(width, height)


@pytest.mark.parametrize(
    ("size", "source", "expected"),
    [
        ("100x100", (400, 200), [Crop(100, 0, 200, 200), Resize(100, 100)]),
        ("100x100", (200, 400), [Crop(0, 100, 200, 200), Resize(100, 100)]),
        ("100x100t", (200, 400), [Crop(0, 0, 200, 200), Resize(100, 100)]),
        ("100x100b", (200, 400), [Crop(0, 200, 200, 200), Resize(100, 100)]),
        ("100x100b", (400, 200), [Crop(100, 0, 200, 200), Resize(100, 100)]),
        ("70x50", (300, 300), [Crop(0, 43, 300, 214), Resize(70, 50)]),
        ("100x100", (100, 100), []),
        ("100x100", (300, 300), [Resize(100, 100)]),
        ("100x100", (50, 20), [Resize(250, 100), Crop(75, 0, 100, 100)]),
        ("100x50", (20, 60), [Resize(100, 300), Crop(0, 125, 100, 50)]),
        ("100x50t", (20, 60), [Resize(100, 300), Crop(0, 0, 100, 50)]),
        ("100x50f", (400, 400), [Resize(50, 50)]),
        ("100x50f", (400, 100), [Resize(100, 25)]),
        ("100x50f", (40, 30), []),
        ("100x50f", (10000, 3), [Resize(100, 1)]),
        ("0x50", (300, 200), [Resize(75, 50)]),
        ("70x0", (300, 200), [Resize(70, 47)]),
        ("70x0f", (35, 10), [Resize(70, 20)]),
    ],
)
def test_a_size_means(size: str, source: tuple[int, int], expected: list[Step]) -> None:
    assert steps(size, *source) == expected


@pytest.mark.parametrize(
    "text", ["", "0x0", "0x0t", "100", "x", "100x", "100x100z", "-1x5", "1.5x2", "\uff11x\uff11", "9" * 30 + "x1"]
)
def test_not_a_size(text: str) -> None:
    assert ThumbSize.parse(text) is None


side = st.integers(1, 3000)


@given(side, side, side, side, st.sampled_from(["", "t", "b"]))
def test_filling_gives_exactly_the_box(width: int, height: int, to_width: int, to_height: int, mode: str) -> None:
    at = (width, height)
    for step in steps(f"{to_width}x{to_height}{mode}", width, height):
        if isinstance(step, Crop):
            assert step.left >= 0
            assert step.top >= 0
            assert step.left + step.width <= at[0]
            assert step.top + step.height <= at[1]
        at = (step.width, step.height)
    assert at == (to_width, to_height)


def encoded(image: Image.Image, kind: str, **options: object) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, kind, **options)
    out.seek(0)
    return out


def made(source: io.BytesIO, source_type: str, size: str, max_pixels: int = PIXELS) -> Image.Image:
    parsed = ThumbSize.parse(size)
    assert parsed is not None
    thumb = render(source, source_type, parsed, max_pixels=max_pixels)
    return Image.open(io.BytesIO(thumb.content))


@pytest.mark.parametrize(
    ("kind", "source_type", "stored"),
    [
        ("JPEG", "image/jpeg", "JPEG"),
        ("GIF", "image/gif", "GIF"),
        ("PNG", "image/png", "PNG"),
        ("WEBP", "image/webp", "PNG"),
        ("JPEG", "image/jpg", "PNG"),
    ],
)
def test_the_format_of_a_thumb(kind: str, source_type: str, stored: str) -> None:
    thumb = made(encoded(Image.new("RGB", (300, 200), "red"), kind), source_type, "70x50")
    assert (thumb.format, thumb.size) == (stored, (70, 50))
    red = thumb.convert("RGB").getpixel((35, 25))
    assert isinstance(red, tuple)
    assert red[0] > 250
    assert max(red[1:]) < 5


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_pixel_format_of_a_png(mode: str) -> None:
    source = (
        Image.new("I;16", (200, 200), 65535 // 2) if mode == "I;16" else Image.new("L", (200, 200), 127).convert(mode)
    )
    thumb = made(encoded(source, "PNG"), "image/png", "100x100").convert("L")
    assert thumb.size == (100, 100)
    grey = thumb.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(grey, int | float)
    assert abs(grey - 127) <= 2


def test_transparency_survives() -> None:
    source = Image.new("RGBA", (200, 200), (255, 0, 0, 0))
    source.paste((0, 0, 255, 255), (100, 0, 200, 200))
    for kind, source_type in (("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp")):
        thumb = made(encoded(source, kind), source_type, "100x100").convert("RGBA")
        assert thumb.getpixel((5, 50))[3] == 0  # type: ignore[index]  # RGBA gives a tuple
        assert thumb.getpixel((95, 50)) == (0, 0, 255, 255)


def test_a_photo_is_turned_upright_first() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: width and height swap
    thumb = made(encoded(Image.new("RGB", (400, 200)), "JPEG", exif=exif), "image/jpeg", "0x100")
    assert thumb.size == (50, 100)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (120, 120), colour) for colour in ("red", "blue")]
    thumb = made(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), "image/gif", "100x100")
    assert getattr(thumb, "n_frames", 1) == 1
    assert thumb.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def huge_png() -> io.BytesIO:
    """A few bytes that claim to be 60,000 x 60,000 pixels."""
    small = encoded(Image.new("1", (1, 1)), "PNG").getvalue()
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    import zlib

    return io.BytesIO(small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:])


@pytest.mark.parametrize(
    "source",
    [
        io.BytesIO(b""),
        io.BytesIO(b"not an image"),
        io.BytesIO(encoded(Image.new("RGB", (300, 300), "red"), "PNG").getvalue()[:200]),
        encoded(Image.new("RGB", (30, 30)), "BMP"),
        huge_png(),
    ],
    ids=["empty", "text", "cut off", "other format", "bomb"],
)
def test_what_cannot_be_shown_is_refused(source: io.BytesIO) -> None:
    with pytest.raises(ThumbError):
        made(source, "image/png", "100x100")


@pytest.mark.parametrize("size", ["60000x60000", "99999999x1", "0x40000"])
def test_a_thumb_may_not_be_huge(size: str) -> None:
    with pytest.raises(ThumbError):
        made(encoded(Image.new("RGB", (3, 3)), "PNG"), "image/png", size)


def test_a_large_photo_is_decoded_small() -> None:
    thumb = made(encoded(Image.new("RGB", (8000, 7500), "red"), "JPEG"), "image/jpeg", "100x100", max_pixels=5_000_000)
    assert thumb.size == (100, 100)
