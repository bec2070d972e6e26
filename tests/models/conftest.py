"""Settings of these tests."""

import pytest


@pytest.fixture(autouse=True)
def _quick_compilation(quick_compilation):
    """Here always."""
