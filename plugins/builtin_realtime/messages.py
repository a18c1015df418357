"""A message on the wire, in each form that clients speak. The same bytes serve every client of a form."""

from __future__ import annotations

import struct
from typing import Literal, TypeAlias

import orjson

from pbhost.services import RealtimeMessage

#: ``sse``: to the letter of the contract; ``sse+seq``: the data carries the sequence number too; ``ws``: WebSocket.
Wire: TypeAlias = Literal["sse", "sse+seq", "ws"]


def encode(message: RealtimeMessage, wire: Wire) -> bytes:
    """A message as a client of that form gets it; a stream's ``id`` line, which names the client, comes before it."""
    if wire == "ws":
        seq = b',"seq":%d' % message.seq if message.seq else b""
        name = orjson.dumps(message.name)
        return text_frame(b'{"type":"message","topic":%b%b,"data":%b}' % (name, seq, message.data))
    data = message.data
    if wire == "sse+seq" and message.seq and data.endswith(b"}"):
        data = b'%b%b"seq":%d}' % (data[:-1], b"," if len(data) > 2 else b"", message.seq)
    return b"event:%b\ndata:%b\n\n" % (message.name.encode(), data)


def text_frame(payload: bytes) -> bytes:
    """An unmasked WebSocket text frame (RFC 6455 §5.2): what a server sends is the same for every client."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes((size,)) + payload
    if size < 65536:
        return b"\x81\x7e" + struct.pack("!H", size) + payload
    return b"\x81\x7f" + struct.pack("!Q", size) + payload
