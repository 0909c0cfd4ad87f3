"""Tests of what runs Tombola on one machine."""
