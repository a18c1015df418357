"""The file system that a storage URL means."""

from __future__ import annotations

from collections.abc import Mapping

from builtin_files.buckets import GoogleBucket, bucket_of
from builtin_files.remote import Target


def open_url(url: str, options: Mapping[str, object]) -> Target:
    """The target of an fsspec URL.

    Args:
        url: for instance ``memory://files``, ``gs://bucket/prefix``, ``sftp://user@host/path``.
        options: keyword arguments of the file system (credentials, endpoint …).

    Raises:
        OSError: the protocol is unknown, its package is not installed or refuses the options.
    """
    import fsspec

    protocol = url.partition("://")[0]
    try:
        if protocol in ("sftp", "ssh"):
            return _open_sftp(url, options)
        if protocol in ("gs", "gcs"):
            return _open_google(url, options)
        # Whoever else writes to a bucket (another worker) would not be seen through a cache of listings.
        fresh = _FRESH if protocol in _BUCKETS else {}
        filesystem, root = fsspec.core.url_to_fs(url, **{**fresh, **options})
    except ImportError as error:
        hint = f": pip install 'pbhost[{_EXTRAS[protocol]}]'" if protocol in _EXTRAS else ""
        raise OSError(f"the storage URL cannot be used: {error}{hint}") from error
    except (ValueError, TypeError) as error:
        raise OSError(f"the storage URL cannot be used: {error}") from error
    return Target(filesystem, root.rstrip("/"), bucket_of(filesystem))


_BUCKETS = ("s3", "s3a", "abfs", "abfss", "az")
_FRESH = {"use_listings_cache": False, "skip_instance_cache": True}
_EXTRAS = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("abfs", "abfss", "az"), "azure"),
    **dict.fromkeys(("sftp", "ssh"), "sftp"),
}


def _open_google(url: str, options: Mapping[str, object]) -> Target:
    # The class that gcsfs registers asks each bucket over gRPC whether it is a zonal one, also where the endpoint given
    # is not Google's: the first write waits for minutes then. This one speaks only HTTP.
    from gcsfs.core import GCSFileSystem

    filesystem = GCSFileSystem(**{**_FRESH, **options})
    return Target(filesystem, filesystem._strip_protocol(url).rstrip("/"), GoogleBucket(filesystem))


def _open_sftp(url: str, options: Mapping[str, object]) -> Target:
    import asyncssh  # noqa: F401  # says at start that the package is missing, not at the first file

    from builtin_files.sftp import SftpFileSystem, SftpOptions

    path, found = SftpOptions.load(url, options)
    return Target(SftpFileSystem(found), path.rstrip("/"), None)
