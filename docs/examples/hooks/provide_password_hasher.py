"""Hashes with scrypt of the standard library; old hashes still verify and are replaced at the next sign-in."""

import asyncio
import base64
import hashlib
import os
from hmac import compare_digest

from pbhost import hookimpl

PREFIX = "$scrypt$"


def scrypt(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


class Scrypt:
    def __init__(self, former):
        self._former = former

    async def hash(self, password, *, cost=0):
        salt = os.urandom(16)
        digest = await asyncio.to_thread(scrypt, password, salt)
        return PREFIX + base64.b64encode(salt + digest).decode()

    async def verify(self, password, stored):
        if not stored.startswith(PREFIX):
            return await self._former.verify(password, stored)
        raw = base64.b64decode(stored.removeprefix(PREFIX))
        return compare_digest(await asyncio.to_thread(scrypt, password, raw[:16]), raw[16:])

    def needs_rehash(self, stored):
        return not stored.startswith(PREFIX)

    def __getattr__(self, name):
        return getattr(self._former, name)


class Plugin:
    @hookimpl
    def provide_password_hasher(self, app):
        return Scrypt(app.inherited("password_hasher", by=self))


plugin = Plugin()
