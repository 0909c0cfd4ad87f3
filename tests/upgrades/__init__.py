"""Tests on data that earlier versions have stored."""
