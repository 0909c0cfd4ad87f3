"""Tests of the deployment's template and commands."""
