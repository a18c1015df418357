"""Built-in plugin: records."""
