"""Measures what docs/performance.md promises: `make bench`, or `python -m bench --help`."""
