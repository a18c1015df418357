"""Refuses deletions outside office hours, of records and collections alike."""

import os
from datetime import UTC, datetime

from pbhost import BadRequestError, hookimpl


@hookimpl
def on_model_delete(event):
    if os.environ.get("OFFICE_HOURS") and not 8 <= datetime.now(UTC).hour < 18:
        raise BadRequestError("Deletions wait until morning.")
