"""Built-in plugin: auth."""
