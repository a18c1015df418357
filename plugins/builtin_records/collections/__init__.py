"""The schema: collections as they are stored, checked, saved, and kept in memory."""

from __future__ import annotations

from .service import CollectionsService

__all__ = ["CollectionsService"]
