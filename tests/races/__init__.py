"""Tests with many buyers in many processes on real engines."""
