"""Tests that end the process before and after each call to what is outside of it."""
