"""Tests of a whole `make run`, from outside."""
