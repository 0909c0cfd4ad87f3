"""Tests in which WhatsApp fails."""
