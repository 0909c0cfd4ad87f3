"""Tests of the packaged stack on an account of its own."""
