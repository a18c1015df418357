"""When a request fails for want of a working disk: no fault of the client's, who should try again and not change it."""

from __future__ import annotations

import errno
from typing import Final

from pbhost.errors import ApiError, DatabaseDiskError

MESSAGE: Final = "The server cannot store or read data at the moment. Try again later."
_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
_MAX_CAUSES: Final = 10


def outage_behind(error: BaseException) -> ApiError | None:
    """The answer for an error that a full or broken disk has caused, at whatever depth; None for any other."""
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if isinstance(cause, DatabaseDiskError) or (isinstance(cause, OSError) and cause.errno in _DISK):
            return ApiError(MESSAGE, status=503, cause=f"{type(cause).__name__}: {cause}")
        if cause is None:
            break
        cause = cause.__cause__
    return None
