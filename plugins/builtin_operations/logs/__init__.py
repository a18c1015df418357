"""The request and application log."""
