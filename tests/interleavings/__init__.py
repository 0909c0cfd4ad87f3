"""Tests of every order in which the requests of concurrent operations can come."""
