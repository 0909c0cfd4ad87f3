"""Tests of the benchmark and of the sheet of costs."""
