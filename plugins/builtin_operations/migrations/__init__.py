"""Migrations in Python: files of ``pb_migrations/``, their history, snapshots of collection changes, the command."""
