"""Tests in which DynamoDB fails, pauses or answers late."""
