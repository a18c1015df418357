"""Records: reading and writing rows of collections under rules, with hooks."""

from .service import RecordsService

__all__ = ["RecordsService"]
