"""Codes of the teams."""

ALIASES = {"JAC": "JAX"}
"""A code that changed without the team moving. A team that moved keeps the code of its time."""


def team(code: str | None) -> str:
    """The one code of a team; empty where the feed has none."""
    return ALIASES.get(code, code) if code else ""
