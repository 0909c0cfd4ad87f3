"""All tests. Their helpers live in tests/support/, the only place that they import from."""

import pytest

# So that an assertion that fails in a helper shows its values as well.
pytest.register_assert_rewrite("tests.support")
