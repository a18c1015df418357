"""Makes a thumb with Pillow. Blocking and heavy: call it in a worker thread."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from builtin_files.thumb_geometry import Crop, Resize, Step, ThumbSize

if TYPE_CHECKING:
    from PIL.Image import Image

#: Stored types that thumbs are made of, compared verbatim.
SOURCE_TYPES = frozenset(["image/png", "image/jpg", "image/jpeg", "image/gif", "image/webp"])
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_JPEG_QUALITY = 95
#: Above this many pixels a JPEG is decoded at a fraction of its size, which costs a sharpness that no thumb shows.
_DRAFT_PIXELS = 24_000_000


class ThumbError(ValueError):
    """No thumb can be made; the text says why and is safe for a log."""


@dataclass(frozen=True, slots=True)
class Thumb:
    """A made thumb: its bytes and the type to store with them."""

    content: bytes
    content_type: str


def render(source: BinaryIO, source_type: str, size: ThumbSize, *, max_pixels: int) -> Thumb:
    """The thumb of an image.

    Args:
        source: the original's content, at its start.
        source_type: its stored content type, one of :data:`SOURCE_TYPES`; decides the thumb's format.
        size: the size to make.
        max_pixels: images and thumbs of more pixels are refused: a small file can claim to be huge.

    Raises:
        ThumbError: not an image, damaged, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(source, formats=_FORMATS) as image:
            _bound(image, size, max_pixels)
            upright = _upright(image)
            for step in _bounded(size.steps(*upright.size), max_pixels):
                upright = _apply(upright, step)
            return _encode(upright, source_type)
    except ThumbError:
        raise
    except UnidentifiedImageError as error:
        raise ThumbError("the original is not an image") from error
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, Image.DecompressionBombError) as error:
        # Pillow's plugins raise any of these for damaged input.
        raise ThumbError(f"the original cannot be decoded: {error}") from error


def _bound(image: Image, size: ThumbSize, max_pixels: int) -> None:
    """Refuses an image too large to decode, from its header alone."""
    width, height = image.size
    if width < 1 or height < 1:
        raise ThumbError("the original has no pixels")
    if image.format == "JPEG" and width * height > _DRAFT_PIXELS:
        # Twice the target leaves the resampling filter enough to work with.
        longest = 2 * max(size.width, size.height, 64)
        image.draft(None, (longest, longest))
        width, height = image.size
    if width * height > max_pixels:
        raise ThumbError(f"the original has more than {max_pixels} pixels")


def _bounded(steps: list[Step], max_pixels: int) -> list[Step]:
    for step in steps:
        if step.width * step.height > max_pixels or max(step.width, step.height) > 65_000:
            raise ThumbError(f"the thumb would have more than {max_pixels} pixels")
    return steps


def _upright(image: Image) -> Image:
    """The first frame in a mode that can be resampled, turned as its EXIF data say."""
    from PIL import Image as images
    from PIL import ImageOps

    image.load()
    if image.mode.startswith("I"):
        # 16 bits per sample; converting to 8 at once would clip instead of scale.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode in ("P", "PA", "1") or "transparency" in image.info:
        image = image.convert("RGBA" if image.mode != "1" else "L")
    elif image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
    try:
        turned = ImageOps.exif_transpose(image)
    except (ValueError, TypeError, KeyError, ArithmeticError, SyntaxError):
        turned = image  # broken EXIF data say nothing about the picture
    return turned if isinstance(turned, images.Image) else image


def _apply(image: Image, step: Step) -> Image:
    from PIL import Image as images

    match step:
        case Crop(left, top, width, height):
            return image.crop((left, top, left + width, top + height))
        case Resize(width, height):
            # Pillow weights colour by alpha for RGBA and LA by itself.
            return image.resize((width, height), images.Resampling.BILINEAR, reducing_gap=None)


def _encode(image: Image, source_type: str) -> Thumb:
    out = io.BytesIO()
    if source_type == "image/jpeg":
        if image.mode not in ("L", "RGB"):
            image = image.convert("RGB")
        image.save(out, "JPEG", quality=_JPEG_QUALITY)
        return Thumb(out.getvalue(), "image/jpeg")
    if source_type == "image/gif":
        if image.mode == "LA":
            image = image.convert("RGBA")
        image.save(out, "GIF")
        return Thumb(out.getvalue(), "image/gif")
    image.save(out, "PNG")
    return Thumb(out.getvalue(), "image/png")
