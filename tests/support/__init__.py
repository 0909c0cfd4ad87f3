"""What the tests share; a folder for each kind of test that needs more than a module."""
