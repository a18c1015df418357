"""Backups of the data directory."""
