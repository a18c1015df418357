"""The S3 bucket of the settings as a storage target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builtin_files.buckets import S3Bucket
from builtin_files.remote import Target
from pbhost.errors import JSON

_REQUIRED = ("bucket", "endpoint", "region")


@dataclass(frozen=True, slots=True)
class S3Settings:
    """The ``s3`` section of the settings."""

    bucket: str
    endpoint: str
    region: str
    access_key: str
    secret: str
    force_path_style: bool

    @classmethod
    def load(cls, section: Mapping[str, JSON]) -> S3Settings | None:
        """The section, typed; None unless it is enabled."""
        if section.get("enabled") is not True:
            return None

        def text(key: str) -> str:
            value = section.get(key)
            return value if isinstance(value, str) else ""

        return cls(
            bucket=text("bucket"),
            endpoint=text("endpoint"),
            region=text("region"),
            access_key=text("accessKey"),
            secret=text("secret"),
            force_path_style=section.get("forcePathStyle") is True,
        )


def open_bucket(settings: S3Settings) -> Target:
    """The target of a bucket; nothing is sent yet.

    Raises:
        OSError: bucket, endpoint or region are missing, or s3fs is not installed.
    """
    missing = [name for name in _REQUIRED if not getattr(settings, name)]
    if missing:
        raise OSError(f"the S3 settings lack {', '.join(missing)}")
    try:
        from s3fs import S3FileSystem
    except ImportError as error:
        raise OSError("S3 needs the package s3fs: pip install 'pbhost[s3]'") from error
    endpoint = settings.endpoint if "://" in settings.endpoint else f"https://{settings.endpoint}"
    filesystem = S3FileSystem(
        key=settings.access_key,
        secret=settings.secret,
        endpoint_url=endpoint,
        client_kwargs={"region_name": settings.region},
        config_kwargs={
            "signature_version": "s3v4",
            "s3": {
                "addressing_style": "path" if settings.force_path_style else "virtual",
                "payload_signing_enabled": False,
            },
            # Most servers that speak S3 do not know the checksums that AWS added in 2024.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    return Target(filesystem, settings.bucket, S3Bucket(filesystem))
