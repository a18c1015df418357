"""The server's own description as OpenAPI 3.1, and a page to browse it."""
