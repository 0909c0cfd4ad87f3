"""Tests with webhooks that nobody in good faith posts."""
