"""The user's cache folder."""

import os
from pathlib import Path


def user_cache(name: str) -> Path:
    """A folder of this project's in the user's cache: `$XDG_CACHE_HOME` or `~/.cache`."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "sbp-jax" / name
