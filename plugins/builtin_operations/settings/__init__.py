"""The application's settings."""
