"""Thumb sizes (``100x100``, ``0x50``, ``70x50t`` …) and the crops and resizes that they stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

#: The size that every file field has without listing it.
DEFAULT_SIZE = "100x100"
SIZE = re.compile(r"(\d+)x(\d+)(t|b|f)?", re.ASCII)
#: Sizes that say nothing about the result.
EMPTY_SIZES = frozenset(["0x0", "0x0t", "0x0b", "0x0f"])

Mode: TypeAlias = Literal["centre", "top", "bottom", "fit"]
_MODES: dict[str, Mode] = {"": "centre", "t": "top", "b": "bottom", "f": "fit"}

#: Below this side length PocketBase scales before it crops, so that the crop has pixels to choose from.
_SMALL = 100


@dataclass(frozen=True, slots=True)
class Crop:
    """Keep this box of the image."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Resize:
    """Resample the whole image to this size."""

    width: int
    height: int


Step: TypeAlias = Crop | Resize


@dataclass(frozen=True, slots=True)
class ThumbSize:
    """A parsed thumb size; one side may be 0, meaning "by the other side"."""

    width: int
    height: int
    mode: Mode

    @classmethod
    def parse(cls, text: str) -> ThumbSize | None:
        """The size that ``text`` spells, or None."""
        match = SIZE.fullmatch(text)
        # A longer number cannot be a size anybody means, and int() of it would cost.
        if match is None or text in EMPTY_SIZES or len(text) > 20:
            return None
        size = cls(int(match[1]), int(match[2]), _MODES[match[3] or ""])
        return size if size.width or size.height else None

    def steps(self, width: int, height: int) -> list[Step]:
        """What to do to an image of ``width`` x ``height`` pixels (both at least 1), in order; empty for nothing."""
        if not self.width or not self.height:
            return [_scaled(width, height, self.width, self.height)]
        if self.mode == "fit":
            return self._fit(width, height)
        if (width, height) == (self.width, self.height):
            return []
        if width >= _SMALL and height >= _SMALL:
            return self._crop_then_resize(width, height)
        return self._cover_then_crop(width, height)

    def _fit(self, width: int, height: int) -> list[Step]:
        if width <= self.width and height <= self.height:
            return []
        ratio = width / height
        if ratio > self.width / self.height:
            return [Resize(self.width, max(1, int(self.width / ratio)))]
        return [Resize(max(1, int(self.height * ratio)), self.height)]

    def _crop_then_resize(self, width: int, height: int) -> list[Step]:
        if width / height < self.width / self.height:
            crop = (width, int(max(1.0, width * self.height / self.width) + 0.5))
        else:
            crop = (int(max(1.0, height * self.width / self.height) + 0.5), height)
        return [*self._crop(width, height, *crop), *_resize(*crop, self.width, self.height)]

    def _cover_then_crop(self, width: int, height: int) -> list[Step]:
        if width / height < self.width / self.height:
            cover = _scaled(width, height, self.width, 0)
        else:
            cover = _scaled(width, height, 0, self.height)
        return [cover, *self._crop(cover.width, cover.height, self.width, self.height)]

    def _crop(self, width: int, height: int, to_width: int, to_height: int) -> list[Step]:
        to_width, to_height = min(width, to_width), min(height, to_height)
        if (width, height) == (to_width, to_height):
            return []
        spare = height - to_height
        top = {"top": 0, "bottom": spare}.get(self.mode, spare // 2)
        return [Crop((width - to_width) // 2, top, to_width, to_height)]


def _scaled(width: int, height: int, to_width: int, to_height: int) -> Resize:
    """Scaled to the side that is given, the other one by ratio."""
    if to_width:
        return Resize(to_width, max(1, int(to_width * height / width + 0.5)))
    return Resize(max(1, int(to_height * width / height + 0.5)), to_height)


def _resize(width: int, height: int, to_width: int, to_height: int) -> list[Step]:
    return [] if (width, height) == (to_width, to_height) else [Resize(to_width, to_height)]


def is_allowed(size: str, listed: list[str] | tuple[str, ...]) -> bool:
    """Whether a field with these ``thumbs`` serves the size."""
    return size == DEFAULT_SIZE or size in listed


def thumb_key(base: str, filename: str, size: str) -> str:
    """The storage key of a thumb of ``{base}/{filename}``."""
    return f"{base}/thumbs_{filename}/{thumb_name(filename, size)}"


def thumb_name(filename: str, size: str) -> str:
    """The name a thumb is served under."""
    return f"{size}_{filename}"
