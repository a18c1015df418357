"""The options of the files plugin: ``[plugins.files]`` and three environment variables that PocketBase has too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from pbhost.errors import JSON

SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "url": {
            "type": "string",
            "default": "",
            "description": "Where files are kept, as an fsspec URL (s3://bucket, sftp://host/path). Empty: the "
            "bucket of the settings if S3 is enabled there, else the directory `storage` of the data directory.",
        },
        "url_options": {
            "type": "object",
            "default": {},
            "description": "Further arguments of that file system (credentials, endpoint). Values may be env:NAME.",
        },
        "threads": {
            "type": "integer",
            "minimum": 1,
            "maximum": 256,
            "default": 8,
            "description": "Threads that read and write files.",
        },
        "presigned": {
            "type": "boolean",
            "default": False,
            "description": "Answer downloads with a redirect to a short-lived URL of the storage, where it has such "
            "(S3, GCS, Azure). Access is checked before. PocketBase always sends the file itself.",
        },
        "presigned_seconds": {
            "type": "integer",
            "minimum": 5,
            "maximum": 3600,
            "default": 60,
            "description": "How long such a URL is valid.",
        },
        "thumb_max_pixels": {
            "type": "integer",
            "minimum": 1,
            "default": 40_000_000,
            "description": "Images of more pixels get no thumbnail; this bounds memory, four bytes per pixel.",
        },
    },
}


@dataclass(frozen=True, slots=True)
class FilesConfig:
    """The options, typed.

    Attributes:
        thumb_workers: thumbnails made at once; thumb_wait: seconds a request waits for its turn.
        delete_workers: records whose files are deleted at once.
    """

    url: str = ""
    url_options: Mapping[str, JSON] = field(default_factory=dict)
    threads: int = 8
    presigned: bool = False
    presigned_seconds: int = 60
    thumb_max_pixels: int = 40_000_000
    thumb_workers: int = 4
    thumb_wait: float = 60.0
    delete_workers: int = 2000

    @classmethod
    def load(cls, options: Mapping[str, JSON], environment: Mapping[str, str] | None = None) -> FilesConfig:
        """From the validated options of the plugin and the environment."""
        env = os.environ if environment is None else environment
        url_options = options.get("url_options")
        return cls(
            url=str(options.get("url") or ""),
            url_options=url_options if isinstance(url_options, dict) else {},
            threads=_number(options.get("threads"), 8),
            presigned=options.get("presigned") is True,
            presigned_seconds=_number(options.get("presigned_seconds"), 60),
            thumb_max_pixels=_number(options.get("thumb_max_pixels"), 40_000_000),
            thumb_workers=_positive(env.get("PB_THUMBS_MAX_WORKERS"), (os.cpu_count() or 2) + 2),
            thumb_wait=float(_positive(env.get("PB_THUMBS_MAX_WAIT"), 60)),
            delete_workers=_positive(env.get("PB_FILES_DELETE_MAX_WORKERS"), 2000),
        )


def _number(value: JSON, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _positive(text: str | None, default: int) -> int:
    """A positive number of the environment; what is none counts as not set."""
    return int(text) if text and text.isascii() and text.isdigit() and int(text[:9]) > 0 else default
