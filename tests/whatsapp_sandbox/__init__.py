"""Tests of the WhatsApp sandbox."""
