"""Tests that the documentation says what is."""
