import jaxtyping
import pytest


@pytest.fixture
def unchecked_shapes(monkeypatch):
    """What users get: shapes in signatures are not checked, our own errors answer instead."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
