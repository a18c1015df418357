"""Whole-server load: what `make bench` measures. A benchmark is not a test: nothing here asserts a time."""
