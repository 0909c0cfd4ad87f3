"""Tests of what stands in for AWS and Meta on one machine."""
