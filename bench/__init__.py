"""Measures the figures of docs/performance.md: `make bench`, or `python -m bench --help`."""
