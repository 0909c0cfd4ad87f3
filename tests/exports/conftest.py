"""Counts what exports ask of DynamoDB, as the use cases' tests do."""

from tests.usecases.conftest import requests

__all__ = ["requests"]
