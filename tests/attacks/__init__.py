"""What strangers may try, each named by what it tries. These tests failed before the product withstood it."""
