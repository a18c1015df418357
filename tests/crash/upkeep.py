"""What goes on beside the writers when the server dies: backups, log rotation, thumbnails."""

from __future__ import annotations

import asyncio
import io
import random
from contextlib import suppress

import aiohttp

from .clients import GONE, PICTURES, Api


async def make_backups(api: Api, made: list[str], chance: random.Random) -> None:
    """Backups one after the other until the server is gone; the acknowledged ones are noted."""
    while True:
        name = f"b{chance.randrange(10**12)}.zip"
        try:
            status, _ = await api.send("POST", "/api/backups", {"name": name})
        except GONE:
            return
        if status == 204:
            made.append(name)
        await asyncio.sleep(0)


async def fill_logs(api: Api, chance: random.Random) -> None:
    """Many log entries, and settings that make the server throw old ones away."""
    with suppress(*GONE):
        while True:
            for _ in range(150):
                await api.send("GET", f"/api/collections/nowhere{chance.randrange(99)}/records")
            await api.send("PATCH", "/api/settings", {"logs": {"maxDays": chance.choice((0, 1, 5))}})


async def make_thumbs(api: Api, chance: random.Random) -> None:
    """Pictures and their thumbnails; some pictures are replaced or deleted while thumbnails of them are made."""
    with suppress(*GONE):
        while True:
            status, record = await api.send("POST", f"/api/collections/{PICTURES}/records", form=_form(chance))
            if status != 200:
                continue
            base = f"/api/files/{record['collectionId']}/{record['id']}/{record['picture']}"
            making = [api.send("GET", f"{base}?thumb={size}") for size in ("100x100", "40x0")]
            path = f"/api/collections/{PICTURES}/records/{record['id']}"
            match chance.choice(("keep", "replace", "delete")):
                case "replace":
                    making.append(api.send("PATCH", path, form=_form(chance)))
                case "delete":
                    making.append(api.send("DELETE", path))
            await asyncio.gather(*making)


def _form(chance: random.Random) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("picture", picture(chance), filename="picture.png")
    return form


def picture(chance: random.Random) -> bytes:
    """A picture that nobody else has."""
    from PIL import Image

    image = Image.frombytes("RGB", (240, 180), chance.randbytes(240 * 180 * 3))
    target = io.BytesIO()
    image.save(target, "PNG", compress_level=0)
    return target.getvalue()
